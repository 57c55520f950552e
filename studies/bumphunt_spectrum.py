"""Do the bump hunt's p-values and limits hold what they say?

By pseudo-experiments drawn from fits of simulated dijets. ``python studies/bumphunt_spectrum.py``
writes ``docs/tables/bumphunt_*.md``; names of tables (level, window, limits, bands, trials) as
arguments make these alone, and a number gives the pseudo-experiments instead of 1,000.
"""

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from evidesk.methods.bumphunt import (
    Family,
    Spectrum,
    dijet,
    exponential,
    gaussian,
    scan_spectrum,
    upper_limits,
)
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.beside import beside
from evidesk.methods.bumphunt.counting import excess, extrapolated
from evidesk.methods.bumphunt.limits import observed_limits
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.profile import Profile
from evidesk.methods.bumphunt.scan import null_scans
from evidesk.methods.bumphunt.score import score
from evidesk.methods.bumphunt.signal import shares, widths_at
from evidesk.methods.bumphunt.trials import gross_vitells

Floats = npt.NDArray[np.float64]

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "docs" / "tables"
DIJET = dijet(13.0)
MASSES = np.linspace(2.95, 4.35, 29)
RUNS, TOYS = 1000, 499
LEVELS = (0.05, 0.01)


def resolution(mass: float) -> float:
    """Of the dijet mass, about."""
    return 0.03 * mass


def dijets() -> Spectrum:
    """Simulated dijets without a resonance, in 60 bins."""
    with np.load(ROOT / "tests" / "data" / "dijets" / "spectrum.npz") as file:
        return Spectrum.from_counts(
            file["background"].reshape(60, 6).sum(axis=1), file["edges"][::6]
        )


def signals(masses: Floats = MASSES) -> Floats:
    """Shares of a resonance at each mass, shape (masses, bins)."""
    return shares(dijets().edges, masses, widths_at(masses, resolution), gaussian)[0]


def table(head: list[str], rows: Iterable[list[str]], note: str) -> str:
    """Markdown; all but the first column are numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", note, ""])


def percent(share: float, runs: int) -> str:
    """With its Monte-Carlo error; Agresti and Coull's, which is not 0 for shares of 0 and 1."""
    near = (share * runs + 2) / (runs + 4)
    error = 100 * math.sqrt(near * (1 - near) / (runs + 4))
    digits = max(1, -math.floor(math.log10(error)))
    return f"{100 * share:.{digits}f} ± {error:.{digits}f}"


# False positives of the global p-value


@dataclass(frozen=True)
class World:
    """Where pseudo-experiments come from."""

    name: str
    family: Family
    order: int
    luminosity: float

    def truth(self) -> Floats:
        return Bins(dijets(), self.family).fit(self.order).expected * self.luminosity


WORLDS = (
    *(World("dijet function of 4 parameters", DIJET, 4, size) for size in (0.01, 0.3, 1.0)),
    World("exponential of a polynomial of 5 parameters", exponential(), 5, 1.0),
)


def p_of(largest: float, toys: Floats) -> float:
    return (1 + int((toys >= largest).sum())) / (1 + len(toys))


def fixed(ladder: Ladder, index: int, counts: Floats, rng: np.random.Generator) -> float:
    """p if the order were known: that order for data and toys."""
    background = ladder.backgrounds[index]
    drawn = np.concatenate(
        [counts[None], rng.poisson(background.expected, (TOYS, len(counts)))]
    ).astype(float)
    expected = background.model.fit(drawn).expected
    z = score(background.model, drawn, expected, signals()).z.max(axis=1)
    return p_of(float(z[0]), z[1:])


def from_chosen(ladder: Ladder, counts: Floats, rng: np.random.Generator) -> float:
    """p if toys choose their order, but are drawn from the chosen fit."""
    drawn = np.concatenate(
        [counts[None], rng.poisson(ladder.best.expected, (TOYS, len(counts)))]
    ).astype(float)
    choice = ladder.choose(drawn)
    largest = np.empty(len(drawn))
    for index in np.unique(choice.index):
        some = choice.index == index
        model = ladder.backgrounds[index].model
        z = score(model, drawn[some], choice.expected[some], signals()).z
        largest[some] = z.max(axis=1)
    return p_of(float(largest[0]), largest[1:])


def as_scan_spectrum(ladder: Ladder, counts: Floats, rng: np.random.Generator) -> float:
    """p as `scan_spectrum` has it, without its other work."""
    best = ladder.best
    found = score(best.model, counts[None], best.expected[None], signals())
    toys, _ = null_scans(ladder, signals()[None], TOYS, rng, lambda _share: None)
    return p_of(float(found.z.max()), toys)


