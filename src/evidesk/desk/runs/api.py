"""Kits and evidence over HTTP."""

import tempfile
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from ninja.responses import Status

from evidesk import kits
from evidesk.desk.people.queries import person_of
from evidesk.desk.runs import actions
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers.queries import voucher_for

router = Router(tags=["evidence"])


class EvidenceOut(Schema):
    """Evidence that the desk keeps."""

    id: int
    kit: str
    question: str
    answer: str
    sha256: str
    size: int
    url: str

    @staticmethod
    def resolve_url(evidence: StoredEvidence, context: Any) -> str:
        path = f"/evidence/{evidence.pk}/"
        return str(context["request"].build_absolute_uri(path))


class Problem(Schema):
    """Why something was refused."""

    detail: str


@router.post(
    "vouchers/{reference}/evidence/",
    response={201: EvidenceOut, 403: Problem, 409: Problem},
    summary="Add evidence that was made elsewhere",
    description="`crate` is the zipped RO-Crate that `evidesk run` wrote. Every digest in it is "
    "verified before it is kept.",
)
def push(
    request: HttpRequest,
    reference: str,
    crate: File[UploadedFile],
) -> Status[StoredEvidence]:
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
def evidence(request: HttpRequest, reference: str) -> Any:
    return StoredEvidence.objects.filter(voucher=voucher_for(person_of(request), reference))


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
