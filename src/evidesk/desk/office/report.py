"""The yearly report as PDF."""

from importlib.resources import files
from importlib.util import find_spec
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from evidesk.desk.office import overview, wording
from evidesk.desk.office.scope import Scope
from evidesk.desk.people.rules import Refused


def pdf_is_possible() -> bool:
    """Whether what makes PDF is installed."""
    return find_spec("weasyprint") is not None


def context_of(scope: Scope, year: int) -> dict[str, Any]:
    """What the report of a year shows; the scope's period is that year."""
    today = timezone.localdate()
    return {
        **overview.context(scope),
        "year": year,
        "is_running": year == today.year,
        "made_on": today,
        "level": wording.percent_level(),
    }


def pdf(context: dict[str, Any], request: HttpRequest) -> bytes:
    """The report's page as PDF.

    Raises
    ------
    Refused : what makes PDF is not installed, or lacks its libraries; the message says what to do.
    """
    try:
        import weasyprint
    except (ImportError, OSError) as fault:  # OSError: without the system's Pango
        raise Refused(
            _(
                "This desk cannot make PDF: its administrator has to install evidesk[pdf], and the "
                "system's package of Pango. Until then print the report's page into a file."
            )
        ) from fault
    html = render_to_string("office/report_pdf.html", context, request)
    style = files("evidesk.desk").joinpath("static/evidesk/report.css").read_text("utf-8")
    # Its links lead to the rows on this desk.
    here = request.build_absolute_uri("/")
    document = weasyprint.HTML(string=html, base_url=here, url_fetcher=_fetch_nothing)
    made: bytes = document.write_pdf(stylesheets=[weasyprint.CSS(string=style)])
    return made


def _fetch_nothing(url: str, *_args: object, **_options: object) -> Any:
    """The report needs nothing from anywhere; an address in a text must not make the desk ask."""
    raise ValueError(f"not fetched: {url}")
