"""The demo: loaded through the desk's own actions, dated back, and with real evidence."""

import csv
import gzip
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evidesk import data as packaged
from evidesk.desk.demo import load as demo
from evidesk.desk.demo.history import PER_QUARTER
from evidesk.desk.lists.forms import FilterForm
from evidesk.desk.lists.models import SavedView
from evidesk.desk.people import queries
from evidesk.desk.people.models import Member, Person, Unit
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.models import ENDS, Event, EventKind, Inquiry, State, Voucher
from evidesk.desk.vouchers.workflow import BY_ACTION
from evidesk.evidence import Evidence
from tests.desk.conftest import signed_in
from tests.desk.test_demo_texts import _replay

FILE = packaged.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
STORIES: dict[str, Any] = json.loads(
    files("evidesk.desk.demo").joinpath("vouchers.json").read_text(encoding="utf-8")
)


def told_vouchers() -> QuerySet[Voucher]:
    """Those with a story, not the generated past."""
    return Voucher.objects.filter(reference__startswith="V-")


@pytest.fixture(scope="module", autouse=True)
def loaded(migrated: None, django_db_blocker: Any) -> Iterator[None]:
    """The demo, loaded once for all tests of this module."""
    with django_db_blocker.unblock(), transaction.atomic():
        assert not demo.is_loaded()
        demo.load()
        yield
        transaction.set_rollback(True)


def test_the_demo_is_there() -> None:
    assert demo.is_loaded()
    assert Unit.objects.count() == 6
    assert told_vouchers().count() == len(STORIES["vouchers"])
    assert Voucher.objects.count() == told_vouchers().count() + sum(PER_QUARTER)
    assert Inquiry.objects.count() == len(STORIES["inquiries"])
    assert queries.personas().count() >= 4
    assert Member.objects.values("role").distinct().count() == 3


def test_leads_and_office_share_a_view_that_makes_sense() -> None:
    keeping = Member.objects.filter(role__in=["lead", "office"])
    assert SavedView.objects.count() == keeping.count()
    for view in SavedView.objects.select_related("owner"):
        form = FilterForm.of_address(view.query, view.owner)
        assert (form.address(), form.is_valid()) == (view.query, True)
        assert view.unit is not None


def test_every_voucher_is_in_the_state_that_its_story_ends_in() -> None:
    told = sorted((story["title"], _replay(story)) for story in STORIES["vouchers"])
    assert sorted(told_vouchers().values_list("title", "state")) == told
    assert {state for _, state in told} == set(State)


def test_everything_happened_in_the_past_and_in_order() -> None:
    now = timezone.now()
    for voucher in Voucher.objects.prefetch_related("events"):
        moments = [event.at for event in sorted(voucher.events.all(), key=lambda e: e.pk)]
        assert moments == sorted(moments), voucher
        assert voucher.created_at == moments[0]
        assert voucher.changed_at == moments[-1] <= now
        for moment in (voucher.submitted_at, voucher.ended_at):
            assert moment is None or voucher.created_at <= moment <= voucher.changed_at
    numbers = told_vouchers().order_by("created_at").values_list("reference", flat=True)
    assert list(numbers) == sorted(numbers)
    for inquiry in Inquiry.objects.exclude(answer=""):
        assert inquiry.created_at < inquiry.answered_at <= now
    for inquiry in Inquiry.objects.exclude(voucher=None):
        assert inquiry.created_at <= inquiry.voucher.created_at


def test_the_generated_past_keeps_the_workflow_and_is_over() -> None:
    past = Voucher.objects.filter(reference__startswith="A-").prefetch_related("events")
    for voucher in past:
        state = State.DRAFT
        for event in voucher.events.all():
            if event.kind != EventKind.STARTED:
                assert state in BY_ACTION[event.kind].sources, voucher
                state = BY_ACTION[event.kind].target
                assert event.data["state"] == state
        assert voucher.state == state
        assert state in ENDS


def test_what_was_said_is_in_the_conversation() -> None:
    said = set(Event.objects.values_list("text", flat=True))
    for story in STORIES["vouchers"]:
        for step in story["steps"]:
            if step["action"] == "message":
                assert step["text"] in said


def recount(model: str) -> tuple[int, int]:
    """How many of the packaged predictions of a model are right, and of how many."""
    with gzip.open(FILE, "rt", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return sum(row[model] == row["gtlabel"] for row in rows), len(rows)


def test_the_evidence_is_real() -> None:
    assert StoredEvidence.objects.count() == 3
    for stored in StoredEvidence.objects.all():
        evidence = Evidence.read(stored.path)
        parameters = evidence.provenance.parameters
        counts = {model: recount(model) for model in parameters["prediction"]}
        assert [one.estimate.value for one in evidence.findings] == [
            pytest.approx(right / n, abs=1e-12) for right, n in counts.values()
        ]
        told = re.search(r"right in ([\d,]+) of ([\d,]+) cases", evidence.answer)
        best = tuple(int(number.replace(",", "")) for number in told.groups())
        assert best == max(counts.values())
        assert evidence.provenance.inputs[0].sha256 == stored.voucher.attachments.get().sha256
        assert stored.voucher.state == State.CLOSED
        assert hasattr(stored, "citation")
        assert stored.voucher.submitted_at < stored.added_at < stored.voucher.ended_at


def test_everybody_finds_a_home_page_and_every_voucher_opens() -> None:
    for persona in queries.personas():
        client = signed_in(Person.objects.get(pk=persona.pk))
        assert client.get("/").status_code == 200
        assert client.get("/vouchers/").status_code == 200
    office = signed_in(Person.objects.filter(memberships__role="office").first())
    for voucher in Voucher.objects.exclude(submitted_at=None):
        assert office.get(f"/vouchers/{voucher.reference}/").status_code == 200
