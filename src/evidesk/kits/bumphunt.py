"""The kit ``bumphunt``: is there a resonance in the data?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from evidesk.evidence import Evidence, Figure, Finding, Table, Verdict
from evidesk.kits.arrays import ArrayFile
from evidesk.kits.bumphunt_figures import hunt_figures, hunt_tables, scan_figures, scan_tables
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.wording import Level, drawing, noted, percent, shown
from evidesk.methods.bumphunt import (
    BumpHunt,
    Family,
    HuntResult,
    LimitBand,
    PipelineToys,
    Spectrum,
    SpectrumScan,
    Window,
    dijet,
    exponential,
    run_toys,
    scan_spectrum,
    upper_limits,
    windows_over,
)

Floats = npt.NDArray[np.float64]

_QUESTION = "Is there a resonance in the data?"
_MOST_FEATURES = 100


class BumpHuntParameters(Parameters):
    """What the kit needs to know about the events."""

    file: InputFile = Field(
        title="Events",
        description="One row per event: CSV, TSV, JSON, Parquet, npz, HDF5 or ROOT. Columns of a "
        "matrix in an npz or HDF5 file are x.0, x.1, ..., or have the names that the file gives.",
    )
    resonance: ColumnName = Field(
        title="Resonant variable",
        description="The column in which a resonance makes a bump, such as an invariant mass.",
    )
    feature: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_FEATURES,
        title="Features",
        description="Columns by which a classifier tells signal from background. Without any, the "
        "spectrum is scanned as it is.",
    )
    signal_low: float | None = Field(
        default=None,
        title="Signal region from",
        description="Lower end of the stretch to look into, in the unit of the resonant variable.",
    )
    signal_high: float | None = Field(
        default=None, title="Signal region to", description="Its upper end."
    )
    search_width: float | None = Field(
        default=None,
        gt=0,
        title="Or: search everywhere, in regions of width",
        description="Signal regions of this width, side by side over the whole spectrum.",
    )
    sideband: float | None = Field(
        default=None,
        gt=0,
        title="Width of each sideband",
        description="Beside a signal region, where the background is learnt. By default as wide as "
        "the signal region.",
    )
    range_low: float | None = Field(
        default=None,
        title="Spectrum from",
        description="Events below take no part, such as those that a trigger thins. By default the "
        "smallest value.",
    )
    range_high: float | None = Field(
        default=None, title="Spectrum to", description="By default the largest value."
    )
    bins: int = Field(default=60, ge=10, le=1_000, title="Bins", description="Of the spectrum.")
    resolution: float | None = Field(
        default=None,
        gt=0,
        title="Width of the resonance",
        description="Standard deviation of the peak that is looked for. By default a quarter of a "
        "signal region.",
    )
    collision_energy: float | None = Field(
        default=None,
        gt=0,
        title="Collision energy",
        description="In the unit of the resonant variable: the smooth background is then the dijet "
        "function. Without it, the exponential of a polynomial.",
    )
    template: Literal["auto", "sideband", "morph", "flow"] = Field(
        default="auto",
        title="Background template",
        description="How the features of the background in the signal region are foretold: the "
        "sideband as it is, moved by polynomials in the resonant variable, or by a normalising "
        "flow (needs the extra torch). auto: the sideband, and morph where that fails.",
    )
    efficiency: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        title="Share of the background to keep",
        description="The cut on the classifier keeps this share of the background.",
    )
    folds: int = Field(
        default=5,
        ge=2,
        le=20,
        title="Folds",
        description="No event is scored by a model that has seen it: the models of each fold learn "
        "from the others.",
    )
    label: ColumnName | None = Field(
        default=None,
        title="Truth, in simulated data",
        description="A column that is 1 for signal and 0 for background: it shows what the cut "
        "gains, and is never learnt from.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="Of intervals and limits; an excess counts if its global p-value is below 1 "
        "less this.",
    )
    toys: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        title="Toys",
        description="Spectra without signal that the scan is compared with.",
    )
    hunts: int = Field(
        default=0,
        ge=0,
        le=10_000,
        title="Whole hunts without signal",
        description="So many times all is done anew in events without signal, training included: "
        "the global p-value then covers learning the cut, too. Each takes as long as the cut of "
        "the hunt itself.",
    )
    random_state: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="With the same seed, a run draws the same numbers.",
    )

    @model_validator(mode="after")
    def _one_place_to_look(self) -> "BumpHuntParameters":
        both = self.signal_low is not None and self.signal_high is not None
        if (self.signal_low is None) != (self.signal_high is None):
            raise ValueError("A signal region needs both ends, 'from' and 'to'.")
        if self.feature and both == (self.search_width is not None):
            raise ValueError(
                "Say where to look: a signal region from and to, or the width of the regions to "
                "search everywhere; one of the two."
            )
        if not self.feature and self.resolution is None and self.search_width is None:
            raise ValueError(
                "Say how wide a resonance is (its standard deviation), or name features and a "
                "signal region."
            )
        if not self.feature and self.hunts:
            raise ValueError("Whole hunts learn a cut: they need features.")
        if self.resonance in self.feature:
            raise ValueError(
                "The resonant variable must not be a feature: a classifier would find every bump "
                "by it."
            )
        if self.label is not None and self.label in (self.resonance, *self.feature):
            raise ValueError("The truth must not be learnt from: it is a column of its own.")
        return self


@dataclass(frozen=True)
class Events:
    """What was read: the resonant variable and other columns, and the spectrum's edges."""

    columns: dict[str, Floats]
    edges: Floats
    warnings: tuple[str, ...]