def level_rows(runs: int) -> Iterable[list[str]]:
    edges = dijets().edges
    for number, world in enumerate(WORLDS):
        rng, truth = np.random.default_rng(number), world.truth()
        p = np.empty((runs, 3))
        for run in range(runs):
            counts = rng.poisson(truth).astype(float)
            ladder = Ladder.of(Bins(Spectrum.from_counts(counts, edges), DIJET), None, 0.05)
            p[run] = (
                fixed(ladder, min(1, len(ladder.backgrounds) - 1), counts, rng),
                from_chosen(ladder, counts, rng),
                as_scan_spectrum(ladder, counts, rng),
            )
        for level in LEVELS:
            yield [
                world.name,
                f"{truth.sum():,.0f}",
                f"{100 * level:g} %",
                *(percent(float(share), runs) for share in (p <= level).mean(axis=0)),
            ]
            print(world.name, world.luminosity, level, (p <= level).mean(axis=0), flush=True)


def level_table(runs: int) -> str:
    return table(
        ["truth", "events", "nominal", "3 parameters always", "chosen, toys from the chosen fit",
         "scan_spectrum"],
        level_rows(runs),
        f"How often the global p-value of a spectrum without a signal is at most nominal, in % ± "
        f"Monte-Carlo error; {runs:,} spectra of 60 bins, 29 masses, {TOYS} toys each. "
        "In all but the first, toys choose their order as the data do; for scan_spectrum they come "
        "from one parameter more than were chosen.",
    )  # fmt: skip


# Counting in a window


def window_table(runs: int) -> str:
    """The trap: an extrapolated background without its error."""
    spectrum, runs = dijets(), 50 * runs
    inside = (spectrum.centres >= 3.3) & (spectrum.centres < 3.7)
    truth = Bins(spectrum, DIJET).fit(4).expected * 72 / 109.204
    typical = Spectrum.from_counts(np.round(truth), spectrum.edges)
    known, open_ = (Ladder.of(Bins(typical, DIJET, ~inside), order, 0.05) for order in (4, None))
    counts = np.random.default_rng(0).poisson(truth, (runs, 60)).astype(float)
    observed, scale = counts[:, inside].sum(axis=1), np.ones(inside.sum())
    expected, errors = extrapolated(known.best, counts, scale)
    chosen = open_.choose(counts[:, ~inside]).index
    cautious, their_errors = np.empty((2, runs))
    for index in np.unique(chosen):
        some = chosen == index
        background = open_.backgrounds[min(index + 1, len(open_.backgrounds) - 1)]
        cautious[some], their_errors[some] = extrapolated(background, counts[some], scale)
    ways = {
        "count_window": [
            excess(*one) for one in zip(observed, cautious, their_errors, strict=True)
        ],
        "count_window, order known": [
            excess(*one) for one in zip(observed, expected, errors, strict=True)
        ],
        "order known, without the fit's error": (observed - expected) / np.sqrt(expected),
    }
    rows = [
        [
            name,
            f"{np.std(z):.2f}",
            *(percent(float(np.mean(np.array(z) > at)), runs) for at in (2, 3)),
        ]
        for name, z in ways.items()
    ]
    return table(
        ["significance", "spread", "above 2 (2.28 %)", "above 3 (0.135 %)"],
        rows,
        f"Windows from 3.3 to 3.7 TeV without a signal, background from the fit beside them, of a "
        f"dijet function of 4 parameters and 72,000 events; {runs:,} spectra. Spread: standard "
        "deviation of z, 1 if its error is right. Shares in % ± Monte-Carlo error; nominal ones in "
        "the head. count_window: one parameter more than were chosen.",
    )


# Limits


def limit_table(runs: int) -> str:
    """Coverage of a signal that is there, with the order known, and chosen on the same spectrum."""
    rows = []
    for luminosity in (0.01, 0.1, 1.0):
        truth = Bins(dijets(), DIJET).fit(4).expected * luminosity
        typical = Spectrum.from_counts(np.round(truth), dijets().edges)
        known, open_ = (Ladder.of(Bins(typical, DIJET), order, 0.05) for order in (4, None))
        ways = {
            "known, 4": (known, limits_of),
            "chosen without the signal": (open_, naive_limits_of),
            "upper_limits": (open_, limits_of),
        }
        for mass in (3.0, 3.5, 4.2):
            shape = signals(np.array([mass]))
            model, expected = known.best.model, known.best.expected[None]
            error = float(score(model, expected, expected, shape).errors[0, 0])
            for name, (ladder, limits) in ways.items():
                rng = np.random.default_rng(0)
                cells = [f"{truth.sum():,.0f}", f"{mass:g}", name, f"{error:.3g}"]
                for signal in (2 * error, 4 * error, 8 * error):
                    counts = rng.poisson(truth + signal * shape[0], (runs, 60)).astype(float)
                    share = float((limits(ladder, counts, shape) >= signal).mean())
                    cells.append(percent(share, runs))
                rows.append(cells)
                print(cells, flush=True)
    return table(
        [
            "events",
            "mass (TeV)",
            "order",
            "error (events)",
            "2 errors",
            "4 errors",
            "8 errors",
        ],
        rows,
        f"How often the 95 % CLs limit holds a signal of 2, 4 and 8 errors of its yield, in % ± "
        f"Monte-Carlo error; {runs:,} spectra each, of a dijet function of 4 parameters. CLs "
        "covers more than its level where the signal could hardly be seen, and means to. "
        "upper_limits: the order is chosen with the signal in the fit, and has one parameter "
        "more.",
    )


