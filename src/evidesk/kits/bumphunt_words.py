"""What the kit ``bumphunt`` says in words: its answer, findings and warnings."""

from collections.abc import Iterator

from evidesk.evidence import Finding, Verdict
from evidesk.kits.bumphunt_parameters import BumpHuntParameters
from evidesk.kits.wording import percent, shown
from evidesk.methods.bumphunt import HuntResult, LimitBand, PipelineToys, SpectrumScan


def answer(
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


def scan_findings(
    parameters: BumpHuntParameters, scan: SpectrumScan, limits: LimitBand
) -> Iterator[Finding]:
    """Of the spectrum as it is."""
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


def hunt_findings(
    parameters: BumpHuntParameters,
    result: HuntResult,
    limits: LimitBand,
    again: PipelineToys | None,
) -> Iterator[Finding]:
    """Of the spectrum before and after the cut, and of the cut itself."""
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


def hunt_warnings(result: HuntResult) -> Iterator[str]:
    """What each window warns of, and why counting against its template is blocked."""
    yield from result.warnings
    for one in result.windows:
        where = f"{one.window}: "
        yield from (where + told for told in (*one.warnings, *one.after_cut.warnings))
        for reason in one.blocked:
            yield f"{where}Counting against the template is blocked. {reason}"
