"""The office's rows, the document's questions and the agreement, over HTTP."""

from typing import Any

import pytest
from django.test import Client

from evidesk.desk.audit.models import Entry
from evidesk.desk.people.models import Field, Host, Unit
from evidesk.desk.rest.forms import name_of
from evidesk.desk.vouchers.catalogues import CATALOGUES
from evidesk.desk.vouchers.models import AgreementText, Kind, Questionnaire
from tests.desk.network import Network
from tests.desk.rest.program import Program

UNIT = {
    "name": "Birds",
    "slug": "birds",
    "host": "KIT",
    "city": "Karlsruhe",
    "focus": "All that sings",
    "fields": ["Earth"],
    "respond_days": 1,
    "decide_days": 3,
    "offer_days": 4,
    "home_conflict": True,
}
KIND = {
    "name": "Short", "slug": "short", "purpose": "To look.", "min_days": 1, "max_days": 3,
    "hours": 8, "position": 0, "follow_up": "exploration",
}  # fmt: skip
#: A row of each catalogue, as it is sent.
ROWS: dict[str, dict[str, Any]] = {
    "units": UNIT,
    "hosts": {"name": "DKFZ", "full_name": "Krebsforschung"},
    "fields": {"name": "Birds"},
    "kinds": KIND,
    "skills": {"name": "Birdsong", "words": "bird Vogel"},
    "tags": {"name": "birds"},
}


@pytest.fixture
def office(network: Network) -> Program:
    Field.objects.get_or_create(name="Earth")
    return Program(network, "office")


@pytest.mark.parametrize("what", CATALOGUES)
def test_a_row_comes_and_changes_and_retires_and_is_back(office: Program, what: str) -> None:
    made = office.post(f"rows/{what}/", ROWS[what], 201)
    assert {key: made[key] for key in ROWS[what]} == ROWS[what]
    assert not made["is_retired"]
    at = f"rows/{what}/{made['id']}/"
    assert office.get(at) == made
    changed = office.patch(at, {"seen": made["seen"], "name": "Owls"})
    assert {**changed, "seen": 0, "history": 0} == {
        **made, "name": "Owls", "seen": 0, "history": 0,
    }  # fmt: skip
    assert changed["history"][0]["who"] == "Olga Office"
    assert changed["history"][0]["what"] == "changed"
    assert changed["history"][0]["changes"] == [
        {"field": "name", "before": ROWS[what]["name"], "after": "Owls"}
    ]
    stale = office.patch(at, {"seen": made["seen"], "name": "Bats"}, 409)
    assert "Somebody has changed this in the meantime" in stale["detail"]
    assert office.post(f"{at}retire/")["is_retired"]
    office.post(f"{at}retire/", status=409)
    listed = office.get(f"rows/{what}/")
    assert listed[-1] == {
        key: value for key, value in {**changed, "is_retired": True}.items()
        if key not in ("seen", "history")
    }  # fmt: skip
    back = office.post(f"{at}restore/")
    assert not back["is_retired"]
    assert [one["what"] for one in back["history"]] == [
        *("brought-back", "retired", "changed", "added"),
    ]
    office.post(f"{at}restore/", status=409)
    assert office.get(at)["name"] == "Owls"


@pytest.mark.parametrize("what", CATALOGUES)
def test_rows_are_the_offices(network: Network, office: Program, what: str) -> None:
    made = office.post(f"rows/{what}/", ROWS[what], 201)
    programs = [Program(network, who) for who in ("author", "lead", "consultant")]
    before = Entry.objects.count()
    for program in programs:
        for pk in (made["id"], 10**9):
            at = f"rows/{what}/{pk}/"
            program.get(at, 403)
            program.patch(at, {"seen": made["seen"], "name": "Owls"}, 403)
            program.post(f"{at}retire/", status=403)
            program.post(f"{at}restore/", status=403)
        program.get(f"rows/{what}/", 403)
        program.post(f"rows/{what}/", {**ROWS[what], "name": "Owls"}, 403)
    for more in ("", "retire/"):
        office.send("post" if more else "get", f"rows/{what}/{10**9}/{more}", status=404)
    office.get("rows/birds/", 404)
    assert Entry.objects.count() == before


