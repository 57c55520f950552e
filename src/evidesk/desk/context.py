"""What every template knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from evidesk import __version__


def site(_: HttpRequest) -> dict[str, Any]:
    """Whether this is the demo, and which version of evidesk it is."""
    return {"is_demo": settings.DEMO, "version": __version__}
