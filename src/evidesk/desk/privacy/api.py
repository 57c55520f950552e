"""Taking one's data along, over HTTP."""

from django.http import FileResponse, HttpRequest
from ninja import Router

from evidesk.desk.people.queries import person_of
from evidesk.desk.privacy import actions
from evidesk.desk.rest.files import ZIP

router = Router(tags=["people"])


@router.get("me/export/", summary="All that the desk holds of you, as a ZIP", openapi_extra=ZIP)
def export(request: HttpRequest) -> FileResponse:
    """`data.json`, your files, and the evidence on your vouchers."""
    return FileResponse(
        actions.export(person_of(request)),
        as_attachment=True,
        filename="evidesk-my-data.zip",
        content_type="application/zip",
    )