@pytest.mark.parametrize("what", CATALOGUES)
def test_a_row_that_does_not_fit_is_told(office: Program, what: str) -> None:
    made = office.post(f"rows/{what}/", ROWS[what], 201)
    count = CATALOGUES[what].model._default_manager.count()
    for wrong in ("", " ", "\x00", "x" * 500, 7, None, ["a"]):
        answer = office.post(f"rows/{what}/", {**ROWS[what], "name": wrong}, 422)
        assert next(iter(answer["errors"])).startswith("name")
        if wrong is not None:
            office.patch(f"rows/{what}/{made['id']}/", {"seen": made["seen"], "name": wrong}, 422)
    taken = office.post(f"rows/{what}/", ROWS[what], 422)
    assert "name" in taken["errors"]
    assert list(office.post(f"rows/{what}/", {**ROWS[what], "more": 1}, 422)["errors"]) == ["more"]
    at = f"rows/{what}/{made['id']}/"
    assert list(office.patch(at, {"name": "Owls"}, 422)["errors"]) == ["seen"]
    assert list(office.patch(at, {"seen": "x", "name": "Owls"}, 422)["errors"]) == ["seen"]
    office.patch(at, {"seen": "0" * 64, "name": "Owls"}, 409)
    assert CATALOGUES[what].model._default_manager.count() == count
    assert office.get(at) == made


@pytest.mark.parametrize(
    ("what", "field", "wrong"),
    [
        ("units", "host", "Nowhere"),
        ("units", "host", 1),
        ("units", "host", "\x00"),
        ("units", "fields", ["Astrology"]),
        ("units", "fields", "Earth"),
        ("units", "slug", "Not a slug!"),
        ("units", "slug", "spoke"),
        ("units", "state", "XX"),
        ("units", "respond_days", 0),
        ("units", "respond_days", 61),
        ("units", "respond_days", 10**10),
        ("units", "home_conflict", "perhaps"),
        ("kinds", "max_days", 10**6),
        ("kinds", "follow_up", "nothing"),
        ("skills", "words", "x" * 1001),
    ],
)
def test_a_field_that_does_not_fit_is_named(
    office: Program, what: str, field: str, wrong: Any
) -> None:
    answer = office.post(f"rows/{what}/", {**ROWS[what], field: wrong}, 422)
    assert [one.split(".")[0] for one in answer["errors"]] == [field]


def test_what_holds_for_a_whole_row_is_told_of_the_body(office: Program) -> None:
    answer = office.post("rows/kinds/", {**KIND, "min_days": 9}, 422)
    assert answer["errors"] == {
        "body": ["The shortest length is at least 1 day and at most the longest."]
    }


def test_null_empties_a_field_and_what_is_left_out_stays(office: Program) -> None:
    unit = office.post("rows/units/", {**UNIT, "state": "BW"}, 201)
    at = f"rows/units/{unit['id']}/"
    emptied = office.patch(at, {"seen": unit["seen"], "state": None, "fields": []})
    assert (emptied["state"], emptied["fields"], emptied["home_conflict"]) == (None, [], True)
    assert (emptied["host"], emptied["respond_days"]) == ("KIT", 1)
    kind = office.post("rows/kinds/", KIND, 201)
    at = f"rows/kinds/{kind['id']}/"
    kept = office.patch(at, {"seen": kind["seen"], "max_days": 4})
    assert kept["follow_up"] == "exploration"
    assert office.patch(at, {"seen": kept["seen"], "follow_up": None})["follow_up"] is None
    assert Kind.objects.get(pk=kind["id"]).max_days == 4


def test_a_retired_row_stays_chosen_and_is_not_chosen_anew(office: Program) -> None:
    unit = office.post("rows/units/", UNIT, 201)
    field = Field.objects.get(name="Earth")
    office.post(f"rows/fields/{field.pk}/retire/")
    at = f"rows/units/{unit['id']}/"
    kept = office.patch(at, {"seen": unit["seen"], "city": "Here"})
    assert kept["fields"] == ["Earth"]
    gone = office.patch(at, {"seen": kept["seen"], "fields": []})
    office.patch(at, {"seen": gone["seen"], "fields": ["Earth"]}, 422)


def test_there_is_one_hub(network: Network, office: Program) -> None:
    hub, spoke = (f"rows/units/{unit.pk}/" for unit in (network.hub, network.spoke))
    office.post(f"{hub}retire/", status=403)
    assert office.post(f"{spoke}make-hub/")["is_hub"]
    assert [unit["slug"] for unit in office.get("rows/units/") if unit["is_hub"]] == ["spoke"]
    office.post(f"{hub}retire/")
    why = office.post(f"{hub}make-hub/", status=403)
    assert why["detail"] == "A retired unit cannot be the hub."
    Program(network, "lead").post(f"{spoke}make-hub/", status=403)
    assert Unit.objects.get(is_hub=True) == network.spoke


