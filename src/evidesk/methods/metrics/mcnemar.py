"""Two models' right and wrong answers on the same cases: McNemar's test and its interval.

Only the cases on which one model alone is right say which is better; with equal models each of
those is a fair coin. Sources of the formulas
---------------------------------------------
McNemar, "Note on the sampling error of the difference between correlated proportions or
percentages", Psychometrika 12 (1947) 153-157, for ``asymptotic``; Fagerland, Lydersen and Laake,
"The McNemar test for binary matched-pairs data: mid-p and asymptotic are better than exact
conditional", BMC Medical Research Methodology 13 (2013) 91, doi:10.1186/1471-2288-13-91, for
``exact`` and ``mid-p``; Donner and Zou, "Closed-form confidence intervals for functions of the
normal mean and standard deviation", Statistical Methods in Medical Research 21 (2012) 347-359,
section 2, for how two intervals join (square-and-add, "MOVER").
"""

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.evaluation import mean_evaluation
from evidesk.methods.metrics.labels import as_labels, check_same_kind
from evidesk.methods.metrics.proportion import Method, critical_value, interval
from evidesk.methods.metrics.units import members_of

Floats = npt.NDArray[np.float64]
McNemarMethod = Literal["mid-p", "exact", "asymptotic"]
MCNEMAR_METHODS: tuple[McNemarMethod, ...] = get_args(McNemarMethod)

#: The interval of a proportion that excludes 1/2 exactly where the test rejects.
_INVERSE: dict[McNemarMethod, Method] = {
    "mid-p": "mid-p",
    "exact": "clopper-pearson",
    "asymptotic": "wilson-score",
}


def mcnemar_p_value(
    only_a: npt.ArrayLike, only_b: npt.ArrayLike, *, method: McNemarMethod = "mid-p"
) -> Floats:
    """Two-sided p-value of "both models are right equally often".

    Parameters
    ----------
    only_a, only_b : array-like of integers from 0 on, shapes that broadcast: the number of cases
        that only the first, and only the second model has right.
    method : the test:

        - ``mid-p``: the binomial test that counts the observed outcome half. Its error rate is
          near the level from small counts on. The default.
        - ``exact``: the binomial test; never above its level, hence with less power.
        - ``asymptotic``: ``(only_a - only_b)**2 / (only_a + only_b)`` against chi-square; a little
          above its level for some counts.

    Returns
    -------
    Array of the broadcast shape; 1 where no case tells the models apart.

    Raises
    ------
    ValueError : counts below 0 or of shapes that do not broadcast; ``method`` is none.
    TypeError : counts that are not integers.
    """
    _check_method(method)
    a, b = _counts(only_a=only_a, only_b=only_b)
    fewer, both = np.minimum(a, b), a + b
    if method == "asymptotic":
        z = np.abs(a - b) / np.sqrt(np.maximum(both, 1))
        return np.asarray(2 * special.ndtr(-z))
    # P(X <= fewer) as a tail of the beta distribution keeps its digits however small it is.
    below = special.betainc(np.maximum(both - fewer, 1), fewer + 1, 0.5)
    if method == "mid-p":
        log_binomial = special.gammaln(both + 1) - special.gammaln(a + 1) - special.gammaln(b + 1)
        below = below - np.exp(log_binomial - both * np.log(2)) / 2
    return np.where(a == b, 1.0, np.minimum(2 * below, 1))


def mcnemar_interval(
    only_a: npt.ArrayLike,
    only_b: npt.ArrayLike,
    n: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: McNemarMethod = "mid-p",
) -> tuple[Floats, Floats]:
    """Interval of the difference of paired proportions, ``(only_a - only_b) / n``.

    The difference is the share of cases that tell the models apart, times ``2 s - 1`` with s the
    share of these that the first model has right. The interval of s that inverts the test and
    Wilson's interval of the other share join by square-and-add, as for a ratio. So the interval
    excludes 0 exactly where the p-value is below ``1 - level``.

    Parameters
    ----------
    only_a, only_b, method : as in :func:`mcnemar_p_value`.
    n : array-like of integers: the number of cases in all, at least ``only_a + only_b``.
    level : confidence level in (0, 1).

    Returns
    -------
    low, high : arrays of the broadcast shape, within [-1, 1].

    Raises
    ------
    ValueError : counts below 0, more than ``n``, or of shapes that do not broadcast; ``n`` below
        1; ``level`` or ``method`` is none.
    TypeError : counts that are not integers.
    """
    _check_method(method)
    z = critical_value(level)
    a, b, size = _counts(only_a=only_a, only_b=only_b, n=n)
    apart = a + b
    if np.any(size < 1) or np.any(apart > size):
        raise ValueError("The 'n' parameter must be 1 or more, and at least 'only_a' + 'only_b'.")
    some = apart > 0
    tells = np.maximum(apart, 1)
    # Where no case tells the models apart, s may be anything.
    share = np.where(some, a, 0.5)
    s_low, s_high = interval(share, tells, z, _INVERSE[method])
    s_low, s_high = np.where(some, s_low, 0.0), np.where(some, s_high, 1.0)
    balance = 2 * share / tells - 1
    apart_low, apart_high = interval(apart, size, z, "wilson-score")
    rate = apart / size
    low = _product(balance, 2 * s_low - 1, rate, apart_low, apart_high)
    high = -_product(-balance, 1 - 2 * s_high, rate, apart_low, apart_high)
    value = (a - b) / size
    return np.clip(np.minimum(low, value), -1, 1), np.clip(np.maximum(high, value), -1, 1)


