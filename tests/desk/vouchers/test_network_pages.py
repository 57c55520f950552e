"""The office's pages about the network, and a member's own page."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from evidesk.desk.audit.queries import history
from evidesk.desk.people import staffing
from evidesk.desk.people.models import Absence, ConflictOfInterest, Host, Profile, Skill, Unit
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions, versions, work
from evidesk.desk.vouchers.catalogues import CATALOGUES
from evidesk.desk.vouchers.forms_network import hours_of
from evidesk.desk.vouchers.models import Kind, Questionnaire, State, Tag
from tests.desk.conftest import signed_in
from tests.desk.network import WHO, Network, a_draft, fresh, voucher_in


def form_of(client: Any, address: str) -> dict[str, Any]:
    """What the page's form would send untouched."""
    form = client.get(address).context["form"]
    sent: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(value, list):
            sent[bound.name] = [getattr(one, "pk", one) for one in value]
        elif value is not None and value is not False:
            sent[bound.name] = value
    return sent


@pytest.mark.parametrize("what", CATALOGUES)
def test_the_office_adds_edits_and_retires_rows_of_every_sort(network: Network, what: str) -> None:
    office, model = signed_in(network.office), CATALOGUES[what].model
    new = {
        "name": "Quite new", "slug": "quite-new", "host": network.spoke.host_id, "city": "Kiel",
        "state": "SH", "focus": "Waves.", "respond_days": 2, "decide_days": 5, "offer_days": 5,
        "full_name": "A centre", "purpose": "try", "min_days": 1, "max_days": 3, "position": 9,
        "words": "wave", "hours": 100,
    }  # fmt: skip
    assert b"Quite new" not in office.get(f"/network/edit/{what}/").content
    response = office.post(f"/network/edit/{what}/new/", new, follow=True)
    assert "“Quite new” is added." in response.content.decode()
    row = model.objects.get(name="Quite new")
    address = reverse("edit-row", args=[what, row.pk])
    office.post(address, form_of(office, address) | {"name": "Renamed"})
    row.refresh_from_db()
    assert row.name == "Renamed"
    html = office.get(address).content.decode()
    assert "<del>Quite new</del>" in html
    assert "Olga Office" in html
    retire = reverse("retire-row", args=[what, row.pk])
    assert "is retired" in office.post(retire, {"how": "retire"}, follow=True).content.decode()
    assert "Retired since" in office.get(address).content.decode()
    assert "is back" in office.post(retire, {"how": "back"}, follow=True).content.decode()