@pytest.mark.parametrize("what", CATALOGUES)
def test_many_rows_are_as_few_queries_as_one(office: Program, what: str) -> None:
    first = office.post(f"rows/{what}/", ROWS[what], 201)
    few, few_of_one = office.queries(f"rows/{what}/"), office.queries(f"rows/{what}/{first['id']}/")
    for number in range(5):
        more = {"name": f"Owls {number}"} | (
            {"slug": f"owls-{number}"} if "slug" in ROWS[what] else {}
        )
        office.post(f"rows/{what}/", {**ROWS[what], **more}, 201)
        seen = office.get(f"rows/{what}/{first['id']}/")["seen"]
        office.patch(f"rows/{what}/{first['id']}/", {"seen": seen, "name": f"Bats {number}"})
    assert office.queries(f"rows/{what}/") == few
    assert office.queries(f"rows/{what}/{first['id']}/") == few_of_one


def test_a_row_is_named_by_what_people_call_it(network: Network) -> None:
    assert name_of(network.hub) == "hub"
    assert name_of(Host.objects.get(name="KIT")) == "KIT"
    assert name_of(network.author) == network.author.pk


# Questions


def test_the_questions_get_a_new_version(network: Network, office: Program) -> None:
    read = office.get("questions/")
    assert read["version"] == Questionnaire.objects.latest("version").version
    kept = read["questions"][:1]
    new = {"based_on": read["version"], "questions": [*kept, {"prompt": " Which birds? "}, {}]}
    made = office.post("questions/", new, 201)
    assert made == {
        "version": read["version"] + 1,
        "questions": [*kept, {"key": "which-birds", "prompt": "Which birds?", "help": ""}],
    }
    assert office.get("questions/") == made
    stale = office.post("questions/", new, 409)
    assert "new version in the meantime" in stale["detail"]
    history = office.get("questions/history/")
    assert [(one["who"], one["what"]) for one in history] == [("Olga Office", "published")]
    assert history[0]["changes"][0]["after"] == made["questions"]
    office.post("questions/", {"based_on": made["version"], "questions": []}, 403)
    for who in ("author", "lead"):
        Program(network, who).get("questions/", 403)
        Program(network, who).get("questions/history/", 403)
        Program(network, who).post("questions/", {**new, "based_on": made["version"]}, 403)


@pytest.mark.parametrize(
    ("questions", "field"),
    [
        ([{"key": "Not a key!", "prompt": "Why?"}], "questions.0.key"),
        ([{"key": "a", "prompt": "Why?"}, {"key": "a", "prompt": "What?"}], "questions"),
        ([{"prompt": "x" * 201}], "questions.0.prompt"),
        ([{"prompt": "\x00"}], "questions.0.prompt"),
        ([{"prompt": "Why?", "help": "x" * 501}], "questions.0.help"),
        ([{"prompt": 5}], "questions.0.prompt"),
        ([{"prompt": "Why?", "more": 1}], "questions.0.more"),
        ([{"prompt": "Why?"}] * 31, "questions"),
        ("Why?", "questions"),
        (None, "questions"),
    ],
)
def test_questions_that_do_not_fit_are_named(office: Program, questions: Any, field: str) -> None:
    version = Questionnaire.objects.latest("version").version
    answer = office.post("questions/", {"based_on": version, "questions": questions}, 422)
    assert list(answer["errors"]) == [field]
    assert Questionnaire.objects.latest("version").version == version


# The agreement


def test_the_agreement_gets_a_new_version_that_everybody_reads(
    network: Network, office: Program
) -> None:
    read = office.get("agreement/")
    new = {"based_on": read["version"], "text": "We agree."}
    made = office.post("agreement/", new, 201)
    assert made == {"version": read["version"] + 1, "text": "We agree."}
    anybody = Client(HTTP_HOST="localhost")
    assert anybody.get("/api/agreement/").json() == made
    assert anybody.get(f"/api/agreement/{read['version']}/").json() == read
    assert anybody.get("/api/agreement/999/").status_code == 404
    office.post("agreement/", new, 409)
    for text in ("", "\x00", "x" * 5001, 5):
        answer = office.post("agreement/", {"based_on": made["version"], "text": text}, 422)
        assert list(answer["errors"]) == ["text"]
    assert [one["what"] for one in office.get("agreement/history/")] == ["published"]
    for who in ("author", "lead"):
        Program(network, who).get("agreement/history/", 403)
        Program(network, who).post("agreement/", {**new, "based_on": made["version"]}, 403)
    assert AgreementText.objects.latest("version").version == made["version"]
