"""Any classifier as a two-sample test: can it tell on new rows which sample they are of?

The rows that a classifier is tested on never taught it. Either half of them teach and the others
test (`held_out`), or blocks of rows test one after the other what all blocks before them taught
(`prequential`), so that most rows do both. Scores of cross-validation are of another kind: each
row's score depends on the other rows' labels, and tests that take them for independent reject too
often; they are compared with those of the same procedure on relabelled rows (`cross_validated`).

Sources: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", ICLR (2017), for halves;
Liptak, "On the combination of independent tests", Magyar Tudomanyos Akademia Matematikai Kutato
Intezetenek Koezlemenyei 3 (1958) 171-197, for weighted sums of normal scores; Lehmann and Romano,
"Testing statistical hypotheses" (2005), section 3.2, for ties that are broken at random; Noirhomme
et al., "Biased binomial assessment of cross-validated estimation of classification accuracies
illustrated in diagnosis predictions", NeuroImage: Clinical 4 (2014) 687-694, for cross-validated
scores.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.methods.shift.effect import HeldOut, split, thinned
from evidesk.methods.shift.relabelling import Relabelling, TooFewError, for_each

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Progress = Callable[[float], None]

BLOCKS = 10
#: Units of the smaller sample that a block has at least, where there are enough for two such
#: blocks: five and five can be relabelled in 252 ways.
FEWEST_IN_BLOCK = 5
FOLDS = 5
#: Block by block, a classifier learns from so many rows at most.
MOST_LEARNT = 50_000
#: The rank sum of a block is taken as normal if so many rows of each sample are to be expected
#: outside its largest tie, and if it is hardly skew: with a skewness of 0.1 in each of nine blocks,
#: Edgeworth's series gives 1.07 % for a level of 1 %.
_NORMAL_FROM = 25
_MOST_SKEW = 0.1
#: Of more columns, products of so many random sums of them.
_MOST_DIRECTIONS = 40


def default_classifier(width: int, *, fast: bool = False) -> Any:
    """The mean of logistic regressions on the columns, and on their squares and products, and (if
    not ``fast``) of gradient-boosted trees.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler
    from sklearn.random_projection import GaussianRandomProjection

    steps = [PolynomialFeatures(2, include_bias=False), StandardScaler()]
    if width > _MOST_DIRECTIONS:
        steps.insert(0, GaussianRandomProjection(_MOST_DIRECTIONS))
    parts = [
        ("linear", LogisticRegression(max_iter=300)),
        ("products", make_pipeline(*steps, LogisticRegression(C=0.1, max_iter=300))),
    ]
    if not fast:
        parts.append(("trees", HistGradientBoostingClassifier()))
    return VotingClassifier(parts, voting="soft")


def prepared(classifier: Any, rng: np.random.Generator) -> Any:
    """A copy of the classifier, whose random states that are None are seeds.

    Raises
    ------
    TypeError : it is no scikit-learn classifier.
    """
    from sklearn.base import clone, is_classifier

    if isinstance(classifier, type) or not hasattr(classifier, "get_params"):
        raise TypeError(
            "'classifier' must be a scikit-learn classifier with fit and predict_proba, "
            f"decision_function or predict, for example LogisticRegression(); got {classifier!r}."
        )
    if not is_classifier(classifier):
        raise TypeError(
            f"'classifier' must be a classifier, and {type(classifier).__name__} is none: it has "
            "to learn which of the two samples a row is of."
        )
    copy = clone(classifier)
    seeds = {
        name: int(rng.integers(2**31))
        for name, value in copy.get_params().items()
        if value is None and name.split("__")[-1] == "random_state"
    }
    return copy.set_params(**seeds)


