"""What members bring: who may say so, what is kept, and what others read of it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from evidesk.desk.audit.queries import history
from evidesk.desk.people import queries, staffing
from evidesk.desk.people.models import Absence, ConflictOfInterest, Profile, Skill
from evidesk.desk.people.rules import Conflict, Refused
from tests.desk.network import WHO, Network

DAY = date(2026, 11, 24)
#: Who may change what the spoke's colleague brings: oneself, the unit's lead, the office.
MAY_EDIT = ("colleague", "lead", "office")


def sealed(network: Network, who: str) -> list[tuple[str, Any]]:
    entries = history(f"person:{network[who].uid}")
    assert all(entry.facts == {} for entry in entries), "nothing personal is open"
    return [(entry.action, entry.sealed.content) for entry in entries]


@pytest.mark.parametrize("who", WHO)
def test_a_member_edits_their_own_a_lead_those_of_the_unit_and_the_office_all(
    network: Network, who: str
) -> None:
    by, whose = network[who], network["colleague"]
    skills = Skill.objects.filter(name="Denoising")
    if who in MAY_EDIT:
        staffing.set_skills(whose, by, skills)
        absence = staffing.add_absence(whose, by, DAY, DAY)
        staffing.remove_absence(absence, by)
        staffing.declare_conflict(whose, by, network.author)
        staffing.withdraw_conflict(ConflictOfInterest.objects.get(), by)
        return
    for deed in (
        lambda: staffing.set_skills(whose, by, skills),
        lambda: staffing.add_absence(whose, by, DAY, DAY),
        lambda: staffing.declare_conflict(whose, by, network.author),
    ):
        with pytest.raises(Refused, match="Only the member, a lead of their unit or the office"):
            deed()
    assert not Absence.objects.exists()


@pytest.mark.parametrize("who", WHO)
def test_hours_are_decided_by_the_units_lead_and_the_office(network: Network, who: str) -> None:
    by, whose = network[who], network["colleague"]
    if who in ("lead", "office"):
        staffing.set_hours(whose, by, Decimal("15.5"))
        assert Profile.objects.get().weekly_hours == Decimal("15.5")
        assert sealed(network, "colleague") == [("member.hours", {"weekly_hours": ["0.0", "15.5"]})]
        return
    with pytest.raises(Refused, match="Only a lead of the unit or the office"):
        staffing.set_hours(whose, by, Decimal(10))
    assert not Profile.objects.exists()


def test_a_scientist_has_no_hours_here(network: Network) -> None:
    with pytest.raises(Refused, match="Only members of the network"):
        staffing.set_hours(network["author"], network["office"], Decimal(10))
    with pytest.raises(Refused, match="Only members of the network"):
        staffing.set_skills(network["author"], network["author"], [])


@pytest.mark.parametrize("hours", ["-1", "39.1", "100"])
def test_hours_fit_a_week(network: Network, hours: str) -> None:
    with pytest.raises(Refused, match="0 to 39 hours"):
        staffing.set_hours(network["colleague"], network["lead"], Decimal(hours))


def test_what_does_not_change_leaves_no_entry(network: Network) -> None:
    whose, by = network["colleague"], network["lead"]
    for _ in range(2):
        staffing.set_hours(whose, by, Decimal(10))
        staffing.set_skills(whose, by, Skill.objects.filter(name="Denoising"))
        staffing.declare_conflict(whose, by, network.author)
    assert [action for action, _ in sealed(network, "colleague")] == [
        "member.conflict-declared", "member.skills", "member.hours"
    ]  # fmt: skip


def test_a_reason_is_the_members_own_to_give(network: Network) -> None:
    whose = network["colleague"]
    absence = staffing.add_absence(whose, whose, DAY, DAY, "Surgery")
    assert str(absence) == "Cleo Colleague: 2026-11-24 to 2026-11-24"
    with pytest.raises(Refused, match="Only the member may give a reason"):
        staffing.add_absence(whose, network["lead"], DAY, DAY, "Surgery")
    assert "Surgery" not in str(sealed(network, "colleague")), "not even sealed"


def test_an_absence_has_an_end_after_its_begin(network: Network) -> None:
    with pytest.raises(Refused, match="before the first"):
        staffing.add_absence(network["lead"], network["lead"], DAY, date(2026, 11, 23))


def test_nobody_has_a_conflict_with_oneself(network: Network) -> None:
    with pytest.raises(Refused, match="their own voucher"):
        staffing.declare_conflict(network["lead"], network["lead"], network["lead"])


def test_a_second_click_on_remove_is_a_conflict(network: Network) -> None:
    whose = network["lead"]
    absence = staffing.add_absence(whose, whose, DAY, DAY)
    staffing.declare_conflict(whose, whose, network.author)
    conflict = ConflictOfInterest.objects.get()
    assert str(conflict) == "Lena Lead and Ada Author"
    stale_absence = Absence.objects.get()
    stale_conflict = ConflictOfInterest.objects.get()
    staffing.remove_absence(absence, whose)
    staffing.withdraw_conflict(conflict, whose)
    with pytest.raises(Conflict, match="removed already"):
        staffing.remove_absence(stale_absence, whose)
    with pytest.raises(Conflict, match="withdrawn already"):
        staffing.withdraw_conflict(stale_conflict, whose)


def test_capacity_is_the_weekly_hours_less_holidays_and_absences(network: Network) -> None:
    whose = network["colleague"]
    staffing.set_hours(whose, network["lead"], Decimal(20))
    monday, christmas, after = date(2026, 12, 14), date(2026, 12, 21), date(2026, 12, 28)
    staffing.add_absence(whose, whose, date(2026, 12, 17), date(2026, 12, 22))
    found = queries.capacity(queries.members().get(pk=whose.pk), [monday, christmas, after])
    assert found == {
        monday: Decimal(12),  # three days of five
        christmas: Decimal(8),  # Wednesday and Thursday; Friday is a holiday
        after: Decimal(16),  # New Year's Day is a Friday
    }
    nobody = queries.members().get(pk=network.lead.pk)
    assert queries.capacity(nobody, [monday]) == {monday: 0}
