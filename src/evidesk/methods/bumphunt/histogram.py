"""A binned spectrum: how many events have which mass.

Weighted events are counted as effective events: a bin with weights w is taken as ``(sum w)^2 /
sum w^2`` events, each of them worth ``sum w^2 / sum w``, so that mean and variance of the sum are
right (the scaled Poisson distribution; Bohm and Zech, "Statistics of weighted Poisson events and
its applications", NIM A 748 (2014) 1-6, arXiv:1309.1287).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Counts that differ from an integer by less are one.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """Counts in bins of the mass.

    Made by `from_counts`, `from_events` or `from_histogram`.

    Attributes
    ----------
    edges : shape (bins + 1,), ascending, in the mass's unit.
    counts : shape (bins,); events, or effective events if they are weighted.
    scale : shape (bins,); what an effective event is worth. 1 where events are not weighted.
    """

    edges: Floats
    counts: Floats
    scale: Floats

    @classmethod
    def from_counts(
        cls, counts: npt.ArrayLike, edges: npt.ArrayLike, *, variances: npt.ArrayLike | None = None
    ) -> "Spectrum":
        """A histogram that is there already.

        Parameters
        ----------
        counts : array-like, shape (bins,): whole numbers, or sums of weights with ``variances``.
        edges : array-like, shape (bins + 1,), ascending.
        variances : array-like, shape (bins,): sums of squared weights.

        Raises
        ------
        ValueError : shapes do not fit, values are not finite, a count is negative, all are 0,
            counts are no whole numbers and no variances say why, or edges do not ascend.
        """
        limits, sums = _finite(edges, "edges"), _finite(counts, "counts")
        if len(limits) != len(sums) + 1 or not len(sums):
            raise ValueError(
                f"'edges' must hold one number more than there are bins; got {len(limits)} edges "
                f"and {len(sums)} counts."
            )
        if (np.diff(limits) <= 0).any():
            raise ValueError("'edges' must ascend.")
        if (sums < 0).any():
            bin_ = int(np.flatnonzero(sums < 0)[0])
            raise ValueError(
                f"Counts must not be negative; bin {bin_} ({limits[bin_]:g} to "
                f"{limits[bin_ + 1]:g}) has {sums[bin_]:g}."
            )
        if not sums.any():
            raise ValueError("The spectrum has no events. Check the range of the bins.")
        if variances is None:
            if (np.abs(sums - np.round(sums)) > _ROUNDING).any():
                raise ValueError(
                    "Counts must be whole numbers. If they are sums of weights, give the sums of "
                    "squared weights as 'variances'."
                )
            return cls(limits, np.round(sums), np.ones_like(sums))
        return cls(limits, *_effective(sums, _finite(variances, "variances")))

    @classmethod
    def from_events(
        cls,
        masses: npt.ArrayLike,
        bins: int | npt.ArrayLike = 60,
        *,
        range: tuple[float, float] | None = None,
        weights: npt.ArrayLike | None = None,
    ) -> "Spectrum":
        """Fill a histogram with the events' masses; events outside the bins are left out.

        Parameters
        ----------
        masses : array-like, shape (n,).
        bins : how many bins of equal width, or their edges.
        range : from where to where, if ``bins`` is a number; by default from the smallest to the
            largest mass.
        weights : array-like, shape (n,); positive.

        Raises
        ------
        ValueError : values are missing or not finite, a weight is negative, no event is within.
        """
        values = _finite(masses, "masses")
        if not len(values):
            raise ValueError("There are no events.")
        if weights is None:
            counts, edges = np.histogram(values, bins, range)
            return cls.from_counts(counts, edges)
        sizes = _finite(weights, "weights")
        if len(sizes) != len(values):
            raise ValueError(f"There are {len(sizes)} weights for {len(values)} events.")
        if (sizes < 0).any():
            raise ValueError(
                f"{(sizes < 0).sum():,} of {len(sizes):,} weights are negative. Counts that "
                "negative weights have been taken from are not Poisson distributed, and no "
                "effective number of events stands for them: use a sample without them."
            )
        sums, edges = np.histogram(values, bins, range, weights=sizes)
        squares, _ = np.histogram(values, bins, range, weights=sizes**2)
        return cls.from_counts(sums, edges, variances=squares)

    @classmethod
    def from_histogram(cls, histogram: Any) -> "Spectrum":
        """A one-dimensional histogram of ``boost-histogram``, ``hist``, ``uproot`` or any other
        package that keeps to the protocol of Scikit-HEP's histograms (UHI): ``values()``,
        ``variances()``, ``axes``. Flow bins are left out.

        Raises
        ------
        TypeError : it is no such histogram.
        ValueError : it has several axes, holds means, or its counts do not do.
        """
        try:
            axes, values, variances = histogram.axes, histogram.values(), histogram.variances()
            edges = [np.append([low for low, _ in axis], [high for _, high in axis][-1:])
                     for axis in axes]  # fmt: skip
        except (AttributeError, TypeError) as error:
            raise TypeError(
                f"A histogram with values(), variances() and axes is needed (boost-histogram, "
                f"hist, uproot), got {type(histogram).__name__}. For arrays there are from_counts "
                "and from_events."
            ) from error
        if len(edges) != 1:
            raise ValueError(f"The histogram must have one axis, got {len(edges)}. Project it.")
        if str(getattr(histogram, "kind", "COUNT")).upper().endswith("MEAN"):
            raise ValueError("The histogram must hold counts, not means.")
        is_weighted = variances is not None and not np.array_equal(values, variances)
        return cls.from_counts(values, edges[0], variances=variances if is_weighted else None)

    @property
    def centres(self) -> Floats:
        """Shape (bins,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @property
    def is_weighted(self) -> bool:
        """Whether an event counts other than once."""
        return bool((self.scale != 1).any())

    @property
    def total(self) -> float:
        """All events, or the sum of their weights."""
        return float((self.counts * self.scale).sum())


def spectrum_of(data: Any) -> Spectrum:
    """The spectrum itself, or that of a histogram object.

    Raises
    ------
    TypeError : it is neither.
    """
    return data if isinstance(data, Spectrum) else Spectrum.from_histogram(data)


def _effective(sums: Floats, squares: Floats) -> tuple[Floats, Floats]:
    """Effective counts and what one is worth; in empty bins that is the mean of all bins."""
    if squares.shape != sums.shape:
        raise ValueError(f"There are {len(squares)} variances for {len(sums)} counts.")
    wrong = (squares < 0) | ((squares > 0) != (sums > 0))
    if wrong.any():
        bin_ = int(np.flatnonzero(wrong)[0])
        raise ValueError(
            f"Variances must be positive where there are counts, and 0 elsewhere; bin {bin_} has "
            f"the count {sums[bin_]:g} and the variance {squares[bin_]:g}. With negative weights "
            "there are no effective events."
        )
    scale = np.full_like(sums, squares.sum() / sums.sum())
    np.divide(squares, sums, out=scale, where=sums > 0)
    return sums / scale, scale


def _finite(values: npt.ArrayLike, name: str) -> Floats:
    found = np.asarray(values)
    if found.dtype.kind not in "iufb" or found.ndim != 1:
        raise ValueError(
            f"'{name}' must be one-dimensional and hold numbers; got shape {found.shape} of type "
            f"{found.dtype}."
        )
    found = found.astype(np.float64)
    if not np.isfinite(found).all():
        raise ValueError(
            f"'{name}' must be finite; {(~np.isfinite(found)).sum():,} of {len(found):,} are NaN "
            "or infinite."
        )
    return found
