"""The kit ``bumphunt``: is there a resonance in the data?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Evidence, Figure, Finding, Table
from evidesk.kits.arrays import ArrayFile
from evidesk.kits.bumphunt_figures import hunt_figures, hunt_tables, scan_figures, scan_tables
from evidesk.kits.bumphunt_parameters import BumpHuntParameters
from evidesk.kits.bumphunt_words import answer, hunt_findings, hunt_warnings, scan_findings
from evidesk.kits.kit import Kit, KitError, Progress
from evidesk.kits.wording import drawing, noted, shown
from evidesk.methods.bumphunt import (
    BumpHunt,
    Family,
    PipelineToys,
    Spectrum,
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
        answer(parameters, scan, limits, scan.p_global.value <= 1 - parameters.level),
        tuple(scan_findings(parameters, scan, limits)),
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
        answer(parameters, result.best.after_cut, limits, p.value <= 1 - p.level, p.short),
        tuple(hunt_findings(parameters, result, limits, again)),
        tuple(tables.values()),
        figures,
        tuple(hunt_warnings(result)),
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


kit = Kit(
    name="bumphunt",
    title="Bump hunt",
    question=_QUESTION,
    parameters=BumpHuntParameters,
    run=run,
    arrays=True,
)
