"""From the spread of a model's answers to the variance of its errors, by likelihood.

The variance of an error at ``x`` is taken as ``noise + scale**2 * spread(x)``: a part that is the
same everywhere, and one that grows where the model is unsure. Both are those under which residuals
that the model was not trained on are most likely, if normal; among those that are as likely to one
standard error, those of the least noise. Sources: Bigi, Chong, Ceriotti and
Grasselli, "A prediction rigidity formalism for low-cost uncertainties in trained neural networks",
arXiv:2403.02251, section 2, for calibrating one scale by likelihood; Kuleshov, Fenner and Ermon,
arXiv:1807.00263, for calibrating on held-out data.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

Floats = npt.NDArray[np.float64]

#: Logits of the share of the noise that are tried before the best one is refined.
_LOGITS = np.linspace(-16.0, 16.0, 33)


@dataclass(frozen=True)
class Noise:
    """Variance of errors: ``noise + scale**2 * spread``.

    Attributes
    ----------
    noise : shape (outputs,); a variance, in squared units of the output.
    scale : shape (outputs,); what the spread's square root is multiplied with.
    """

    noise: Floats
    scale: Floats

    def variance(self, spread: Floats) -> Floats:
        """Shape (rows, outputs), of the model's own variance of the same shape."""
        return np.asarray(self.noise + self.scale**2 * spread)


def fit_noise(
    residuals: Floats, spread: Floats, *, shared: bool = False, noise: bool = True
) -> Noise:
    """The noise and scale of largest normal likelihood, to one standard error.

    Parameters
    ----------
    residuals : shape (rows, outputs); of rows that the model was not trained on.
    spread : shape (rows, outputs); the model's own variance, at least 0.
    shared : whether all outputs have one noise and one scale.
    noise : if False, the noise is 0 and all of the error is the scaled spread's.
    """
    outputs = residuals.shape[1]
    if shared:
        residuals, spread = residuals.reshape(-1, 1), spread.reshape(-1, 1)
    fitted = [
        _fit(squares, own, noise) for squares, own in zip((residuals**2).T, spread.T, strict=True)
    ]
    parts = np.broadcast_to(np.array(fitted), (outputs, 2))
    return Noise(parts[:, 0].copy(), np.sqrt(parts[:, 1]))


def negative_log_likelihood(residuals: Floats, variance: Floats) -> float:
    """Mean over all entries, of normal errors with these variances; in nats."""
    floored = np.maximum(variance, np.finfo(np.float64).tiny)
    return float(np.mean(0.5 * (np.log(2 * np.pi * floored) + residuals**2 / floored)))


def _fit(squares: Floats, spread: Floats, noise: bool) -> tuple[float, float]:
    """Noise and squared scale of one output.

    With the share ``w`` of the noise in the mean variance, the best total variance is known in
    closed form, so that one number is left to look for.
    """
    mean = float(spread.mean())
    if mean <= 0:  # the model is equally sure everywhere
        return float(squares.mean()), 0.0
    relative = spread / mean
    if not noise:
        seen = relative > 0
        return 0.0, float((squares[seen] / relative[seen]).mean()) / mean

    def total(share: float) -> tuple[Floats, float]:
        shape = share + (1 - share) * relative
        return shape, float((squares / shape).mean())

    def loss(logit: float) -> float:
        shape, variance = total(float(special.expit(logit)))
        return float(np.log(shape).mean()) + float(np.log(max(variance, 1e-300)))

    best = _LOGITS[int(np.argmin([loss(float(one)) for one in _LOGITS]))]
    refined = optimize.minimize_scalar(
        loss, bounds=(best - 1, best + 1), method="bounded", options={"xatol": 1e-4}
    )
    logit = float(refined.x)
    # Where the spread is small against the noise, residuals can hardly tell its scale, and the
    # likeliest one may be 0: then nothing would be uncertain anywhere. So the least noise is taken
    # that is as good as the best one, to one standard error.
    bound = float(refined.fun) + 0.5 / len(squares)
    while logit > _LOGITS[0] and loss(logit - 0.25) <= bound:
        logit -= 0.25
    share = float(special.expit(logit))
    variance = total(share)[1]
    return share * variance, (1 - share) * variance / mean
