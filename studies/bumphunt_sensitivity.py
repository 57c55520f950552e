"""How well a bump hunt finds a resonance among simulated dijets, and what it makes of none.

The events are 109,204 QCD dijets and 6,168 of a resonance at 3.5 TeV, made with Pythia 8.3
(arXiv:2203.11601) and FastJet (arXiv:1111.6097); `tests/data/dijets_events/README.md` describes
the simulation and holds a part of it. The whole file is made by the same simulation: an `.npz` with
the columns `x` (mjj, mJ1, dmJ, tau21_1, tau21_2, ... in TeV) and `label` (1 for the resonance). Run
as `python -m studies.bumphunt_sensitivity FILE`; it writes docs/tables/bumphunt_improvement.md,
bumphunt_after_cut.md and bumphunt_closure.md. About half an hour on one core.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from studies.fold_coverage import table

from evidesk.methods.bumphunt import (
    BumpHunt,
    FlowTemplate,
    MorphTemplate,
    SidebandTemplate,
    Template,
    TreeEnsemble,
    Window,
    check_closure,
    contrast,
    sic_curve,
)

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
FEATURES = ["mJ1", "dmJ", "tau21_1", "tau21_2"]
WINDOW = Window(3.3, 3.7, 3.0, 4.1)
#: The mean of five folds' models, ten in sum, scores what none has seen; in a hunt each event is
#: scored by the models of its own fold alone, ten there.
SHARED, CLASSIFIER = TreeEnsemble(members=2), TreeEnsemble(members=10)
CUT = 0.01
SPLITS, INJECTIONS = 3, 10
TOYS = 1000
#: How much a feature moves with the mass in the hard case: mJ1 and dmJ, by so much times mjj.
PULL = 0.1

TEMPLATES: dict[str, Template] = {
    "sideband": SidebandTemplate(),
    "morph": MorphTemplate(),
    "flow": FlowTemplate(random_state=0),
}


class Events:
    """The file's background and signal."""

    def __init__(self, path: str, pull: float = 0.0) -> None:
        with np.load(path) as file:
            values, label = file["x"][:, :5].astype(np.float64), file["label"]
        m, x = values[:, 0], values[:, 1:]
        x[:, :2] += pull * m[:, None]
        self.background = m[label == 0], x[label == 0]
        self.signal = m[label == 1], x[label == 1]

    def mixed(self, ratio: float, rng: np.random.Generator) -> tuple[Floats, Floats, Mask]:
        """All background, and signal of this share of it in the signal region."""
        (m, x), (ms, xs) = self.background, self.signal
        inside = WINDOW.signal_region(ms)
        many = round(ratio * WINDOW.signal_region(m).sum() / inside.mean())
        taken = rng.permutation(len(ms))[:many]
        truth = np.repeat([False, True], [len(m), many])
        return np.concatenate([m, ms[taken]]), np.concatenate([x, xs[taken]]), truth


