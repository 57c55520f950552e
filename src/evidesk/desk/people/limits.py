"""How often somebody may try something: counted in the database, so that all processes agree."""

import hmac
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from evidesk.desk.people.models import RateWindow


@dataclass(frozen=True)
class Limit:
    """So many times in so many seconds."""

    times: int
    seconds: int


def address_of(request: HttpRequest) -> str:
    """Where the request comes from.

    Behind the proxy, that is the last entry of `X-Forwarded-For`, which the proxy itself has
    written; what stands before it anybody could have sent. In a demo nothing stands before us.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if forwarded and not settings.DEMO:
        return str(forwarded.rsplit(",", 1)[-1].strip())
    return str(request.META.get("REMOTE_ADDR", ""))


def spend(what: str, who: str, limit: Limit) -> int:
    """Count one try; returns 0 if it is allowed, else the seconds to wait.

    Who is kept only as a keyed digest: addresses are personal data.
    """
    digest = hmac.digest(settings.SECRET_KEY.encode(), f"{what}\0{who}".encode(), "sha256").hex()
    now = timezone.now()
    begun = now - timedelta(seconds=limit.seconds)
    window = RateWindow.objects.filter(key=digest)
    # What happens nearly always takes one statement.
    if window.filter(begun_at__gt=begun, count__lt=limit.times).update(count=F("count") + 1):
        return 0
    found, is_new = RateWindow.objects.get_or_create(
        key=digest, defaults={"begun_at": now, "count": 1}
    )
    if is_new:
        return 0
    if found.begun_at <= begun:
        window.filter(begun_at=found.begun_at).update(begun_at=now, count=1)
        return 0
    return max(1, round((found.begun_at - begun).total_seconds()))


def forget_old() -> int:
    """Delete windows of yesterday and before; returns how many."""
    old = timezone.now() - timedelta(days=1)
    return RateWindow.objects.filter(begun_at__lt=old).delete()[0]