def run(parameters: BumpHuntParameters, progress: Progress) -> Evidence:
    """Whether there is a bump, and how large one could be hidden, without provenance.

    Raises
    ------
    KitError : the events cannot be used.
    """
    events = _read(parameters, lambda done, message: progress(0.1 * done, message))
    try:
        with noted() as poor:
            found = (_hunted if parameters.feature else _scanned)(parameters, events, progress)
    except (ValueError, TypeError, ImportError) as error:
        raise KitError(str(error)) from error
    warnings = (*events.warnings, *found.warnings, *poor)
    evidence = Evidence(
        question=_QUESTION,
        answer=found.answer,
        findings=found.findings,
        tables=found.tables,
        figures=found.figures,
        warnings=tuple(dict.fromkeys(warnings)),
    )
    progress(1.0, "Done")
    return evidence


def _read(parameters: BumpHuntParameters, progress: Progress) -> Events:
    """The columns, without events whose values are missing or lie outside the spectrum."""
    name = parameters.resonance
    labels = [parameters.label] if parameters.label is not None else []
    with ArrayFile(parameters.file, progress) as file:
        wanted = [name, *parameters.feature, *labels]
        file.check(wanted)
        columns = {}
        for number, one in enumerate(wanted):
            done, message = number / len(wanted), f"Reading {shown(one)}"
            columns[one] = file.column(one, lambda *_: progress(done, message))  # noqa: B023
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        told = ", ".join(f"{shown(one)} {len(values):,}" for one, values in columns.items())
        raise KitError(f"The columns have different numbers of rows: {told}.")
    whole = np.logical_and.reduce([np.isfinite(values) for values in columns.values()])
    warnings = []
    if not whole.all():
        warnings.append(
            f"{int((~whole).sum()):,} of {len(whole):,} events were left out, as a value of theirs "
            "is missing or infinite. If that happens more often at some masses, it makes bumps."
        )
    if not whole.any():
        raise KitError("No event has a value in each of these columns.")
    m = columns[name][whole]
    low = float(m.min()) if parameters.range_low is None else parameters.range_low
    high = float(m.max()) if parameters.range_high is None else parameters.range_high
    if not low < high:
        raise KitError(
            f"The spectrum from {low:g} to {high:g} is empty: {shown(name)} goes from "
            f"{m.min():g} to {m.max():g}."
        )
    inside = whole & (columns[name] >= low) & (columns[name] <= high)
    if not inside.any():
        raise KitError(
            f"No event lies from {low:g} to {high:g}: {shown(name)} goes from {m.min():g} to "
            f"{m.max():g}."
        )
    return Events(
        {one: values[inside] for one, values in columns.items()},
        np.linspace(low, high, parameters.bins + 1),
        tuple(warnings),
    )


def _family(parameters: BumpHuntParameters) -> Family:
    if parameters.collision_energy is None:
        return exponential()
    return dijet(parameters.collision_energy)


@dataclass(frozen=True)
class _Found:
    """The evidence in parts."""

    answer: str
    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...]
    warnings: tuple[str, ...]


