"""The office edits which group gives which role."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from evidesk.desk.audit.models import Entry
from evidesk.desk.people.log_in import actions
from evidesk.desk.people.models import GroupRole, Member, Role, Source
from evidesk.desk.people.rules import Refused
from tests.desk.conftest import signed_in
from tests.desk.network import Network
from tests.desk.people.log_in.conftest import give

ENTITLEMENT = "urn:geant:helmholtz.de:group:HAI%20desk:role=lead#login.helmholtz.de"


def posted(network: Network, group: str, role: str = "consultant") -> Any:
    form = {"group": group, "role": role, "unit": network.hub.pk}
    return signed_in(network.office).post("/groups/", form)


@pytest.mark.parametrize("group", ["HAI desk:role=lead", ENTITLEMENT, f"  {ENTITLEMENT} "])
def test_the_office_adds_a_group_by_its_path_or_by_its_entitlement(
    network: Network, group: str
) -> None:
    assert posted(network, group).url == "/groups/"
    row = GroupRole.objects.get()
    assert (row.group, row.group_role, row.unit, row.role) == (
        "HAI desk", "lead", network.hub, "consultant"
    )  # fmt: skip
    assert str(row) == "HAI desk:role=lead gives Consultant in Hub"
    entry = Entry.objects.get(action="group.added")
    assert entry.actor == str(network.office.uid)
    assert entry.facts == {"group": "HAI desk:role=lead", "unit": "hub", "role": "consultant"}
    assert b"HAI desk:role=lead" in signed_in(network.office).get("/groups/").content


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ("", "This field is required"),
        ("urn:geant:evil.example:group:A#login.helmholtz.de", "Only entitlements of the form"),
        ("urn:geant:helmholtz.de:group:A#evil.example", "Only entitlements of the form"),
        ("A::B", "with colons"),
        ("role=lead", "with colons"),
        ("A#B", "with colons"),
        ("A\u202eB", "with colons"),
        ("a" * 251, "too long"),
        ("a:role=" + "b" * 101, "too long"),
        ("a" * 1001, "at most 1000 characters"),
    ],
)
def test_what_is_no_group_is_explained_and_not_kept(
    network: Network, group: str, reason: str
) -> None:
    response = posted(network, group)
    assert response.status_code == 422
    assert reason in response.content.decode()
    assert not GroupRole.objects.exists()


def test_the_same_row_is_not_added_twice(network: Network) -> None:
    posted(network, "HAI")
    response = posted(network, "HAI")
    assert response.status_code == 422
    assert b"This group gives this role already" in response.content
    assert GroupRole.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        GroupRole.objects.create(group="HAI", unit=network.hub, role="consultant")
    with pytest.raises(IntegrityError), transaction.atomic():
        GroupRole.objects.create(group="HAI", unit=network.hub, role="king")


def test_removing_the_last_group_of_a_role_takes_it_from_those_who_had_it_by_a_group(
    network: Network,
) -> None:
    first = give("HAI:A", network.spoke, Role.LEAD)
    second = give("HAI:B", network.spoke, Role.LEAD)
    place = {"unit": network.spoke, "role": Role.LEAD}
    Member.objects.create(person=network.author, source=Source.LOG_IN, **place)
    office = signed_in(network.office)
    office.post(f"/groups/{first.pk}/remove/")
    assert network["author"].is_member, "which group gave it is found at the next log-in"
    html = office.post(f"/groups/{second.pk}/remove/", follow=True).content.decode()
    assert "gives this role no more" in html
    assert not network["author"].is_member
    assert network["lead"].is_member, "made by hand"
    assert Entry.objects.filter(action="member.removed").count() == 1
    assert office.post(f"/groups/{second.pk}/remove/").status_code == 409


def test_nobody_removes_their_own_place_in_the_office(network: Network) -> None:
    row = give("HAI:Office", network.hub, Role.OFFICE)
    Member.objects.filter(person=network.office).update(source=Source.LOG_IN)
    response = signed_in(network.office).post(f"/groups/{row.pk}/remove/")
    assert response.status_code == 409
    assert b"gives you your own place" in response.content
    assert GroupRole.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", ["author", "consultant", "lead"])
def test_nobody_else_edits_groups(network: Network, name: str) -> None:
    row = give("HAI", network.hub, Role.OFFICE)
    other = signed_in(network[name])
    form = {"group": "mine", "role": "office", "unit": network.hub.pk}
    assert other.get("/groups/").status_code == 403
    assert other.post("/groups/", form).status_code == 403
    assert other.post(f"/groups/{row.pk}/remove/").status_code == 403
    assert GroupRole.objects.get() == row
    assert b'href="/groups/"' not in other.get("/network/").content
    assert b'href="/groups/"' in signed_in(network.office).get("/network/").content
    from evidesk.desk.people.log_in.entitlements import Entitlement

    with pytest.raises(Refused):
        actions.add_group(network[name], Entitlement("mine"), network.hub, Role.OFFICE)


@pytest.mark.parametrize("n", [1, 3])
def test_the_page_asks_the_database_equally_often(
    network: Network, n: int, django_assert_num_queries: Any
) -> None:
    for number in range(n):
        give(f"HAI:{number}", network.hub, Role.CONSULTANT)
    office = signed_in(network.office)
    with django_assert_num_queries(7):
        assert office.get("/groups/").content.count(b"/remove/") == n


# On the server itself


def test_the_first_office_is_named_on_the_server(network: Network, capsys: Any) -> None:
    call_command("map_group", ENTITLEMENT, "hub", "office")
    assert "HAI desk:role=lead gives Office in Hub." in capsys.readouterr().out
    assert Entry.objects.get(action="group.added").actor == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("A", "moon", "office"), "There is no unit 'moon'. Units: hub, spoke."),
        (("A::", "hub", "office"), "Write the group's path"),
        (("A", "hub", "king"), "invalid choice"),
    ],
)
def test_a_command_says_what_it_does_not_understand(
    network: Network, arguments: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason.replace("(", r"\(")):
        call_command("map_group", *arguments)
    call_command("map_group", "A", "hub", "office")
    with pytest.raises(CommandError, match="gives this role already"):
        call_command("map_group", "A", "hub", "office")