def limits_of(ladder: Ladder, counts: Floats, shape: Floats) -> Floats:
    """The 95 % limit of each spectrum, as `upper_limits` has it."""
    found = np.empty(len(counts))
    for one in beside(ladder, counts, np.repeat(shape, len(counts), axis=0)):
        found[one.some] = observed_limits(one.data, one.asimov, 0.05)[0]
    return found


def naive_limits_of(ladder: Ladder, counts: Floats, shape: Floats) -> Floats:
    """The same, of the order that is chosen as if there were no signal."""
    choice = ladder.choose(counts)
    found = np.empty(len(counts))
    for index in np.unique(choice.index):
        some = choice.index == index
        model, many = ladder.backgrounds[index].model, np.repeat(shape, some.sum(), axis=0)
        asimov = Profile(model, choice.expected[some], many)
        found[some] = observed_limits(Profile(model, counts[some], many), asimov, 0.05)[0]
    return found


def band_table(runs: int) -> str:
    """Where limits without a signal lie in their own bands; the order is chosen each time."""
    runs = runs // 4
    edges = dijets().edges
    rows = []
    for luminosity in (0.01, 0.1, 1.0):
        truth = Bins(dijets(), DIJET).fit(4).expected * luminosity
        rng = np.random.default_rng(1)
        inside = np.empty((runs, 3))
        for run in range(runs):
            spectrum = Spectrum.from_counts(rng.poisson(truth), edges)
            scan = scan_spectrum(
                spectrum, MASSES[::4], resolution, family=DIJET, toys=20, random_state=rng
            )
            found = upper_limits(scan)
            observed, bands = found.observed, found.expected
            inside[run] = [
                (observed < bands[2]).mean(),
                ((observed > bands[1]) & (observed < bands[3])).mean(),
                ((observed > bands[0]) & (observed < bands[4])).mean(),
            ]
        errors = inside.std(axis=0, ddof=1) / math.sqrt(runs)
        rows.append(
            [f"{truth.sum():,.0f}"]
            + [
                f"{100 * m:.1f} ± {100 * e:.1f}"
                for m, e in zip(inside.mean(0), errors, strict=True)
            ]
        )
        print(rows[-1], flush=True)
    return table(
        ["events", "below the median (50 %)", "within ± 1σ (68.3 %)", "within ± 2σ (95.4 %)"],
        rows,
        f"Limits without a signal at eight masses among their own bands, in % ± Monte-Carlo error; "
        f"{runs:,} spectra each, the order chosen for each.",
    )


# The look-elsewhere effect


def trials_table(runs: int) -> str:
    """Gross and Vitells beside many toys."""
    ladder = Ladder.of(Bins(dijets(), DIJET), 4, 0.05)
    rows = []
    for name, widths in (("3 %", (0.03,)), ("2, 3 and 5 %", (0.02, 0.03, 0.05))):
        shape = shares(
            dijets().edges, MASSES,
            widths_at(MASSES, [lambda m, w=w: w * m for w in widths]), gaussian,
        )  # fmt: skip
        rng = np.random.default_rng(0)
        many, crossings = null_scans(ladder, shape, 400 * runs, rng, lambda _share: None)
        for z in (2.0, 2.5, 3.0, 3.5, 4.0):
            bound = gross_vitells(z, crossings[:10_000], len(widths), 0.95)
            share = float((many >= z).mean())
            rows.append([name, f"{z:g}", percent(share, len(many)), f"{100 * bound.value:.3g}"])
    return table(
        ["width", "largest excess (σ)", "toys (%)", "Gross and Vitells (%)"],
        rows,
        f"Global p-values at 29 masses, by {400 * runs:,} toys with their Monte-Carlo error, and "
        "by the bound from the upcrossings of the first 10,000.",
    )


MAKERS: dict[str, Callable[[int], str]] = {
    "level": level_table,
    "window": window_table,
    "limits": limit_table,
    "bands": band_table,
    "trials": trials_table,
}


def main(words: list[str]) -> None:
    runs = next((int(word) for word in words if word.isdigit()), RUNS)
    TABLES.mkdir(parents=True, exist_ok=True)
    for name in [word for word in words if not word.isdigit()] or MAKERS:
        text = MAKERS[name](runs)
        (TABLES / f"bumphunt_{name}.md").write_text(text, encoding="utf-8")
        print(text, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
