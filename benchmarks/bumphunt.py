"""Ten thousand toys of a mass scan: evidesk beside pyBumpHunter and iminuit, in one run.

``python benchmarks/bumphunt.py`` writes ``docs/tables/bumphunt_speed.md``. One thread; CPU seconds,
the best of a few repetitions. iminuit, which would take minutes, fits fewer toys, and its time is
scaled to as many as the others; so is said in the table.
"""

import contextlib
import io
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from iminuit import Minuit
from scipy import special
from threadpoolctl import threadpool_limits

from evidesk.methods.bumphunt import Spectrum, SpectrumScan, dijet, scan_spectrum
from evidesk.methods.bumphunt.glm import LogLinear
from evidesk.methods.bumphunt.signal import gaussian

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "tables" / "bumphunt_speed.md"
TOYS, REPETITIONS = 10_000, 5
MASSES = np.linspace(2.95, 4.35, 29)
#: iminuit's toys; a toy is a fit without a signal and one for each mass.
MINUIT_TOYS = 10
#: pyBumpHunter's window, in bins of 30 GeV: about the resonance's 68 %.
WINDOW = 7

Floats = np.ndarray


def resolution(mass: float) -> float:
    return 0.03 * mass


def dijets() -> Spectrum:
    """Simulated dijets without a resonance, in 60 bins."""
    with np.load(ROOT / "tests" / "data" / "dijets" / "spectrum.npz") as file:
        return Spectrum.from_counts(
            file["background"].reshape(60, 6).sum(axis=1), file["edges"][::6]
        )


def seconds(work: Callable[[], object], repetitions: int = REPETITIONS) -> float:
    """CPU seconds of the fastest of so many."""
    found = []
    for _ in range(repetitions):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def ours(order: int | None, widths: object = resolution) -> SpectrumScan:
    return scan_spectrum(
        dijets(), MASSES, widths, family=dijet(13.0), order=order, toys=TOYS,
        random_state=0,
    )  # fmt: skip


def py_bump_hunter(expected: Floats, narrow: int, wide: int | None) -> None:
    """Its toys are scanned against the given background, and not refitted."""
    import pyBumpHunter

    spectrum = dijets()
    hunter = pyBumpHunter.BumpHunter1D(
        rang=[2.8, 4.6], bins=spectrum.edges, width_min=narrow, width_max=wide, width_step=1,
        scan_step=1, npe=TOYS, nworker=1, seed=0,
    )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        hunter.bump_scan(spectrum.counts, expected, is_hist=True)


def likelihood(
    model: LogLinear, counts: Floats, signal: Floats
) -> tuple[Callable[[Floats], float], Callable[[Floats], Floats]]:
    """-2 ln L of a yield and the background's coefficients, and its gradient."""

    def expected(p: Floats) -> tuple[Floats, Floats]:
        background = np.exp(model.offset + model.design @ p[1:])
        return background, np.maximum(background + p[0] * signal, 1e-9)

    def cost(p: Floats) -> float:
        _, mu = expected(p)
        return float(2 * (mu - special.xlogy(counts, mu)).sum())

    def gradient(p: Floats) -> Floats:
        background, mu = expected(p)
        residual = 2 * (1 - counts / mu)
        return np.r_[residual @ signal, (residual * background) @ model.design]

    return cost, gradient


def minuit(scan: SpectrumScan) -> None:
    """Each toy fitted without and, at each mass, with a signal; from the truth, with gradient."""
    model = scan.fit.ladder.best.model
    shapes = np.stack([gaussian(scan.fit.spectrum.edges, m, 0.03 * m) for m in MASSES])
    rng = np.random.default_rng(0)
    for counts in rng.poisson(model.reference, (MINUIT_TOYS, 60)).astype(float):
        for signal in (np.zeros(60), *shapes):
            cost, gradient = likelihood(model, counts, signal)
            fit = Minuit(cost, np.zeros(5), grad=gradient)
            fit.errordef, fit.strategy = 1, 0
            fit.errors = [200.0, 0.5, 0.5, 0.5, 0.5]
            fit.fixed[0] = not signal.any()
            fit.migrad()
            assert fit.valid


def main() -> None:
    scan = ours(4)
    fixed, chosen = seconds(lambda: ours(4)), seconds(lambda: ours(None))
    expected = scan.fit.expected
    one = seconds(lambda: py_bump_hunter(expected, WINDOW, WINDOW), 2)
    defaults = seconds(lambda: py_bump_hunter(expected, 1, None), 2)
    six = seconds(lambda: ours(4, [0.015 * bins for bins in range(2, WINDOW + 1)]))
    several = seconds(lambda: py_bump_hunter(expected, 2, WINDOW), 2)
    of_minuit = seconds(lambda: minuit(scan), 2) * TOYS / MINUIT_TOYS
    rows = [
        ("evidesk, each toy refitted", fixed),
        ("evidesk, each toy's order chosen anew and refitted", chosen),
        (f"pyBumpHunter, toys not refitted, windows of {WINDOW} bins", one),
        (f"evidesk, each toy refitted, {WINDOW - 1} widths", six),
        (f"pyBumpHunter, toys not refitted, windows of 2 to {WINDOW} bins", several),
        ("pyBumpHunter, toys not refitted, windows of all widths (its default)", defaults),
        (f"iminuit, each toy refitted at each mass (from {MINUIT_TOYS} toys, scaled)", of_minuit),
    ]
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    lines = [
        f"| {TOYS:,} toys of 60 bins and 29 masses | CPU seconds | times the first |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {cost:.3g} | {cost / fixed:.3g} |" for name, cost in rows),
        "",
        "Simulated dijets, 109,204 events, dijet function with 4 parameters. evidesk's are whole "
        "calls of `scan_spectrum`, with the fit, its goodness and yields. pyBumpHunter's windows "
        "lie at each bin.",
        "",
        f"One thread of {cpu}, Python {platform.python_version()}, "
        + ", ".join(f"{name} {version(name)}" for name in ("numpy", "iminuit", "pyBumpHunter"))
        + ".",
        "",
    ]
    TABLE.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