def mcnemar(
    only_a: int,
    only_b: int,
    n: int,
    *,
    level: float = 0.95,
    method: McNemarMethod = "mid-p",
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Is A right more often than B, from the cases that only one of them has right?

    Parameters
    ----------
    only_a, only_b, n, level, method : as in :func:`mcnemar_interval`, but one number each.
    names : what the two models are called.

    Raises
    ------
    ValueError, TypeError : as :func:`mcnemar_interval`.
    """
    if np.ndim(only_a) or np.ndim(only_b) or np.ndim(n):
        raise ValueError(
            "mcnemar makes one comparison of 'only_a', 'only_b' and 'n'; "
            "for arrays use mcnemar_p_value and mcnemar_interval."
        )
    low, high = mcnemar_interval(only_a, only_b, n, level=level, method=method)
    return Comparison(
        metric="accuracy",
        a=names[0],
        b=names[1],
        estimate=Estimate(
            value=(int(only_a) - int(only_b)) / int(n),
            low=float(low),
            high=float(high),
            level=float(level),
            method=f"paired {method}",
            n=int(n),
            null_value=0.0,
        ),
        p_value=float(mcnemar_p_value(only_a, only_b, method=method)),
        test=f"McNemar {method}",
        points=True,
    )


def compare_accuracy(
    y_true: npt.ArrayLike,
    pred_a: npt.ArrayLike,
    pred_b: npt.ArrayLike,
    *,
    level: float = 0.95,
    method: McNemarMethod = "mid-p",
    groups: npt.ArrayLike | None = None,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Is A's accuracy better than B's, both judged on the same cases?

    Parameters
    ----------
    y_true, pred_a, pred_b : array-like of shape (n_cases,)
        Labels: text, numbers or true/false, of the same kind in all.
    level, method, names : as in :func:`mcnemar`.
    groups : array-like of shape (n_cases,), optional
        What makes cases belong together. The difference is then judged by Student's t over groups
        (Obuchowski, "On the comparison of correlated proportions for clustered data", Statistics
        in Medicine 17 (1998) 1495-1507), and ``method`` is not used.

    Raises
    ------
    ValueError : lengths differ, or an argument is empty, not one-dimensional, or has missing
        labels; ``level`` or ``method`` is none; there are fewer than two groups.
    TypeError : labels mix kinds.
    """
    _check_method(method)
    truth = as_labels(y_true, "y_true")
    right = []
    for name, values in (("pred_a", pred_a), ("pred_b", pred_b)):
        labels = as_labels(values, name)
        check_same_kind(truth, labels, name)
        right.append(truth == labels)
    if groups is None:
        only_a = int(np.count_nonzero(right[0] & ~right[1]))
        only_b = int(np.count_nonzero(right[1] & ~right[0]))
        return mcnemar(only_a, only_b, len(truth), level=level, method=method, names=names)
    members = members_of(groups, len(truth))
    found = mean_evaluation("accuracy", names, right, members, scale="proportion")
    return difference(found, *names, level=level)


def _product(x: Floats, x_low: Floats, y: Floats, y_low: Floats, y_high: Floats) -> Floats:
    """Lower bound of ``x y`` by square-and-add for the ratio ``x / (1 / y)``, ``y >= 0``.

    It has the sign of ``x_low``. Where y is 0, it is ``-y_high``.
    """
    some = y > 0
    inverse = 1 / np.where(some, y, 1)
    far = np.where(x_low > 0, 1 / np.where(some, y_low, 1) - inverse, inverse - 1 / y_high)
    gap = x_low * (2 * x - x_low)
    square = inverse**2 - far**2
    root = np.sqrt(np.maximum((inverse * (x - x_low)) ** 2 + far**2 * gap, 0))
    # Both are the same root of a quadratic; each is free of cancellation where it is used.
    positive = gap / np.where(x > 0, x * inverse + root, 1)
    negative = (x * inverse - root) / np.where(square > 0, square, 1)
    return np.where(some, np.where(x > 0, positive, negative), -y_high)


def _check_method(method: Any) -> None:
    if method not in MCNEMAR_METHODS:
        raise ValueError(
            f"The 'method' parameter must be one of {', '.join(MCNEMAR_METHODS)}. "
            f"Got {method!r} instead."
        )


def _counts(**given: npt.ArrayLike) -> list[Floats]:
    """Counts as floats of one shape."""
    arrays = {name: np.asarray(values) for name, values in given.items()}
    for name, array in arrays.items():
        if array.dtype.kind not in "iu":
            raise TypeError(f"The '{name}' parameter must hold integers, got type {array.dtype}.")
        if np.any(array < 0):
            raise ValueError(f"The '{name}' parameter must hold counts from 0 on.")
    try:
        together = np.broadcast_arrays(*arrays.values())
    except ValueError as error:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"The counts' shapes do not broadcast: {shapes}.") from error
    return [array.astype(np.float64) for array in together]