@dataclass(frozen=True)
class Rule:
    """A classifier that has learnt from some rows.

    Attributes
    ----------
    threshold : of its scores, above which it says "current".
    """

    fitted: Any
    threshold: float

    @classmethod
    def learnt(cls, classifier: Any, rows: Floats, is_current: Mask) -> "Rule":
        from sklearn.base import clone

        fitted = clone(classifier).fit(rows, is_current)
        if hasattr(fitted, "predict_proba"):
            # Beyond the current sample's share, so that the larger sample is not always said.
            return cls(fitted, float(is_current.mean()))
        return cls(fitted, 0.0 if hasattr(fitted, "decision_function") else 0.5)

    def scores(self, rows: Floats) -> Floats:
        """Larger for likelier current rows.

        Raises
        ------
        ValueError : a score is not finite.
        """
        if hasattr(self.fitted, "predict_proba"):
            found = self.fitted.predict_proba(rows)[:, 1]
        elif hasattr(self.fitted, "decision_function"):
            found = self.fitted.decision_function(rows)
        else:
            found = self.fitted.predict(rows)
        scores = np.asarray(found, dtype=np.float64)
        if not np.isfinite(scores).all():
            raise ValueError(
                f"The classifier's scores have {(~np.isfinite(scores)).sum()} values that are not "
                "finite, so that rows cannot be put in order by them. Take another classifier."
            )
        return scores


def held_out(
    classifier: Any, design: Floats, relabelling: Relabelling, rng: np.random.Generator
) -> HeldOut:
    """Learn on half of the rows (or groups), and score the others.

    Raises
    ------
    ValueError : a half would have no row of one of the samples; scores are not finite.
    """
    learn = split(relabelling, rng)
    rule = Rule.learnt(classifier, design[learn], relabelling.is_current[learn])
    # In random order, as in `prequential`.
    rest = rng.permutation(np.flatnonzero(~learn))
    return HeldOut(
        rest,
        rule.scores(design[rest]),
        relabelling.is_current[rest],
        rule.threshold,
        relabelling.group[rest] if relabelling.in_groups else None,
    )


def part_of(relabelling: Relabelling, rows: Ints) -> Relabelling:
    """What may be relabelled of some rows, which hold groups as a whole."""
    is_current = relabelling.is_current[rows]
    if relabelling.in_groups:
        return Relabelling.of_groups(is_current, relabelling.group[rows], relabelling.unit)
    return Relabelling.of_rows(is_current)


def areas(scores: Floats, labels: Singles) -> Floats:
    """AUROC of the scores for each labelling, shape (b,), from the rank sum of Mann and Whitney."""
    n, current = len(scores), labels.sum(axis=0, dtype=np.float64)
    ranks = stats.rankdata(scores) - (n + 1) / 2
    found: Floats = 0.5 + (ranks.astype(np.float32) @ labels) / (current * (n - current))
    return found


@dataclass(frozen=True)
class Prequential:
    """What blocks say of the rules learnt before them.

    Attributes
    ----------
    z : shape (blocks - 1,); without a shift standard normal or smaller, whatever came before.
    error : shape (blocks - 1,); standard error of each ``z`` by what was drawn for it, relabellings
        and ties; 0 where nothing was.
    learnt : shape (blocks - 1,); from how many rows each rule was learnt.
    held_out : scores of the later half of the blocks, as shares of their block's ranks.
    capped : whether there were more rows to learn from.
    """

    z: Floats
    error: Floats
    learnt: Floats
    held_out: HeldOut
    capped: bool

    @property
    def statistic(self) -> float:
        """Standard normal without a shift: more weight for rules that were learnt on more rows."""
        return _combined(self.z, self.learnt)

    def p_value(self, level: float) -> tuple[float, float, float]:
        """The p-value, and the interval that holds what was drawn for it, but not the blocks."""
        error = math.sqrt(self.learnt @ self.error**2 / self.learnt.sum())
        half = float(special.ndtri((1 + level) / 2)) * error
        tiny = float(np.finfo(np.float64).tiny)
        p, low, high = (
            max(float(special.ndtr(-self.statistic - shift)), tiny) for shift in (0, half, -half)
        )
        return p, low, high


def _combined(z: Floats, learnt: Floats) -> float:
    return float((np.sqrt(learnt) @ z) / np.sqrt(learnt.sum()))


