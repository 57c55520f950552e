"""Which language somebody reads: their own choice, else the cookie, else what the browser asks for.

Django's `LocaleMiddleware` has looked at the cookie and the browser before; only the choice that is
kept with the person is added here.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from evidesk.desk.people import actions
from evidesk.desk.people.models import Person


def is_known(code: str) -> bool:
    """Whether the desk speaks this language."""
    return code in dict(settings.LANGUAGES)


def language_of(person: Person) -> str:
    """The language in which the desk writes to somebody who is not there: their choice or English.

    For a mail: ``with translation.override(language_of(recipient)): ...``.
    """
    return person.language if is_known(person.language) else settings.LANGUAGE_CODE


class SpeakTheirLanguage:
    """Speak the language that whoever is signed in has chosen."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, Person) and is_known(request.user.language):
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        response = self.get_response(request)
        patch_vary_headers(response, ("Cookie",))
        return response


@receiver(user_logged_in, dispatch_uid="evidesk.languages")
def _keep_choice(sender: Any, request: HttpRequest, user: Person, **_: Any) -> None:
    """What somebody chose before signing in is their choice afterwards, too."""
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if not user.language and is_known(chosen):
        actions.choose_language(user, chosen)
