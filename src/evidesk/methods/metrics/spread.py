"""How much do accuracies scatter over folds and seeds, and how much would chance alone explain?"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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
        """Draw the values, mean ± sd and mean ± sigma side by side; returns the axes."""
        from matplotlib import pyplot as plt

        axes = plt.subplots(figsize=(4, 3.2), layout="constrained")[1] if ax is None else ax
        jitter = np.linspace(-0.12, 0.12, len(self.accuracies))
        axes.plot(jitter, self.accuracies, "o", color="0.6", markersize=4)
        for x, half_width, color in ((1, self.sd, "#0b6e6e"), (2, self.sigma, "#d55e00")):
            axes.errorbar(x, self.mean, half_width, fmt="o", capsize=4, color=color)
        axes.set_xticks([0, 1, 2], ["values", "mean ± sd", "mean ± σ, approx."])
        axes.set_xlim(-0.5, 2.5)
        axes.set_ylabel("accuracy")
        return axes

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
