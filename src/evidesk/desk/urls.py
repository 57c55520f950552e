"""All addresses of the desk."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_safe

from evidesk.desk.api import api


@require_safe
def health(_: HttpRequest) -> HttpResponse:
    """For whoever watches the server."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("", include("evidesk.desk.lists.urls")),
    path("", include("evidesk.desk.vouchers.urls")),
    path("", include("evidesk.desk.people.urls")),
    path("", include("evidesk.desk.runs.urls")),
    path("", include("evidesk.desk.watches.urls")),
    path("", include("evidesk.desk.notices.urls")),
    path("", include("evidesk.desk.hooks.urls")),
    path("", include("evidesk.desk.privacy.urls")),
    path("", include("evidesk.desk.office.urls")),
    path("api/", api.urls),
    path("health/", health, name="health"),
]
