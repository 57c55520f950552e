"""Do intervals of each level hold as many observations as they say?

The band holds for all levels at once: Wilson's interval at each, with the critical value of the
largest of all studentised errors. Their joint distribution is taken as a Student t process with the
covariance that the rows (or groups) show (Montiel Olea and Plagborg-Moller, "Simultaneous
confidence bands", Journal of Applied Econometrics 34 (2019) 1-17, for this critical value).

The calibration error is the mean over levels of ``|observed - nominal|`` (Kuleshov, Fenner and
Ermon, "Accurate uncertainties for deep learning using calibrated regression", ICML 2018, section
3.5, has its square). A mean of absolute values is no smooth function of what is observed, and is
above 0 for a calibrated model, too; its interval therefore rests on the triangle inequality: it
differs from the true one by at most the mean over levels of ``|observed - true|``, whose quantile
the same process gives.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate
from evidesk.evidence.plot import ACCENT, style
from evidesk.methods.metrics.proportion import critical_value, interval
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.metrics.scores import Sample
from evidesk.methods.surrogates.score_inputs import as_bounds, as_std, as_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Kind = Literal["interval", "quantile"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_DRAWS = 4_000
_LEVELS = np.arange(1, 100) / 100


class HasBounds(Protocol):
    """Intervals of a level, such as `Conformal.predict_interval` returns."""

    @property
    def level(self) -> float: ...
    @property
    def low(self) -> Floats: ...
    @property
    def high(self) -> Floats: ...


@dataclass(frozen=True)
class CalibrationCurve:
    """Nominal levels, and the share of observations that each holds.

    Attributes
    ----------
    nominal, observed : shape (levels,).
    low, high : shape (levels,); the band of the true shares, for all levels at once.
    error : mean over levels of the distance between both.
    kind : ``"interval"`` for central intervals, ``"quantile"`` for what lies below a quantile.
    confidence : of the band.
    """

    nominal: Floats = field(repr=False)
    observed: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    error: Estimate
    kind: Kind
    confidence: float

    def __str__(self) -> str:
        shown = np.unique(np.linspace(0, len(self.nominal) - 1, 9).round().astype(np.intp))
        lines = ["nominal  observed      low     high"]
        lines += [
            f"{self.nominal[i]:7.3f} {self.observed[i]:9.3f} {self.low[i]:8.3f} {self.high[i]:8.3f}"
            for i in shown
        ]
        lines.append(
            f"{100 * self.confidence:.4g} % band for all levels at once; calibration error "
            f"{self.error}"
        )
        return "\n".join(lines)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The curve in its band over the diagonal; below it, intervals are too short."""
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(4.8, 4.8), layout="constrained")[1]
            ax.plot((0, 1), (0, 1), color="#374151", linestyle="--", linewidth=1.0)
            ax.fill_between(
                self.nominal,
                self.low,
                self.high,
                color=ACCENT,
                alpha=0.15,
                linewidth=0,
                label=f"{100 * self.confidence:.4g} % band, all levels at once",
            )
            few = len(self.nominal) < 20
            ax.plot(self.nominal, self.observed, "o-" if few else "-", color=ACCENT, markersize=4.5)
            by_interval = self.kind == "interval"
            ax.set(
                xlim=(0, 1),
                ylim=(0, 1),
                aspect="equal",
                xlabel="nominal coverage" if by_interval else "predicted probability",
                ylabel="observed coverage" if by_interval else "share of observations below",
            )
            if by_interval:
                for text, at, side in (
                    ("intervals too wide", (0.04, 0.96), ("left", "top")),
                    ("intervals too short", (0.96, 0.04), ("right", "bottom")),
                ):
                    ax.text(*at, text, ha=side[0], va=side[1], color="#6b7280", fontsize="small")
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize="small")
        return ax


