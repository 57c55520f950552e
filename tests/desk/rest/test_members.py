"""What members bring, and what gives them their places, over HTTP."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from evidesk.desk.audit.models import Entry
from evidesk.desk.people.models import (
    Absence,
    ConflictOfInterest,
    GroupRole,
    Member,
    Profile,
    Role,
    Skill,
)
from evidesk.desk.vouchers.effort import WEEKS_AHEAD
from tests.desk.network import Network, person
from tests.desk.rest.program import Program

NOBODY = "00000000-0000-4000-8000-000000000000"


def at(network: Network, more: str = "") -> str:
    """The address of the spoke's consultant."""
    return f"members/{network.colleague.uid}/{more}"


def absent(days: int = 7, **more: Any) -> dict[str, Any]:
    first = timezone.localdate() + timedelta(days=days)
    return {"first_day": first.isoformat(), "last_day": first.isoformat(), **more}


def test_members_see_each_other(network: Network) -> None:
    Profile.objects.create(person=network.colleague, weekly_hours=12).skills.add(
        Skill.objects.create(name="Birdsong")
    )
    found = Program(network, "outsider").get("members/")
    names = [one["name"] for one in found["items"]]
    assert sorted(names) == sorted(
        ["Cleo Colleague", "Cyra Consultant", "Otto Outsider", "Lena Lead", "Lew Elsewhere",
         "Olga Office"]
    )  # fmt: skip
    colleague = next(one for one in found["items"] if one["name"] == "Cleo Colleague")
    assert colleague == {
        "id": network.colleague.pk,
        "uid": str(network.colleague.uid),
        "name": "Cleo Colleague",
        "places": [{"unit": "spoke", "role": "consultant"}],
        "skills": ["Birdsong"],
        "weekly_hours": 12,
    }
    detail = Program(network, "outsider").get(at(network))
    assert len(detail["weeks"]) == WEEKS_AHEAD
    assert detail["weeks"][0].keys() == {"monday", "available", "booked", "free"}
    assert (detail["absences"], detail["conflicts"]) == (None, None)
    for who in ("author", "stranger"):
        Program(network, who).get("members/", 403)
        Program(network, who).get(at(network), 403)
    Program(network, "lead").get(f"members/{NOBODY}/", 404)
    Program(network, "lead").get(f"members/{network.author.uid}/", 404)
    Program(network, "lead").get("members/me/", 404)


def test_a_lead_sets_hours_as_the_page_takes_them(network: Network) -> None:
    lead = Program(network, "lead")
    assert lead.put(at(network, "hours/"), {"hours": "40 %"})["weekly_hours"] == 15.6
    assert lead.put(at(network, "hours/"), {"hours": "16,5 h"})["weekly_hours"] == 16.5
    for wrong in ("many", "40", "\x00", "1" * 13, ""):
        answer = lead.put(at(network, "hours/"), {"hours": wrong}, 422)
        assert list(answer["errors"]) == ["hours"]
    lead.put(at(network, "hours/"), {"hours": 16}, 422)
    lead.put(at(network, "hours/"), {}, 422)
    why = Program(network, "colleague").put(at(network, "hours/"), {"hours": "39"}, 403)
    assert why["detail"] == "Only a lead of the unit or the office can change the hours."
    Program(network, "lead_elsewhere").put(at(network, "hours/"), {"hours": "39"}, 403)
    assert Profile.objects.get(person=network.colleague).weekly_hours == 16.5


def test_skills_are_those_of_the_list(network: Network) -> None:
    for name in ("Birdsong", "Bats"):
        Skill.objects.create(name=name)
    colleague = Program(network, "colleague")
    path = at(network, "skills/")
    assert colleague.put(path, {"skills": ["Birdsong", "Bats"]})["skills"] == ["Bats", "Birdsong"]
    Skill.objects.filter(name="Bats").update(retired_at=timezone.now())
    kept = colleague.put(path, {"skills": ["Bats"]})
    assert kept["skills"] == ["Bats"], "a retired one can stay"
    assert colleague.put(path, {"skills": []})["skills"] == []
    for wrong in (["Bats"], ["Owls"], ["\x00"], ["x" * 101], "Birdsong", [1]):
        answer = colleague.put(path, {"skills": wrong}, 422)
        assert all(field.startswith("skills") for field in answer["errors"])
    Program(network, "outsider").put(path, {"skills": ["Birdsong"]}, 403)
    assert Entry.objects.filter(action="member.skills").count() == 3


