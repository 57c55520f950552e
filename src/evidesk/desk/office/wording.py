"""How the figures are put into words: a number, its interval, and what it rests on."""

import math
from dataclasses import dataclass

import numpy as np
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, npgettext

from evidesk.desk.office.drawing import whisker
from evidesk.desk.office.statistics import LEVEL, Group, Load, median
from evidesk.evidence import Estimate
from evidesk.methods.waiting import Forecast, KaplanMeier

#: Below this probability the quarters are said to differ by more than chance.
UNLIKELY = 0.01


@dataclass(frozen=True)
class Shown:
    """A figure for the eye: `value` is empty where there is none, and `basis` then says why."""

    basis: str
    value: str = ""
    interval: str = ""
    picture: str = ""


def percent_level() -> str:
    """The level of all intervals, as people write it."""
    return f"{100 * LEVEL:g} %"


def _in_days(curve: KaplanMeier, days: float) -> str:
    """Tenths where they are counted and matter."""
    has_tenths = bool(np.any(curve.durations % 1))
    places = 1 if has_tenths and 0 < days < 10 else 0
    return number_format(f"{days:.{places}f}")


def waiting(
    curve: KaplanMeier | None, *, top: float = 0, reference: Estimate | None = None
) -> Shown:
    """The median of a waiting time; with a whisker where its scale's `top` is given."""
    if curve is None:
        return Shown(_("None yet."))
    happened, n = int(curve.events.sum()), curve.n
    middle = median(curve)
    if middle is None:
        return Shown(
            _("Not reached: %(happened)d of %(n)d so far.") % {"happened": happened, "n": n}
        )
    low, value = _in_days(curve, middle.low), _in_days(curve, middle.value)
    if math.isinf(middle.high):
        interval = _("%(low)s or more") % {"low": low}
    else:
        high = _in_days(curve, middle.high)
        interval = _("%(low)s to %(high)s") % {"low": low, "high": high}
    return Shown(
        value=npgettext("duration", "%(days)s day", "%(days)s days", 1 if value == "1" else 2)
        % {"days": value},
        interval=interval,
        basis=_("%(happened)d of %(n)d so far") % {"happened": happened, "n": n},
        picture=whisker(middle, top=top, reference=reference.value if reference else None)
        if top
        else "",
    )


def share(estimate: Estimate | None, *, reference: Estimate | None = None) -> Shown:
    """A share in percent, with its whisker."""
    if estimate is None:
        return Shown(_("None yet."))
    return Shown(
        value=f"{100 * estimate.value:.0f} %",
        interval=_("%(low)s to %(high)s %%")
        % {"low": f"{100 * estimate.low:.0f}", "high": f"{100 * estimate.high:.0f}"},
        basis=_("%(part)d of %(n)d")
        % {"part": round(estimate.value * estimate.n), "n": estimate.n},
        picture=whisker(estimate, top=1, reference=reference.value if reference else None),
    )


def next_quarter(load: Load) -> Shown:
    """The forecast of the next quarter."""
    total = sum(load.counts)
    if load.is_over:
        return Shown(ngettext("%(total)d voucher", "%(total)d vouchers", total) % {"total": total})
    if load.forecast is None:
        return Shown(
            ngettext(
                "%(total)d voucher so far: too short a history for a forecast.",
                "%(total)d vouchers so far: too short a history for a forecast.",
                total,
            )
            % {"total": total}
        )
    found = load.forecast.next_count
    return Shown(
        value=f"{found.value:.0f}",
        interval=_("%(low)s to %(high)s")
        % {"low": f"{found.low:.0f}", "high": f"{found.high:.0f}"},
        basis=ngettext("from %(n)d quarter", "from %(n)d quarters", len(load.forecast.counts))
        % {"n": len(load.forecast.counts)},
    )


def warning(load: Load) -> str:
    """What makes the forecast's interval too narrow, if something does."""
    forecast: Forecast | None = load.forecast
    if forecast is None or forecast.p_value is None or forecast.p_value >= UNLIKELY:
        return ""
    return _(
        "These quarters differ by more than chance (%(factor)s times as much, p = %(p)s): "
        "expect the next one to leave the interval more often than it says."
    ) % {
        "factor": number_format(f"{forecast.dispersion:.1f}"),
        "p": number_format(f"{forecast.p_value:.1g}"),
    }


def describe_curve(curve: KaplanMeier) -> str:
    """A curve in a sentence."""
    shown = waiting(curve)
    if not shown.value:
        return shown.basis
    return _("Half within %(value)s (%(interval)s at %(level)s); %(basis)s.") % {
        "value": shown.value,
        "interval": shown.interval,
        "level": percent_level(),
        "basis": shown.basis,
    }


def describe_load(name: str, load: Load) -> str:
    """A load chart in a sentence."""
    counts = ", ".join(
        f"{quarter}: {count}" for quarter, count in zip(load.quarters, load.counts, strict=True)
    )
    shown = next_quarter(load)
    if not shown.value:
        return f"{name}. {counts}."
    return _("%(name)s. %(counts)s. Forecast for %(following)s: %(value)s (%(interval)s).") % {
        "name": name,
        "counts": counts,
        "following": load.following,
        "value": shown.value,
        "interval": shown.interval,
    }


def group_name(group: Group) -> str:
    """The unit's name, or that it is all of them."""
    return group.unit.name if group.unit else _("All")