def calibration_curve(
    y: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    *,
    kind: Kind = "interval",
    levels: npt.ArrayLike | None = None,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> CalibrationCurve:
    """Of normal predictions.

    Parameters
    ----------
    y, mean, std : shape (n,) or (n, outputs), in one unit; of several outputs the mean over a row
        is taken.
    kind : ``interval``: how many observations central intervals hold; ``quantile``: how many lie
        below a quantile, which also shows a shift of all predictions.
    levels : shape (levels,), in (0, 1); by default 0.01, 0.02, ..., 0.99.
    groups : shape (n,), optional; what makes rows belong together.
    confidence : of the band, and of the error's interval.
    random_state : of the process's draws.

    Raises
    ------
    ValueError : shapes differ, fewer than two rows or groups, NaN or infinity, ``std`` not above 0,
        a level outside (0, 1).
    TypeError : not numbers.
    """
    if kind not in KINDS:
        raise ValueError(f"'kind' must be one of {', '.join(KINDS)}. Got {kind!r} instead.")
    truth = as_values(y, "y")
    centre, spread = as_values(mean, "mean", truth.shape), as_std(std, truth.shape)
    nominal = _LEVELS if levels is None else _checked(levels)
    standard = ((truth - centre) / spread).reshape(len(truth), -1)
    limits = special.ndtri((1 + nominal) / 2 if kind == "interval" else nominal)
    reached = np.abs(standard) if kind == "interval" else standard
    inside = np.stack([(reached <= limit).mean(axis=1) for limit in limits])
    return _curve(nominal, inside, groups, kind, confidence, random_state)


def coverage_curve(
    y: npt.ArrayLike,
    intervals: Iterable[HasBounds],
    *,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    random_state: RandomState = None,
) -> CalibrationCurve:
    """Of intervals of several levels on the same rows, such as conformal ones.

    Parameters
    ----------
    y, groups, confidence, random_state : as in :func:`calibration_curve`.
    intervals : for each level, what has a ``level``, ``low`` and ``high``. Rows that one of them
        refuses do not count.

    Raises
    ------
    ValueError, TypeError : as :func:`calibration_curve`; no intervals; two of one level; fewer than
        two rows that all of them tell.
    """
    truth = as_values(y, "y")
    found = sorted(intervals, key=lambda one: one.level)
    if not found:
        raise ValueError("'intervals' is empty: give those of at least one level.")
    nominal = _checked([one.level for one in found])
    bounds = [as_bounds(one.low, one.high, truth.shape) for one in found]
    told = np.all([one[2] for one in bounds], axis=0)
    if told.sum() < 2:
        raise ValueError("Fewer than two rows have intervals of all levels: others were refused.")
    inside = np.stack(
        [
            ((low <= truth) & (truth <= high))[told].reshape(int(told.sum()), -1).mean(axis=1)
            for low, high, _ in bounds
        ]
    )
    names = None if groups is None else np.asarray(groups)[told]
    return _curve(nominal, inside, names, "interval", confidence, random_state)


def _curve(
    nominal: Floats,
    inside: Floats,
    groups: npt.ArrayLike | None,
    kind: Kind,
    confidence: float,
    random_state: RandomState,
) -> CalibrationCurve:
    """From shares held, shape (levels, n)."""
    z = critical_value(confidence)
    n = inside.shape[1]
    observed = inside.mean(axis=1)
    sample = Sample.of_cases(n, groups)
    units = sample.units
    contributions = sample.sums((inside - observed[:, None]) / n)
    covariance = units.covariance(contributions)
    errors = np.sqrt(np.diag(covariance))
    varied = errors > 0
    largest, mean_off = z, 1 - (1 - confidence) ** (1 / units.effective)
    if varied.any():
        drawn = _process(covariance, units.effective, generator(random_state))
        scaled = np.abs(drawn[:, varied]) / errors[varied]
        largest = max(float(np.quantile(scaled.max(axis=1), confidence)), z)
        mean_off = float(np.quantile(np.abs(drawn).mean(axis=1), confidence))
    spread = observed * (1 - observed)
    worth = np.divide(spread, errors**2, out=np.full(len(nominal), units.effective), where=varied)
    low, high = interval(observed * worth, worth, largest, "wilson")
    distance = float(np.abs(observed - nominal).mean())
    error = Estimate(
        distance,
        max(distance - mean_off, 0.0),
        min(distance + mean_off, 1.0),
        float(confidence),
        "student process",
        n,
        over=units.over,
    )
    return CalibrationCurve(
        nominal, observed, low, high, error, kind=kind, confidence=float(confidence)
    )


def _process(covariance: Floats, units: float, rng: np.random.Generator) -> Floats:
    """Draws of a Student t process of such covariance, shape (draws, levels)."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    degrees = max(units - 1, 1)
    scale = np.sqrt(rng.chisquare(degrees, size=_DRAWS) / degrees)
    return np.asarray(rng.standard_normal((_DRAWS, len(values))) @ root.T / scale[:, None])


def _checked(levels: npt.ArrayLike) -> Floats:
    nominal = np.sort(np.asarray(levels, dtype=np.float64).ravel())
    within = bool(np.all((nominal > 0) & (nominal < 1)))
    if not nominal.size or not within or np.any(np.diff(nominal) == 0):
        raise ValueError(f"'levels' must be different numbers in (0, 1); got {levels!r}.")
    return nominal