def _scanned(parameters: BumpHuntParameters, events: Events, progress: Progress) -> _Found:
    """The spectrum as it is."""
    m = events.columns[parameters.resonance]
    width = parameters.resolution or (parameters.search_width or 0) / 4
    scan = scan_spectrum(
        Spectrum.from_events(m, events.edges),
        _masses(parameters, events.edges, width),
        width,
        family=_family(parameters),
        toys=parameters.toys,
        level=parameters.level,
        random_state=parameters.random_state,
        progress=lambda done: progress(0.1 + 0.8 * done, "Scanning the spectrum"),
    )
    limits = upper_limits(scan, level=parameters.level)
    progress(0.9, "Drawing figures")
    tables = scan_tables(scan, limits)
    with drawing():
        figures = tuple(scan_figures(scan, limits, tables, shown(parameters.resonance)))
    return _Found(
        _answer(parameters, scan, limits, scan.p_global.value <= 1 - parameters.level),
        tuple(_scan_findings(parameters, scan, limits)),
        tuple(tables.values()),
        figures,
        (*scan.warnings, *scan.fit.warnings),
    )


def _masses(parameters: BumpHuntParameters, edges: Floats, width: float) -> Floats:
    """One width apart: in the signal region, or in all of the spectrum but its ends."""
    low, high = parameters.signal_low, parameters.signal_high
    if low is None or high is None:
        low, high = float(edges[0] + 2 * width), float(edges[-1] - 2 * width)
    if not high > low:
        raise KitError(
            f"A resonance of width {width:g} does not fit into the spectrum from {edges[0]:g} to "
            f"{edges[-1]:g}: it needs four times its width."
        )
    return np.linspace(low, high, max(2, round((high - low) / width) + 1))


def _hunted(parameters: BumpHuntParameters, events: Events, progress: Progress) -> _Found:
    """The spectrum before and after a cut that a classifier has learnt."""
    hunt = BumpHunt(
        parameters.resonance,
        parameters.feature,
        _windows(parameters, events.edges),
        template=parameters.template,
        folds=parameters.folds,
        efficiency=parameters.efficiency,
        bins=events.edges,
        family=_family(parameters),
        resolution=parameters.resolution,
        level=parameters.level,
        toys=parameters.toys,
        random_state=parameters.random_state,
    )
    data = {name: values for name, values in events.columns.items() if name != parameters.label}
    labels = events.columns[parameters.label] if parameters.label is not None else None
    end = 0.5 if parameters.hunts else 0.9
    progress(0.1, "Learning and scanning")
    result = hunt.scan(
        data,
        labels,
        progress=lambda done: progress(0.1 + (end - 0.1) * done, "Learning and scanning"),
    )
    again: PipelineToys | None = None
    if parameters.hunts:
        again = run_toys(
            hunt,
            data,
            result,
            parameters.hunts,
            seed=parameters.random_state,
            report=lambda done: progress(
                end + (0.9 - end) * len(done) / parameters.hunts,
                f"Hunting without signal: {len(done)} of {parameters.hunts}",
            ),
        )
    progress(0.9, "Drawing figures")
    limits = upper_limits(result.best.after_cut, level=parameters.level)
    tables = hunt_tables(result, limits, again)
    with drawing():
        figures = tuple(hunt_figures(result, limits, tables, shown(parameters.resonance)))
    p = result.p_global if again is None else again.p_global
    return _Found(
        _answer(parameters, result.best.after_cut, limits, p.value <= 1 - p.level, p.short),
        tuple(_hunt_findings(parameters, result, limits, again)),
        tuple(tables.values()),
        figures,
        tuple(_hunt_warnings(result)),
    )


def _windows(parameters: BumpHuntParameters, edges: Floats) -> tuple[Window, ...]:
    low, high = parameters.signal_low, parameters.signal_high
    if low is not None and high is not None:
        side = parameters.sideband or high - low
        window = Window(low, high, low - side, high + side)
        if window.outer_low < edges[0] - 1e-9 or window.outer_high > edges[-1] + 1e-9:
            raise KitError(
                f"The sidebands reach from {window.outer_low:g} to {window.outer_high:g}, beyond "
                f"the spectrum from {edges[0]:g} to {edges[-1]:g}. Make them narrower."
            )
        return (window,)
    width = parameters.search_width
    assert width is not None  # the parameters' own check
    return windows_over(
        float(edges[0]), float(edges[-1]), width=width, sideband=parameters.sideband or width
    )


