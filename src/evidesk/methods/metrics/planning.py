"""How many test cases are needed, for an interval of a wanted width or to show a difference?

Sources of the formulas
-----------------------
Proportions: the expected half-width of the interval itself, by a search over n. AUROC: Hanley and
McNeil, "The meaning and use of the area under a ROC curve", Radiology 143 (1982) 29-36, for the
variance. Paired accuracies: Connor, "Sample size for testing differences in proportions for the
paired-sample design", Biometrics 43 (1987) 207-211, for the first guess, then the exact power of
the mid-p test over the multinomial of the discordant pairs. Means: Student's t, with the noncentral
t for the power. Groups: the design effect, Kish, "Survey Sampling" (1965), section 5.4.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from evidesk.evidence import style
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.proportion import Method, check_method, critical_value, interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
PlanMetric = Literal["accuracy", "auroc", "mean"]
PLAN_METRICS: tuple[PlanMetric, ...] = get_args(PlanMetric)
_TITLES: dict[PlanMetric, str] = {"accuracy": "an accuracy", "auroc": "an AUROC", "mean": "a mean"}
#: No test set is larger.
_LARGEST = 10**12


@dataclass(frozen=True)
class SampleSize:
    """How many cases are needed.

    Attributes
    ----------
    n : number of cases.
    sentence : what they are enough for.
    half_width : the half-width that is reached; None if a difference was asked about.
    power : the power that is reached; None if a half-width was asked about.
    curve : the half-width or the power by number of cases.
    """

    n: int
    sentence: str
    half_width: float | None
    power: float | None
    curve: Callable[[float], float]

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the half-width, or the power, by number of cases; returns the axes."""
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(7.2, 3.2), layout="constrained")[1]
            sizes = np.unique(np.geomspace(max(self.n / 10, 4), self.n * 10, 60).round())
            ax.plot(sizes, [self.curve(size) for size in sizes])
            ax.plot(self.n, self.curve(self.n), "o", color="#d55e00")
            ax.set_xscale("log")
            ax.set_xlabel("test cases")
            if self.power is None:
                ax.set_yscale("log")
                ax.set_ylabel("half-width of the interval")
            else:
                ax.set_ylabel("power")
        return ax

    def __str__(self) -> str:
        return self.sentence


def sample_size(
    *,
    half_width: float | None = None,
    difference: float | None = None,
    metric: PlanMetric = "accuracy",
    expected: float | None = None,
    discordance: float | None = None,
    prevalence: float = 0.5,
    sd: float | None = None,
    level: float = 0.95,
    power: float = 0.8,
    method: Method = "wilson",
    design_effect: float = 1.0,
) -> SampleSize:
    """The number of test cases for a wanted half-width, or to show a wanted difference.

    Parameters
    ----------
    half_width : wanted half of the interval's width, in the unit of the metric. Either this or
        ``difference`` must be given.
    difference : the difference between two models, judged on the same cases, that is to be shown.
        For ``accuracy`` and ``mean``.
    metric : ``accuracy`` (or any other proportion of cases), ``auroc``, or ``mean``, of any score
        or loss.
    expected : the value that is expected of the model, in (0, 1); for ``accuracy`` and ``auroc``
        with a half-width. What is least certain is on the safe side: 0.5 for an accuracy.
    discordance : for the difference of two accuracies: the share of cases on which exactly one
        model will be right; at least ``difference``, at most 1. A pilot tells it.
    prevalence : for ``auroc``: the share of positive cases, in (0, 1).
    sd : for ``mean``: standard deviation of the cases' scores, or for a difference that of the
        cases' differences.
    level : confidence level of the interval; the test has the error rate ``1 - level``.
    power : for a difference: how probable it shall be that the test shows it.
    method : for ``accuracy``: the interval, as in
        :func:`~evidesk.methods.metrics.proportion_interval`.
    design_effect : by what factor groups inflate the variance, at least 1. With g cases per group
        and the intraclass correlation r it is ``1 + (g - 1) r``.

    Returns
    -------
    The smallest number for which the expected half-width is not larger, or the power not smaller;
    for the difference of accuracies by McNemar's mid-p test, from this number on, for the power of
    a test of counts wavers.

    Raises
    ------
    ValueError : what the metric needs is missing, what it does not know is given, or a number is
        out of its range.
    """
    _check(half_width, difference, metric, expected, discordance, sd)
    level_z = critical_value(level)
    if not 0 < power < 1:
        raise ValueError(f"The 'power' parameter must be in the range (0, 1). Got {power!r}.")
    if not 1 <= design_effect < math.inf:
        raise ValueError(
            f"The 'design_effect' parameter must be 1 or more. Got {design_effect!r} instead."
        )
    check_method(method)
    if not 0 < prevalence < 1:
        raise ValueError(
            f"The 'prevalence' parameter must be in the range (0, 1). Got {prevalence!r} instead."
        )
    tail = f", with a design effect of {design_effect:g}," if design_effect > 1 else ""
    if difference is None:
        assert half_width is not None
        width = _width(metric, expected, prevalence, sd, level_z, method)

        def curve(n: float) -> float:
            return width(n / design_effect)

        n = _smallest(lambda n: curve(n) <= half_width)
        sentence = (
            f"{n} cases{tail} give {_TITLES[metric]} a {100 * level:g} % interval with a "
            f"half-width of {curve(n):.3g}."
        )
        return SampleSize(n, sentence, half_width=curve(n), power=None, curve=curve)
    if metric == "mean":
        assert sd is not None
        reached = _t_power(difference, sd, level_z)
    else:
        assert discordance is not None
        reached = mcnemar_power(difference, discordance, level)

    def power_curve(n: float) -> float:
        return reached(n / design_effect)

    n = _smallest(lambda n: power_curve(n) >= power)
    if metric == "accuracy":
        n = _settled(power_curve, n, power)
    sentence = (
        f"{n} cases{tail} show a difference of {difference:g} in {metric} with a power of "
        f"{100 * power_curve(n):.0f} %, at a level of {100 * level:g} %."
    )
    return SampleSize(n, sentence, half_width=None, power=power_curve(n), curve=power_curve)


