"""Groups are read by exact namespace, path, role and authority, and in linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.people.log_in import centres, entitlements
from evidesk.desk.people.log_in.entitlements import MAX_LENGTH, Entitlement, groups, parse

NAMESPACES = ["urn:geant:helmholtz.de", "urn:geant:h-df.de"]
AUTHORITY = "login.helmholtz.de"
GOOD = "urn:geant:helmholtz.de:group:"


def read(text: str) -> Entitlement | None:
    return parse(text, namespaces=NAMESPACES, authority=AUTHORITY)


@pytest.mark.parametrize(
    ("text", "group", "role"),
    [
        (f"{GOOD}KIT#{AUTHORITY}", "KIT", ""),
        (f"{GOOD}HIFIS:Consulting:Matter#{AUTHORITY}", "HIFIS:Consulting:Matter", ""),
        (f"{GOOD}HIFIS:role=lead#{AUTHORITY}", "HIFIS", "lead"),
        (f"{GOOD}Helmholtz member#{AUTHORITY}", "Helmholtz member", ""),
        (f"{GOOD}Helmholtz%20member#{AUTHORITY}", "Helmholtz member", ""),
        (f"{GOOD}J%C3%BClich#{AUTHORITY}", "Jülich", ""),
        (f"urn:geant:h-df.de:group:HDF#{AUTHORITY}", "HDF", ""),
    ],
)
def test_a_group_is_read(text: str, group: str, role: str) -> None:
    assert read(text) == Entitlement(group, role)
    assert str(Entitlement(group, role)) == (f"{group}:role={role}" if role else group)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        f"#{AUTHORITY}",
        f"{GOOD}#{AUTHORITY}",
        f"{GOOD}KIT",
        f"{GOOD}KIT#",
        f"{GOOD}KIT#evil.example",
        f"{GOOD}KIT#{AUTHORITY}#evil.example",
        f"{GOOD}KIT#evil.example#{AUTHORITY}",
        f"{GOOD}KIT#{AUTHORITY.upper()}",
        f"{GOOD}KIT# {AUTHORITY}",
        f"{GOOD}KIT#{AUTHORITY}.evil.example",
        f"urn:geant:helmholtz.de.evil:group:KIT#{AUTHORITY}",
        f"urn:geant:evil.example:group:KIT#{AUTHORITY}",
        f"urn:geant:helmholtz.de:KIT#{AUTHORITY}",
        f"urn:geant:helmholtz.de:res:group:KIT#{AUTHORITY}",
        f" {GOOD}KIT#{AUTHORITY}",
        f"{GOOD}:KIT#{AUTHORITY}",
        f"{GOOD}KIT:#{AUTHORITY}",
        f"{GOOD}KIT::A#{AUTHORITY}",
        f"{GOOD} KIT#{AUTHORITY}",
        f"{GOOD}role=lead#{AUTHORITY}",
        f"{GOOD}KIT:role=#{AUTHORITY}",
        f"{GOOD}KIT:role=a:B#{AUTHORITY}",
        f"{GOOD}KIT:role=a:role=b#{AUTHORITY}",
        f"{GOOD}KIT:role=role=b#{AUTHORITY}",
        f"{GOOD}KIT%3AA#{AUTHORITY}",
        f"{GOOD}KIT%23A#{AUTHORITY}",
        f"{GOOD}KIT%2#{AUTHORITY}",
        f"{GOOD}KIT%zz#{AUTHORITY}",
        f"{GOOD}KIT%ff#{AUTHORITY}",
        f"{GOOD}KIT%00#{AUTHORITY}",
        f"{GOOD}KIT%0AA#{AUTHORITY}",
        f"{GOOD}KIT\u202eA#{AUTHORITY}",
        f"{GOOD}KIT\ud800#{AUTHORITY}",
        "urn:mace:dir:entitlement:common-lib-terms",
        "https://example.org/group/KIT",
        GOOD + "a" * MAX_LENGTH + "#" + AUTHORITY,
        GOOD + "a:" * 20_000 + "a#" + AUTHORITY,
    ],
)
def test_everything_else_is_left_out(text: str) -> None:
    assert read(text) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_and_a_path_stays_one(text: str) -> None:
    found = entitlements.parse_path(text)
    if found is not None:
        assert entitlements.parse_path(str(found)) in (found, None)
        assert all(part and part == part.strip() for part in found.group.split(":"))


def test_a_path_has_a_limit_too() -> None:
    assert entitlements.parse_path("a" * (MAX_LENGTH + 1)) is None


def test_of_many_only_ours_are_kept() -> None:
    many = [f"{GOOD}KIT#{AUTHORITY}", "urn:x", f"{GOOD}KIT#{AUTHORITY}", f"{GOOD}A#evil"]
    assert groups(many, namespaces=NAMESPACES, authority=AUTHORITY) == {Entitlement("KIT")}


def test_homes_are_read_from_one_line() -> None:
    assert centres.parse("KIT.edu=KIT, hzdr.de = HZDR") == {"kit.edu": "KIT", "hzdr.de": "HZDR"}
    assert centres.EVERYBODY in centres.parse("*")
    assert centres.EVERYBODY in centres.parse("kit.edu=KIT,*")


@pytest.mark.parametrize("wrong", ["kit.edu", "=KIT", "kit.edu=", "kit.edu=KIT,,", "*=everybody"])
def test_homes_that_cannot_be_read_are_named(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"^[^,]*$"):
        centres.parse(wrong)