def improvement(events: Events, template: Template, ratio: float, seed: int) -> tuple[float, float]:
    """Largest improvement on events that no model has seen, and the signal efficiency there: half
    of the signal region's background and so much signal are learnt from, the rest is tested.
    """
    rng = np.random.default_rng(seed)
    (m, x), (ms, xs) = events.background, events.signal
    around = np.flatnonzero(WINDOW.sidebands(m))
    half = rng.permutation(np.flatnonzero(WINDOW.signal_region(m)))
    learn, test = half[: len(half) // 2], half[len(half) // 2 :]
    signal = rng.permutation(np.flatnonzero(WINDOW.signal_region(ms)))
    many = round(ratio * len(learn))
    found = contrast(
        np.concatenate([m[learn], ms[signal[:many]], m[around]]),
        np.concatenate([x[learn], xs[signal[:many]], x[around]]),
        WINDOW,
        template,
        SHARED,
        random_state=rng,
    )
    scores = found.fit.score(np.concatenate([x[test], xs[signal[many:]]]))
    truth = np.repeat([False, True], [len(test), len(signal) - many])
    curve = sic_curve(scores, truth)
    return curve.largest.value, float(curve.signal_efficiency[curve.best])


def improvements(path: str) -> str:
    """Each template, with features as they are and pulled along with the mass."""
    cells = [(0.0, name, ratio) for name in ("sideband", "morph") for ratio in (0.006, 0.01, 0.02)]
    cells += [(0.0, "flow", 0.01)]
    cells += [(PULL, name, 0.01) for name in ("sideband", "morph")]
    rows = []
    for pull, name, ratio in cells:
        events = Events(path, pull)
        values, where = np.transpose(
            [improvement(events, TEMPLATES[name], ratio, seed) for seed in range(SPLITS)]
        )
        rows.append(
            [
                name,
                "pulled along" if pull else "as they are",
                f"{100 * ratio:g} %",
                f"{values.mean():.1f} ± {values.std(ddof=1):.1f}",
                f"{where.mean():.2f}",
            ]
        )
        sys.stdout.write(f"{rows[-1]}\n")
        sys.stdout.flush()
    return table(
        ["template", "features", "S/B", "largest improvement", "signal efficiency there"],
        rows,
        "Largest significance improvement with 25 background events left or more, mean and spread "
        f"of {SPLITS} splits: learnt from half of the signal region's 26,904 background events and "
        "from signal, tested on the other half and the rest of the signal. Pulled along: "
        f"{PULL:g} mjj added to mJ1 and dmJ.",
    )


def after_cut(path: str) -> str:
    """The whole search, with signal and without."""
    events = Events(path)
    rows = [
        after_cut_row(events, name, ratio)
        for name in ("sideband", "morph")
        for ratio in (0.006, 0.0)
    ]
    return table(
        ["template", "S/B", "sigma before the cut", "after it", "range", "p, median"],
        rows,
        f"Largest excess at three masses of the window after a cut at {100 * CUT:g} %: mean and "
        f"spread of {INJECTIONS} injections, each with its own folds, classifier and template "
        "sample, into the one background there is, so that they are not independent. p: of the "
        f"window, from {TOYS} toys, at least 1/{TOYS + 1}.",
    )


def after_cut_row(events: Events, name: str, ratio: float) -> list[str]:
    """Injections of one size, with one template."""
    hunt = BumpHunt(
        "mjj", FEATURES, WINDOW, classifier=CLASSIFIER, efficiency=CUT,
        bins=np.linspace(2.8, 4.6, 61), toys=TOYS,
    )  # fmt: skip
    before, after, p = [], [], []
    for seed in range(INJECTIONS):
        rng = np.random.default_rng(seed)
        m, x, _ = events.mixed(ratio, rng)
        before.append(hunt.scan_window(m, WINDOW, rng).largest)
        _, scan = hunt.cut_and_scan(m, x, WINDOW, TEMPLATES[name], rng)
        after.append(scan.largest)
        p.append(scan.p_global.value)
        sys.stdout.write(f"{name} {ratio} {before[-1]:.2f} {after[-1]:.2f} {p[-1]:.3g}\n")
        sys.stdout.flush()
    return [
        name,
        f"{100 * ratio:g} %",
        f"{np.mean(before):.1f} ± {np.std(before, ddof=1):.1f}",
        f"{np.mean(after):.1f} ± {np.std(after, ddof=1):.1f}",
        f"{min(after):.1f} to {max(after):.1f}",
        f"{np.median(p):.2g}",
    ]


def closures(path: str) -> str:
    """Whether templates pass in windows without signal, and in the signal region without any."""
    rows = []
    for pull in (0.0, PULL):
        m, x = Events(path, pull).background
        for name in ("sideband", "morph"):
            for windows in (WINDOW.validation(), (WINDOW,)):
                found = check_closure(
                    m, x, windows, TEMPLATES[name], SHARED, efficiency=CUT, random_state=0
                )
                rows += [
                    [
                        name,
                        "pulled along" if pull else "as they are",
                        str(check.window),
                        check.auc.short,
                        check.tail.ratio.short,
                        "fails" if check.reasons else "passes",
                    ]
                    for check in found.checks
                ]
            sys.stdout.write(f"{rows[-3:]}\n")
            sys.stdout.flush()
    return table(
        ["template", "features", "window", "AUROC", "seen over expected", "gate"],
        rows,
        f"Background alone. Seen over expected events beyond the cut at {100 * CUT:g} %. The last "
        "window of each template is the signal region itself, which a hunt cannot look at.",
    )


def main() -> None:
    """Write the tables."""
    if len(sys.argv) != 2:
        sys.stdout.write(f"{__doc__}\nNo file is given, the tables stay as they are.\n")
        return
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, make in (
        ("improvement", improvements),
        ("after_cut", after_cut),
        ("closure", closures),
    ):
        text = make(sys.argv[1])
        (TABLES / f"bumphunt_{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
