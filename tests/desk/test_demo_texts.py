"""The demo's texts: whether everything that they tell could have happened on the desk."""

import csv
import gzip
import json
import math
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest

Story = dict[str, Any]


def _read(name: str) -> Story:
    text = files("evidesk.desk.demo").joinpath(name).read_text(encoding="utf-8")
    story: Story = json.loads(text)
    return story


NETWORK, STORIES = _read("network.json"), _read("vouchers.json")
PEOPLE = {person["key"]: person for person in NETWORK["people"]}
UNITS = {unit["slug"]: unit for unit in NETWORK["units"]}
VOUCHERS = {voucher["id"]: voucher for voucher in STORIES["vouchers"]}
INQUIRIES = STORIES["inquiries"]
WITH_EVIDENCE = {slug: voucher for slug, voucher in VOUCHERS.items() if "evidence" in voucher}

MAX_DAYS = {"exploration": range(1, 15), "implementation": range(15, 185)}
UNDER_WAY = ("submitted", "returned", "offered", "active", "reported")
# action: (from which states, to which state or None for the same, by which part, what it says)
WORKFLOW: dict[str, tuple[tuple[str, ...], str | None, tuple[str, ...], tuple[str, ...]]] = {
    "submit": (("draft", "returned"), "submitted", ("author",), ()),
    "return": (("submitted",), "returned", ("triage",), ("questions",)),
    "decline": (("submitted",), "declined", ("triage",), ("reason",)),
    "offer": (("submitted",), "offered", ("triage",), ()),
    "turn_down": (("offered",), "submitted", ("offered to",), ("reason",)),
    "take_back": (("offered",), "submitted", ("triage",), ("reason",)),
    "accept": (("offered",), "active", ("offered to",), ()),
    "extend": (("active",), "active", ("consultant",), ("text",)),
    "report": (("active",), "reported", ("consultant",), ("text",)),
    "close": (("reported",), "closed", ("author",), ("text",)),
    "withdraw": (("draft", *UNDER_WAY[:-1]), "withdrawn", ("author",), ("reason",)),
    "message": (UNDER_WAY, None, ("author", "triage", "consultant"), ("text",)),
    "attach": (UNDER_WAY, None, ("author",), ()),
    "evidence": (("active",), None, ("consultant",), ()),
}
FIELDS = {
    "offer": {"to", "note"},
    "accept": {"starts_days_ago", "days"},
    "extend": {"days"},
    "close": {"rating"},
    "attach": {"file"},
}


def _roles(key: str, unit: str | None = None) -> set[str]:
    return {m["role"] for m in PEOPLE[key]["memberships"] if unit in (None, m["unit"])}


def _triages(key: str, voucher: Story) -> bool:
    return "lead" in _roles(key, voucher["unit"]) or "office" in _roles(key)


def _steps(voucher: Story) -> list[Story]:
    """The steps after the start, with the evidence in its place."""
    steps = list(voucher["steps"][1:])
    if evidence := voucher.get("evidence"):
        steps.append({"action": "evidence", **evidence})
    return sorted(steps, key=lambda step: -step["days_ago"])


def _replay(voucher: Story) -> str:
    """Walk through the steps as the desk would, and return the state at the end."""
    state, offered_to, consultant = "draft", None, None
    for step in _steps(voucher):
        by, action = step["by"], step["action"]
        sources, target, who, said = WORKFLOW[action]
        parts = {
            "author": by == voucher["author"],
            "triage": _triages(by, voucher),
            "offered to": by == offered_to,
            "consultant": by == consultant,
        }
        assert state in sources, f"{action} from {state}"
        assert any(parts[part] for part in who), f"{action} by {by}"
        assert all(step[name].strip() for name in said), f"{action} says nothing"
        if action == "submit":
            assert all(answer.strip() for answer in voucher["answers"].values())
        if action == "offer":
            assert step["to"] != voucher["author"]
            assert _roles(step["to"]) & {"consultant", "lead"}
        if action == "accept":
            assert step["days"] in MAX_DAYS[voucher["kind"]]
            assert step["starts_days_ago"] <= step["days_ago"]
            consultant = by
        if action == "extend":
            assert step["days"] in MAX_DAYS[voucher["kind"]]
        if action == "close":
            assert voucher["visibility"] in ("private", "network", "public-summary")
            assert bool(voucher["summary"]) == (voucher["visibility"] == "public-summary")
            assert len(voucher["summary"]) <= 1500
            assert step["rating"] in (None, 1, 2, 3, 4, 5)
        if target is not None:
            state = target
            offered_to = step["to"] if action == "offer" else None
    if "follows" in voucher:
        followed = VOUCHERS[voucher["follows"]]
        (report,) = [step for step in followed["steps"] if step["action"] == "report"]
        assert (followed["author"], followed["kind"]) == (voucher["author"], "exploration")
        assert voucher["kind"] == "implementation"
        assert voucher["steps"][0]["days_ago"] < report["days_ago"]
    return state


