"""What every template knows of notices and mail."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from evidesk.desk.notices import queries, rules


def notices(request: HttpRequest) -> dict[str, Any]:
    """How many notices are unread, asked for only by a page that shows it, and about mail."""
    return {
        "unread_notices": SimpleLazyObject(lambda: queries.unread_of(request)),
        "mail_is_sent": rules.mail_is_sent(),
    }