def mcnemar_power(
    difference: float, discordance: float, level: float = 0.95
) -> Callable[[float], float]:
    """Power of McNemar's mid-p test by number of cases, exact up to 100 000 discordant ones.

    Parameters
    ----------
    difference : of the two accuracies.
    discordance : the share of cases on which exactly one model is right.
    level : one less the error rate of the test.

    Raises
    ------
    ValueError : ``level`` is none, or not ``0 < |difference| <= discordance <= 1``.
    """
    alpha = 2 * float(special.ndtr(-critical_value(level)))
    gap = abs(difference)
    if not 0 < gap <= discordance <= 1:
        raise ValueError(
            "The 'discordance' parameter must be at least 'difference' and at most 1: on so many "
            f"cases exactly one model is right. Got {discordance!r} for a difference of {gap:g}."
        )
    share = (discordance + gap) / (2 * discordance)

    def curve(n: float) -> float:
        cases = math.floor(n)
        expected = cases * discordance
        if expected > 1e5:
            spread = math.sqrt(max(discordance - gap**2, np.finfo(np.float64).tiny))
            z = critical_value(level) * math.sqrt(discordance)
            return float(special.ndtr((gap * math.sqrt(cases) - z) / spread))
        reach = 9 * math.sqrt(expected * (1 - discordance)) + 10
        low, high = max(0, math.floor(expected - reach)), min(cases, math.ceil(expected + reach))
        pairs = np.arange(low, high + 1)
        least = _least_significant(pairs, alpha)
        shown = stats.binom.sf(least - 1, pairs, share) + stats.binom.cdf(
            pairs - least, pairs, share
        )
        shown = np.where(least <= pairs, shown, 0)
        return float(stats.binom.pmf(pairs, cases, discordance) @ shown)

    return curve


def _least_significant(pairs: npt.NDArray[np.int64], alpha: float) -> npt.NDArray[np.int64]:
    """The fewest wins, of so many discordant pairs, with a two-sided mid-p of at most alpha."""
    least = np.asarray(stats.binom.isf(alpha / 2, pairs, 0.5), dtype=np.int64)

    def mid_p(wins: npt.NDArray[np.int64]) -> Floats:
        above = stats.binom.sf(wins, pairs, 0.5) + stats.binom.pmf(wins, pairs, 0.5) / 2
        return np.asarray(2 * above)

    # The quantile is at most one off either way, for the mid-p counts half of the outcome.
    found = least + 1
    for candidate in (least, least - 1):
        found = np.where(mid_p(candidate) <= alpha, candidate, found)
    return found