# In words


def _answer(
    parameters: BumpHuntParameters,
    scan: SpectrumScan,
    limits: LimitBand,
    found: bool,
    p: str = "",
) -> str:
    """An excess or none, with its p-value, and what could be hidden."""
    where = f"{shown(parameters.resonance)} = {scan.best_mass:.4g}"
    cut = " after the cut" if parameters.feature else ""
    limit = limits.at(scan.best_mass)
    upper = f"upper limit {limit.high:.3g} events at {percent(parameters.level)}"
    global_p = f"global p = {p or scan.p_global.short}"
    if found:
        return (
            f"An excess of {scan.largest:.2f} sigma{cut} at {where}: {global_p}, "
            f"{scan.signal.short} events."
        )
    return f"No excess{cut}: {global_p}; largest {scan.largest:.2f} sigma at {where}, {upper}."


def _scan_findings(
    parameters: BumpHuntParameters, scan: SpectrumScan, limits: LimitBand
) -> Iterator[Finding]:
    found = scan.p_global.value <= 1 - parameters.level
    yield Finding(
        "There is a resonance (the number is the global p-value).",
        scan.p_global,
        Verdict.SUPPORTED if found else Verdict.UNDECIDED,
    )
    yield from _size(parameters, scan, limits, found)


def _size(
    parameters: BumpHuntParameters, scan: SpectrumScan, limits: LimitBand, found: bool
) -> Iterator[Finding]:
    at = f"{shown(parameters.resonance)} = {scan.best_mass:.4g}"
    yield Finding(
        f"The signal's events where the excess is largest, at {at}.",
        scan.signal,
        Verdict.SUPPORTED if found else Verdict.UNDECIDED,
    )
    limit = limits.at(scan.best_mass)
    yield Finding(
        f"There are at most {limit.high:.3g} signal events at {at} (CLs, at this mass alone).",
        limit,
        Verdict.SUPPORTED,
    )


def _hunt_findings(
    parameters: BumpHuntParameters,
    result: HuntResult,
    limits: LimitBand,
    again: PipelineToys | None,
) -> Iterator[Finding]:
    best = result.best
    found = result.found
    if again is not None:
        found = again.p_global.value <= 1 - parameters.level
        yield Finding(
            "There is a resonance (the number is the global p-value from whole hunts without "
            "signal, training included).",
            again.p_global,
            Verdict.SUPPORTED if found else Verdict.UNDECIDED,
        )
    yield Finding(
        "After the cut, there is a resonance (the number is the global p-value, for the cut as it "
        "is).",
        result.p_global,
        Verdict.SUPPORTED if result.found else Verdict.UNDECIDED,
    )
    yield Finding(
        "Before the cut, there is a resonance (the number is the p-value of the window).",
        best.inclusive.p_global,
        Verdict.SUPPORTED
        if best.inclusive.p_global.value <= 1 - parameters.level
        else Verdict.UNDECIDED,
    )
    yield from _size(parameters, best.after_cut, limits, found)
    for check in best.closure.checks:
        yield Finding(
            f"Without signal, in {check.window}, the template tells how many events lie beyond the "
            "cut (the number is the ratio of those that do to those that it foretells).",
            check.tail.ratio,
            Verdict.REFUTED if check.reasons else Verdict.SUPPORTED,
        )
    yield Finding(
        "The cut carves the spectrum beside the signal region (the number is the p-value of a "
        "smooth one).",
        best.sculpting,
        Verdict.SUPPORTED if best.sculpting.high < 1 - parameters.level else Verdict.UNDECIDED,
    )
    if best.sic is not None:
        yield Finding(
            "The cut improves the significance by this factor at its best (from the truth).",
            best.sic.largest,
            Verdict.SUPPORTED if best.sic.largest.low > 1 else Verdict.UNDECIDED,
        )


def _hunt_warnings(result: HuntResult) -> Iterator[str]:
    yield from result.warnings
    for one in result.windows:
        where = f"{one.window}: "
        yield from (where + told for told in (*one.warnings, *one.after_cut.warnings))
        for reason in one.blocked:
            yield f"{where}Counting against the template is blocked. {reason}"


kit = Kit(
    name="bumphunt",
    title="Bump hunt",
    question=_QUESTION,
    parameters=BumpHuntParameters,
    run=run,
    arrays=True,
)
