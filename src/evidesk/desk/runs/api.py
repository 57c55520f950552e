"""Kits, runs, evidence, and the report that rests on it, over HTTP."""

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Body as InBody
from ninja import Field, File, Router, Schema
from ninja.files import UploadedFile
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk import kits
from evidesk.desk.people.models import Scope
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.bearer import EVIDENCE
from evidesk.desk.rest.files import ZIP, upload
from evidesk.desk.rest.forms import Body, checked, schema_of
from evidesk.desk.rest.gate import etag
from evidesk.desk.rest.paging import Pages
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.runs import actions, rules
from evidesk.desk.runs.forms import KitForm, ReportForm
from evidesk.desk.runs.models import Run, StoredEvidence
from evidesk.desk.runs.queries import columns_of, others_of, read_stored, run_for, stored_for
from evidesk.desk.vouchers import rules as voucher_rules
from evidesk.desk.vouchers.api_steps import MovedOut
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.queries import voucher_for

router = Router(tags=["evidence"])


class KitOut(Schema):
    """A kit, with the JSON schema of its parameters."""

    name: str
    title: str
    question: str
    parameters: dict[str, Any]

    @staticmethod
    def resolve_parameters(kit: kits.Kit) -> dict[str, Any]:
        return kit.parameters.model_json_schema()


@router.get("kits/", response=list[KitOut], summary="The kits that this desk can run", auth=None)
def kit_list(request: HttpRequest) -> Any:
    return list(kits.installed().values())


# Runs


class RunOut(Schema):
    """A run of a kit; `done` is the share of the work, `state` as on its page.

    `seconds_left` is a rough guess, and empty while there is not enough to tell it by;
    `can_go_on`: it was cut off, and left something to go on from.
    """

    id: int
    voucher: str
    kit: str
    file: int
    further_files: dict[str, list[int]] = Field(description="Ids of further files, by parameter.")
    parameters: dict[str, Any]
    state: str
    done: float
    message: str
    seconds_left: float | None
    fault: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    can_go_on: bool
    evidence: int | None

    @staticmethod
    def resolve_voucher(run: Run) -> str:
        return run.voucher.reference

    @staticmethod
    def resolve_file(run: Run) -> int:
        return run.attachment_id

    @staticmethod
    def resolve_further_files(run: Run) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for one in run.further_files.all():
            found.setdefault(one.parameter, []).append(one.attachment_id)
        return found

    @staticmethod
    def resolve_evidence(run: Run) -> int | None:
        stored = getattr(run, "evidence", None)
        return stored.pk if stored else None


class RunIn(Body):
    """A kit, the file to run it on, and the kit's other parameters."""

    kit: str = Field(max_length=60, description="Its name, as in the list of kits.")
    file: int = Field(ge=1, le=2**63 - 1, description="The id of one of the voucher's files.")
    parameters: dict[str, Any] = Field(
        {}, description="As the kit's schema says, but the first file; further files by id."
    )


@router.get("vouchers/{reference}/runs/", response=list[RunOut], summary="A voucher's runs")
@paginate(Pages)
def runs(request: HttpRequest, reference: str) -> Any:
    actions.end_lost_runs()
    voucher = voucher_for(person_of(request), reference)
    return voucher.runs.select_related("voucher", "evidence").prefetch_related("further_files")


@router.post("vouchers/{reference}/runs/", response={201: RunOut}, summary="Run a kit on a file")
def start_run(request: HttpRequest, reference: str, wanted: RunIn) -> Status[Run]:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(rules.may_add_evidence(person, voucher))
    attachment = get_object_or_404(voucher.attachments, pk=wanted.file, erased_at=None)
    try:
        kit = kits.load(wanted.kit)
    except kits.KitError as fault:
        raise Invalid({"kit": [str(fault)]}) from None
    try:
        columns = columns_of(attachment, kit)
    except kits.KitError as fault:
        raise Invalid({"file": [str(fault)]}) from None
    form = KitForm(kit, columns, others_of(attachment), wanted.parameters)
    unknown = set(wanted.parameters) - set(form.fields)
    if unknown:
        raise Invalid({f"parameters.{name}": [_("The kit has no such one.")] for name in unknown})
    try:
        checked(form)
        run = actions.start_run(
            voucher,
            person,
            kit=wanted.kit,
            attachment=attachment,
            parameters=form.values,
            files=form.further_files,
        )
    except Invalid as fault:
        raise Invalid({f"parameters.{name}": why for name, why in fault.errors.items()}) from None
    except kits.KitError as fault:
        raise Invalid({"parameters": [str(fault)]}) from None
    return Status(201, run)


@router.get("runs/{int:run_id}/", response=RunOut, summary="How far a run is")
def run(request: HttpRequest, run_id: int) -> Run:
    actions.end_lost_runs()
    return run_for(person_of(request), run_id)


