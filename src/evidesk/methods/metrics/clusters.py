"""Cases that come in groups (images of a patient, windows of a recording) are not independent.

The design effect is the factor by which the groups inflate the variance of a proportion; ``n``
divided by it is the effective sample size. Sources: Kish, "Survey Sampling" (1965), sections 5.4
and 8.2; the variance of the ratio estimator with the correction of Bell and McCaffrey, "Bias
reduction in standard errors for linear regression with multi-stage samples", Survey Methodology 28
(2002) 169-181, which for groups of equal size is the factor ``groups / (groups - 1)``.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

#: Beyond it every interval is [0, 1] already, and its square would overflow.
_LARGEST_CRITICAL_VALUE = 1e9


def effective_groups(sizes: Floats, repeat: Floats) -> float:
    """Number of equal groups that would say as much as these: ``n**2 / sum(sizes**2)``."""
    return float((repeat @ sizes) ** 2 / (repeat @ sizes**2))


def design_effect(correct: Floats, sizes: Floats, repeat: Floats) -> Floats:
    """Design effect of each model's accuracy, never below 1.

    ``correct`` has shape (models, kinds of group), ``sizes`` and ``repeat`` shape (kinds of
    group,): cases right and cases in all in such a group, and how many groups are like that.

    A model that is all right or all wrong shows no variance to learn from: its cases then count as
    if each group answered with one voice, which is the safe end.
    """
    n = repeat @ sizes
    p = correct @ repeat / n
    residuals = correct - p[:, None] * sizes
    clustered = (residuals**2 / (1 - sizes / n)) @ repeat / n**2
    independent = p * (1 - p) / n
    one_voice = np.full_like(p, n / effective_groups(sizes, repeat))
    effect: Floats = np.divide(clustered, independent, out=one_voice, where=independent > 0)
    return np.maximum(effect, 1.0, out=effect)


def t_critical_value(z: float, groups: float) -> float:
    """The Student t quantile that replaces the normal ``z``.

    The design effect is itself estimated, from as many independent pieces as there are effective
    ``groups``; the degrees of freedom are one less.
    """
    t = float(-special.stdtrit(groups - 1, float(special.ndtr(-z))))
    return min(t, _LARGEST_CRITICAL_VALUE)
