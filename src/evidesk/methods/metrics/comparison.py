"""Is A better than B? The paired difference of any metric, with interval, p-value and answer.

Both models saw the same cases, so what makes a case hard for one makes it hard for the other; the
difference case by case is free of that. Sources: DeLong, DeLong and Clarke-Pearson, "Comparing the
areas under two or more correlated receiver operating characteristic curves", Biometrics 44 (1988)
837-845, is this difference for the AUROC; Davison and Hinkley, "Bootstrap methods and their
application" (1997), equation 4.11, for the ``+ 1`` in the bootstrap's p-value; Satterthwaite, "An
approximate distribution of estimates of variance components", Biometrics Bulletin 2 (1946)
110-114, for the degrees of freedom.
"""

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate, forest_plot
from evidesk.methods.metrics.clusters import t_critical_value
from evidesk.methods.metrics.evaluation import (
    Evaluation,
    IntervalMethod,
    bootstrap_interval,
    check_interval_method,
)
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.resampling import RandomState, replicates
from evidesk.methods.metrics.scales import Scale
from evidesk.methods.metrics.units import degrees_of_freedom, even_moments

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

#: How far apart two values on a bounded scale can be.
_FARTHEST: dict[Scale, float] = {"proportion": 1.0, "logit": 1.0, "correlation": 2.0}
#: Below so many cases the interval of a difference of shares is too short for some truths.
FEWEST_CASES = 10
#: Below so many degrees of freedom a bootstrap, which knows no t, is too short.
FEWEST_DEGREES = 100
_SHARES: tuple[Scale, ...] = ("proportion", "logit")