@router.post("runs/{int:run_id}/cancel/", response=RunOut, summary="Ask for a run to end")
def cancel_run(request: HttpRequest, run_id: int) -> Run:
    person = person_of(request)
    actions.cancel_run(run_for(person, run_id), person)
    return run_for(person, run_id)


@router.post(
    "runs/{int:run_id}/go-on/",
    response={201: RunOut},
    summary="Go on from where a run was cut off",
    description="Makes a new run of the same kit, files and parameters.",
)
def go_on_run(request: HttpRequest, run_id: int) -> Status[Run]:
    person = person_of(request)
    return Status(201, actions.go_on(run_for(person, run_id), person))


# Evidence


class EvidenceOut(Schema):
    """Evidence that the desk keeps."""

    id: int
    kit: str
    question: str
    answer: str
    sha256: str
    size: int
    added_at: datetime
    url: str

    @staticmethod
    def resolve_url(evidence: StoredEvidence, context: Any) -> str:
        path = f"/evidence/{evidence.pk}/"
        return str(context["request"].build_absolute_uri(path))


class EvidenceDetail(EvidenceOut):
    """Evidence with what its card shows; the whole of it is in the crate."""

    voucher: str
    added_by: str
    run: int | None
    findings: list[dict[str, Any]]
    figures: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    warnings: list[str]

    @staticmethod
    def resolve_voucher(evidence: StoredEvidence) -> str:
        return evidence.voucher.reference

    @staticmethod
    def resolve_added_by(evidence: StoredEvidence) -> str:
        return evidence.added_by.name

    @staticmethod
    def resolve_run(evidence: StoredEvidence) -> int | None:
        return evidence.run_id

    @staticmethod
    def resolve_findings(evidence: StoredEvidence) -> Any:
        return evidence.shown["findings"]

    @staticmethod
    def resolve_figures(evidence: StoredEvidence) -> Any:
        return evidence.shown["figures"]

    @staticmethod
    def resolve_tables(evidence: StoredEvidence) -> Any:
        return evidence.shown["tables"]

    @staticmethod
    def resolve_warnings(evidence: StoredEvidence) -> Any:
        return evidence.shown["warnings"]


@router.post(
    "vouchers/{reference}/evidence/",
    response={201: EvidenceOut},
    summary="Add evidence that was made elsewhere",
    description="`crate` is the zipped RO-Crate that `evidesk run` wrote. Every digest in it is "
    "verified before it is kept.",
    url_name="push",
    auth=EVIDENCE,
    openapi_extra={"x-scope": Scope.EVIDENCE.value, **upload("crate")},
)
def push(request: HttpRequest, reference: str, crate: File[UploadedFile]) -> Status[StoredEvidence]:
    voucher = voucher_for(person_of(request), reference)
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        for chunk in crate.chunks():
            file.write(chunk)
        file.flush()
        stored = actions.receive_evidence(voucher, person_of(request), Path(file.name))
        return Status(201, stored)


@router.get(
    "vouchers/{reference}/evidence/", response=list[EvidenceOut], summary="A voucher's evidence"
)
@paginate(Pages, oldest_first=True)
def evidence(request: HttpRequest, reference: str) -> Any:
    return StoredEvidence.objects.filter(voucher=voucher_for(person_of(request), reference))


@router.get("evidence/{int:evidence_id}/", response=EvidenceDetail, summary="What evidence says")
def one_evidence(request: HttpRequest, evidence_id: int) -> StoredEvidence:
    stored = stored_for(person_of(request), evidence_id)
    read_stored(stored)  # it is shown only if it is still what came
    return stored


@router.get(
    "evidence/{int:evidence_id}/download/", summary="Evidence as a zipped crate", openapi_extra=ZIP
)
def download(request: HttpRequest, evidence_id: int) -> FileResponse:
    stored = stored_for(person_of(request), evidence_id)
    read_stored(stored)
    response = FileResponse(
        stored.path.open("rb"),
        as_attachment=True,
        filename=stored.file_name,
        content_type="application/zip",
    )
    response["ETag"] = etag(stored.sha256)
    return response


# The report: a step of the workflow that rests on evidence

ReportIn = schema_of(ReportForm)


@router.post(
    "vouchers/{reference}/steps/report/",
    response=MovedOut,
    summary="Write the report",
    description="For the voucher's consultant. `evidence` are the ids of what it rests on.",
    tags=["steps"],
)
def report(
    request: HttpRequest,
    reference: str,
    report: InBody[ReportIn],  # type: ignore[valid-type]
) -> Voucher:
    person = person_of(request)
    voucher = voucher_for(person, reference)
    require(voucher_rules.may(person, "report", voucher))
    given = report.model_dump(exclude_unset=True)  # type: ignore[attr-defined]
    form = ReportForm(StoredEvidence.objects.filter(voucher=voucher), given)
    data = checked(form)
    if given.get("evidence") and "evidence" not in form.fields:
        raise Invalid({"evidence": [_("This voucher has no evidence.")]})
    actions.report(voucher, person, data["text"], data.get("evidence", ()))
    return voucher