def _authored(author: str, **facts: str) -> list[Story]:
    return [
        voucher
        for voucher in VOUCHERS.values()
        if voucher["author"] == author
        and all(voucher[name] == value for name, value in facts.items())
    ]


def _consultant(voucher: Story) -> str | None:
    return next((s["by"] for s in reversed(voucher["steps"]) if s["action"] == "accept"), None)


def test_the_network_is_a_hub_and_five_spokes() -> None:
    assert len(UNITS) == len(NETWORK["units"]) == 6
    assert [unit["host"] for unit in UNITS.values() if unit["is_hub"]] == ["Helmholtz Munich"]
    spokes = {unit["host"] for unit in UNITS.values() if not unit["is_hub"]}
    assert spokes == {"KIT", "FZJ", "Hereon", "HZDR", "DLR"}
    fields = {"slug", "name", "host", "city", "state", "focus", "fields", "is_hub"}
    assert all(set(unit) == fields and unit["focus"].endswith(".") for unit in UNITS.values())


def test_every_unit_has_one_lead_and_consultants_who_sit_there() -> None:
    for slug, unit in UNITS.items():
        leads = [key for key in PEOPLE if "lead" in _roles(key, slug)]
        assert [PEOPLE[key]["home"] for key in leads] == [unit["host"]]
        assert any("consultant" in _roles(key, slug) for key in PEOPLE)
    office = [key for key in PEOPLE if "office" in _roles(key)]
    assert len(office) == 2
    assert all(UNITS[m["unit"]]["is_hub"] for key in office for m in PEOPLE[key]["memberships"])


def test_members_have_hours_and_skills_and_are_away_now_and_then() -> None:
    staffed = {key for key, person in PEOPLE.items() if person.get("hours")}
    assert staffed == {key for key in PEOPLE if _roles(key) & {"consultant", "lead"}}
    assert all(0 < PEOPLE[key]["hours"] <= 20 for key in staffed)
    skills = {skill for key in staffed for skill in PEOPLE[key]["skills"]}
    assert len(skills) == 6
    assert all(one["person"] in staffed and one["days"] > 0 for one in NETWORK["absences"])
    for one in NETWORK["conflicts"]:
        assert one["person"] in staffed
        assert not _roles(one["scientist"])


def test_everybody_is_somebody_of_their_own() -> None:
    assert len(PEOPLE) == len(NETWORK["people"])
    for field in ("name", "email"):
        assert len({person[field] for person in PEOPLE.values()}) == len(PEOPLE)
    for person in PEOPLE.values():
        assert person["email"].isascii()
        assert person["email"].endswith(".example.org")
        assert all(m["unit"] in UNITS for m in person["memberships"])
        assert {m["role"] for m in person["memberships"]} <= {"consultant", "lead", "office"}


def test_the_members_and_the_scientists_are_as_many_as_in_a_real_network() -> None:
    assert 11 <= sum("consultant" in _roles(key) for key in PEOPLE) <= 14
    scientists = [person for person in PEOPLE.values() if not person["memberships"]]
    assert 20 <= len(scientists) <= 24
    assert len({person["home"] for person in scientists}) >= 12


def test_a_visitor_can_be_one_of_five_personas() -> None:
    personas = {key: person for key, person in PEOPLE.items() if person["persona"]}
    assert set(personas) == {"mara", "jonas", "lead_matter", "office", "newcomer"}
    assert all(0 < len(person["persona_line"]) <= 200 for person in personas.values())
    assert all("persona_line" not in PEOPLE[key] for key in set(PEOPLE) - set(personas))
    assert not _roles("mara")
    assert not _roles("newcomer")
    assert _roles("jonas", "matter") == {"consultant"}
    assert _roles("lead_matter", "matter") == {"lead"}
    assert _roles("office") == {"office"}


def test_the_newcomer_has_done_nothing_yet() -> None:
    assert not _authored("newcomer")
    assert all(inquiry["person"] != "newcomer" for inquiry in INQUIRIES)
    assert all(s["by"] != "newcomer" for v in VOUCHERS.values() for s in v["steps"])


def test_there_are_vouchers_in_every_state_and_unit() -> None:
    assert len(VOUCHERS) == len(STORIES["vouchers"]) == 42
    assert Counter(voucher["state"] for voucher in VOUCHERS.values()) == {
        "draft": 3,
        "submitted": 6,
        "returned": 3,
        "offered": 4,
        "active": 9,
        "reported": 4,
        "closed": 8,
        "withdrawn": 2,
        "declined": 3,
    }
    assert {voucher["unit"] for voucher in VOUCHERS.values()} == set(UNITS)


