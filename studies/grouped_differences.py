"""Do paired differences keep their level and error rate where cases come in groups?

Coverage of the interval and rate of false alarms (or of findings) of paired differences of
accuracy, AUROC, F1 and macro F1, by simulation, over numbers and sizes of groups, equal and
unequal, and how alike the cases of a group are. ``python studies/grouped_differences.py`` writes
``docs/tables/comparison_groups*.md``.
"""

import sys
import warnings
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from evidesk.methods.metrics import (
    Comparison,
    PoorApproximationWarning,
    compare_accuracy,
    difference,
    evaluate_labels,
)
from evidesk.methods.metrics.score_metrics import evaluate_scores

Floats = npt.NDArray[np.float64]
Members = npt.NDArray[np.intp]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
LAYOUTS: dict[str, tuple[int, ...]] = {
    "10 groups of 20": (20,) * 10,
    "20 groups of 10": (10,) * 20,
    "40 groups of 5": (5,) * 40,
    "30 groups of 20": (20,) * 30,
    "200 groups of 5": (5,) * 200,
    "10 groups of 2 to 144": (2, 3, 5, 8, 13, 21, 34, 55, 89, 144),
    "40 groups of 2 to 82": tuple(round(2 * 1.1**i) for i in range(40)),
}
ICCS = (0.1, 0.4)
#: How much of what makes a group easy or hard is the same for both models.
COMMON = 0.5


@dataclass(frozen=True)
class Design:
    """What is compared, in which groups, and how alike their cases are.

    ``metric`` is ``accuracy``, ``auroc``, ``f1`` or ``macro f1``; ``level`` what the better model
    has, of AUROC or of right answers, ``gap`` how much less the other one; ``pure`` whether all
    cases of a group have one true class, as all images of a patient have.
    """

    metric: str
    layout: str
    icc: float
    level: float
    gap: float
    pure: bool = False

    @property
    def seed(self) -> int:
        return zlib.crc32(repr(self).encode())

    @property
    def sizes(self) -> tuple[int, ...]:
        return LAYOUTS[self.layout]

    @property
    def shares(self) -> Floats:
        """Share of each true class: one or two rarer ones beside the most frequent."""
        if self.metric == "macro f1":
            return np.array([0.5, 0.3, 0.2])
        return np.array([0.7, 0.3])

    @property
    def truth(self) -> float:
        """The true difference of the two models' values."""
        if self.metric in ("accuracy", "auroc"):
            return self.gap
        return self._f1(self.level) - self._f1(self.level - self.gap)

    def _f1(self, right: float) -> float:
        """Of the whole population, in which errors go to the other classes alike."""
        shares = self.shares
        predicted = shares * right + (1 - shares) * (1 - right) / (len(shares) - 1)
        each = 2 * shares * right / (shares + predicted)
        return float(each[-1] if self.metric == "f1" else each.mean())


