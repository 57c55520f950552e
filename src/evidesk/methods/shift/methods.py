"""The two-sample tests, each from a question to an answer."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.multiple import holm
from evidesk.methods.shift import classifiers
from evidesk.methods.shift.effect import HeldOut
from evidesk.methods.shift.families import families_for
from evidesk.methods.shift.forest import forest_statistics
from evidesk.methods.shift.kernels import (
    check_size,
    energy_kernel,
    kernel_statistics,
    mmd_kernels,
)
from evidesk.methods.shift.marginals import marginals_of
from evidesk.methods.shift.relabelling import (
    Relabelling,
    centred,
    combine,
    fewest_relabellings,
    permutation_p_value,
)
from evidesk.methods.shift.ridge import statistics_of
from evidesk.methods.shift.samples import Samples

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Progress = Callable[[float], None]

Method = Literal[
    "ridge",
    "held-out",
    "prequential",
    "refit",
    "forest",
    "mmd",
    "energy",
    "marginal",
    "combination",
]
METHODS: tuple[Method, ...] = get_args(Method)
#: Those that any classifier can be given to.
WITH_CLASSIFIER: tuple[Method, ...] = ("held-out", "prequential", "refit")

#: Ridge regressions up to so many rows, and as long as rows or columns are no more than this.
RIDGE_UPTO = 200_000
_RIDGE_DIRECTIONS = 5_000
#: Relabellings: more where they cost little.
_MANY, _FEW, _FEWEST = 999, 199, 99
#: Block by block, each is relabelled by itself: many up to so many rows in all.
_MANY_IN_BLOCKS = 50_000


@dataclass(frozen=True)
class Question:
    """What is asked of a test.

    Attributes
    ----------
    permutations : how many relabellings; None for what suits the method.
    classifier : None for the method's own.
    n_jobs : how many models are fitted at once, where each relabelling needs one.
    """

    samples: Samples
    relabelling: Relabelling
    level: float
    permutations: int | None
    classifier: Any
    rng: np.random.Generator
    tell: Progress
    n_jobs: int | None = None

    @property
    def alpha(self) -> float:
        return 1 - self.level

    def drawn(self, many_upto: int) -> int:
        """How many relabellings there are to be: many up to so many rows, else few."""
        if self.permutations is not None:
            return int(self.permutations)
        usual = _MANY if self.samples.n <= many_upto else _FEW
        return max(usual if many_upto else _FEWEST, fewest_relabellings(self.alpha))

    def labels(self, many_upto: int) -> Singles:
        """Those that are there, and relabellings."""
        return self.relabelling.labels(self.drawn(many_upto), self.rng)

    def prepared_classifier(self, *, fast: bool = False) -> Any:
        """The one that was given, or the method's own.

        Raises
        ------
        TypeError : it is no classifier.
        """
        chosen = self.classifier
        if chosen is None:
            width = self.samples.design.shape[1]
            chosen = classifiers.default_classifier(width, fast=fast)
        return classifiers.prepared(chosen, self.rng)

    @property
    def covers(self) -> str:
        return (
            f"exact if {self.relabelling.unit} are exchangeable between the samples; it tells that "
            "they differ, not where or how much"
        )


@dataclass(frozen=True)
class Answer:
    """What a test says: the fields of the result of the same names.

    Attributes
    ----------
    held_out : scores of rows that the test's own rule was not learnt from, where it has one.
    """

    statistic: float
    p_value: Estimate
    covers: str
    parts: Mapping[str, float] = field(default_factory=dict)
    null: Floats = field(default_factory=lambda: np.empty(0))
    held_out: HeldOut | None = None
    warnings: tuple[str, ...] = ()


def choose(samples: Samples, classifier: Any) -> tuple[Method, str]:
    """The method that suits the samples, and why."""
    n, width = samples.design.shape
    if classifier is not None:
        return "prequential", (
            "a classifier is given: block by block it learns from almost all rows, and is tested "
            "on others"
        )
    if n > RIDGE_UPTO:
        return "prequential", (
            f"a classifier block by block, as {n:,} rows are more than {RIDGE_UPTO:,}: it needs no "
            "relabelling"
        )
    if min(n, width) > _RIDGE_DIRECTIONS:
        return "prequential", (
            f"a classifier block by block, as {width:,} columns of numbers for {n:,} rows are too "
            "many for exact ridge regressions"
        )
    categories = sum(one.kind == "categorical" for one in samples.features)
    of_which = f", {categories} of categories" if categories else ""
    return "ridge", (
        f"ridge regressions with relabelling, for {n:,} rows of {len(samples.features):,} "
        f"feature(s){of_which}: exact, and linear in the number of rows"
    )


def answer(method: Method, question: Question) -> Answer:
    """Ask the test of this name."""
    return _TESTS[method](question)


def _by_relabelling(
    question: Question, names: list[str], statistics: Floats, **further: Any
) -> Answer:
    """Of statistics of shape (k, 1 + B), the combined one among its relabellings."""
    # Alone, a statistic needs no ranks, and stays what it is.
    combined = combine(statistics) if len(statistics) > 1 else statistics[0]
    parts = {
        name: permutation_p_value(row, level=question.level).value
        for name, row in zip(names, statistics, strict=True)
    }
    return Answer(
        statistic=float(combined[0]),
        p_value=permutation_p_value(combined, level=question.level),
        covers=question.covers,
        parts=parts if len(parts) > 1 else {},
        null=combined[1:],
        **further,
    )


def _ridge_statistics(
    question: Question, batches: Callable[[], Iterable[Singles]] | None = None
) -> tuple[list[str], Floats]:
    samples = question.samples
    families = families_for(samples, question.rng)
    batches = batches or question.relabelling.centred_batches(question.drawn(5_000), question.rng)
    found = statistics_of(families, samples.design, batches, question.tell)
    return [family.name for family in families], found


def _mmd_statistics(question: Question, labels: Singles) -> tuple[list[str], Floats]:
    kernels = mmd_kernels(question.samples.design, question.rng)
    found = kernel_statistics(kernels, question.samples.design, labels, question.tell)
    return [kernel.name for kernel in kernels], found


def _ridge(question: Question) -> Answer:
    """Ridge regressions on families of features, see :mod:`evidesk.methods.shift.ridge`."""
    return _by_relabelling(question, *_ridge_statistics(question))


def _mmd(question: Question) -> Answer:
    """Maximum mean discrepancy of many kernels, see :mod:`evidesk.methods.shift.kernels`."""
    check_size(question.samples.n, "mmd")
    return _by_relabelling(question, *_mmd_statistics(question, question.labels(2_000)))


def _energy(question: Question) -> Answer:
    """Energy distance, see :mod:`evidesk.methods.shift.kernels`."""
    check_size(question.samples.n, "energy")
    found = kernel_statistics(
        [energy_kernel()], question.samples.design, question.labels(2_000), question.tell
    )
    return _by_relabelling(question, ["energy"], found)


def _combination(question: Question) -> Answer:
    """Ridge, MMD and single features, each combined, on the same relabellings."""
    check_size(question.samples.n, "combination")
    labels = question.labels(2_000)
    first = replace(question, tell=lambda share: question.tell(share / 2))
    second = replace(question, tell=lambda share: question.tell((1 + share) / 2))
    found = [
        _ridge_statistics(first, lambda: [centred(labels)])[1],
        _mmd_statistics(second, labels)[1],
        np.stack([one.statistics(labels) for one in marginals_of(question.samples)]),
    ]
    return _by_relabelling(
        question, ["ridge", "mmd", "marginal"], np.stack([combine(one) for one in found])
    )


def _forest(question: Question) -> Answer:
    """Out-of-bag error of a random forest, see :mod:`evidesk.methods.shift.forest`."""
    found = forest_statistics(
        question.samples.design,
        question.labels(0),
        question.rng,
        question.tell,
        question.n_jobs,
    )
    return _by_relabelling(question, ["forest"], found[None])


def _refit(question: Question) -> Answer:
    """Cross-validation, anew for each relabelling."""
    found = classifiers.cross_validated(
        question.prepared_classifier(fast=True),
        question.samples.design,
        question.relabelling,
        question.labels(0),
        question.rng,
        question.tell,
        question.n_jobs,
    )
    return _by_relabelling(question, ["refit"], found[None])


def _held_out(question: Question) -> Answer:
    """AUROC of a classifier on the half of the rows that it was not learnt from."""
    found = classifiers.held_out(
        question.prepared_classifier(),
        question.samples.design,
        question.relabelling,
        question.rng,
    )
    question.tell(0.9)
    tested = classifiers.part_of(question.relabelling, found.rows)
    tested.check(question.alpha)
    labels = tested.labels(question.drawn(5_000), question.rng)
    statistics = classifiers.areas(found.scores, labels)
    return _by_relabelling(question, ["held-out"], statistics[None], held_out=found)


def _prequential(question: Question) -> Answer:
    """Rules learnt on blocks of rows, each tested on the next block."""
    drawn = question.drawn(_MANY_IN_BLOCKS)
    found = classifiers.prequential(
        question.prepared_classifier(),
        question.samples.design,
        question.relabelling,
        question.alpha,
        drawn,
        question.rng,
        question.tell,
    )
    unit, over, blocks = question.relabelling.unit, question.relabelling.over, len(found.z)
    relabelled = int((found.error > 0).sum())
    told = []
    if relabelled:
        over = f"relabellings of {relabelled} blocks"
        told.append(
            f"In {relabelled} of {blocks} block(s) the p-value is a rank among {drawn:,} random "
            f"relabellings, with ties broken at random, as few {unit} or equal scores leave its "
            "statistic few values. With another 'random_state' both these and the blocks are "
            f"others, and with few {unit} the p-value is quite another. Take method='ridge' there: "
            f"it tests all {unit} at once."
        )
    if found.capped:
        told.append(
            f"The classifier learnt from {classifiers.MOST_LEARNT:,} rows at a time, drawn by "
            "chance, the smaller sample's first, and was tested on all others: shifts that only "
            "more rows teach are missed."
        )
    p, low, high = found.p_value(question.level)
    normal = "" if relabelled == blocks else " and rank sums normal"
    return Answer(
        statistic=found.statistic,
        p_value=Estimate(
            p, low, high, question.level, "prequential", question.samples.n, over=over
        ),
        covers=(
            f"valid if {unit} are exchangeable between the samples{normal}: each of {blocks} "
            "block(s), drawn by chance, tests a rule learnt on others"
        ),
        parts={
            f"block {number}": float(special.ndtr(-z))
            for number, z in enumerate(found.z, start=2)
        },
        held_out=found.held_out,
        warnings=tuple(told),
    )  # fmt: skip


def _marginal(question: Question) -> Answer:
    """Each feature by itself, see :mod:`evidesk.methods.shift.marginals`."""
    samples, relabelling = question.samples, question.relabelling
    features = marginals_of(samples)
    values = np.full(len(features), np.nan)
    if not relabelling.in_groups:
        for number, one in enumerate(features):
            values[number] = one.p_value(samples.is_current)
            question.tell((number + 1) / (2 * len(features)))
    rest = np.flatnonzero(np.isnan(values))
    low, high = values.copy(), values.copy()
    n, over = samples.n, relabelling.over
    if rest.size:
        n = _enough_for_holm(question, len(features))
        over = f"{n} relabellings"
        parts: list[Floats] = []
        # Some at a time: many features need so many relabellings that all would fill the memory.
        for labels in relabelling.batches(n, question.rng):
            parts.append(
                np.stack([features[number].statistics(labels) for number in rest.tolist()])
            )
            done = sum(part.shape[1] for part in parts) / (1 + n)
            question.tell((1 + done) / 2)
        # The smallest of many is chosen: its interval must hold for all of them at once.
        level = 1 - question.alpha / rest.size
        for number, statistics in zip(rest.tolist(), np.concatenate(parts, axis=1), strict=True):
            drawn = permutation_p_value(statistics, level=level)
            values[number], low[number], high[number] = drawn.value, drawn.low, drawn.high
    p, least, most = (float(holm(one).min()) for one in (values, low, high))
    return Answer(
        statistic=float(-np.log10(max(p, np.finfo(np.float64).tiny))),
        p_value=Estimate(p, least, most, question.level, "holm", n, over=over),
        covers=f"Holm's p-value of {len(features)} feature(s) alone; how they go together is not "
        "seen",
        parts={one.name: float(value) for one, value in zip(features, values, strict=True)},
    )


def _enough_for_holm(question: Question, features: int) -> int:
    """So many relabellings that a single feature can have a significant adjusted p-value.

    Raises
    ------
    ValueError : fewer are asked for.
    """
    fewest = math.ceil(features / question.alpha - 1e-9) - 1
    drawn = question.drawn(5_000)
    if question.permutations is not None and drawn < fewest:
        raise ValueError(
            f"With {drawn} permutations no p-value adjusted for {features} features can be at most "
            f"{question.alpha:.3g}; at least {fewest:,} are needed."
        )
    return max(drawn, 2 * fewest)


_TESTS: dict[Method, Callable[[Question], Answer]] = {
    "ridge": _ridge,
    "held-out": _held_out,
    "prequential": _prequential,
    "refit": _refit,
    "forest": _forest,
    "mmd": _mmd,
    "energy": _energy,
    "marginal": _marginal,
    "combination": _combination,
}