def test_an_absence_comes_and_goes(network: Network) -> None:
    colleague, lead = Program(network, "colleague"), Program(network, "lead")
    made = colleague.post(at(network, "absences/"), absent(reason="Birds"), 201)
    assert made["reason"] == "Birds"
    past = timezone.localdate() - timedelta(days=3)
    Absence.objects.create(person=network.colleague, first_day=past, last_day=past)
    assert colleague.get(at(network))["absences"] == [made], "what is over is not told"
    assert lead.get(at(network))["absences"] == [{**made, "reason": ""}]
    why = lead.post(at(network, "absences/"), absent(reason="Owls"), 403)
    assert why["detail"] == "Only the member may give a reason for an absence."
    lead.post(at(network, "absences/"), absent(20), 201)
    wrong = {**absent(), "last_day": "2020-01-01"}
    assert list(lead.post(at(network, "absences/"), wrong, 422)["errors"]) == ["last_day"]
    for body in (
        {**absent(), "first_day": "0001-01-01"}, {**absent(), "first_day": "soon"},
        absent(reason="\x00"), absent(reason="x" * 201), absent(days=1, more=1), {},
    ):  # fmt: skip
        colleague.post(at(network, "absences/"), body, 422)
    Program(network, "outsider").post(at(network, "absences/"), absent(), 403)
    Program(network, "outsider").delete(at(network, f"absences/{made['id']}/"), 403)
    elsewhere = Absence.objects.create(person=network.outsider, first_day=past, last_day=past)
    lead.delete(at(network, f"absences/{elsewhere.pk}/"), 404)
    lead.delete(at(network, f"absences/{made['id']}/"))
    lead.delete(at(network, f"absences/{made['id']}/"), 404)
    lead.delete(at(network, "absences/99999999999999999999/"), 404)


def test_a_conflict_is_declared_and_withdrawn(network: Network) -> None:
    colleague = Program(network, "colleague")
    path = at(network, "conflicts/")
    made = colleague.post(path, {"scientist": network.author.email}, 201)
    assert made["scientist"] == "Ada Author"
    again = colleague.post(path, {"scientist": network.author.email.upper()}, 201)
    assert again["id"] == made["id"]
    assert colleague.get(at(network))["conflicts"] == [made]
    assert Program(network, "outsider").get(at(network))["conflicts"] is None
    for wrong in ("nobody@example.org", "nobody", "a@b.org\x00", "x" * 250 + "@example.org", 7):
        answer = colleague.post(path, {"scientist": wrong}, 422)
        assert list(answer["errors"]) == ["scientist"]
    colleague.post(path, {"scientist": network.colleague.email}, 403)
    Program(network, "outsider").post(path, {"scientist": network.author.email}, 403)
    Program(network, "outsider").delete(f"{path}{made['id']}/", 403)
    colleague.delete(f"{path}{made['id']}/")
    colleague.delete(f"{path}{made['id']}/", 404)
    assert not ConflictOfInterest.objects.exists()


def test_many_members_are_as_few_queries_as_one(network: Network) -> None:
    program = Program(network, "lead")
    Member.objects.exclude(person=network.lead).delete()
    profile = Profile.objects.create(person=network.lead)
    profile.skills.add(Skill.objects.create(name="Birdsong"))
    few, few_of_one = program.queries("members/"), program.queries(f"members/{network.lead.uid}/")
    for number in range(6):
        one = person(f"Member {number}", network.spoke, Role.CONSULTANT)
        Profile.objects.create(person=one).skills.add(profile.skills.get())
        Member.objects.create(person=one, unit=network.hub, role=Role.LEAD)
        Absence.objects.create(person=network.lead, **absent(number))
        ConflictOfInterest.objects.create(person=network.lead, scientist=one)
    assert program.queries("members/") == few
    assert program.queries(f"members/{network.lead.uid}/") == few_of_one


# Groups


def test_a_group_gives_a_role(network: Network) -> None:
    office = Program(network, "office")
    given = {"group": "HIFIS:Desk:role=lead", "role": "lead", "unit": "hub"}
    made = office.post("groups/", given, 201)
    assert {**made, "id": 0} == {**given, "id": 0}
    assert office.get("groups/")["items"] == [made]
    assert office.post("groups/", given, 409)["detail"] == "This group gives this role already."
    for field, wrong in (
        ("group", "a::b"), ("group", "\x00"), ("group", "x" * 9999), ("group", ""),
        ("group", "urn:else:group:x#y"), ("role", "boss"), ("unit", "nowhere"), ("unit", 1),
        ("unit", "\x00"), ("more", 1),
    ):  # fmt: skip
        answer = office.post("groups/", {**given, field: wrong}, 422)
        assert list(answer["errors"]) == [field]
    for who in ("author", "lead"):
        Program(network, who).get("groups/", 403)
        Program(network, who).post("groups/", given, 403)
        Program(network, who).delete(f"groups/{made['id']}/", 403)
        Program(network, who).delete("groups/999/", 403)
    office.delete(f"groups/{made['id']}/")
    office.delete(f"groups/{made['id']}/", 404)
    assert not GroupRole.objects.exists()


def test_many_groups_are_as_few_queries_as_one(network: Network) -> None:
    office = Program(network, "office")
    for unit in (network.hub, network.spoke):
        GroupRole.objects.create(group="A:B", unit=unit, role="lead")
    few = office.queries("groups/")
    for number in range(6):
        GroupRole.objects.create(group=f"A:{number}", unit=network.spoke, role="office")
    assert office.queries("groups/") == few
