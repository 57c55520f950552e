"""Sessions in the database: at most 12 h, 1 h without use; each knows its person and device.

A session's end is decided here, not by the cookie: the row's `expire_date` is moved on while it is
used, and never beyond 12 h after signing in. A row that is deleted ends its session at once.
"""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db.models import QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from evidesk.desk.people.models import Person, Session

#: How long somebody stays signed in at most.
LONGEST = timedelta(hours=12)
#: How long a session lives without being used.
IDLE = timedelta(hours=1)
#: Use is noted at most this often, so that a page does not cost a write.
_NOTED_EVERY = timedelta(minutes=1)

_SIGNED_IN_AT, _DEVICE = "signed_in_at", "device"


class SessionStore(DatabaseStore):
    """Django's sessions in the database, with the columns of :class:`Session`."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        now = timezone.now()
        signed_in_at = _moment(data)
        return Session(
            session_key=self._get_or_create_session_key(),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=_ends(now, signed_in_at),
            person_id=data.get(SESSION_KEY),
            device=data.get(_DEVICE, ""),
            signed_in_at=signed_in_at,
            last_used_at=now,
        )

    def load(self) -> dict[str, Any]:
        row = self._get_session_from_db()  # type: ignore[attr-defined]
        if row is None:
            return {}
        now = timezone.now()
        if now - row.last_used_at >= _NOTED_EVERY:
            Session.objects.filter(pk=row.pk).update(
                last_used_at=now, expire_date=_ends(now, row.signed_in_at)
            )
        data: dict[str, Any] = self.decode(row.session_data)
        return data


def _moment(data: dict[str, Any]) -> datetime | None:
    text = data.get(_SIGNED_IN_AT)
    return datetime.fromisoformat(text) if text else None


def _ends(now: datetime, signed_in_at: datetime | None) -> datetime:
    """When a session ends that is used now."""
    return min(now + IDLE, (signed_in_at or now) + LONGEST)


@receiver(user_logged_in, dispatch_uid="evidesk.sessions")
def _note_sign_in(sender: Any, request: HttpRequest, user: Person, **_: Any) -> None:
    request.session[_SIGNED_IN_AT] = timezone.now().isoformat()
    request.session[_DEVICE] = device_of(request.META.get("HTTP_USER_AGENT", ""))


def of(person: Person | None) -> QuerySet[Session]:
    """The person's sessions that have not ended, the last used first; everybody's for None."""
    going_on = Session.objects.filter(expire_date__gt=timezone.now())
    return going_on.filter(person=person) if person else going_on


def end(sessions: QuerySet[Session]) -> int:
    """End them at once; returns how many there were."""
    return sessions.delete()[0]


#: Of the browsers' names the first that fits: Edge calls itself Chrome too, and Chrome Safari.
_BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}


def device_of(user_agent: str) -> str:
    """Such as “Firefox, Linux”: enough to know one's own device again, and no more is kept."""
    browser = next((name for sign, name in _BROWSERS.items() if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS.items() if sign in user_agent), "")
    return ", ".join(filter(None, (browser, system)))