def prequential(
    classifier: Any,
    design: Floats,
    relabelling: Relabelling,
    alpha: float,
    drawn: int,
    rng: np.random.Generator,
    progress: Progress,
) -> Prequential:
    """Rules learnt on ever more blocks of rows (or groups), each tested on the next one.

    Given all blocks before, the labels of a block's rows (or groups) are exchangeable without a
    shift, so that each block's p-value is valid whatever was learnt, and they are independent.

    Parameters
    ----------
    alpha : the significance level that the blocks must be able to reach.
    drawn : relabellings of each block whose rank sum is not normal.

    Raises
    ------
    ValueError : there are fewer than two units of a sample; scores are not finite. `TooFewError` if
        the tested blocks can be relabelled in too few ways.
    """
    is_current, group = relabelling.is_current, relabelling.group
    block = dealt(
        relabelling, is_current, rng.permutation(int(group.max()) + 1), BLOCKS, FEWEST_IN_BLOCK
    )
    count = int(block.max()) + 1
    # In random order: scores that are equal can differ in their last digit at an array's end, where
    # the current rows would be.
    blocks = [rng.permutation(np.flatnonzero(block == number)) for number in range(count)]
    parts = [part_of(relabelling, own) for own in blocks[1:]]
    before = np.cumsum([len(own) for own in blocks[:-1]])
    learnt = np.minimum(before, MOST_LEARNT).astype(np.float64)
    _check_blocks(parts, learnt, alpha)
    z, error, shares = [], [], []
    for number, part in enumerate(parts, start=1):
        learn = thinned(np.flatnonzero(block < number), is_current, MOST_LEARNT, rng)
        rule = Rule.learnt(classifier, design[learn], is_current[learn])
        scores = rule.scores(design[blocks[number]])
        score, drawing = _normal_score(scores, part, drawn, rng)
        z.append(score)
        error.append(drawing)
        if number >= count // 2:
            shares.append((stats.rankdata(scores) - 0.5) / len(scores))
        progress(number / (count - 1))
    rows = np.concatenate(blocks[-len(shares) :])
    return Prequential(
        np.array(z),
        np.array(error),
        learnt,
        HeldOut(
            rows,
            np.concatenate(shares),
            is_current[rows],
            float(1 - is_current.mean()),
            group[rows] if relabelling.in_groups else None,
        ),
        bool(before[-1] > MOST_LEARNT),
    )


def _check_blocks(parts: list[Relabelling], learnt: Floats, alpha: float) -> None:
    """Raise `TooFewError` if not even blocks that the rules tell apart altogether would have a
    p-value of at most ``alpha``.
    """
    ways = np.array([part.log_count(one_sided=True) for part in parts])
    unit = parts[0].unit
    least = float(special.ndtr(-_combined(-special.ndtri(np.exp(-ways)), learnt)))
    if least > alpha * (1 + 1e-9):
        raise TooFewError(
            f"Block by block, {sum(part.count for part in parts):,} {unit} are tested and can be "
            f"relabelled in {round(math.exp(ways.sum())):,} way(s) only inside their {len(parts)} "
            f"block(s), so no p-value can be below {least:.2g}, and none is at most {alpha:g}. "
            f"Take method='ridge', which tests all {unit} at once, or more {unit} of the smaller "
            "sample."
        )


