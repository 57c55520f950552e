"""How much do accuracies scatter over folds and seeds, and how much would chance alone explain?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evidesk.evidence import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class FoldSpread:
    """Scatter of accuracies over folds, seeds, or folds and seeds, beside the approximation.

    Fold values are not independent replicates: their training sets overlap, and the seeds of one
    fold share its test set. Neither ``sd`` nor ``sigma`` is the uncertainty of ``mean``.

    Attributes
    ----------
    accuracies : the values, in the order given.
    mean : their mean.
    sd : their sample standard deviation (ddof = 1).
    sigma : the standard deviation of one value that chance alone would give,
        ``sqrt(mean (1 - mean) / n)`` (arXiv:2204.05173, equation 1).
    ratio : ``sd / sigma``; near 1, test sets of this size explain the scatter. NaN if sigma is 0.
    n : cases per value; the harmonic mean if they differ.
    """

    accuracies: tuple[float, ...]
    mean: float
    sd: float
    sigma: float
    ratio: float
    n: float

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the values, mean ± sd and mean ± sigma; returns the axes."""
        return spread_plot({"": self}, ax)

    def __str__(self) -> str:
        return (
            f"{len(self.accuracies)} values: mean {self.mean:.5f}, sd {self.sd:.5f}; "
            f"approximated sigma {self.sigma:.5f} (n = {self.n:.4g}), ratio {self.ratio:.2f}"
        )


def fold_spread(accuracies: npt.ArrayLike, n: npt.ArrayLike) -> FoldSpread:
    """Spread of accuracies over folds, seeds, or folds x seeds.

    Parameters
    ----------
    accuracies : array-like of any shape with at least two values in [0, 1].
    n : number of cases behind each value; one number, or an array that broadcasts with
        ``accuracies``. Where they differ, their harmonic mean is used: it makes ``sigma**2`` the
        expectation of ``sd**2`` under chance alone.

    Raises
    ------
    ValueError : fewer than two values, values outside [0, 1] or NaN, ``n`` below 1 or not
        broadcastable.
    """
    values = np.asarray(accuracies, dtype=float)
    if values.size < 2:
        raise ValueError("The 'accuracies' parameter must hold at least two values.")
    if not np.all((values >= 0) & (values <= 1)):
        raise ValueError("The 'accuracies' parameter must hold values in the range [0, 1].")
    sizes = np.asarray(n, dtype=float)
    if not np.all((sizes >= 1) & np.isfinite(sizes)):
        raise ValueError("The 'n' parameter must be 1 or more.")
    try:
        sizes = np.broadcast_to(sizes, values.shape)
    except ValueError as error:
        raise ValueError(
            f"The 'accuracies' and 'n' parameters do not broadcast: shapes {values.shape} and "
            f"{sizes.shape}."
        ) from error
    mean = float(values.mean())
    sd = float(values.std(ddof=1))
    size = float(1 / np.mean(1 / sizes))
    sigma = float(np.sqrt(mean * (1 - mean) / size))
    return FoldSpread(
        accuracies=tuple(values.ravel().tolist()),
        mean=mean,
        sd=sd,
        sigma=sigma,
        ratio=sd / sigma if sigma > 0 else float("nan"),
        n=size,
    )


def spread_plot(spreads: Mapping[str, FoldSpread], ax: "Axes | None" = None) -> "Axes":
    """Draw several models' spreads, one row each, the first on top; returns the axes.

    Grey points are the values; the upper bar is mean ± sd over them, the lower bar mean ± sigma.
    """
    with style():
        if ax is None:
            from matplotlib import pyplot as plt

            size = (7.2, 1.2 + 0.6 * len(spreads))
            ax = plt.subplots(figsize=size, layout="constrained")[1]
        for row, spread in enumerate(spreads.values()):
            points = np.full(len(spread.accuracies), row)
            ax.plot(spread.accuracies, points, "|", color="0.6", markersize=11, markeredgewidth=1)
            for name, half_width, shift, color in (
                ("mean ± sd over the values", spread.sd, -0.24, "#0b6e6e"),
                ("mean ± σ, approximated", spread.sigma, 0.24, "#d55e00"),
            ):
                ax.errorbar(
                    spread.mean,
                    row + shift,
                    xerr=half_width,
                    fmt="o",
                    capsize=4,
                    color=color,
                    label=name if row == 0 else None,
                )
        ax.set_yticks(range(len(spreads)), list(spreads), parse_math=False)
        ax.set_ylim(len(spreads) - 0.45, -0.55)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("accuracy")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize="small")
    return ax