@pytest.mark.parametrize("voucher", VOUCHERS.values(), ids=VOUCHERS)
def test_the_steps_of_a_voucher_keep_the_rules_and_lead_to_its_state(voucher: Story) -> None:
    assert _replay(voucher) == voucher["state"]


@pytest.mark.parametrize("voucher", VOUCHERS.values(), ids=VOUCHERS)
def test_a_voucher_is_well_formed(voucher: Story) -> None:
    assert set(voucher) - {"evidence", "follows", "credit", "visibility", "summary"} == {
        "id", "title", "kind", "unit", "author", "answers", "state", "steps",
    }  # fmt: skip
    assert 10 <= len(voucher["title"]) <= 120
    assert voucher["kind"] in MAX_DAYS
    assert voucher["unit"] in UNITS
    assert not _roles(voucher["author"])
    assert set(voucher["answers"]) == {"about", "audience", "context", "data"}
    for step in voucher["steps"]:
        action = step["action"]
        expected = FIELDS.get(action, set()) | set(WORKFLOW[action][3] if action != "start" else ())
        assert set(step) == {"days_ago", "by", "action"} | expected
        assert step["by"] in PEOPLE


@pytest.mark.parametrize("voucher", VOUCHERS.values(), ids=VOUCHERS)
def test_a_voucher_is_told_in_the_order_of_time(voucher: Story) -> None:
    first = voucher["steps"][0]
    assert (first["action"], first["by"]) == ("start", voucher["author"])
    days = [step["days_ago"] for step in voucher["steps"]]
    assert all(earlier > later for earlier, later in pairwise(days))
    assert days[-1] > 0
    together = [step["days_ago"] for step in _steps(voucher)]
    assert len(set(together)) == len(together)
    starts = [s["starts_days_ago"] for s in voucher["steps"] if s["action"] == "accept"]
    reports = [s["days_ago"] for s in voucher["steps"] if s["action"] == "report"]
    assert all(report < start for report, start in zip(reports, starts, strict=False))


def test_the_questions_of_the_deck_are_among_the_titles() -> None:
    assert {voucher["title"] for voucher in VOUCHERS.values()} >= {
        "Let's test this ML on our data!",
        "How do we train faster on the cluster?",
        "We have a CNN/VAE, but didn't do hyper-parameter optimisation yet",
        "Is there a resonance in our dijet spectrum?",
        "Do our training and beamtime images come from the same distribution?",
        "How far can we trust our network's potential energies?",
        "Track every bubble through the reactor video",
    }


def test_mara_can_show_a_voucher_at_every_stage() -> None:
    assert {"draft", "returned", "active", "closed"} <= {v["state"] for v in _authored("mara")}
    (active,) = _authored("mara", state="active")
    messages = [step["text"] for step in active["steps"] if step["action"] == "message"]
    assert _consultant(active) == "jonas"
    assert len(messages) >= 8
    assert any("```" in text for text in messages)
    (closed,) = _authored("mara", state="closed")
    assert _consultant(closed) == "jonas"
    assert "evidence" in closed


def test_jonas_has_an_offer_to_answer_and_work_to_do() -> None:
    offered = [v for v in VOUCHERS.values() if v["state"] == "offered"]
    latest = [[s["to"] for s in v["steps"] if s["action"] == "offer"][-1] for v in offered]
    assert latest.count("jonas") == 1
    his = Counter(v["state"] for v in VOUCHERS.values() if _consultant(v) == "jonas")
    assert 2 <= his["active"] <= 3
    assert his["reported"] == 1


def test_three_vouchers_wait_for_the_lead_of_the_matter_unit() -> None:
    waiting = [v for v in VOUCHERS.values() if (v["unit"], v["state"]) == ("matter", "submitted")]
    assert len(waiting) == 3


def test_the_detours_of_the_workflow_happen_too() -> None:
    actions = {step["action"] for voucher in VOUCHERS.values() for step in voucher["steps"]}
    assert actions == (set(WORKFLOW) - {"evidence"}) | {"start"}
    accepts = [s for v in VOUCHERS.values() for s in v["steps"] if s["action"] == "accept"]
    assert any(step["starts_days_ago"] < 0 for step in accepts)


def test_inquiries_are_open_answered_or_have_become_vouchers() -> None:
    assert len(INQUIRIES) == 8
    waiting = [one for one in INQUIRIES if one["answer"] is None and one["becomes"] is None]
    assert len(waiting) == 4
    assert [one["person"] for one in INQUIRIES].count(None) == 1
    assert any(one["person"] is None for one in waiting)
    assert sum(one["answer"] is not None for one in INQUIRIES) == 3
    assert sum(one["becomes"] is not None for one in INQUIRIES) == 2


