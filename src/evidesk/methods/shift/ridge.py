"""How well a linear rule on features tells the samples apart, for thousands of labellings at once.

Ridge regression of the labels has a closed form, so that all relabellings cost one matrix product.
The statistic is the share of the labels' variance that it would explain on new rows, by generalised
cross-validation: leave-one-out with every row's leverage replaced by the mean one. Leave-one-out
itself needs a product for each penalty, too, and as a permutation test either is exact.

Sources: Golub, Heath and Wahba, "Generalized cross-validation as a method for choosing a good ridge
parameter", Technometrics 21 (1979) 215-223.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evidesk.methods.shift.families import Family
from evidesk.methods.shift.relabelling import combine

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: Penalties, as a share of the features' mean variance.
PENALTIES: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
#: Directions of less variance than this share of the largest are rounding errors in single
#: precision.
_SMALLEST = 1e-6


@dataclass(frozen=True)
class Spectrum:
    """Standardised features as directions of descending variance.

    Attributes
    ----------
    features : shape (n, q), of mean 0 and variance 1.
    variances : shape (r,).
    axes : shape (q, r): a direction's weights, so that ``features @ axes`` has orthonormal columns.
    """

    features: Singles
    mean: Singles
    scale: Singles
    variances: Floats
    axes: Singles

    @classmethod
    def of(cls, features: Singles) -> "Spectrum | None":
        """None if no feature varies."""
        n = len(features)
        mean = features.mean(axis=0, dtype=np.float64)
        centred = features - mean.astype(np.float32)
        sd = np.sqrt(np.einsum("ij,ij->j", centred, centred, dtype=np.float64) / n)
        varies = sd > 1e-6 * np.maximum(np.abs(mean), 1e-3)
        if not varies.any():
            return None
        scale = np.where(varies, sd, np.inf).astype(np.float32)
        centred /= scale
        if centred.shape[1] <= n:
            gram = (centred.T @ centred).astype(np.float64) / n
            variances, vectors = np.linalg.eigh(gram)
            kept = variances > _SMALLEST * variances[-1]
            variances = variances[kept]
            axes = vectors[:, kept] / np.sqrt(n * variances)
        else:
            # Fewer rows than features: the same directions from the rows' products.
            gram = (centred @ centred.T).astype(np.float64) / n
            variances, vectors = np.linalg.eigh(gram)
            kept = variances > _SMALLEST * variances[-1]
            variances = variances[kept]
            axes = (centred.T @ vectors[:, kept]) / (n * variances)
        return cls(
            centred,
            mean.astype(np.float32),
            scale,
            variances,
            axes.astype(np.float32),
        )

    @property
    def n(self) -> int:
        return len(self.features)

    def shrinkage(self) -> Floats:
        """Shape (penalties, r): what is left of each direction. Penalties that leave more than half
        as many free parameters as there are rows are left out; there is always one.
        """
        penalties = np.array(PENALTIES)[:, None] * self.variances.sum() / len(self.axes)
        kept = self.variances / (self.variances + penalties)
        few = kept.sum(axis=1) + 1 <= self.n / 2
        few[-1] = True
        return np.asarray(kept[few])

    def explained(self, labels: Singles, moments: Singles | None = None) -> Floats:
        """Of each labelling, the share of its variance that ridge regression explains on new rows,
        with the penalty that explains most; it can be below 0.

        Parameters
        ----------
        labels : shape (n, b), each column of mean 0.
        moments : ``features.T @ labels``, if it is there already.

        Returns
        -------
        Shape (b,).
        """
        total = np.einsum("ij,ij->j", labels, labels, dtype=np.float64)
        if moments is None:
            moments = self.features.T @ labels
        squared = (self.axes.T @ moments).astype(np.float64) ** 2
        kept = self.shrinkage()
        fitted = (kept * (2 - kept)) @ squared
        free = 1 - np.minimum((kept.sum(axis=1) + 1) / self.n, 0.999)
        found: Floats = (1 - (1 - fitted / total) / free[:, None] ** 2).max(axis=0)
        return found

    def weights(self, labels: Singles) -> Singles:
        """Shape (q,): the ridge regression of one labelling of mean 0, with the best penalty."""
        along = self.axes.T @ (self.features.T @ labels)
        kept = self.shrinkage()
        total = float(labels @ labels)
        fitted = (kept * (2 - kept)) @ (along.astype(np.float64) ** 2)
        free = 1 - np.minimum((kept.sum(axis=1) + 1) / self.n, 0.999)
        best = int(np.argmax(1 - (1 - fitted / total) / free**2))
        return np.asarray(self.axes @ (kept[best] * along), dtype=np.float32)

    def scores(self, features: Singles, labels: Singles) -> Floats:
        """What the ridge regression of one labelling of mean 0 says of any rows' features."""
        weights = self.weights(labels) / self.scale
        return np.asarray(features @ weights - self.mean @ weights, dtype=np.float64)


def statistics_of(
    families: list[Family],
    design: Floats,
    batches: Callable[[], Iterable[Singles]],
    progress: Callable[[float], None],
) -> Floats:
    """How well each family tells the samples apart, for each labelling.

    What ridge regression explains is best for a shift that is spread over the features; one that
    lies in a single feature is clearer in that feature alone. Where single features can hold a
    whole shift, the largest squared correlation is combined with what is explained.

    Parameters
    ----------
    design : shape (n, width).
    batches : gives the labels, shape (n, b) in all, some labellings at a time and each of mean 0;
        asked once for each family.

    Returns
    -------
    Shape (families, b); a family none of whose features varies explains nothing.
    """
    found = []
    for number, family in enumerate(families):
        spectrum = Spectrum.of(family(design))
        of_batches = [_of_batch(spectrum, labels) for labels in batches()]
        explained, clearest = np.hstack(of_batches)
        several = spectrum is not None and spectrum.features.shape[1] > 1
        plain = family.is_plain and several
        found.append(combine(np.stack([explained, clearest])) if plain else explained)
        progress((number + 1) / len(families))
    return np.stack(found)


def _of_batch(spectrum: Spectrum | None, labels: Singles) -> Floats:
    """What ridge regression explains of each labelling, and its largest correlation."""
    if spectrum is None:
        return np.zeros((2, labels.shape[1]))
    moments = spectrum.features.T @ labels
    return np.stack([spectrum.explained(labels, moments), np.abs(moments).max(axis=0)])
