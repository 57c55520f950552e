"""How texts, sizes and states are written on pages."""

import math
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import nh3
from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from markdown_it import MarkdownIt

from evidesk.desk.vouchers.models import Event, EventKind
from evidesk.desk.vouchers.workflow import BY_ACTION
from evidesk.kits.remaining import Unit, rounded

register = template.Library()

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
_TAGS = {
    "p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


@register.filter
@lru_cache(maxsize=256)
def markdown(text: str, top: int = 3) -> SafeString:
    """People's Markdown as harmless HTML: no scripts, images or styles.

    Headings begin at `top`, one below the page's own above the text, and no level is left out,
    whatever level their writer began with: who listens to a page goes by its headings.
    """
    tokens = _markdown.parse(text)
    above: list[str] = []
    for token in tokens:
        if token.type == "heading_open":
            while above and above[-1] >= token.tag:
                above.pop()
            above.append(token.tag)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(top + len(above) - 1, 6)}"
    clean = nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308 - just cleaned


@register.filter
def when(moment: datetime) -> SafeString:
    """How long ago, in one unit, with the exact time for those who point at it."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        date_format(timezone.localtime(moment), "DATETIME_FORMAT"),
        _ago(moment),
    )


# With one unit each is a whole phrase; Django's own are glued, and in German end in "Tage her".
_PAST: dict[str, Any] = {
    "year": ngettext_lazy("%(num)d year ago", "%(num)d years ago", "num"),
    "month": ngettext_lazy("%(num)d month ago", "%(num)d months ago", "num"),
    "week": ngettext_lazy("%(num)d week ago", "%(num)d weeks ago", "num"),
    "day": ngettext_lazy("%(num)d day ago", "%(num)d days ago", "num"),
}
_FUTURE: dict[str, Any] = {
    "year": ngettext_lazy("%(num)d year from now", "%(num)d years from now", "num"),
    "month": ngettext_lazy("%(num)d month from now", "%(num)d months from now", "num"),
    "week": ngettext_lazy("%(num)d week from now", "%(num)d weeks from now", "num"),
    "day": ngettext_lazy("%(num)d day from now", "%(num)d days from now", "num"),
}


def _ago(moment: datetime) -> Any:
    """In one unit: "3 months, 4 weeks ago" tells more than anybody wants to know."""
    now = timezone.now()
    if abs(now - moment) < timedelta(days=1):
        return naturaltime(moment)
    if moment < now:
        return timesince(moment, now, time_strings=_PAST, depth=1)
    return timeuntil(moment, now, time_strings=_FUTURE, depth=1)


_LEFT: dict[Unit, Any] = {
    "minute": ngettext_lazy("about %(num)d minute left", "about %(num)d minutes left", "num"),
    "hour": ngettext_lazy("about %(num)d hour left", "about %(num)d hours left", "num"),
    "day": ngettext_lazy("about %(num)d day left", "about %(num)d days left", "num"),
}


@register.filter
def left(seconds: float) -> str:
    """About how long something still takes."""
    count, unit = rounded(seconds)
    return str(_LEFT[unit] % {"num": count} if count else _("less than a minute left"))


#: What tells of a person or a unit, too.
_TO = {
    "offer": _("offered it to %(name)s"),
    "hand-over": _("handed it over to %(name)s"),
}


@register.filter
def happened(event: Event) -> str:
    """What an event tells, to follow its actor's name."""
    if event.kind in EventKind.values:
        return str(EventKind(event.kind).label)
    if "to" in event.data:
        return str(_TO[event.kind] % {"name": event.data["to"]})
    return str(BY_ACTION[event.kind].past)


@register.filter
def plain(value: Any) -> Any:
    """A parameter's value as people write it: lists with commas."""
    return ", ".join(str(one) for one in value) if isinstance(value, list) else value


@register.filter
def is_number(cell: Any) -> bool:
    """Whether a table's cell is to be aligned as a number."""
    return isinstance(cell, int | float)


@register.filter
def cell(value: Any) -> str:
    """A table's cell: numbers to four significant digits, missing ones as a dash."""
    if value is None:
        return "–"
    return f"{value:#.4g}" if isinstance(value, float) else str(value)


@register.filter
def power(log10: float) -> SafeString:
    """The number whose decimal logarithm this is, however large or small: 0.85, 431, 3.2 × 10⁷."""
    exponent = math.floor(log10)
    if -3 <= exponent <= 3:
        number = 10**log10
        digits = 0 if number >= 100 else 2
        # Django's own cuts digits off.
        return format_html("{}", number_format(round(number, digits), digits))
    mantissa = number_format(round(10 ** (log10 - exponent), 1), 1)
    return format_html("{} × 10<sup>{}</sup>", mantissa, exponent)


@register.filter
def as_risk(level: float) -> float:
    """What a level leaves to chance, in percent."""
    return float(f"{100 * (1 - level):.4g}")
