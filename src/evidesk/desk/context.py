"""What every template knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from evidesk import __version__


def site(request: HttpRequest) -> dict[str, Any]:
    """Whether this is the demo, which version of evidesk it is, and what its own scripts and
    styles are known by.
    """
    nonce = getattr(request, "csp_nonce", "")  # absent where a request was refused early
    return {"is_demo": settings.DEMO, "version": __version__, "csp_nonce": nonce}
