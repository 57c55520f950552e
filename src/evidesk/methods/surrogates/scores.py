"""How good are predictions with uncertainty? Each score with an interval of its own.

A score is a mean over rows; its interval counts whole ``groups`` (snapshots of one trajectory) as
the independent pieces, or rows without groups, in the way of :mod:`evidesk.methods.metrics`. Of
several outputs the mean is taken in each row first. What is random is which rows (or groups) were
tested: the model and its calibration are taken as they are.

Of these, NLL, CRPS and sharpness are defined as uncertainty-toolbox defines them. Its interval
score is the mean over 99 levels, this one is of one level.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.metrics.accuracy import accuracy
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.overlap import mean_score
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.regression import rmse, spearman
from evidesk.methods.surrogates.score_inputs import as_bounds, as_std, as_values, by_row
from evidesk.methods.surrogates.scoring_rules import (
    gaussian_crps,
    gaussian_nll,
    sample_crps,
    winkler_score,
)

Floats = npt.NDArray[np.float64]


def nll(
    y: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Mean negative log-likelihood of normal predictions, in nats.

    Parameters
    ----------
    y, mean, std : shape (n,) or (n, outputs), in one unit; finite, ``std`` above 0.
    groups : shape (n,), optional; what makes rows belong together.
    confidence : level of the estimate's interval.

    Raises
    ------
    ValueError : shapes differ, fewer than two rows or groups, NaN or infinity, ``std`` not above 0.
    TypeError : not numbers.

    Warns
    -----
    PoorApproximationWarning : few rows or groups bear the mean.
    """
    truth, centre, spread = _gaussian(y, mean, std)
    scores = by_row(gaussian_nll(truth, centre, spread))
    return mean_score(scores, groups=groups, level=confidence, unit="nats")


