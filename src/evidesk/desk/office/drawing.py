"""Plots as SVG in the page: drawn by hand, so that they cost a millisecond and follow the theme.

Each mark has a class, which the stylesheet colours, and presentation attributes for a printer that
knows no stylesheet inside of images. There is no style attribute, which the page's policy forbids.
"""

import math
from collections.abc import Callable, Iterable

import numpy as np
from django.utils.formats import number_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from evidesk.desk.office.queries import Floats
from evidesk.desk.office.statistics import Load, median
from evidesk.evidence import Estimate
from evidesk.evidence.plot import ACCENT
from evidesk.methods.waiting import KaplanMeier

_Axis = Callable[[float], float]

#: More points than this would only differ below a pixel.
_POINTS = 240
_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 340, 250, 42, 10, 12, 58
_TEXT = 'font-family="sans-serif" font-size="12"'
_INK, _LINE = "#374151", "#d1d5db"


def curve_chart(curve: KaplanMeier, *, label: str, xlabel: str, followed: str) -> SafeString:
    """The rising share to which it has happened, with the interval at each time (dark) and the band
    of the whole curve (light); below the axis, how many are followed for longer.
    """
    longest = _longest(curve)
    step = _nice_step(longest)
    right = _LEFT + _plot_width()
    moments = _moments(curve, longest)

    def x(time: float) -> float:
        return _LEFT + time / longest * _plot_width()

    def y(share: float) -> float:
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BOTTOM)

    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        parts.append(_line("grid", _LEFT, y(share), right, y(share)))
        parts.append(_text("tick", _LEFT - 7, y(share) + 4, f"{100 * share:.0f} %", "end"))
    band, interval = curve.band_at(moments), curve.interval_at(moments)
    parts += [
        _area("band", moments, *band, x, y, longest, opacity=0.14),
        _area("interval", moments, *interval, x, y, longest, opacity=0.25),
    ]
    middle = median(curve)
    if middle is not None and middle.value <= longest:
        corner = f"M{_LEFT} {y(0.5):.1f}H{x(middle.value):.1f}V{y(0):.1f}"
        parts.append(
            f'<path class="median" d="{corner}" fill="none" stroke="{_INK}" '
            'stroke-dasharray="3 3"/>'
        )
    shares = [y(1 - share) for share in curve.survival_at(moments)]
    parts.append(
        f'<path class="curve" d="{_steps(moments, shares, x, longest)}" fill="none" '
        f'stroke="{ACCENT}" stroke-width="2"/>'
    )
    cut = curve.censored[curve.censored <= longest]
    cut = cut[np.linspace(0, len(cut) - 1, min(len(cut), 60)).astype(int)] if len(cut) else cut
    ticks = "".join(
        f"M{x(time):.1f} {y(1 - share) - 4:.1f}v8"
        for time, share in zip(cut, curve.survival_at(cut), strict=True)
    )
    parts.append(f'<path class="cut" d="{ticks}" stroke="{ACCENT}" fill="none"/>')
    bottom = y(0)
    for time in np.arange(0, longest + step / 1000, step):
        parts.append(_text("tick", x(time), bottom + 16, number_format(f"{time:g}"), "middle"))
        still = number_format(int(curve.waiting_at([time])[0]), force_grouping=True)
        parts.append(_text("followed", x(time), bottom + 50, still, "middle"))
    parts.append(_text("axis", right, bottom + 32, xlabel, "end"))
    parts.append(_text("followed", _LEFT, bottom + 36, followed, "start"))
    return _svg(_WIDTH, _HEIGHT, label, parts)


def load_chart(load: Load, *, label: str, highest: float) -> SafeString:
    """Vouchers by quarter as bars, the forecast of the next as a mark with its interval."""
    width, height, left, top, bottom = 240, 118, 26, 14, 20
    slots = len(load.quarters) + (not load.is_over)
    slot = (width - left - 4) / slots

    def y(count: float) -> float:
        return top + (1 - count / highest) * (height - top - bottom)

    parts = []
    for count in _whole_ticks(highest):
        parts.append(_line("grid", left, y(count), width - 4, y(count)))
        parts.append(_text("tick", left - 5, y(count) + 4, f"{count:g}", "end"))
    last = len(load.quarters) - 1
    for i, (quarter, count) in enumerate(zip(load.quarters, load.counts, strict=True)):
        kind = "bar running" if not load.is_over and i == last else "bar"
        opacity = 0.35 if kind == "bar running" else 0.75
        parts.append(
            f'<rect class="{kind}" x="{left + i * slot + 1:.1f}" y="{y(count):.1f}" '
            f'width="{slot - 2:.1f}" height="{y(0) - y(count):.1f}" fill="{ACCENT}" '
            f'fill-opacity="{opacity}"><title>{escape(quarter)}: {count}</title></rect>'
        )
        if quarter.number == 1 or (i == 0 and quarter.number < 4):
            parts.append(_text("tick", left + i * slot + 1, height - 5, str(quarter.year), "start"))
    if load.forecast is not None:
        e, middle = load.forecast.next_count, left + (slots - 0.5) * slot
        parts.append(
            f'<path class="whisker" d="M{middle:.1f} {y(e.low):.1f}V{y(min(e.high, highest)):.1f}'
            f'm-3 0h6M{middle - 3:.1f} {y(e.low):.1f}h6" stroke="{_INK}" stroke-width="1.6" '
            'fill="none"/>'
            f'<circle class="point" cx="{middle:.1f}" cy="{y(e.value):.1f}" r="3.4" '
            f'fill="{_INK}"><title>{escape(load.following)}: {e.low:.0f}–{e.high:.0f}'
            "</title></circle>"
        )
    return _svg(width, height, label, parts)