def classes_of(design: Design, members: Members, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The true class of each case."""
    drawn = rng.choice(
        len(design.shares), len(design.sizes) if design.pure else len(members), p=design.shares
    )
    return drawn[members] if design.pure else drawn


def scores_of(
    design: Design, truth: npt.NDArray[np.intp], members: Members, rng: np.random.Generator
) -> Floats:
    """Normal scores of both models, shape (2, cases); the cases of a group lie near each other."""
    groups = len(design.sizes)
    common, case = rng.standard_normal(groups), rng.standard_normal(len(members))
    scores = np.empty((2, len(members)))
    for model, area in enumerate((design.level, design.level - design.gap)):
        group = np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * rng.standard_normal(groups)
        own = np.sqrt(COMMON) * case + np.sqrt(1 - COMMON) * rng.standard_normal(len(members))
        noise = np.sqrt(design.icc) * group[members] + np.sqrt(1 - design.icc) * own
        scores[model] = noise + np.sqrt(2) * stats.norm.ppf(area) * truth
    return scores


def labels_of(
    design: Design, truth: npt.NDArray[np.intp], members: Members, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Predicted classes of both models, shape (2, cases); in each group each has its own chance."""
    groups, k = len(design.sizes), len(design.shares)
    common, spread = rng.standard_normal(groups), 1 / design.icc - 1
    said = np.empty((2, len(members)), dtype=np.intp)
    for model, mean in enumerate((design.level, design.level - design.gap)):
        ease = np.sqrt(COMMON) * common + np.sqrt(1 - COMMON) * rng.standard_normal(groups)
        # Beta with a + b = 1 / icc - 1 has intraclass correlation icc.
        chance = stats.beta.ppf(stats.norm.cdf(ease), mean * spread, (1 - mean) * spread)
        right = rng.random(len(members)) < chance[members]
        wrong = (truth + rng.integers(1, k, len(members))) % k
        said[model] = np.where(right, truth, wrong)
    return said


def compared(design: Design, rng: np.random.Generator, knowing: bool = True) -> Comparison:
    """The difference of two models on a simulated sample.

    Raises
    ------
    ValueError : a class is missing in the sample.
    """
    members = np.repeat(np.arange(len(design.sizes)), design.sizes)
    groups = members if knowing else None
    truth = classes_of(design, members, rng)
    if design.metric == "auroc":
        a, b = scores_of(design, truth, members, rng)
        return difference(
            evaluate_scores("auroc", truth, {"a": a, "b": b}, groups=groups), "a", "b"
        )
    a, b = labels_of(design, truth, members, rng)
    if design.metric == "accuracy":
        return compare_accuracy(truth, a, b, groups=groups)
    how = {"pos_label": 1} if design.metric == "f1" else {"average": "macro"}
    found = evaluate_labels("f1", truth, {"a": a, "b": b}, groups=groups, **how)
    return difference(found, "a", "b")


@dataclass(frozen=True)
class Rates:
    """Shares of the runs: the interval holds the truth, p <= 0.05, a warning came."""

    held: float
    rejected: float
    warned: float

    def __str__(self) -> str:
        return f"{100 * self.held:.1f} / {100 * self.rejected:.1f}"


def rates(design: Design, runs: int, knowing: bool = True) -> Rates:
    """Of so many simulated samples that hold all classes."""
    rng = np.random.default_rng(design.seed)
    held = rejected = warned = done = 0
    while done < runs:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", PoorApproximationWarning)
            try:
                found = compared(design, rng, knowing)
            except ValueError:
                continue
        done += 1
        held += found.estimate.low <= design.truth <= found.estimate.high
        rejected += found.p_value <= 0.05
        warned += bool(caught)
    return Rates(held / runs, rejected / runs, warned / runs)


def designs(metric: str) -> Iterator[Design]:
    """All of a metric, in pairs: equal models, and unequal ones."""
    for layout in LAYOUTS:
        for icc in ICCS:
            for pure in (False, True) if metric in ("auroc", "f1") else (False,):
                for level in (0.8, 0.95) if metric == "auroc" else (0.8,):
                    for gap in (0.0, 0.1 if level < 0.9 else 0.05):
                        yield Design(metric, layout, icc, level, gap, pure)


def table(titled: str, metrics: Iterable[str], runs: int) -> Iterator[str]:
    """Lines of a table, one for each design and its equal and unequal models."""
    error = 100 * np.sqrt(0.95 * 0.05 / runs)
    yield (
        f"**{titled}: coverage in % / p at most 5 % in % of samples ({runs:,} simulations, "
        f"Monte-Carlo error about {error:.1f})**"
    )
    yield ""
    yield (
        "| metric | groups | ICC | classes in a group | equal models | true difference | with "
        "`groups=` | ignoring them | warned |"
    )
    yield "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |"
    for metric in metrics:
        pairs = iter(designs(metric))
        for equal, unequal in zip(pairs, pairs, strict=True):
            same, other = rates(equal, runs), rates(unequal, runs)
            ignoring = rates(equal, runs // 4, knowing=False)
            name = f"AUROC {equal.level}" if metric == "auroc" else metric.replace("f1", "F1")
            yield (
                f"| {name} | {equal.layout} | {equal.icc} | {'one' if equal.pure else 'any'} | "
                f"{same} | {unequal.truth:.3f} | {other} | {ignoring} | "
                f"{100 * (same.warned + other.warned) / 2:.0f} |"
            )


TABLE_OF = {
    "comparison_groups": ("Accuracies of grouped cases", ("accuracy",)),
    "comparison_groups_auroc": ("AUROCs of grouped cases", ("auroc",)),
    "comparison_groups_f1": ("F1 of grouped cases", ("f1", "macro f1")),
}


def main(names: Iterable[str] = (), runs: int = 1_000) -> None:
    """Write the tables, or those that are named."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name in names or TABLE_OF:
        text = "\n".join([*table(*TABLE_OF[name], runs), ""])
        (TABLES / f"{name}.md").write_text(text)
        sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