def crps(
    y: npt.ArrayLike,
    mean: npt.ArrayLike | None = None,
    std: npt.ArrayLike | None = None,
    *,
    samples: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Mean continuous ranked probability score, of normal predictions or from samples.

    Parameters
    ----------
    y, mean, std, groups, confidence : as in :func:`nll`.
    samples : shape (m, n) or (m, n, outputs), m at least 2, in place of ``mean`` and ``std``.
    unit : of ``y``, and of the score.

    Raises
    ------
    ValueError, TypeError : as :func:`nll`; or both or neither of both kinds of prediction.
    """
    if mean is not None and std is not None and samples is None:
        truth, centre, spread = _gaussian(y, mean, std)
        scores = by_row(gaussian_crps(truth, centre, spread))
        return mean_score(scores, range="positive", groups=groups, level=confidence, unit=unit)
    if samples is None or mean is not None or std is not None:
        raise ValueError("Give either 'mean' and 'std', or 'samples'.")
    truth = as_values(y, "y")
    drawn = np.asarray(samples)
    if drawn.dtype.kind not in "biuf" or drawn.shape[1:] != truth.shape or len(drawn) < 2:
        raise ValueError(
            f"'samples' must be numbers of shape (m, {', '.join(map(str, truth.shape))}) with at "
            f"least two samples; got shape {drawn.shape} of type {drawn.dtype}."
        )
    if not np.isfinite(drawn).all():
        raise ValueError("'samples' must be finite. It holds NaN or infinity.")
    # The fair estimator can be below 0 in a row.
    scores = by_row(sample_crps(truth, drawn.astype(np.float64)))
    return mean_score(scores, groups=groups, level=confidence, unit=unit)


def coverage(
    y: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Share of the given intervals that hold ``y``; rows whose bounds are NaN do not count.

    The interval is Wilson's, for groups of as many rows as their design effect leaves. For several
    outputs it is the mean over rows of the share of a row's outputs.

    Parameters
    ----------
    y, low, high : shape (n,) or (n, outputs).
    groups, confidence : as in :func:`nll`.

    Raises
    ------
    ValueError, TypeError : as :func:`nll`; ``low`` above ``high``, or an infinite bound.
    """
    truth, bottom, top, names = _told(y, low, high, groups)
    inside = (bottom <= truth) & (truth <= top)
    if inside.ndim == 1:
        held = np.ones(len(inside), dtype=bool)
        return accuracy(held, inside, groups=names, level=confidence)
    return mean_score(
        by_row(inside.astype(np.float64)), range="share", groups=names, level=confidence
    )


def mean_width(
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Mean width of intervals, in the ``unit`` of ``y``; rows whose bounds are NaN do not count."""
    _, bottom, top, names = _told(np.zeros(np.shape(low)), low, high, groups)
    with _equal_is_fine():
        return mean_score(
            by_row(top - bottom), range="positive", groups=names, level=confidence, unit=unit
        )


def interval_score(
    y: npt.ArrayLike,
    low: npt.ArrayLike,
    high: npt.ArrayLike,
    *,
    level: float,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Mean interval score (Winkler): width, and ``2 / (1 - level)`` times the distance to ``y``.

    The quantiles of the right distribution have the smallest one. Rows whose bounds are NaN do not
    count. Parameters as in :func:`coverage`; ``level`` is the intervals' own.
    """
    critical_value(level)
    truth, bottom, top, names = _told(y, low, high, groups)
    scores = by_row(winkler_score(truth, bottom, top, level))
    return mean_score(scores, range="positive", groups=names, level=confidence, unit=unit)


def sharpness(
    std: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    unit: str = "",
) -> Estimate:
    """Root mean square of the predicted standard deviations: smaller is sharper, not better."""
    spread = as_std(std, np.shape(std))
    root = np.sqrt(by_row(spread**2))
    with _equal_is_fine():
        return rmse(np.zeros(len(root)), root, groups=groups, level=confidence, unit=unit)


def error_correlation(
    y: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Spearman's correlation of spread and absolute error, of several outputs of their means.

    Even a perfect spread has no correlation of 1, as errors are random: for normal errors whose
    spreads differ little it is near 0. ValueError also where the spread is constant.
    """
    truth, centre, spread = _gaussian(y, mean, std)
    errors = by_row(np.abs(truth - centre))
    return spearman(errors, by_row(spread), groups=groups, level=confidence)


def ood_auroc(
    in_domain: npt.ArrayLike,
    out_of_domain: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """How often a row from outside the domain has the higher score than one from inside.

    Parameters
    ----------
    in_domain, out_of_domain : shapes (n,) and (m,); the out-of-domain scores of both.
    groups : shape (n + m,), optional; first of the rows in the domain.
    confidence : level of the estimate's interval.

    Raises
    ------
    ValueError, TypeError : as :func:`~evidesk.methods.metrics.auroc`.
    """
    inside, outside = (np.asarray(part) for part in (in_domain, out_of_domain))
    return auroc(
        np.repeat([0, 1], [len(inside), len(outside)]),
        np.concatenate([inside, outside]),
        pos_label=1,
        groups=groups,
        level=confidence,
    )


def gaussian_interval(mean: Floats, std: Floats, level: float) -> tuple[Floats, Floats]:
    """The central interval of a normal distribution."""
    half = critical_value(level) * std
    return mean - half, mean + half


def _gaussian(
    y: npt.ArrayLike, mean: npt.ArrayLike, std: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    truth = as_values(y, "y")
    return truth, as_values(mean, "mean", truth.shape), as_std(std, truth.shape)


def _told(
    y: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike, groups: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.generic] | None]:
    """Truth, bounds and groups of the rows that have an interval."""
    truth = as_values(y, "y")
    bottom, top, told = as_bounds(low, high, truth.shape)
    if told.sum() < 2:
        raise ValueError(
            f"{int(told.sum())} of {len(told):,} rows have an interval, and two are needed: the "
            "others were refused."
        )
    names = None if groups is None else np.asarray(groups)
    if names is not None and len(names) != len(told):
        raise ValueError(f"'groups' must name one for each of {len(told)} rows, got {len(names)}.")
    return truth[told], bottom[told], top[told], None if names is None else names[told]


@contextmanager
def _equal_is_fine() -> Iterator[None]:
    """Widths may all be the same: their mean is then known, and nothing to warn of."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Do not rely on.*no two", PoorApproximationWarning)
        yield
