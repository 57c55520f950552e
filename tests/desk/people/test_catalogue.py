"""The office's rows: who may edit them, what is kept of a change, and that nothing is lost."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from evidesk.desk.audit.queries import history
from evidesk.desk.people import catalogue
from evidesk.desk.people.models import Field, Host, Person, Skill, Unit
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers.models import Tag
from tests.desk.network import WHO, Network, person


def told(subject: str) -> list[tuple[str, dict[str, object]]]:
    return [(entry.action, entry.facts) for entry in history(subject)]


@pytest.mark.parametrize("who", WHO)
def test_only_the_office_edits_the_network(network: Network, who: str) -> None:
    by, tag = network[who], Tag.objects.create(name="images")
    deeds: list[Callable[[], None]] = [
        lambda: catalogue.add(Tag(name="spectra"), by),
        lambda: catalogue.change(tag, by, seen=catalogue.version_of(tag)),
        lambda: catalogue.retire(tag, by),
        lambda: catalogue.bring_back(tag, by),
        lambda: catalogue.make_hub(network.spoke, by),
    ]
    for deed in deeds:
        if who == "office":
            deed()
        else:
            with pytest.raises(Refused, match="Only the office can edit the network"):
                deed()
    assert Tag.objects.count() == (2 if who == "office" else 1)


def test_a_change_is_kept_with_what_was_before(network: Network) -> None:
    unit, office = network.spoke, network.office
    seen = catalogue.version_of(unit)
    unit.city, unit.respond_days = "Leopoldshafen", 3
    catalogue.change(unit, office, seen=seen, many={"fields": Field.objects.filter(name="Energy")})
    assert told("unit:spoke") == [
        (
            "unit.changed",
            {"city": ["Karlsruhe", "Leopoldshafen"], "respond_days": [2, 3],
             "fields": [[], ["Energy"]]},
        )
    ]  # fmt: skip
    catalogue.change(unit, office, seen=catalogue.version_of(unit))
    assert len(told("unit:spoke")) == 1, "nothing changed, so nothing is told"


def test_who_saves_an_older_form_is_told_and_overwrites_nothing(network: Network) -> None:
    mine, seen = Unit.objects.get(slug="spoke"), catalogue.version_of(network.spoke)
    network.spoke.city = "Theirs"
    catalogue.change(network.spoke, network.office, seen=seen)
    mine.city = "Mine"
    with pytest.raises(Conflict, match="changed this in the meantime"):
        catalogue.change(mine, network.office, seen=seen)
    assert Unit.objects.get(slug="spoke").city == "Theirs"


def test_a_name_that_somebody_has_just_taken_is_a_conflict(network: Network) -> None:
    catalogue.add(Tag(name="images"), network.office)
    with pytest.raises(Conflict, match="just taken this name"):
        catalogue.add(Tag(name="images"), network.office)
    assert Tag.objects.count() == 1


def test_a_retired_row_stays_and_comes_back(network: Network) -> None:
    skill = Skill.objects.first()
    stale = Skill.objects.get(pk=skill.pk)
    catalogue.retire(skill, network.office)
    assert skill.is_retired
    with pytest.raises(Conflict, match="done this in the meantime"):
        catalogue.retire(stale, network.office)
    skill.words = "new"
    seen = catalogue.version_of(Skill.objects.get(pk=skill.pk))
    stale.words = "new"
    catalogue.change(stale, network.office, seen=seen)
    assert Skill.objects.get(pk=skill.pk).is_retired, "a form does not bring it back by itself"
    catalogue.bring_back(skill, network.office)
    assert not Skill.objects.get(pk=skill.pk).is_retired
    assert [action for action, _ in told(f"skill:{skill.pk}")] == [
        "skill.brought-back", "skill.changed", "skill.retired"
    ]  # fmt: skip


def test_what_is_referred_to_cannot_be_deleted_even_by_accident(network: Network) -> None:
    with pytest.raises(ProtectedError):
        network.spoke.host.delete()
    with pytest.raises(ProtectedError):
        network.spoke.delete()


def test_there_is_always_one_hub(network: Network) -> None:
    office = network.office
    with pytest.raises(Refused, match="Make another unit the hub first"):
        catalogue.retire(network.hub, office)
    catalogue.make_hub(network.spoke, office)
    assert Unit.objects.get(is_hub=True) == network.spoke
    assert told("unit:spoke") == [("unit.made-hub", {"hub": ["hub", "spoke"]})]
    catalogue.retire(Unit.objects.get(slug="hub"), office)
    with pytest.raises(Refused, match="retired unit cannot be the hub"):
        catalogue.make_hub(Unit.objects.get(slug="hub"), office)
    new = Unit(slug="new", name="New", host=network.hub.host, city="X", focus="Y", is_hub=True)
    catalogue.add(new, office)
    assert not Unit.objects.get(slug="new").is_hub


def test_the_first_unit_is_the_hub(network: Network) -> None:
    Unit.objects.filter(is_hub=True).update(is_hub=False)
    unit = Unit(slug="new", name="New", host=network.hub.host, city="X", focus="Y")
    catalogue.add(unit, network.office)
    assert Unit.objects.get(is_hub=True).slug == "new"
    Unit.objects.filter(is_hub=True).update(is_hub=False)
    catalogue.make_hub(unit, network.office)
    assert Unit.objects.get(is_hub=True).slug == "new"


def test_rows_say_what_they_are(network: Network) -> None:
    host = Host.objects.get(name="KIT")
    assert [str(host), str(Field(name="Energy")), str(Skill(name="Denoising"))] == [
        "KIT", "Energy", "Denoising"
    ]  # fmt: skip
    assert str(Tag(name="images")) == "images"


def test_the_database_wants_hours_that_fit_a_week_and_absences_that_end(network: Network) -> None:
    from evidesk.desk.people.models import Absence, ConflictOfInterest, Profile

    profile = Profile.objects.create(person=network.consultant, weekly_hours=10)
    with pytest.raises(IntegrityError, match="weekly_hours_fit"), transaction.atomic():
        Profile.objects.filter(pk=profile.pk).update(weekly_hours=40)
    with pytest.raises(IntegrityError, match="absence_ends"), transaction.atomic():
        Absence.objects.create(
            person=network.consultant, first_day="2026-01-02", last_day="2026-01-01"
        )
    somebody: Person = person("Ivo Interest")
    with pytest.raises(IntegrityError, match="no_conflict_with_oneself"), transaction.atomic():
        ConflictOfInterest.objects.create(person=somebody, scientist=somebody)
    assert str(profile) == "Cyra Consultant: 10 h a week"
