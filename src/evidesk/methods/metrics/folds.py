"""What cross-validation and seeds say, and what they do not.

Fold values are not independent: their training sets overlap. Each function here says which
randomness its interval holds.

Sources of the formulas
-----------------------
Bayle, Bayle, Janson and Mackey, "Cross-validation confidence intervals for test error", NeurIPS
2020, arXiv:2007.12671, theorems 1 to 5, for the central limit theorem of cross-validation and its
two variance estimators; Nadeau and Bengio, "Inference for the generalization error", Machine
Learning 52 (2003) 239-281, section 3, for the corrected resampled t.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.labels import as_labels
from evidesk.methods.metrics.means import (
    FEWEST_LOSSES,
    FEWEST_SHARES,
    Range,
    evaluate_means,
    mean_estimate,
)
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.scores import as_scores

Floats = npt.NDArray[np.float64]
FoldVariance = Literal["all-pairs", "within-fold"]
FOLD_VARIANCES: tuple[FoldVariance, ...] = get_args(FoldVariance)
#: The data that chose the checkpoint, or whatever else was chosen, such as hyper-parameters.
SelectedOn = Literal["nothing", "train", "validation", "test"]
SELECTIONS: tuple[SelectedOn, ...] = get_args(SelectedOn)


class SelectedOnTestError(ValueError):
    """The score was judged on the very data that selected what is judged."""


def check_selection(
    *, checkpoint: str | None = None, selected_on: SelectedOn | None = None
) -> None:
    """Refuse scores that were judged on the data that selected them.

    The best of many checkpoints on a test fold is best there partly by chance. No interval around
    such a score is right, for new data would not show this part: in the reference data of
    arXiv:2204.05173 it is 0.4 to 0.7 percentage points.

    Parameters
    ----------
    checkpoint : which one was judged, as a results table may say: ``"last"``, ``"best"``, ...
    selected_on : the data that selected it: ``nothing``, ``train``, ``validation`` (apart from the
        test fold) or ``test``. A ``best`` checkpoint must say.

    Raises
    ------
    SelectedOnTestError : ``selected_on`` is ``test``; or ``checkpoint`` is ``best`` and
        ``selected_on`` does not say on what.
    ValueError : ``selected_on`` is something else.
    """
    if selected_on is not None and selected_on not in SELECTIONS:
        raise ValueError(
            f"The 'selected_on' parameter must be one of {', '.join(SELECTIONS)}. "
            f"Got {selected_on!r} instead."
        )
    best = checkpoint is not None and checkpoint.strip().lower() == "best"
    if selected_on == "test" or (best and selected_on is None):
        why = (
            "the test fold itself selected what it judges"
            if selected_on == "test"
            else "some data selected a 'best' checkpoint, and 'selected_on' does not say which"
        )
        raise SelectedOnTestError(
            f"No interval is right for this score: {why}. The best of many on a test fold is best "
            "partly by chance, and new data would not repeat that. Judge the last checkpoint, or "
            "let validation data apart from the test fold choose: selected_on='validation'."
        )


def cross_validation_clt(
    scores: npt.ArrayLike,
    folds: npt.ArrayLike,
    *,
    range: Range = "any",
    variance: FoldVariance = "all-pairs",
    level: float = 0.95,
    unit: str = "",
    checkpoint: str | None = None,
    selected_on: SelectedOn | None = None,
) -> Estimate:
    """The mean score of k-fold cross-validation, with its interval.

    What it estimates is the mean score of the k trained models on new cases, not that of the
    algorithm on other training sets: what is random is the cases.

    Parameters
    ----------
    scores : array-like of shape (n_cases,); the score of each case, by the model that did not see
        it: right or wrong, a loss, or the difference of two models' scores.
    folds : array-like of shape (n_cases,); the fold in which the case was tested, by any name.
    range : where a score can lie, as in :func:`~evidesk.methods.metrics.mean_score`: losses are
        ``positive``. Scores that are all 0 or 1 are taken for a ``share``.
    variance : ``all-pairs`` takes the variance over all cases, ``within-fold`` the mean of the
        variances within each fold.
    level : confidence level in (0, 1).
    unit : the unit of the scores.
    checkpoint, selected_on : as in :func:`check_selection`.

    Returns
    -------
    The estimate; right and wrong get Wilson's interval for as many cases as have this variance,
    losses one that is symmetric in the logarithm, others Student's t.

    Raises
    ------
    ValueError : lengths differ; NaN or infinity; fewer than two folds; a fold of one case, for
        ``within-fold``; another parameter is none.
    SelectedOnTestError : see :func:`check_selection`.

    Warns
    -----
    PoorApproximationWarning : as :func:`~evidesk.methods.metrics.mean_score`.
    """
    check_selection(checkpoint=checkpoint, selected_on=selected_on)
    if variance not in FOLD_VARIANCES:
        raise ValueError(
            f"The 'variance' parameter must be one of {', '.join(FOLD_VARIANCES)}. "
            f"Got {variance!r} instead."
        )
    values = as_scores(scores, "scores")
    members = fold_members(folds, len(values))
    sizes = np.bincount(members)
    if np.all((values == 0) | (values == 1)):
        range = "share"
    evaluation = evaluate_means(
        {"scores": values}, range=range, metric="cross-validated mean", unit=unit
    )
    if variance == "within-fold":
        if sizes.min() < 2:
            raise ValueError(
                "variance='within-fold' needs two cases in each fold. Use variance='all-pairs'."
            )
        means = np.bincount(members, values) / sizes
        squares = np.bincount(members, (values - means[members]) ** 2)
        within, whole = float(np.mean(squares / (sizes - 1))), float(values.var(ddof=1))
        ratio = within / whole if whole > 0 else 1.0
        evaluation = replace(
            evaluation,
            contributions=evaluation.contributions * math.sqrt(ratio),
            unseen=evaluation.unseen * ratio,
        )
    return mean_estimate(
        replace(evaluation, delta=f"cv-clt, {variance}"),
        level=level,
        method="clt",
        resamples=0,
        random_state=None,
        fewest=FEWEST_SHARES if range == "share" else FEWEST_LOSSES,
        stacklevel=2,
    )


@dataclass(frozen=True)
class ResampledT:
    """Two algorithms over the same splits of one data set.

    Attributes
    ----------
    difference : mean of A minus B over the splits, with the corrected interval.
    statistic : the corrected t.
    degrees_of_freedom : number of splits less one.
    p_value : two-sided.
    """

    difference: Estimate
    statistic: float
    degrees_of_freedom: int
    p_value: float

    def __str__(self) -> str:
        return (
            f"{self.difference}; corrected t = {self.statistic:.3g} with "
            f"{self.degrees_of_freedom} degrees of freedom, p = {self.p_value:.2g}"
        )


def corrected_resampled_t(
    scores_a: npt.ArrayLike,
    scores_b: npt.ArrayLike,
    *,
    test_fraction: float | None = None,
    level: float = 0.95,
    unit: str = "",
    checkpoint: str | None = None,
    selected_on: SelectedOn | None = None,
) -> ResampledT:
    """Is algorithm A better than B, over k folds or repeated holdouts of one data set?

    The splits share training cases, so the plain t test is too sure. The correction takes for the
    variance of the mean ``(1 / J + test / train) s**2`` over J splits instead of ``s**2 / J``. What
    is random is the whole data set, training and test.

    Parameters
    ----------
    scores_a, scores_b : array-like of shape (splits,); the score of each algorithm in each split,
        the same splits in the same order.
    test_fraction : the part of the cases that a split tests on, in (0, 1); by default one over the
        number of splits, which is k-fold cross-validation. It must be given for repeated
        cross-validation or holdouts.
    level : confidence level in (0, 1).
    unit : the unit of the scores.
    checkpoint, selected_on : as in :func:`check_selection`.

    Raises
    ------
    ValueError : lengths differ; NaN or infinity; fewer than two splits; ``test_fraction`` or
        ``level`` is none; or all differences are the same, which leaves no variance to judge by.
    SelectedOnTestError : see :func:`check_selection`.
    """
    check_selection(checkpoint=checkpoint, selected_on=selected_on)
    a = as_scores(scores_a, "scores_a")
    b = as_scores(scores_b, "scores_b")
    if len(a) != len(b):
        raise ValueError(
            f"'scores_a' and 'scores_b' must have the same length, got {len(a)} and {len(b)}."
        )
    splits = len(a)
    if splits < 2:
        raise ValueError("'scores_a' and 'scores_b' must hold at least two splits.")
    part = 1 / splits if test_fraction is None else test_fraction
    if not isinstance(part, int | float) or not 0 < part < 1:
        raise ValueError(
            f"The 'test_fraction' parameter must be in the range (0, 1). Got {test_fraction!r}."
        )
    critical = t_critical_value(critical_value(level), splits)
    differences = a - b
    mean, variance = float(differences.mean()), float(differences.var(ddof=1))
    if variance <= (np.finfo(np.float64).eps * np.abs(np.r_[a, b]).max()) ** 2:
        raise ValueError(
            "'scores_a' and 'scores_b' differ by the same amount in all splits: there is no "
            "variance to judge the difference by. Compare them case by case."
        )
    error = math.sqrt((1 / splits + part / (1 - part)) * variance)
    statistic = mean / error
    return ResampledT(
        difference=Estimate(
            value=mean,
            low=mean - critical * error,
            high=mean + critical * error,
            level=float(level),
            method="corrected resampled t",
            n=splits,
            unit=unit,
            null_value=0.0,
            over=f"{splits} splits",
        ),
        statistic=statistic,
        degrees_of_freedom=splits - 1,
        p_value=float(2 * special.stdtr(splits - 1, -abs(statistic))),
    )


def fold_members(folds: npt.ArrayLike, n: int) -> npt.NDArray[np.intp]:
    """The number of each case's fold."""
    names = as_labels(folds, "folds")
    if len(names) != n:
        raise ValueError(
            f"'scores' and 'folds' must have the same length, got {n} and {len(names)}."
        )
    members = np.unique(names, return_inverse=True)[1]
    if members.max() < 1:
        raise ValueError("'folds' must name at least two folds.")
    return members
