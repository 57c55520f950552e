"""How well do predicted regions overlap the true ones? Means over cases of Dice and IoU.

Sources: Dice, "Measures of the amount of ecologic association between species", Ecology 26 (1945)
297-302; Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11 (1912)
37-50. Averaging over cases, not over pixels, follows Maier-Hein et al., "Metrics reloaded", Nature
Methods 21 (2024) 195-212.
"""

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.means import (
    FEWEST_LOSSES,
    FEWEST_SHARES,
    MeanMethod,
    Range,
    evaluate_means,
    mean_estimate,
)
from evidesk.methods.metrics.resampling import RandomState

Floats = npt.NDArray[np.float64]


def dice(true_masks: npt.ArrayLike, pred_masks: npt.ArrayLike) -> Floats:
    """Dice's coefficient of each case, ``2 |A and B| / (|A| + |B|)``.

    Parameters
    ----------
    true_masks, pred_masks : array-like of shape (n_cases, ...), true or false (or 1 or 0).

    Returns
    -------
    Array of shape (n_cases,), in [0, 1]; 1 where both masks are empty, for they agree.

    Raises
    ------
    ValueError : shapes differ, or a mask holds other values than 0 and 1.
    TypeError : the masks are neither true or false nor numbers.
    """
    both, sizes = _overlaps(true_masks, pred_masks)
    return np.divide(2 * both, sizes, out=np.ones(len(both)), where=sizes > 0)


def iou(true_masks: npt.ArrayLike, pred_masks: npt.ArrayLike) -> Floats:
    """Intersection over union of each case; parameters and conventions as in :func:`dice`."""
    both, sizes = _overlaps(true_masks, pred_masks)
    return np.divide(both, sizes - both, out=np.ones(len(both)), where=sizes > 0)


def mean_score(
    values: npt.ArrayLike,
    *,
    range: Range = "any",
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    unit: str = "",
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """The mean over cases of any score that each case has, with its interval.

    Parameters
    ----------
    values : array-like of shape (n_cases,), finite; each case's score, in ``unit``.
    range : where a score can lie: ``any`` (Student's t), ``positive`` (at least 0, such as losses
        and distances: on the logarithm), or ``share`` (in [0, 1]: Wilson's interval).
    level, method, groups, sample_weight, resamples, random_state : as in
        :func:`~evidesk.methods.metrics.rmse`.
    unit : the unit of the scores.

    Raises
    ------
    ValueError, TypeError : as :func:`~evidesk.methods.metrics.evaluate_means`, and if ``level``,
        ``method`` or ``resamples`` is none.

    Warns
    -----
    PoorApproximationWarning : fewer than 25 cases or groups (of ``positive`` scores: effective
        losses, ``sum(value)**2 / sum(value**2)``; of shares: 50), for the bootstraps twice as
        many; or no two cases differ.
    """
    return _mean(
        "mean score",
        values,
        range,
        level,
        method,
        groups,
        sample_weight,
        unit,
        resamples,
        random_state,
    )


def mean_dice(
    values: npt.ArrayLike,
    pred_masks: npt.ArrayLike | None = None,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Mean over cases of Dice's coefficient, with its interval.

    Parameters
    ----------
    values : array-like of shape (n_cases,); each case's coefficient, in [0, 1]. Or, together with
        ``pred_masks``, the true masks, of shape (n_cases, ...): see :func:`dice`.
    level, method, groups, sample_weight, resamples, random_state : as in
        :func:`~evidesk.methods.metrics.rmse`.

    Raises
    ------
    ValueError, TypeError : as :func:`dice` and :func:`mean_score`.

    Warns
    -----
    PoorApproximationWarning : fewer than 50 cases or groups. A failure that befalls one case in
        fifty lowers the mean a lot, and so few cases may not show any. The bootstraps need 100.
    """
    scores = values if pred_masks is None else dice(values, pred_masks)
    return _mean(
        "mean Dice",
        scores,
        "share",
        level,
        method,
        groups,
        sample_weight,
        "",
        resamples,
        random_state,
    )


def mean_iou(
    values: npt.ArrayLike,
    pred_masks: npt.ArrayLike | None = None,
    *,
    level: float = 0.95,
    method: MeanMethod = "clt",
    groups: npt.ArrayLike | None = None,
    sample_weight: npt.ArrayLike | None = None,
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Estimate:
    """Mean over cases of the intersection over union; everything else as in :func:`mean_dice`."""
    scores = values if pred_masks is None else iou(values, pred_masks)
    return _mean(
        "mean IoU",
        scores,
        "share",
        level,
        method,
        groups,
        sample_weight,
        "",
        resamples,
        random_state,
    )


def _mean(
    metric: str,
    values: npt.ArrayLike,
    range: Range,
    level: float,
    method: MeanMethod,
    groups: npt.ArrayLike | None,
    sample_weight: npt.ArrayLike | None,
    unit: str,
    resamples: int,
    random_state: RandomState,
) -> Estimate:
    evaluation = evaluate_means(
        {"values": values},
        range=range,
        metric=metric,
        groups=groups,
        sample_weight=sample_weight,
        unit=unit,
    )
    return mean_estimate(
        evaluation,
        level=level,
        method=method,
        resamples=resamples,
        random_state=random_state,
        fewest=FEWEST_SHARES if range == "share" else FEWEST_LOSSES,
        stacklevel=3,
    )


def _overlaps(true_masks: npt.ArrayLike, pred_masks: npt.ArrayLike) -> tuple[Floats, Floats]:
    """By case: the size of the intersection, and the sum of both sizes."""
    truth, predicted = _masks(true_masks, "true_masks"), _masks(pred_masks, "pred_masks")
    if truth.shape != predicted.shape:
        raise ValueError(
            "'true_masks' and 'pred_masks' must have the same shape, got "
            f"{truth.shape} and {predicted.shape}."
        )
    rest = tuple(np.arange(1, truth.ndim).tolist())
    both = np.count_nonzero(truth & predicted, axis=rest)
    sizes = np.count_nonzero(truth, axis=rest) + np.count_nonzero(predicted, axis=rest)
    return np.asarray(both, dtype=np.float64), np.asarray(sizes, dtype=np.float64)


def _masks(values: npt.ArrayLike, name: str) -> npt.NDArray[np.bool_]:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"The '{name}' parameter must hold true or false. Got values of type {array.dtype}."
        )
    if array.ndim < 2:
        raise ValueError(
            f"The '{name}' parameter must hold one mask per case, shape (n_cases, ...), got an "
            f"array of shape {array.shape}."
        )
    if array.dtype.kind != "b" and not np.all((array == 0) | (array == 1)):
        raise ValueError(
            f"The '{name}' parameter must hold masks of 0 and 1. For several classes, compare one "
            "at a time: masks == label."
        )
    return array.astype(np.bool_, copy=False)
