"""What people say and give to a voucher, over HTTP: timeline, messages, files."""

from datetime import datetime
from typing import Any

from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Body as InBody
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.files import DOWNLOAD, upload
from evidesk.desk.rest.forms import checked, schema_of
from evidesk.desk.rest.gate import etag
from evidesk.desk.rest.paging import Pages
from evidesk.desk.vouchers import actions, forms, queries
from evidesk.desk.vouchers.models import Attachment, Event

router = Router(tags=["conversation"])


class EventOut(Schema):
    """An entry of a voucher's timeline; `kind` is a step, or such as `message` or `file`."""

    id: int
    at: datetime
    actor: str | None
    kind: str
    text: str
    data: dict[str, Any]

    @staticmethod
    def resolve_actor(event: Event) -> str | None:
        return event.actor.name if event.actor else None


@router.get(
    "vouchers/{reference}/timeline/",
    response=list[EventOut],
    summary="What happened to a voucher, first things first",
)
@paginate(Pages, oldest_first=True)
def timeline(request: HttpRequest, reference: str) -> Any:
    return queries.timeline(queries.voucher_for(person_of(request), reference))


MessageIn = schema_of(forms.MessageForm)


@router.post(
    "vouchers/{reference}/messages/", response={201: EventOut}, summary="Write a message (Markdown)"
)
def write(
    request: HttpRequest,
    reference: str,
    message: InBody[MessageIn],  # type: ignore[valid-type]
) -> Status[Event]:
    voucher = queries.voucher_for(person_of(request), reference)
    data = checked(forms.MessageForm(message.model_dump()))  # type: ignore[attr-defined]
    return Status(201, actions.write(voucher, person_of(request), data["text"]))


class FileOut(Schema):
    """A file of a voucher; its content is at the file's own address."""

    id: int
    name: str
    size: int
    sha256: str
    uploaded_at: datetime
    uploader: str

    @staticmethod
    def resolve_uploader(attachment: Attachment) -> str:
        return attachment.uploader.name


@router.get("vouchers/{reference}/files/", response=list[FileOut], summary="A voucher's files")
@paginate(Pages, oldest_first=True)
def files(request: HttpRequest, reference: str) -> Any:
    voucher = queries.voucher_for(person_of(request), reference)
    return voucher.attachments.filter(erased_at=None).select_related("uploader")


@router.post(
    "vouchers/{reference}/files/",
    response={201: FileOut},
    summary="Attach a file",
    url_name="attach",
    openapi_extra=upload("file"),
)
def attach(request: HttpRequest, reference: str, file: File[UploadedFile]) -> Status[Attachment]:
    voucher = queries.voucher_for(person_of(request), reference)
    return Status(201, actions.attach(voucher, person_of(request), file))


@router.get(
    "vouchers/{reference}/files/{int:file_id}/", summary="A file's content", openapi_extra=DOWNLOAD
)
def file(request: HttpRequest, reference: str, file_id: int) -> FileResponse:
    voucher = queries.voucher_for(person_of(request), reference)
    found = get_object_or_404(voucher.attachments, pk=file_id, erased_at=None)
    response = FileResponse(
        found.path.open("rb"),
        as_attachment=True,
        filename=found.name,
        content_type="application/octet-stream",
    )
    response["ETag"] = etag(found.sha256)
    return response