def whisker(estimate: Estimate, *, top: float, reference: float | None = None) -> SafeString:
    """A value with its interval on a scale from 0 to `top`, and a mark at `reference`; what goes
    beyond ends in an arrow. Beside its numbers, so it is hidden from readers of the page.
    """
    width, height = 110.0, 14.0

    def x(value: float) -> float:
        return 3 + min(value / top, 1) * (width - 6)

    low, high, middle = x(estimate.low), x(estimate.high), height / 2
    parts = [_line("grid", 3, middle, width - 3, middle)]
    if reference is not None and reference <= top:
        parts.append(_line("reference", x(reference), 1, x(reference), height - 1))
    end = "m-4 -4l4 4l-4 4" if estimate.high > top else "m0 -4v8"
    parts.append(
        f'<path class="whisker" d="M{low:.1f} {middle - 4:.1f}v8M{low:.1f} {middle:.1f}'
        f'H{high:.1f}{end}" stroke="{ACCENT}" stroke-width="1.6" fill="none"/>'
    )
    if estimate.value <= top:
        parts.append(
            f'<circle class="point" cx="{x(estimate.value):.1f}" cy="{middle:.1f}" r="3.4" '
            f'fill="{ACCENT}"/>'
        )
    body = "".join(parts)
    return mark_safe(  # noqa: S308 - made of numbers
        f'<svg class="chart whisker-chart" viewBox="0 0 {width:g} {height:g}" aria-hidden="true">'
        f"{body}</svg>"
    )


def _plot_width() -> float:
    return _WIDTH - _LEFT - _RIGHT


def _longest(curve: KaplanMeier) -> float:
    """Where the axis ends: when it has happened to nearly all, or at the longest wait."""
    few = np.flatnonzero(curve.survival <= 0.03)
    end = 1.15 * float(curve.times[few[0]]) if len(few) else curve.followed_for
    return max(min(end, curve.followed_for), 0.1)


def _moments(curve: KaplanMeier, longest: float) -> Floats:
    """The times at which something is drawn."""
    moments = np.unique(np.r_[0.0, curve.durations[curve.durations <= longest]])
    if len(moments) <= _POINTS:
        return moments
    return np.linspace(0, longest, _POINTS)


def _nice_step(longest: float) -> float:
    """1, 2 or 5 times a power of ten, so that the axis has at most six ticks."""
    power = 10 ** math.floor(math.log10(longest / 6))
    return float(next(f * power for f in (1, 2, 5, 10, 20) if longest / (f * power) <= 6))


def _whole_ticks(highest: float) -> Iterable[int]:
    step = max(1, int(_nice_step(highest * 2)))
    return range(0, int(highest) + 1, step)


def _steps(moments: Floats, heights: Iterable[float], x: _Axis, longest: float) -> str:
    """A path that stays at each height until the next moment."""
    path = ""
    for time, height in zip(moments, heights, strict=True):
        path += f"H{x(time):.1f}V{height:.1f}" if path else f"M{x(time):.1f} {height:.1f}"
    return f"{path}H{x(longest):.1f}"


def _area(
    kind: str, moments: Floats, low: Floats, high: Floats, x: _Axis, y: _Axis, longest: float,
    *, opacity: float,
) -> str:  # fmt: skip
    """Between the bounds of a survival curve, drawn as the rising share; nothing where NaN is."""
    known = np.flatnonzero(np.isfinite(low))
    if not len(known):
        return ""
    times = moments[known]
    # A band ends where it is known last; an interval goes on to the axis' end.
    end = longest if known[-1] == len(moments) - 1 else float(times[-1])
    there = _steps(times, [y(1 - bound) for bound in low[known]], x, end)
    heights = [y(1 - bound) for bound in high[known]][::-1]
    back = f"V{heights[0]:.1f}"
    for time, height in zip(times[::-1][:-1], heights[1:], strict=True):
        back += f"H{x(time):.1f}V{height:.1f}"
    return (
        f'<path class="{kind}" d="{there}{back}H{x(times[0]):.1f}Z" fill="{ACCENT}" '
        f'fill-opacity="{opacity}"/>'
    )


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{_LINE}" '
        'fill="none"/>'
    )


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}" '
        f"{_TEXT}>{escape(text)}</text>"
    )


def _svg(width: float, height: float, label: str, parts: Iterable[str]) -> SafeString:
    body = "".join(parts)
    return mark_safe(  # noqa: S308 - numbers, and text that is escaped
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}">{body}</svg>'
    )
