"""What the statistics page and the yearly report show, made of the figures."""

from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evidesk.desk.office import cases, wording
from evidesk.desk.office.drawing import curve_chart, load_chart
from evidesk.desk.office.queries import today
from evidesk.desk.office.scope import Scope
from evidesk.desk.office.statistics import Group, Statistics, median, statistics
from evidesk.desk.office.wording import Shown
from evidesk.evidence import Estimate
from evidesk.methods.waiting import KaplanMeier


@dataclass(frozen=True)
class Card:
    """A figure with its title and where its rows are."""

    title: str | Promise
    shown: Shown
    url: str


@dataclass(frozen=True)
class Chart:
    """A plot with its title, what it shows in words, and where its rows are."""

    title: str | Promise
    svg: SafeString
    says: str
    url: str
    warning: str = ""


@dataclass(frozen=True)
class Line:
    """One line of the table of units: its name and its figures, in the order of the headings."""

    name: str
    n: int
    n_open: int
    url: str
    cells: tuple[Card, ...]


def figures_of(scope: Scope) -> Statistics:
    return statistics(scope.table, scope.inquiries, scope.units, scope.kinds, scope.period, today())


def context(scope: Scope) -> dict[str, Any]:
    """Everything that a page of figures shows."""
    found = figures_of(scope)
    return {
        "scope": scope,
        "n": found.whole.n,
        "level": wording.percent_level(),
        "cards": _cards(scope, found),
        "curves": _curves(scope, found),
        "loads": _loads(scope, [found.whole, *found.units]),
        "lines": _lines(scope, [found.whole, *found.units]) if found.units else [],
        "line_titles": [
            *(cases.FIGURES[slug].title for slug in _COLUMNS),
            *([] if found.whole.load.is_over else [_("Next quarter")]),
        ],
        "efforts": _efforts(scope, found),
        "figures": list(cases.FIGURES.values()),
        "inquiries": found.inquiries,
        "inquiries_title": cases.INQUIRIES_TITLE,
        "inquiries_definition": cases.INQUIRIES_DEFINITION,
    }


_COLUMNS = ("first-contact", "closure", "acceptance", "satisfaction")


def _shown(group: Group, whole: Group | None = None) -> dict[str, Shown]:
    """The figures of a group; in a table with whiskers, and where the whole stands marked."""

    def middle(curve: KaplanMeier | None) -> Estimate | None:
        return median(curve) if curve else None

    def top(reference: Estimate | None) -> float:
        return 2.5 * max(reference.value, 0.1) if reference else 0

    contact = middle(whole.first_contact) if whole else None
    end = middle(whole.closure) if whole else None
    accepted = whole.acceptance if whole else None
    satisfied = whole.satisfaction if whole else None
    return {
        "first-contact": wording.waiting(group.first_contact, top=top(contact), reference=contact),
        "closure": wording.waiting(group.closure, top=top(end), reference=end),
        "acceptance": wording.share(group.acceptance, reference=accepted),
        "satisfaction": wording.share(group.satisfaction, reference=satisfied),
        "load": wording.next_quarter(group.load),
    }


def _grouped(number: int) -> str:
    return number_format(number, force_grouping=True)


def _cards(scope: Scope, found: Statistics) -> list[Card]:
    whole = found.whole
    shown = _shown(whole)
    open_now = Shown(
        value=_grouped(whole.n_open),
        basis=ngettext("of %(n)s submitted", "of %(n)s submitted", whole.n)
        % {"n": _grouped(whole.n)},
    )
    cards = [
        Card(_("Open now"), open_now, scope.address("closure", happened="no")),
        *(Card(cases.FIGURES[slug].title, shown[slug], scope.address(slug)) for slug in _COLUMNS),
    ]
    following = whole.load.following
    if not whole.load.is_over:
        title = _("Expected in %(quarter)s") % {"quarter": following}
        cards.append(Card(title, shown["load"], scope.address("load")))
    return cards


def _curves(scope: Scope, found: Statistics) -> list[Chart]:
    wanted: list[tuple[str, str | Promise, KaplanMeier | None, str]] = [
        ("first-contact", cases.FIGURES["first-contact"].title, found.whole.first_contact,
         _("days since the submission")),
        ("closure", cases.FIGURES["closure"].title, found.whole.closure,
         _("days since the submission")),
        ("inquiries", cases.INQUIRIES_TITLE, found.inquiries, _("days since the inquiry")),
    ]  # fmt: skip
    return [
        Chart(
            title=title,
            svg=curve_chart(
                curve,
                label=f"{title}: {wording.describe_curve(curve)}",
                xlabel=xlabel,
                followed=_("still waiting"),
            ),
            says=wording.describe_curve(curve),
            url=scope.address(slug),
        )
        for slug, title, curve, xlabel in wanted
        if curve is not None
    ]


def _loads(scope: Scope, groups: list[Group]) -> list[Chart]:
    """The whole on a scale of its own, the units on one that they share."""

    def highest(group: Group) -> float:
        forecast = group.load.forecast
        return max(*group.load.counts, forecast.next_count.high if forecast else 1, 1)

    shared = max((highest(group) for group in groups[1:]), default=1.0)
    return [
        Chart(
            title=wording.group_name(group),
            svg=load_chart(
                group.load,
                label=wording.describe_load(wording.group_name(group), group.load),
                highest=highest(group) if group is groups[0] else shared,
            ),
            says=_load_says(group),
            url=scope.address("load", **({"unit": group.unit.slug} if group.unit else {})),
            warning=wording.warning(group.load),
        )
        for group in groups
    ]


def _load_says(group: Group) -> str:
    shown = wording.next_quarter(group.load)
    if not shown.value:
        return shown.basis
    return _("%(quarter)s: %(value)s (%(interval)s)") % {
        "quarter": group.load.following,
        "value": shown.value,
        "interval": shown.interval,
    }


def _lines(scope: Scope, groups: list[Group]) -> list[Line]:
    lines = []
    for group in groups:
        # A lead of two units sees both together in the first line, and so does its link.
        unit = {"unit": group.unit.slug} if group.unit else {}
        shown = _shown(group, groups[0])
        cells = [
            Card(cases.FIGURES[slug].title, shown[slug], scope.address(slug, **unit))
            for slug in _COLUMNS
        ]
        if not group.load.is_over:
            cells.append(Card(_("Next quarter"), shown["load"], scope.address("load", **unit)))
        name = wording.group_name(group)
        url = scope.address("load", **unit)
        lines.append(Line(name, group.n, group.n_open, url, tuple(cells)))
    return lines


def _efforts(scope: Scope, found: Statistics) -> list[dict[str, Any]]:
    """Planned against actual days, by kind, on one scale."""
    longest = max(
        [one.planned.value for one in found.efforts]
        + [middle.value for one in found.efforts if (middle := median(one.worked))],
        default=0.0,
    )
    return [
        {
            "kind": one.kind.name,
            "n": one.n,
            "total": one.planned_total,
            "planned": f"{one.planned.value:.0f}",
            "booked": one.booked_total,
            "n_booked": one.n_booked,
            "worked": wording.waiting(one.worked, top=1.6 * longest, reference=one.planned),
            "url": scope.address("effort", kind=one.kind.slug),
        }
        for one in found.efforts
    ]
