"""Why a log-in ends: what the person is told, and what the log is told."""

from django.conf import settings
from django.utils.translation import gettext as _


class LogInFailed(Exception):
    """A log-in that ends without somebody signed in.

    The exception's own text is for the log and names no person; `title` and `reason` are for the
    page. `step_up` offers to sign in again with a second factor.
    """

    def __init__(
        self, log: str, *, status: int, title: str, reason: str, step_up: bool = False
    ) -> None:
        super().__init__(log)
        self.status = status
        self.title = title
        self.reason = reason
        self.step_up = step_up


def write_to() -> str:
    """Whom to write to, as the end of an explanation."""
    if settings.CONTACT:
        return _("If you think that this is wrong, write to %s.") % settings.CONTACT
    return ""


class Unreachable(LogInFailed):
    """The provider does not answer, or says that it cannot at the moment."""

    def __init__(self, log: str) -> None:
        name = settings.OIDC_NAME
        super().__init__(
            log,
            status=503,
            title=_("%s does not answer") % name,
            reason=_(
                "Signing in goes through %s, which does not answer at the moment. Try again in a "
                "few minutes. Whatever needs no account works meanwhile: the kits, the network's "
                "page, and writing to us."
            )
            % name,
        )


class Silent(Unreachable):
    """The provider cannot be reached, or does not answer in time."""


class Distrusted(LogInFailed):
    """The provider answers something that it must not, or somebody between us does."""

    def __init__(self, log: str) -> None:
        reason = _(
            "What %s told us about you did not pass our checks, so nobody was signed in. Try "
            "again; if it happens again, it has to be mended by those who run this desk."
        )
        super().__init__(
            log,
            status=502,
            title=_("Signing in did not work"),
            reason=f"{reason % settings.OIDC_NAME} {write_to()}".strip(),
        )


class Interrupted(LogInFailed):
    """The browser comes back without what it was sent away with."""

    def __init__(self, log: str) -> None:
        super().__init__(
            log,
            status=403,
            title=_("Please sign in again"),
            reason=_(
                "This log-in was not started in this browser, took longer than ten minutes, or "
                "was finished already (perhaps in another tab, or with the back button)."
            ),
        )
