"""From predictions to what a physicist makes of them: an energy, a spectrum, a Fermi level.

Errors of neighbouring predictions are alike, and what they do to a sum cannot be told from the
error of each. So whole functions are drawn, each goes through the user's own post-processing, and
what comes out varies as much as the result is uncertain. Systems whose results are known then tell
how many of these deviations an interval needs. Sources: Imbalzano, Zhuang, Kapil, Rossi, Engel,
Grasselli and Ceriotti, arXiv:2011.08828, for the propagation of an ensemble's members; Lei, G'Sell,
Rinaldo, Tibshirani and Wasserman, Journal of the American Statistical Association 113 (2018)
1094-1111, section 5.2, for intervals from errors in units of their spread.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.surrogates.conformal_quantiles import upper_quantile
from evidesk.methods.surrogates.noise import fit_noise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Function = Callable[[Any], Any]
Backend = Literal["numpy", "torch"]


@dataclass(frozen=True)
class DerivedScale:
    """How large the errors of a derived quantity are beside its propagated spread, learnt from
    systems of known result.

    Attributes
    ----------
    scale : shape (quantities,); what the spread is multiplied with, by likelihood.
    errors : shape (systems, quantities); size of each error in units of the propagated spread.
    threshold : the mean score of a system above which it is out of domain.
    """

    scale: Floats
    errors: Floats
    threshold: float

    @classmethod
    def of(cls, residuals: Floats, spread: Floats, threshold: float) -> "DerivedScale":
        """From residuals and propagated standard deviations, both of shape (systems, quantities).

        Where nothing varies, an error of 0 is as expected, and no multiple makes up for another.
        """
        scale = fit_noise(residuals, spread**2, noise=False).scale
        size = np.abs(residuals)
        unknown = np.where(size > 0, np.inf, 0.0)
        return cls(scale, np.divide(size, spread, out=unknown, where=spread > 0), threshold)

    @property
    def systems(self) -> int:
        """How many systems it was learnt from."""
        return len(self.errors)

    def half_width(self, spread: Floats, level: float) -> Floats:
        """Of intervals that cover a further system's result at this level, whatever the errors'
        distribution: as many times the spread as the errors of the known systems say.

        Returns
        -------
        The shape of ``spread``, (..., quantities); infinite where there are too few systems.
        """
        one = np.ones(self.systems)
        times = np.array([upper_quantile(own, one, 1.0, level) for own in self.errors.T])
        return np.where(np.isinf(times), np.inf, spread * np.where(np.isinf(times), 0.0, times))


@dataclass(frozen=True)
class Derived:
    """A derived quantity of each system, with intervals.

    Attributes
    ----------
    value : shape (systems, quantities); of the mean prediction.
    std : of the same shape; scaled, if there was a scale.
    half_width : of the intervals, of the same shape.
    samples : shape (systems, draws, quantities); of the drawn functions, scaled about ``value``.
    level : the nominal coverage of the intervals.
    refused : shape (systems,); whether nothing can be said about the system.
    reasons : why.
    calibrated_on : how many systems the scale is from; 0 if there is none, and then the
        intervals rest on the calibration of the single predictions.
    effective : how many independent cases the calibration had.
    unit : of the quantity.
    """

    value: Floats
    std: Floats
    half_width: Floats
    samples: Floats = field(repr=False)
    level: float
    refused: Mask
    reasons: tuple[str, ...]
    calibrated_on: int
    effective: float
    unit: str = ""

    @property
    def low(self) -> Floats:
        """Shape (systems, quantities); NaN where nothing can be said."""
        return np.where(self.refused[:, None], np.nan, self.value - self.half_width)

    @property
    def high(self) -> Floats:
        """Shape (systems, quantities); NaN where nothing can be said."""
        return np.where(self.refused[:, None], np.nan, self.value + self.half_width)

    def estimate(self, system: int = 0, quantity: int = 0) -> Estimate | None:
        """Of one quantity of one system; None if nothing can be said."""
        if self.refused[system]:
            return None
        value = float(self.value[system, quantity])
        half = float(self.half_width[system, quantity])
        method = "propagated, calibrated" if self.calibrated_on else "propagated"
        cases = self.calibrated_on or max(round(self.effective), 1)
        over = f"{cases} systems" if self.calibrated_on else "cases"
        return Estimate(
            value, value - half, value + half, self.level, method, cases, self.unit, over=over
        )

    def estimates(self, quantity: int = 0) -> tuple[Estimate | None, ...]:
        """Of one quantity of all systems."""
        return tuple(self.estimate(one, quantity) for one in range(len(self.value)))

    def __str__(self) -> str:
        count, quantities = self.value.shape
        about = "" if quantities == 1 else f", {quantities} quantities each"
        lines = [f"Derived quantity of {count:,} system{'' if count == 1 else 's'}{about}"]
        for number, estimate in enumerate(self.estimates()[:5] if quantities == 1 else ()):
            lines.append(f"  system {number}: {estimate or 'cannot say'}")
        if not self.calibrated_on:
            lines.append(
                "  Note: not calibrated on the derived quantity itself; 'calibrate_derived' does, "
                "with systems whose result is known."
            )
        lines += [f"  cannot say: {reason}" for reason in self.reasons]
        return "\n".join(lines)

    def plot(self, ax: "Axes | None" = None, *, system: int = 0) -> "Axes":
        """One system: a histogram of the samples of a single quantity, or all quantities with their
        intervals and some samples.
        """
        from matplotlib.ticker import MaxNLocator

        samples, value = self.samples[system], self.value[system]
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            name = f"Derived quantity ({self.unit})" if self.unit else "Derived quantity"
            if len(value) == 1:
                ax.hist(samples[:, 0], bins=min(40, 5 + len(samples) // 8), color="#9ca3af")
                ax.axvline(value[0], color=ACCENT)
                if not self.refused[system]:
                    ax.axvspan(
                        self.low[system, 0], self.high[system, 0], color=ACCENT, alpha=0.15,
                        label=f"{100 * self.level:g} % interval", linewidth=0,
                    )  # fmt: skip
                    ax.legend()
                ax.set_xlabel(name)
                ax.set_ylabel("Samples")
            else:
                place = np.arange(len(value))
                ax.plot(place, samples[:20].T, color="#9ca3af", linewidth=0.6, alpha=0.6)
                ax.plot(place, value, color=ACCENT)
                if not self.refused[system]:
                    ax.fill_between(
                        place, self.low[system], self.high[system], color=ACCENT, alpha=0.2,
                        label=f"{100 * self.level:g} % interval", linewidth=0,
                    )  # fmt: skip
                    ax.legend()
                ax.xaxis.set_major_locator(MaxNLocator(integer=True))
                ax.set_xlabel("Quantity")
                ax.set_ylabel(name)
            if self.refused[system]:
                ax.set_title("Cannot say: out of domain", color="#b91c1c")
        return ax


def through(
    fn: Function, predictions: Floats, *, vectorised: bool, backend: Backend, where: str
) -> Floats:
    """The user's function of predictions of shape (draws, rows, ...): shape (draws, quantities).

    Raises
    ------
    ValueError : it returns neither a number nor a vector for each draw, or no finite numbers.
    """
    if backend == "torch":
        import torch

        given: Any = torch.from_numpy(predictions)
    else:
        given = predictions
    if vectorised:
        found = _plain(fn(given))
        if found.ndim == 0 or len(found) != len(predictions):
            raise ValueError(
                f"The function was given {len(predictions)} draws at once and returned shape "
                f"{found.shape}. Return one result for each, or leave out 'vectorised'."
            )
    else:
        found = np.stack([_plain(fn(one)) for one in given])
    if found.ndim > 2:
        raise ValueError(
            "The function must return a number or a vector for each system, and returned shape "
            f"{found.shape[1:]}."
        )
    if not np.isfinite(found).all():
        raise ValueError(f"The function returned NaN or infinity for {where}.")
    return found.reshape(len(predictions), -1)


def functions_of(fn: Function | Sequence[Function], systems: int) -> list[Function]:
    """One function for each system.

    Raises
    ------
    ValueError : another number of functions than of systems.
    TypeError : one of them cannot be called.
    """
    found = [fn] * systems if callable(fn) else list(fn)
    if len(found) != systems:
        raise ValueError(f"There are {len(found)} functions for {systems} systems.")
    if not all(callable(one) for one in found):
        raise TypeError("'fn' must be a function of predictions, or one for each system.")
    return found


def _plain(value: Any) -> Floats:
    if hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().numpy()
    return np.asarray(value, dtype=np.float64)
