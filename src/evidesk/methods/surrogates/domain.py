"""Is a row like those that the model has learnt from?

The score of a row is its Mahalanobis distance from the training rows (of its inputs, or of what
the network makes of them), divided by the square root of the number of features, so that training
rows have a score of about 1. Source: Lee, Lee, Lee and Shin, "A simple unified framework for
detecting out-of-distribution samples", arXiv:1807.03888, section 2.1, with one class.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Least variance of a direction, in units of the features' variances. Directions in which the
#: training rows hardly vary would else make a distance out of rounding errors.
_LEAST_VARIANCE = 1e-4


class Moments:
    """Count, mean and scatter of rows that come in batches."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean = np.zeros(features)
        self.scatter = np.zeros((features, features))

    def add(self, rows: Floats) -> None:
        """Add rows of shape (rows, features); Chan, Golub and LeVeque (1983), equation 2.1."""
        count = self.count + len(rows)
        mean = rows.mean(axis=0)
        centred = rows - mean
        step = mean - self.mean
        self.scatter += centred.T @ centred
        self.scatter += np.outer(step, step) * (self.count * len(rows) / count)
        self.mean += step * (len(rows) / count)
        self.count = count


@dataclass(frozen=True)
class Domain:
    """The training rows, as far as a distance from them needs.

    Attributes
    ----------
    mean : shape (features,).
    whitening : shape (features, features); centred rows times it have unit covariance.
    """

    mean: Floats
    whitening: Floats

    @classmethod
    def of(cls, moments: Moments) -> "Domain":
        """The domain of at least one row."""
        covariance = moments.scatter / max(moments.count - 1, 1)
        scale = np.sqrt(np.diag(covariance))
        # A feature that never varied has no unit: its own size stands in.
        scale = np.where(scale > 1e-12 * np.abs(moments.mean), scale, np.abs(moments.mean) + 1e-12)
        values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
        return cls(
            moments.mean,
            vectors / np.sqrt(np.maximum(values, _LEAST_VARIANCE)) / scale[:, None],
        )

    def score(self, rows: Floats) -> Floats:
        """Shape (rows,); about 1 for training rows, larger the farther away."""
        white = (rows - self.mean) @ self.whitening
        return np.asarray(np.sqrt((white**2).mean(axis=1)))


def threshold(scores: Floats, share: float) -> float:
    """The score that a further row like these exceeds with a chance of at most ``1 - share``.

    The conformal quantile; the largest score where these are too few for that share.
    """
    rank = math.ceil(share * (len(scores) + 1) - 1e-9)
    return float(np.sort(scores)[min(rank, len(scores)) - 1])