@pytest.mark.parametrize("inquiry", INQUIRIES, ids=lambda one: one["subject"])
def test_an_inquiry_could_have_happened(inquiry: Story) -> None:
    assert len(inquiry["subject"]) <= 120
    assert 0 < len(inquiry["text"]) <= 5000
    assert inquiry["days_ago"] > 0
    if inquiry["person"] is None:
        assert inquiry["email"].endswith(".example.org")
    else:
        assert inquiry["email"] == PEOPLE[inquiry["person"]]["email"]
    if answer := inquiry["answer"]:
        assert _roles(answer["by"]) & {"lead", "office"}
        assert answer["text"].strip()
        assert 0 < answer["days_ago"] < inquiry["days_ago"]
    if inquiry["becomes"]:
        voucher = VOUCHERS[inquiry["becomes"]]
        assert voucher["author"] == inquiry["person"]
        assert voucher["steps"][0]["days_ago"] < inquiry["days_ago"]


def test_three_closed_vouchers_rest_on_evidence_from_an_attached_file() -> None:
    assert len(WITH_EVIDENCE) == 3
    for voucher in WITH_EVIDENCE.values():
        evidence = voucher["evidence"]
        assert set(evidence) == {"kit", "truth", "prediction", "fold", "by", "days_ago"}
        assert (voucher["state"], evidence["kit"]) == ("closed", "accuracy")
        assert evidence["by"] == _consultant(voucher)
        (attached,) = [step for step in voucher["steps"] if step["action"] == "attach"]
        assert attached["file"] == "imagenette"
        assert attached["days_ago"] > evidence["days_ago"]
    attaching = {v["id"] for v in VOUCHERS.values() for s in v["steps"] if s["action"] == "attach"}
    assert attaching == set(WITH_EVIDENCE)


@pytest.fixture(scope="module")
def predictions() -> list[dict[str, str]]:
    """The file that the three vouchers attach: one row per image."""
    packaged = files("evidesk.data").joinpath("sota_on_uncertainties")
    raw = packaged.joinpath("imagenette2_last_top1_per_image.csv.gz").read_bytes()
    return list(csv.DictReader(gzip.decompress(raw).decode().splitlines()))


def _wilson(correct: int, n: int) -> str:
    """The accuracy with its 95 % Wilson interval, as the reports print it."""
    z, p = 1.959964, correct / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return f"{p:.3f} [{centre - half:.3f}, {centre + half:.3f}]"


@pytest.mark.parametrize("voucher", WITH_EVIDENCE.values(), ids=WITH_EVIDENCE)
def test_a_report_states_the_accuracies_that_the_attached_file_has(
    voucher: Story, predictions: list[dict[str, str]]
) -> None:
    (report,) = [step["text"] for step in voucher["steps"] if step["action"] == "report"]
    evidence = voucher["evidence"]
    assert len(predictions) == 13_394
    assert "13,394" in report
    for column in evidence["prediction"]:
        correct = sum(row[column] == row[evidence["truth"]] for row in predictions)
        assert _wilson(correct, len(predictions)) in report


def test_the_reports_count_right_where_they_compare_image_by_image(
    predictions: list[dict[str, str]],
) -> None:
    def right(column: str) -> list[bool]:
        return [row[column] == row["gtlabel"] for row in predictions]

    def only_the_first(first: str, second: str) -> int:
        return sum(a and not b for a, b in zip(right(first), right(second), strict=True))

    text = {slug: json.dumps(voucher["steps"]) for slug, voucher in WITH_EVIDENCE.items()}
    networks = text["three-networks-one-test-set"]
    assert f"{only_the_first('resnext50_s42', 'resnet50_s42')} only the first" in networks
    assert f"{only_the_first('resnet50_s42', 'resnext50_s42')} only the second" in networks

    seeds = WITH_EVIDENCE["seed-or-architecture"]["evidence"]["prediction"]
    each = list(zip(*(right(seed) for seed in seeds), strict=True))
    assert f"{sum(map(all, each)):,} images are right" in text["seed-or-architecture"]
    assert f"{sum(not any(one) for one in each)} (3.0 %)" in text["seed-or-architecture"]

    transformer = text["trust-the-small-transformer"]
    one, two = WITH_EVIDENCE["trust-the-small-transformer"]["evidence"]["prediction"]
    assert f"{only_the_first(one, two)} images only the first" in transformer
    assert f"{only_the_first(two, one)} only the second" in transformer
    different = sum(row[one] != row[two] for row in predictions) / len(predictions)
    assert f"{different:.1%}".replace("%", " %") in transformer
