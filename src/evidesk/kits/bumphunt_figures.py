"""What the kit ``bumphunt`` shows."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from evidesk.evidence import Column, Estimate, Figure, Table
from evidesk.kits.wording import cell, root
from evidesk.methods.bumphunt import (
    HuntResult,
    LimitBand,
    PipelineToys,
    SicCurve,
    SpectrumScan,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Rows of a table that a person, or a plot, can use.
_MOST_ROWS = 2_000


def scan_tables(scan: SpectrumScan, limits: LimitBand) -> dict[str, Table]:
    """The spectrum, and what each mass says; by name."""
    return {
        "p-values": _p_values([("global", scan.p_global, scan.covers)]),
        "masses": _masses(scan, limits),
        "spectrum": _spectrum(scan),
    }


def hunt_tables(
    result: HuntResult, limits: LimitBand, again: PipelineToys | None
) -> dict[str, Table]:
    """The windows, and of the best one the same as of a scan; by name."""
    best = result.best
    p_values = (
        [
            ("global, whole hunts", again.p_global, again.covers),
        ]
        if again is not None
        else []
    )
    p_values += [
        ("global", result.p_global, result.covers["p_global"]),
        ("of the window", best.p_window, result.covers["p_window"]),
    ]
    found = {
        "windows": _windows(result),
        **scan_tables(best.after_cut, limits),
        "p-values": _p_values(p_values),
        "closure": _closure(result),
        "before": _spectrum(best.inclusive, "before", "The spectrum before the cut, and its fit"),
    }
    if best.sic is not None:
        found["sic"] = _sic(best.sic)
    return found


def scan_figures(
    scan: SpectrumScan, limits: LimitBand, tables: Mapping[str, Table], name: str
) -> Iterator[Figure]:
    """The scan, and the limits."""
    yield _scan(scan, tables["spectrum"], name, "scan", "The spectrum, its fit, and the scan")
    yield _limits(limits, tables["masses"], name)


def hunt_figures(
    result: HuntResult, limits: LimitBand, tables: Mapping[str, Table], name: str
) -> Iterator[Figure]:
    """The picture of the hunt, both scans, limits, closure, and what the cut gains."""
    best = result.best
    yield Figure.from_matplotlib(
        root(_named(best.plot(), name)),
        name="bump",
        title="What lies beyond the cut: in blue what the signal region has beyond its sidebands",
        alt=f"Spectrum of {name} after the cut, with the background from the sidebands in red and "
        f"what the signal region {best.window} has beyond it in blue.",
        data=tables["spectrum"],
    )
    yield _scan(
        best.inclusive, tables["before"], name, "before-cut", "Before the cut: spectrum and scan"
    )
    yield _scan(
        best.after_cut, tables["spectrum"], name, "after-cut", "After the cut: spectrum and scan"
    )
    yield _limits(limits, tables["masses"], name)
    yield Figure.from_matplotlib(
        root(best.closure.plot()),
        name="closure",
        title="Is the template right? Windows without signal",
        alt=f"Of {len(best.closure.checks)} windows without signal, the ratio of events beyond the "
        "cut to those that the template foretells, with intervals.",
        data=tables["closure"],
    )
    if best.sic is not None:
        yield Figure.from_matplotlib(
            root(best.sic.plot()),
            name="sic",
            title="How much a cut improves the significance (from the truth)",
            alt="Significance improvement over the signal efficiency, with its band.",
            data=tables["sic"],
        )


def _named(axes: "Axes", name: str) -> "Axes":
    axes.set_xlabel(name, parse_math=False)
    return axes


def _scan(scan: SpectrumScan, data: Table, name: str, which: str, title: str) -> Figure:
    axes = scan.plot()
    figure = root(axes)
    figure.axes[-1].set_xlabel(name, parse_math=False)
    return Figure.from_matplotlib(
        figure,
        name=which,
        title=title,
        alt=f"Spectrum of {name} with its smooth fit; below it what is left, and the p-value of "
        f"each mass: the largest excess is {scan.largest:.2f} sigma at {scan.best_mass:.4g}.",
        data=data,
    )


def _limits(limits: LimitBand, data: Table, name: str) -> Figure:
    return Figure.from_matplotlib(
        root(_named(limits.plot(), name)),
        name="limits",
        title="How large a signal could have hidden",
        alt=f"Upper limits on the signal's events over {name}, with the bands in which they would "
        "lie without a signal.",
        data=data,
    )


def _p_values(found: list[tuple[str, Estimate, str]]) -> Table:
    return Table(
        "p-values",
        "What each p-value covers",
        (
            Column("name", "text", "p-value"),
            Column("value", "number", "Value"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
            Column("covers", "text", "It covers"),
        ),
        tuple(
            (name, *_three(value), cell(covers.removeprefix("covers ").removeprefix("covers, ")))
            for name, value, covers in found
        ),
    )


def _masses(scan: SpectrumScan, limits: LimitBand) -> Table:
    return Table(
        "masses",
        "What each mass says, and how many signal events it could hide",
        (
            Column("mass", "number", "Mass"),
            Column("z", "number", "Excess in sigma"),
            Column("p_local", "number", "p, local"),
            Column("events", "number", "Signal events"),
            Column("error", "number", "Error"),
            Column("limit", "number", "Upper limit"),
            Column("expected", "number", "Limit expected without signal"),
        ),
        tuple(
            tuple(map(float, row))
            for row in zip(
                scan.masses, scan.z[0], scan.p_local[0], scan.yields[0], scan.errors[0],
                limits.observed, limits.expected[2], strict=True,
            )
        ),
    )  # fmt: skip


def _spectrum(
    scan: SpectrumScan, name: str = "spectrum", title: str = "The spectrum, and its smooth fit"
) -> Table:
    fit = scan.fit
    return Table(
        name,
        title,
        (
            Column("low", "number", "From"),
            Column("high", "number", "To"),
            Column("events", "number", "Events"),
            Column("expected", "number", "Background"),
            Column("pull", "number", "Pull"),
        ),
        tuple(
            tuple(map(float, row))
            for row in zip(
                fit.spectrum.edges[:-1], fit.spectrum.edges[1:], fit.spectrum.counts, fit.expected,
                fit.pulls, strict=True,
            )
        ),
    )  # fmt: skip


def _windows(result: HuntResult) -> Table:
    return Table(
        "windows",
        "The windows",
        (
            Column("low", "number", "Signal region from"),
            Column("high", "number", "To"),
            Column("template", "text", "Template"),
            Column("kept", "integer", "Events beyond the cut"),
            Column("z", "number", "Excess in sigma"),
            Column("mass", "number", "At"),
            Column("p_local", "number", "p, local"),
            Column("p_window", "number", "p of the window"),
            Column("limit", "number", "Upper limit"),
            Column("counted", "text", "Counted against the template"),
        ),
        tuple(
            (
                one.window.low,
                one.window.high,
                cell(one.template),
                int(one.kept.sum()),
                one.z,
                one.after_cut.best_mass,
                one.p_local,
                one.p_window.value,
                one.limit.high,
                "blocked" if one.count is None else cell(str(one.count)),
            )
            for one in result.windows
        ),
    )


def _closure(result: HuntResult) -> Table:
    return Table(
        "closure",
        "The template in windows without signal",
        (
            Column("low", "number", "From"),
            Column("high", "number", "To"),
            Column("auroc", "number", "AUROC"),
            Column("auroc_low", "number", "Low"),
            Column("auroc_high", "number", "High"),
            Column("ratio", "number", "Beyond the cut: seen to foretold"),
            Column("ratio_low", "number", "Low"),
            Column("ratio_high", "number", "High"),
            Column("passes", "text", "Passes"),
        ),
        tuple(
            (
                check.window.low,
                check.window.high,
                *_three(check.auc),
                *_three(check.tail.ratio),
                "no" if check.reasons else "yes",
            )
            for check in result.best.closure.checks
        ),
    )


def _three(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _sic(curve: SicCurve) -> Table:
    count = len(curve.values)
    some = np.unique(np.linspace(0, count - 1, min(count, _MOST_ROWS)).round().astype(int))
    return Table(
        "sic",
        "What a cut gains",
        (
            Column("signal_efficiency", "number", "Signal efficiency"),
            Column("background_efficiency", "number", "Background efficiency"),
            Column("improvement", "number", "Significance improvement"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
        ),
        tuple(
            tuple(map(float, row))
            for row in zip(
                curve.signal_efficiency[some], curve.background_efficiency[some],
                curve.values[some], curve.low[some], curve.high[some], strict=True,
            )
        ),
    )  # fmt: skip
