"""Whoever opens a voucher has seen what its notices tell."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from evidesk.desk.notices import actions, queries
from evidesk.desk.people.queries import person_of


class SeenOnThePage:
    """Marks a voucher's notices as read when its page is shown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        match = request.resolver_match
        if (
            match is not None
            and match.view_name == "voucher"
            and request.method == "GET"
            and response.status_code == 200
            and request.user.is_authenticated
            and queries.unread_of(request)
        ):
            actions.mark_read(person_of(request), reference=match.kwargs["reference"])
        return response
