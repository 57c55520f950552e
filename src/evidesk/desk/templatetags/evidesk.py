"""How texts, sizes and states are written on pages."""

from datetime import datetime
from typing import Any

import nh3
from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime
from markdown_it import MarkdownIt

from evidesk.desk.vouchers.models import Event, EventKind
from evidesk.desk.vouchers.workflow import BY_ACTION

register = template.Library()

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable("table")
_TAGS = {
    "p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


@register.filter
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
    ago = naturaltime(moment)
    if "," in ago:  # "3 months, 4 weeks ago" tells more than anybody wants to know
        ago = ago.split(",")[0] + " ago"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(),
        date_format(localtime(moment), "j F Y, H:i"),
        ago,
    )


@register.filter
def happened(event: Event) -> str:
    """What an event tells, to follow its actor's name."""
    if event.kind in EventKind.values:
        return str(EventKind(event.kind).label)
    past = BY_ACTION[event.kind].past
    return f"{past} {event.data['to']}" if "to" in event.data else past


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
