"""Watches and their batches, over HTTP."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Field, File, Router, Schema
from ninja.files import UploadedFile
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk import kits
from evidesk.desk.people.models import Scope
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.bearer import EVIDENCE
from evidesk.desk.rest.files import upload
from evidesk.desk.rest.forms import NO_NUL, Body, checked
from evidesk.desk.rest.paging import Pages
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.runs.queries import columns_of
from evidesk.desk.vouchers import rules as voucher_rules
from evidesk.desk.vouchers.queries import voucher_for
from evidesk.desk.watches import actions, queries
from evidesk.desk.watches.forms import WatchForm
from evidesk.desk.watches.models import Batch, Watch

router = Router(tags=["watches"])


class WatchOut(Schema):
    """A watch; the numbers are those after the last batch that was taken."""

    id: int
    voucher: str
    name: str
    reference: int = Field(description="The id of the file that it compares with.")
    parameters: dict[str, Any]
    state: str = Field(description="starting, watching, alarm, stopped or failed.")
    fault: str
    begun_at: datetime
    stopped_at: datetime | None
    batches: int = Field(description="How many were taken.")
    waiting: int = Field(description="How many wait for the worker.")
    rows: int
    log10_e: float = Field(description="Decimal logarithm of the e-value.")
    p_value: float = Field(description="Valid at any time.")
    reference_left: int = Field(description="Rows of the reference that can still be used.")
    alarm: int | None = Field(description="The row of the stream that raised the alarm.")
    alarm_at: datetime | None
    warnings: list[str]

    @staticmethod
    def resolve_voucher(watch: Watch) -> str:
        return watch.voucher.reference

    @staticmethod
    def resolve_reference(watch: Watch) -> int:
        return watch.reference_id

    @staticmethod
    def resolve_batches(watch: Watch) -> int:
        return watch.taken


class BatchOut(Schema):
    """A batch; `state` is waiting, taken or refused, and `fault` says why."""

    id: int
    name: str
    size: int
    sha256: str
    uploaded_at: datetime
    uploader: str
    state: str
    fault: str
    number: int | None
    first_row: int | None
    rows: int | None
    log10_e: float | None
    p_value: float | None
    alarm: int | None

    @staticmethod
    def resolve_uploader(batch: Batch) -> str:
        return batch.uploader.name


class WatchIn(Body):
    """A new watch: what it is called, what it compares with, and the kit's parameters."""

    name: str = Field(min_length=1, max_length=80, pattern=NO_NUL)
    file: int = Field(ge=1, le=2**63 - 1, description="The id of one of the voucher's files.")
    parameters: dict[str, Any] = Field({}, description="As the schema of the kit watch says.")


@router.get("vouchers/{reference}/watches/", response=list[WatchOut], summary="A voucher's watches")
@paginate(Pages)
def watches(request: HttpRequest, reference: str) -> Any:
    return queries.watches_of(voucher_for(person_of(request), reference))


@router.post(
    "vouchers/{reference}/watches/", response={201: WatchOut}, summary="Begin a watch on a file"
)
def begin_watch(request: HttpRequest, reference: str, wanted: WatchIn) -> Status[Watch]:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(voucher_rules.may_watch(person, voucher))
    attachment = get_object_or_404(voucher.attachments, pk=wanted.file, erased_at=None)
    try:
        columns = columns_of(attachment)
    except kits.KitError as fault:
        raise Invalid({"file": [str(fault)]}) from None
    form = WatchForm(columns, {**wanted.parameters, "name": wanted.name})
    unknown = set(wanted.parameters) - (set(form.fields) - {"name"})
    if unknown:
        raise Invalid({f"parameters.{name}": [_("The kit has no such one.")] for name in unknown})
    try:
        checked(form)
        watch = actions.begin_watch(
            voucher, person, name=form.name, reference=attachment, parameters=form.values
        )
    except Invalid as fault:
        raise Invalid(
            {
                name if name == "name" else f"parameters.{name}": why
                for name, why in fault.errors.items()
            }
        ) from None
    except kits.KitError as fault:
        raise Invalid({"parameters": [str(fault)]}) from None
    return Status(201, queries.watch_for(person, watch.pk))


@router.get("watches/{int:watch_id}/", response=WatchOut, summary="Where a watch stands")
def watch(request: HttpRequest, watch_id: int) -> Watch:
    return queries.watch_for(person_of(request), watch_id)


@router.get(
    "watches/{int:watch_id}/batches/", response=list[BatchOut], summary="The batches of a watch"
)
@paginate(Pages, oldest_first=True)
def batches(request: HttpRequest, watch_id: int) -> Any:
    return queries.watch_for(person_of(request), watch_id).batches.select_related("uploader")


@router.post(
    "watches/{int:watch_id}/batches/",
    response={201: BatchOut},
    summary="Give a watch its next batch",
    description="The worker takes it, or refuses it and says why; nothing of a refused batch is "
    "taken. Exactly the same file is not taken twice (409).",
    url_name="add-batch",
    auth=EVIDENCE,
    openapi_extra={"x-scope": Scope.EVIDENCE.value, **upload("file")},
)
def add_batch(request: HttpRequest, watch_id: int, file: File[UploadedFile]) -> Status[Batch]:
    person = person_of(request)
    return Status(201, actions.add_batch(queries.watch_for(person, watch_id), person, file))


@router.post("watches/{int:watch_id}/stop/", response=WatchOut, summary="Stop a watch")
def stop_watch(request: HttpRequest, watch_id: int) -> Watch:
    person = person_of(request)
    actions.stop_watch(queries.watch_for(person, watch_id), person)
    return queries.watch_for(person, watch_id)


@router.post("watches/{int:watch_id}/resume/", response=WatchOut, summary="Let a watch go on")
def resume_watch(request: HttpRequest, watch_id: int) -> Watch:
    person = person_of(request)
    actions.resume_watch(queries.watch_for(person, watch_id), person)
    return queries.watch_for(person, watch_id)