def _t_power(difference: float, sd: float, z: float) -> Callable[[float], float]:
    """Power of the paired t test by number of cases."""

    def curve(n: float) -> float:
        if n <= 1:
            return 0.0
        critical, shift = t_critical_value(z, n), abs(difference) * math.sqrt(n) / sd
        # Student's t with many degrees of freedom is normal, and its noncentral form slow.
        if n > 1e6:
            return float(special.ndtr(shift - z))
        below = special.nctdtr(n - 1, shift, [critical, -critical])
        return float(1 - below[0] + below[1])

    return curve


def _width(
    metric: PlanMetric,
    expected: float | None,
    prevalence: float,
    sd: float | None,
    z: float,
    method: Method,
) -> Callable[[float], float]:
    """Half-width of the interval by number of cases."""

    def of_mean(n: float) -> float:
        assert sd is not None
        return t_critical_value(z, n) * sd / math.sqrt(n) if n > 1 else math.inf

    def of_proportion(n: float) -> float:
        assert expected is not None
        low, high = interval(np.float64(n * expected), np.float64(n), z, method)
        return float(high - low) / 2

    def of_auroc(n: float) -> float:
        assert expected is not None
        positives, negatives = n * prevalence, n * (1 - prevalence)
        if min(positives, negatives) < 1:
            return 0.5
        q1, q2 = expected / (2 - expected), 2 * expected**2 / (1 + expected)
        spread = expected * (1 - expected)
        variance = (
            spread + (positives - 1) * (q1 - expected**2) + (negatives - 1) * (q2 - expected**2)
        ) / (positives * negatives)
        centre, reach = special.logit(expected), z * math.sqrt(variance) / spread
        return float(special.expit(centre + reach) - special.expit(centre - reach)) / 2

    return {"mean": of_mean, "accuracy": of_proportion, "auroc": of_auroc}[metric]


def _smallest(enough: Callable[[float], bool]) -> int:
    """The smallest number of cases that is enough, where more are never worse."""
    high = 2
    while not enough(high):
        high *= 2
        if high > _LARGEST:
            raise ValueError(
                f"More than {_LARGEST:.0e} cases would be needed. Ask for less than that."
            )
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _settled(power: Callable[[float], float], n: int, wanted: float) -> int:
    """The first number of cases from which on the wavering power is enough."""
    if n > 3_000:  # the wavering is then far below a percent
        return n
    sizes = np.arange(max(2, int(0.95 * n)), int(1.2 * n) + 12)
    short = sizes[[power(float(size)) < wanted for size in sizes]]
    return int(short[-1]) + 1 if len(short) else n


def _check(
    half_width: float | None,
    difference: float | None,
    metric: PlanMetric,
    expected: float | None,
    discordance: float | None,
    sd: float | None,
) -> None:
    """Raise ValueError unless the question is one of those that can be answered."""
    if metric not in PLAN_METRICS:
        raise ValueError(
            f"The 'metric' parameter must be one of {', '.join(PLAN_METRICS)}. "
            f"Got {metric!r} instead."
        )
    if (half_width is None) == (difference is None):
        raise ValueError(
            "Give either 'half_width', for one model's interval, or 'difference', for a comparison."
        )
    if metric == "auroc" and half_width is None:
        raise ValueError(
            "A difference in AUROC is not planned here: it hangs on how the two models' scores go "
            "together. Compare them on a pilot, and scale its interval by the root of n."
        )
    asked = "half_width" if difference is None else "difference"
    need = "sd" if metric == "mean" else "expected" if difference is None else "discordance"
    given = {"expected": expected, "discordance": discordance, "sd": sd}
    if given[need] is None:
        raise ValueError(f"The '{need}' parameter is needed to plan '{asked}' of '{metric}'.")
    for name, value in given.items():
        if name != need and value is not None:
            raise ValueError(f"The '{name}' parameter does not enter '{asked}' of '{metric}'.")
    numbers = {"half_width": half_width, "difference": difference, need: given[need]}
    for name, number in numbers.items():
        if number is None:
            continue
        most = math.inf if metric == "mean" else 1.0
        if name == "half_width" and metric != "mean":
            most = 0.5
        size = abs(number) if name == "difference" else number
        if not 0 < size < math.inf or size > most or (name == "expected" and size == 1):
            raise ValueError(f"The '{name}' parameter is out of its range. Got {number!r}.")