@dataclass(frozen=True)
class Comparison:
    """Two models on the same cases.

    Attributes
    ----------
    metric : what they are compared by.
    a, b : their names.
    estimate : the difference A - B, with null value 0.
    p_value : of "the difference is 0", two-sided.
    test : the name of the test.
    greater_is_better : whether a larger value of the metric is a better one.
    points : whether the metric is a share, whose differences are told in percentage points.
    """

    metric: str
    a: str
    b: str
    estimate: Estimate
    p_value: float
    test: str
    greater_is_better: bool = True
    points: bool = False

    @property
    def better(self) -> str | None:
        """The name of the better model; None if the data cannot tell.

        They can where the p-value is at most ``1 - level`` and the interval excludes 0, which is
        the same but for rounding and the bootstrap's granularity.
        """
        settled = self.p_value <= 1 - self.estimate.level and self.estimate.excludes_null
        if not settled:
            return None
        return self.a if (self.estimate.value > 0) == self.greater_is_better else self.b

    @property
    def answer(self) -> str:
        """The result in words: ``A is better by 3.2 [2.7, 3.7] points``."""
        shown = self.estimate
        if self.better and shown.value < 0:
            shown = replace(shown, value=-shown.value, low=-shown.high, high=-shown.low)
        if self.points:
            shown = replace(
                shown,
                value=100 * shown.value,
                low=100 * shown.low,
                high=100 * shown.high,
                unit="points",
            )
        if self.better is None:
            return f"cannot tell {self.a} from {self.b}: difference {shown.short}"
        return f"{self.better} is better by {shown.short}"

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the difference with its interval and a line at 0; returns the axes."""
        unit = f" / {self.estimate.unit}" if self.estimate.unit else ""
        name = f"{self.a} - {self.b}"
        return forest_plot({name: self.estimate}, ax, xlabel=f"difference in {self.metric}{unit}")

    def __str__(self) -> str:
        return (
            f"{self.metric}: {self.answer} ({self.estimate.basis}; "
            f"{p_text(self.p_value)}, {self.test})"
        )


def difference(
    evaluation: Evaluation,
    a: str,
    b: str,
    *,
    level: float = 0.95,
    method: IntervalMethod = "delta",
    resamples: int = 2_000,
    random_state: RandomState = None,
) -> Comparison:
    """The difference A - B of any metric, paired on the cases (or groups) of the evaluation.

    Parameters
    ----------
    evaluation : of both models, perhaps of others, on the same cases.
    a, b : their names.
    level : confidence level in (0, 1).
    method : ``delta``: Student's t of the linearised difference, for the AUROC DeLong's;
        ``percentile`` or ``bca``: the bootstrap, with the same cases drawn for both models.
    resamples, random_state : for the bootstrap.

    Raises
    ------
    ValueError : a name is not in the evaluation, or both are the same; ``level``, ``method``,
        ``resamples`` or ``random_state`` is none.

    Warns
    -----
    PoorApproximationWarning : every unit says the same of the difference, so that nothing tells
        its error (on a bounded scale the interval is then as wide as that number of cases allows,
        otherwise it has no width); a share rests on fewer than 10 cases, such as an AUROC on few
        positive ones; or a bootstrap's variance has fewer than 100 degrees of freedom.
    """
    check_interval_method(method)
    pair = [_index(evaluation, name, which) for name, which in ((a, "a"), (b, "b"))]
    if pair[0] == pair[1]:
        raise ValueError(f"The 'a' and 'b' parameters must name two models. Got {a!r} twice.")
    units = evaluation.units
    values, parts = evaluation.values[pair], evaluation.contributions[pair]
    most = evaluation.most[pair].min(keepdims=True)
    contributions = parts[:1] - parts[1:]
    separate = units.variance(parts)
    gaps, variance = settle(
        values[:1] - values[1:], units.variance(contributions), separate.sum(), np.abs(values).sum()
    )
    squares, fourths = even_moments(contributions, units.repeat)
    degrees = degrees_of_freedom(squares, fourths, units)
    z = critical_value(level)
    gap, farthest = float(gaps[0]), _FARTHEST.get(evaluation.scale, np.inf)
    p = float(p_values(gaps, variance, degrees, most)[0])
    if variance[0] == 0:
        _warn(
            f"All {'groups' if units.grouped else 'cases'} say the same of the difference between "
            f"{a} and {b}, so they cannot tell its error."
        )
        reach = 0.0 if np.isinf(farthest) else farthest * z**2 / (float(most[0]) + z**2)
        low, high = gap - reach, gap + reach
    elif method == "delta":
        reach = t_critical_value(z, degrees[0] + 1) * float(np.sqrt(variance[0]))
        low, high = gap - reach, gap + reach
    else:
        drawn = replicates(
            lambda weights: evaluation.replicate(weights)[:, pair],
            units,
            resamples=resamples,
            random_state=random_state,
        )
        gaps_drawn = drawn[:, :1] - drawn[:, 1:]
        bounds = bootstrap_interval(method, gaps_drawn, gaps, contributions, units, level=level)
        low, high = (float(bound[0]) for bound in bounds)
        p = _bootstrap_p_value(gaps_drawn[np.isfinite(gaps_drawn)])
    if variance[0] > 0 and most[0] < FEWEST_CASES and np.isfinite(farthest):
        _warn(
            f"The difference between {a} and {b} rests on {most[0]:.3g} "
            f"{'groups' if units.grouped else 'cases'}, fewer than {FEWEST_CASES}: its interval "
            "may hold the truth less often than it says."
        )
    elif variance[0] > 0 and method != "delta" and degrees[0] < FEWEST_DEGREES:
        _warn(
            f"The bootstrap's interval of the difference between {a} and {b} is too short: its "
            f"variance has {degrees[0]:.3g} degrees of freedom, fewer than {FEWEST_DEGREES}. Use "
            "method='delta'."
        )
    name = f"paired {evaluation.delta if method == 'delta' else f'{method} bootstrap'}"
    return Comparison(
        metric=evaluation.metric,
        a=a,
        b=b,
        estimate=Estimate(
            value=gap,
            low=max(low, -farthest),
            high=min(high, farthest),
            level=float(level),
            method=name,
            n=units.n,
            unit=evaluation.unit,
            null_value=0.0,
            over=units.over,
        ),
        p_value=p,
        test=name,
        greater_is_better=evaluation.greater_is_better,
        points=evaluation.scale in _SHARES,
    )


def settle(
    gaps: Floats, variance: Floats, separate: Floats, magnitude: Floats
) -> tuple[Floats, Floats]:
    """Differences and their variances, 0 where only rounding errors are left of them.

    ``separate`` is the sum of the two models' own variances, ``magnitude`` that of their values.
    """
    digits = 1e-13 * magnitude
    gaps = np.where(np.abs(gaps) <= digits, 0.0, gaps)
    return gaps, np.where(variance <= 1e-12 * separate + digits**2, 0.0, variance)


def p_values(gaps: Floats, variance: Floats, degrees: Floats, most: Floats) -> Floats:
    """Two-sided p-value of each difference, by Student's t.

    Where all units say the same of it there is no variance: no difference then has p = 1, another
    one that of a sign test with all of ``most`` cases on one side.
    """
    known = variance > 0
    statistic = np.abs(gaps) / np.sqrt(np.where(known, variance, 1))
    tails = 2 * special.stdtr(degrees, -statistic)
    certain = np.where(gaps == 0, 1.0, np.minimum(2.0 ** (1 - most), 1))
    return np.where(known, tails, certain)


def p_text(p: float) -> str:
    """``p = 0.031``, ``p < 1e-300`` where it is too small for a float."""
    return f"p = {p:.2g}" if p > 0 else "p < 1e-300"


def _bootstrap_p_value(gaps: Floats) -> float:
    # The sample itself is one of the draws, which keeps p above 0.
    fewer = min(np.sum(gaps <= 0), np.sum(gaps >= 0))
    return float(min(2 * (fewer + 1) / (len(gaps) + 1), 1))


def _index(evaluation: Evaluation, name: str, which: str) -> int:
    try:
        return evaluation.names.index(name)
    except ValueError:
        raise ValueError(
            f"The '{which}' parameter must be one of {', '.join(evaluation.names)}. "
            f"Got {name!r} instead."
        ) from None


def _warn(told: str) -> None:
    warnings.warn(told, PoorApproximationWarning, stacklevel=3)
