"""Are errors as large as they are said to be? Errors in order of their predicted spread."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.evidence.plot import ACCENT, style
from evidesk.methods.metrics.regression import rmse
from evidesk.methods.surrogates.score_inputs import as_std, as_values, by_row
from evidesk.methods.surrogates.scores import error_correlation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

_MOST_DRAWN = 2_000
#: Of normal errors, three squares bear their mean like one of average size.
_ROWS_OF_BIN = 100


@dataclass(frozen=True)
class SpreadErrors:
    """Root mean squared errors in bins of the predicted spread, each of as many rows.

    Attributes
    ----------
    spread, error : shape (n,); predicted spread and absolute error of each row.
    centres : the root mean square of the spread in each bin; calibrated, it is the error.
    errors : of each bin, by its number from 1 on.
    correlation : Spearman's, of spread and absolute error; None if all spreads are equal.
    """

    spread: Floats = field(repr=False)
    error: Floats = field(repr=False)
    centres: tuple[float, ...]
    errors: Mapping[int, Estimate]
    correlation: Estimate | None

    def __str__(self) -> str:
        lines = [
            f"predicted {centre:.4g}: error {one.short}, n={one.n:,}"
            for centre, one in zip(self.centres, self.errors.values(), strict=True)
        ]
        told = "all spreads are equal" if self.correlation is None else f"{self.correlation}"
        return "\n".join([*lines, f"Spearman's correlation of spread and error: {told}"])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Rows as dots, bins with their intervals, and the line of a calibrated spread."""
        step = max(1, len(self.spread) // _MOST_DRAWN)
        found = list(self.errors.values())
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(5.4, 4.2), layout="constrained")[1]
            ax.plot(
                self.spread[::step],
                self.error[::step],
                ".",
                color="#9ca3af",
                alpha=0.5,
                markersize=4,
                markeredgewidth=0,
                label="absolute error of a row",
            )
            limits = (min(self.spread.min(), *self.centres), float(self.spread.max()))
            ax.plot(limits, limits, color="#374151", linestyle="--", linewidth=1.0)
            ax.errorbar(
                self.centres,
                [one.value for one in found],
                (
                    [one.value - one.low for one in found],
                    [one.high - one.value for one in found],
                ),
                fmt="o",
                color=ACCENT,
                markersize=5,
                label="root mean square of a bin",
            )
            top = max(float(np.quantile(self.error, 0.995)), *(one.high for one in found))
            ax.set(xlabel="predicted standard deviation", ylabel="error", ylim=(0, 1.05 * top))
            ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize="small")
        return ax


def spread_against_error(
    y: npt.ArrayLike,
    mean: npt.ArrayLike,
    std: npt.ArrayLike,
    *,
    bins: int = 8,
    groups: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> SpreadErrors:
    """Errors in bins of the predicted standard deviation.

    Parameters
    ----------
    y, mean, std : shape (n,) or (n, outputs); of several outputs, a row's root mean square counts.
    bins : how many at most, of as many rows each; fewer where they would hold less than 100 rows.
    groups, confidence : as in :func:`nll`.

    Raises
    ------
    ValueError, TypeError : as :func:`nll`; ``bins`` below 1.
    """
    if not isinstance(bins, int | np.integer) or bins < 1:
        raise ValueError(f"'bins' must be an integer from 1 on. Got {bins!r} instead.")
    truth = as_values(y, "y")
    centre, spread = as_values(mean, "mean", truth.shape), as_std(std, truth.shape)
    rows = np.sqrt(by_row(spread**2))
    errors = np.sqrt(by_row((truth - centre) ** 2))
    names = None if groups is None else np.asarray(groups)
    count = int(max(1, min(bins, len(rows) // _ROWS_OF_BIN)))
    order = np.argsort(rows, kind="stable")
    centres, found = [], {}
    for number, part in enumerate(np.array_split(order, count), start=1):
        # A bin of one group alone cannot tell how groups differ: its rows then stand for it.
        of_part = None if names is None else names[part]
        grouped = of_part is not None and len(np.unique(of_part)) > 1
        centres.append(float(np.sqrt((rows[part] ** 2).mean())))
        found[number] = rmse(
            np.zeros(len(part)), errors[part], groups=of_part if grouped else None, level=confidence
        )
    correlation = None
    if rows.min() < rows.max():
        correlation = error_correlation(y, mean, std, groups=groups, confidence=confidence)
    return SpreadErrors(rows, errors, tuple(centres), found, correlation)
