"""Doing what was asked once, however often it is sent."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError
from django.db import transaction as database
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict
from evidesk.desk.rest.models import Once

#: How long an answer is kept to be given again.
KEPT = timedelta(hours=24)
#: Whoever has not answered for so long was killed in the middle, and nothing was done.
LOST = timedelta(minutes=10)
_BUSY = gettext_lazy("This very request is being worked on. Ask again in a moment.")


def do_once(
    request: HttpRequest, person: Person, key: str, act: Callable[[], HttpResponse]
) -> HttpResponse:
    """Act, and keep the answer in the same transaction; or give the answer that was kept.

    What is refused (status 400 and above) is not kept, so that it can be mended and sent again.

    Raises
    ------
    Conflict : the same request is being worked on right now, or the key was used for another one.
    """
    digest = _digest(request)
    claim, is_mine = _claim(person, key, digest)
    if claim.digest != digest:
        raise Conflict(_("This Idempotency-Key was used for another request. Choose a new one."))
    if not is_mine:
        if claim.status is None:
            raise Conflict(_BUSY)
        answer = HttpResponse(claim.content, status=claim.status, content_type="application/json")
        answer["Idempotent-Replayed"] = "true"
        return answer
    mine = Once.objects.filter(pk=claim.pk, begun_at=claim.begun_at, status=None)
    try:
        with database.atomic():
            answer = act()
            if answer.status_code >= 400:
                database.set_rollback(True)
            elif not mine.update(status=answer.status_code, content=answer.content.decode()):
                raise Conflict(_("This took so long that somebody else has begun it again."))
    except BaseException:
        mine.delete()
        raise
    if answer.status_code >= 400:
        mine.delete()
    return answer


def _claim(person: Person, key: str, digest: str) -> tuple[Once, bool]:
    """The row of this key, and whether it is ours to do. It is there before the work begins, so
    that who comes second is told at once instead of waiting.
    """
    now = timezone.now()
    rows = Once.objects.filter(person=person, key=key)
    # Looked for first, for reading never waits for whoever is writing.
    found = rows.first()
    if found is not None and found.begun_at < now - KEPT:
        rows.filter(begun_at=found.begun_at).delete()
        found = None
    if found is None:
        try:
            with database.atomic():
                made = Once.objects.create(person=person, key=key, digest=digest, begun_at=now)
            return made, True
        except IntegrityError:
            found = rows.first()
    if found is None:  # whoever had it was refused this very moment
        raise Conflict(_BUSY)
    is_lost = found.status is None and found.digest == digest and found.begun_at < now - LOST
    # Only one of those who find it so gets it.
    if is_lost and rows.filter(status=None, begun_at=found.begun_at).update(begun_at=now):
        found.begun_at = now
        return found, True
    return found, False


def _digest(request: HttpRequest) -> str:
    """SHA-256 of what is asked; of a form its fields and files, for its boundaries are chance."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type != "multipart/form-data":
        digest.update(request.body)
        return digest.hexdigest()
    for name, values in sorted(request.POST.lists()):
        digest.update(repr((name, values)).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            content = hashlib.sha256()
            for chunk in file.chunks():
                content.update(chunk)
            file.seek(0)
            digest.update(repr((name, file.name, content.hexdigest())).encode())
    return digest.hexdigest()


def forget_old() -> int:
    """Delete what nobody is answered from any more; returns how many."""
    return Once.objects.filter(begun_at__lt=timezone.now() - KEPT).delete()[0]