@pytest.mark.parametrize(
    ("what", "changes", "fault"),
    [
        ("units", {"name": "Hub"}, "already exists"),
        ("units", {"respond_days": 0}, "greater than or equal to 1"),
        ("units", {"respond_days": 61}, "less than or equal to 60"),
        ("units", {"state": "XX"}, "not one of the available choices"),
        ("units", {"host": 999}, "not one of the available choices"),
        ("units", {"name": ""}, "This field is required"),
        ("kinds", {"min_days": 20}, "at most the longest"),
        ("kinds", {"min_days": 0}, "The shortest length is at least 1 day"),
        ("kinds", {"max_days": -1}, "greater than or equal to 0"),
        ("kinds", {"max_days": 99999999}, "less than or equal to"),
        ("kinds", {"name": "x" * 61}, "at most 60 characters"),
        ("kinds", {"name": "a\x00b"}, "Null characters"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_and_nothing_changes(
    network: Network, what: str, changes: dict[str, Any], fault: str
) -> None:
    office = signed_in(network.office)
    row = network.spoke if what == "units" else Kind.objects.get(slug="exploration")
    address = reverse("edit-row", args=[what, row.pk])
    response = office.post(address, form_of(office, address) | changes)
    assert response.status_code == 200
    assert fault in response.content.decode()
    before = {f.name: getattr(row, f.attname) for f in row._meta.fields}
    row.refresh_from_db()
    assert {f.name: getattr(row, f.attname) for f in row._meta.fields} == before


def test_an_older_form_is_told_and_keeps_what_was_typed(network: Network) -> None:
    office = signed_in(network.office)
    address = reverse("edit-row", args=["units", network.spoke.pk])
    older = form_of(office, address)
    office.post(address, older | {"city": "First"})
    html = office.post(address, older | {"city": "Second"}).content.decode()
    assert "changed this in the meantime" in html
    assert 'value="Second"' in html
    assert Unit.objects.get(slug="spoke").city == "First"


def test_the_short_name_of_a_unit_stays(network: Network) -> None:
    office = signed_in(network.office)
    address = reverse("edit-row", args=["units", network.spoke.pk])
    office.post(address, form_of(office, address) | {"slug": "other"})
    assert Unit.objects.get(pk=network.spoke.pk).slug == "spoke"


def test_the_hub_moves(network: Network) -> None:
    office = signed_in(network.office)
    address = reverse("retire-row", args=["units", network.spoke.pk])
    html = office.post(address, {"how": "hub"}, follow=True).content.decode()
    assert "“Spoke” is the hub now." in html
    assert office.post(address, {"how": "retire"}).status_code == 403


def test_what_is_retired_stays_chosen_but_is_offered_to_nobody(network: Network) -> None:
    voucher = a_draft(network)
    Kind.objects.filter(slug="exploration").update(retired_at=timezone.now())
    Unit.objects.filter(slug="hub").update(retired_at=timezone.now())
    author = signed_in(network.author)
    html = author.get(f"/vouchers/{voucher.reference}/edit/").content.decode()
    assert "Exploration: " in html, "it is this draft's"
    assert "Hub (HMGU" not in html
    other = actions.start_voucher(network.author)
    html = author.get(f"/vouchers/{other.reference}/edit/").content.decode()
    assert "Exploration: " not in html
    assert b"HMGU" not in signed_in(None).get("/network/").content
    Host.objects.update(retired_at=timezone.now())
    form = signed_in(network.office).get("/network/edit/units/new/").context["form"]
    assert not form.fields["host"].queryset.exists()
    network.author.home = "HMGU"
    Unit.objects.update(retired_at=None)


def test_unknown_sorts_and_rows_are_not_found(network: Network) -> None:
    office = signed_in(network.office)
    for address in ("/network/edit/kings/", "/network/edit/units/99/", "/network/edit/units/x/"):
        assert office.get(address).status_code == 404


@pytest.mark.parametrize("n", [1, 30])
def test_the_list_asks_equally_often_for_one_and_for_thirty(
    network: Network, n: int, django_assert_num_queries: Any
) -> None:
    for number in range(n):
        Unit.objects.create(
            slug=f"u{number}", name=f"U{number}", city="X", focus="Y",
            host=Host.objects.create(name=f"H{number}"),
        )  # fmt: skip
    client = signed_in(network.office)
    with django_assert_num_queries(5):
        client.get("/network/edit/units/")


# Questions


def as_sent(questions: list[dict[str, str]], based_on: int = 1) -> dict[str, Any]:
    sent: dict[str, Any] = {"form-TOTAL_FORMS": len(questions), "form-INITIAL_FORMS": 4}
    for number, question in enumerate(questions):
        sent |= {f"form-{number}-{name}": text for name, text in question.items()}
    return sent | {"based_on": based_on}


def test_new_questions_are_a_new_version_and_vouchers_keep_theirs(network: Network) -> None:
    voucher = voucher_in(State.SUBMITTED, network)
    office, old = signed_in(network.office), Questionnaire.objects.get().questions
    new = [{"key": "", "prompt": "Wie groß ist es?", "help": "In GB."}]
    emptied = [{**old[0], "prompt": ""}]
    html = office.post(
        "/network/edit/questions/", as_sent(emptied + old[1:] + new), follow=True
    ).content.decode()
    assert "Version 2 is what is asked now." in html
    latest = Questionnaire.objects.latest("version")
    assert [q["key"] for q in latest.questions] == ["audience", "context", "data", "wie-gro-ist-es"]
    assert fresh(voucher).questionnaire.version == 1
    assert len(fresh(voucher).answered()) == 4
    assert actions.start_voucher(network.author).questionnaire == latest
    assert history("questionnaire").get().facts["version"] == 2
    assert "Wie groß ist es?" in html


def test_the_first_question_is_where_an_inquiry_goes_whatever_its_key(network: Network) -> None:
    versions.publish_questions(
        network["office"], [{"key": "", "prompt": "???", "help": ""}] * 2, based_on=1
    )
    questions = Questionnaire.objects.latest("version").questions
    assert [q["key"] for q in questions] == ["question", "question-2"]


def test_questions_that_make_no_sense_are_refused(network: Network) -> None:
    office, old = signed_in(network.office), Questionnaire.objects.get().questions
    address = "/network/edit/questions/"
    twice = office.post(address, as_sent([old[0], old[0]]))
    assert "A question is there twice" in twice.content.decode()
    none = office.post(address, as_sent([{**q, "prompt": " "} for q in old]))
    assert "at least one question" in none.content.decode()
    stale = office.post(address, as_sent([*old, {"key": "", "prompt": "A?", "help": ""}], 7))
    assert "new version in the meantime" in stale.content.decode()
    for bad in ("x", "", "²"):
        assert office.post(address, as_sent(old, 1) | {"based_on": bad}).status_code == 200
    hostile = office.post(address, as_sent([{**old[0], "key": "../etc"}]))
    assert "no key of a question" in hostile.content.decode()
    assert office.post(address, {"form-TOTAL_FORMS": "many"}).status_code == 200
    assert Questionnaire.objects.count() == 1
    assert versions.publish_questions(network["office"], old, based_on=1).version == 1
    with pytest.raises(Refused, match="Only the office"):
        versions.publish_questions(network["lead"], old, based_on=1)


def test_of_two_who_publish_at_once_one_is_told(network: Network) -> None:
    with pytest.raises(Conflict, match="new version in the meantime"):
        versions._next_version(Questionnaire, 1, questions=[])


# Members


def address_of(network: Network, who: str) -> str:
    return reverse("member", args=[network[who].uid])


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("16", "16"), ("15.6", "15.6"), ("15,6 h", "15.6"), ("40 %", "15.6"), ("100%", "39"),
        ("0", "0"), (" 12.5H ", "12.5"),
    ],
)  # fmt: skip
def test_hours_are_hours_or_a_share_of_full_time(text: str, hours: str) -> None:
    assert hours_of(text) == Decimal(hours)


@pytest.mark.parametrize(
    "text", ["", "-1", "many", "1e2", "16 h 30", "40", "101 %", "999 h", "٣", "1.234", "nan"]
)
def test_other_texts_are_no_hours(text: str) -> None:
    if text == "٣":  # digits of other scripts are digits
        assert hours_of(text) == 3
        return
    with pytest.raises(ValueError, match=r"Write hours such as|full time has 39 hours"):
        hours_of(text)


def test_a_member_says_what_they_can_and_when_they_are_away(network: Network) -> None:
    client, address = signed_in(network.colleague), address_of(network, "colleague")
    skill = Skill.objects.get(name="Denoising")
    client.post(address, {"what": "skills", "skills": [skill.pk]})
    assert Profile.objects.get().skills.get() == skill
    today = timezone.localdate()
    days = {"first_day": today, "last_day": today + timedelta(days=3)}
    client.post(address, {"what": "absence", **days, "reason": "Surgery"})
    absence = Absence.objects.get()
    own = client.get(address).content.decode()
    assert "Surgery" in own
    for who in ("lead", "office"):
        html = signed_in(network[who]).get(address).content.decode()
        assert "Remove" in html, "they see when, and may correct it"
        assert "Surgery" not in html, "but not why"
    assert "Absences" not in signed_in(network.consultant).get(address).content.decode()
    client.post(address, {"what": "conflict", "scientist": network.author.email})
    conflict = ConflictOfInterest.objects.get()
    client.post(address, {"what": "remove-conflict", "row": conflict.pk})
    client.post(address, {"what": "remove-absence", "row": absence.pk})
    assert not Absence.objects.exists()
    assert not ConflictOfInterest.objects.exists()
    assert "Change the hours" not in own


def test_a_lead_sets_the_hours(network: Network) -> None:
    lead, address = signed_in(network.lead), address_of(network, "colleague")
    lead.post(address, {"what": "hours", "hours": "40 %"})
    assert Profile.objects.get().weekly_hours == Decimal("15.6")
    html = lead.post(address, {"what": "hours", "hours": "lots"}).content.decode()
    assert "Write hours such as 16" in html
    assert 'value="lots"' in html
    assert Profile.objects.get().weekly_hours == Decimal("15.6")


@pytest.mark.parametrize(
    "sent",
    [
        {"what": "hours", "hours": "10"},
        {"what": "skills", "skills": ["1"]},
        {"what": "absence", "first_day": "2026-11-24", "last_day": "2026-11-24"},
        {"what": "conflict", "scientist": "lena.lead@example.org"},
        {"what": ""},
        {"what": "explode"},
    ],
)
def test_who_may_not_changes_nothing(network: Network, sent: dict[str, Any]) -> None:
    response = signed_in(network.consultant).post(address_of(network, "colleague"), sent)
    assert response.status_code == 200
    assert not Profile.objects.exists()
    assert not Absence.objects.exists()
    assert not ConflictOfInterest.objects.exists()


@pytest.mark.parametrize("row", ["", "x", "99", "9" * 40, "²"])
def test_what_is_not_there_cannot_be_removed(network: Network, row: str) -> None:
    other = staffing.add_absence(
        network["lead"], network["lead"], timezone.localdate(), timezone.localdate()
    )
    client, address = signed_in(network.colleague), address_of(network, "colleague")
    for what in ("remove-absence", "remove-conflict"):
        assert client.post(address, {"what": what, "row": row}).status_code == 404
    assert client.post(address, {"what": "remove-absence", "row": other.pk}).status_code == 404
    assert Absence.objects.count() == 1


def test_forms_of_a_member_say_what_is_wrong(network: Network) -> None:
    client, address = signed_in(network.colleague), address_of(network, "colleague")
    days = {"first_day": "2026-11-24", "last_day": "2026-11-23"}
    assert b"before the first" in client.post(address, {"what": "absence", **days}).content
    far = {"first_day": "2026-11-24", "last_day": "9999-12-31"}
    assert b"less than or equal" in client.post(address, {"what": "absence", **far}).content
    unknown = {"what": "conflict", "scientist": "nobody@example.org"}
    assert b"Nobody here has this address" in client.post(address, unknown).content
    own = {"what": "conflict", "scientist": network.colleague.email}
    assert b"their own voucher" in client.post(address, own).content
    assert client.get(reverse("member", args=[network.author.uid])).status_code == 404


# Tags


@pytest.mark.parametrize("who", WHO)
def test_the_team_tags_a_voucher(network: Network, who: str) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    tag = Tag.objects.create(name="images")
    if who not in ("consultant", "lead", "office"):
        with pytest.raises(Refused, match="Only the voucher's team"):
            work.set_tags(voucher, network[who], [tag])
        return
    client = signed_in(network[who])
    client.post(f"/vouchers/{voucher.reference}/tags/", {"tags": [tag.pk]})
    assert voucher.tags.get() == tag
    assert b"images" in client.get(f"/vouchers/{voucher.reference}/").content
    work.set_tags(voucher, network[who], [tag])
    tagged = history(f"voucher:{voucher.reference}").filter(action="voucher.tags").get()
    assert tagged.facts == {"tags": [[], ["images"]]}
    assert (
        b"Select a valid choice"
        in client.post(f"/vouchers/{voucher.reference}/tags/", {"tags": ["99"]}).content
    )
