"""Cases that come in groups (images of a patient, windows of a recording) are not independent.

The design effect is the factor by which the groups inflate the variance of a proportion; ``n``
divided by it is the effective sample size. Source: Kish, "Survey Sampling" (1965), section 5.4,
with the linearised variance of the ratio estimator, Cochran, "Sampling Techniques" (1977), eq. 2.39
and 11.30.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]


def design_effect(correct: Floats, sizes: Floats) -> Floats:
    """Design effect of each model's accuracy, never below 1.

    ``correct`` has shape (models, groups), ``sizes`` shape (groups,): cases right and cases in all.

    A model that is all right or all wrong shows no variance to learn from: each group then counts
    as one case, which is the safe end.
    """
    groups = len(sizes)
    n = sizes.sum()
    p = correct.sum(axis=1) / n
    residuals = correct - p[:, None] * sizes
    clustered = groups / (groups - 1) * (residuals**2).sum(axis=1) / n**2
    independent = p * (1 - p) / n
    known = independent > 0
    effect: Floats = np.divide(clustered, independent, out=np.full_like(p, n / groups), where=known)
    return np.maximum(effect, 1.0, out=effect)


def t_critical_value(z: float, groups: int) -> float:
    """The Student t quantile with ``groups - 1`` degrees of freedom that replaces the normal ``z``.

    The design effect is itself estimated, from as many independent pieces as there are groups.
    """
    return float(-special.stdtrit(groups - 1, special.ndtr(-z)))