def dealt(
    relabelling: Relabelling, is_current: Mask, priority: Ints, most: int, each: int = 1
) -> Ints:
    """Deal the units out like cards into at most so many parts, so that each part gets units of
    both samples: shape (n,), the number of each row's part.

    Parameters
    ----------
    priority : shape (units,); in which order the units of a kind are dealt.
    each : how many units of the smaller sample a part has at least, if that leaves two parts.

    Raises
    ------
    ValueError : fewer than two units have rows of one of the samples.
    """
    group = relabelling.group
    current = np.bincount(group, weights=is_current)
    size = np.bincount(group)
    # Units of both samples in the middle: so each part gets some of either.
    kind = np.where(current == 0, 0, np.where(current < size, 1, 2))
    fewest = min(int((current > 0).sum()), int((current < size).sum()))
    if fewest < 2:
        raise ValueError(
            f"A classifier needs {relabelling.unit} of both samples to learn from and others to be "
            f"tested on: two of each at least; one sample has {fewest}."
        )
    part = np.empty(len(size), dtype=np.intp)
    part[np.lexsort((priority, kind))] = np.arange(len(size)) % min(most, max(fewest // each, 2))
    return part[group]


def _normal_score(
    scores: Floats, relabelling: Relabelling, drawn: int, rng: np.random.Generator
) -> tuple[float, float]:
    """A standard normal number (or a smaller one), if the labels are exchangeable; large if current
    rows have large scores. And its standard error by what was drawn for it: relabellings and ties.

    The rank sum's variance and skewness are those of a sum drawn without replacement.
    """
    is_current = relabelling.is_current
    n, m = len(scores), int(is_current.sum())
    ranks = stats.rankdata(scores) - (n + 1) / 2
    if not relabelling.in_groups:
        outside = n - int(np.unique(scores, return_counts=True)[1].max())
        # All but one row are outside where there are no ties.
        if outside * min(m, n - m) >= _NORMAL_FROM * (n - 1):
            spread = math.sqrt(m * (n - m) / (n * (n - 1)) * float(ranks @ ranks))
            third = m * (n - m) * (n - 2 * m) / (n * (n - 1) * (n - 2)) * float((ranks**3).sum())
            if abs(third) <= _MOST_SKEW * spread**3:
                return float(ranks[is_current].sum()) / spread, 0.0
        found = _rank_sums(ranks, is_current, drawn, rng)
    else:
        found = areas(scores, relabelling.labels(drawn, rng))
    larger = int((found[1:] > found[0] + 1e-6).sum())
    equal = int((found >= found[0] - 1e-6).sum()) - larger
    # Uniform, not merely at least as large: a p-value of 1 would outweigh all other blocks.
    p = (larger + equal * rng.uniform(1e-9, 1)) / len(found)
    p = max(p, 1 / len(found), math.exp(-relabelling.log_count(one_sided=True)))
    middle = (larger + equal / 2) / len(found)
    variance = middle * (1 - middle) / len(found) + (equal / len(found)) ** 2 / 12
    error = math.sqrt(variance) / float(stats.norm.pdf(special.ndtri(middle)))
    return -float(special.ndtri(p)), error


def _rank_sums(ranks: Floats, is_current: Mask, drawn: int, rng: np.random.Generator) -> Floats:
    """Of the current rows there are, and of as many drawn at random, shape (1 + drawn,).

    Parameters
    ----------
    ranks : shape (n,), of mean 0, so that a sample's sum is the other one's with the sign changed.
    """
    current = int(is_current.sum())
    few, sign = min((current, 1), (len(ranks) - current, -1))
    sums = [sign * rng.choice(ranks, few, replace=False, shuffle=False).sum() for _ in range(drawn)]
    return np.array([ranks[is_current].sum(), *sums])


def cross_validated(
    classifier: Any,
    design: Floats,
    relabelling: Relabelling,
    labels: Singles,
    rng: np.random.Generator,
    progress: Progress,
    n_jobs: int | None = None,
) -> Floats:
    """Mean AUROC of five-fold cross-validation, anew for each labelling: shape (b,).

    ``n_jobs`` are cross-validated at once, as in scikit-learn.

    Raises
    ------
    ValueError : there are fewer than two units of a sample; scores are not finite.
    """
    # The same for all, so that all labellings are treated alike.
    priority = rng.permutation(int(relabelling.group.max()) + 1)
    return for_each(
        _mean_area,
        [(classifier, design, relabelling, label, priority) for label in labels.T],
        progress,
        n_jobs,
    )


def _mean_area(
    classifier: Any, design: Floats, relabelling: Relabelling, label: Singles, priority: Ints
) -> float:
    """Over the folds of one labelling."""
    is_current = label > 0
    fold = dealt(relabelling, is_current, priority, FOLDS)
    values = []
    for one in range(int(fold.max()) + 1):
        test = fold == one
        rule = Rule.learnt(classifier, design[~test], is_current[~test])
        values.append(areas(rule.scores(design[test]), label[test, None])[0])
    return float(np.mean(values))
