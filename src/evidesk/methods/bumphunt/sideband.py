"""The sideband as it is: right where features do not depend on the resonant variable."""

from typing import Self

import numpy.typing as npt
from sklearn.base import BaseEstimator

from evidesk.methods.bumphunt.templates import TemplateSample, check_fit, drawn
from evidesk.methods.metrics.resampling import RandomState, generator


class SidebandTemplate(BaseEstimator):  # type: ignore[misc]
    """Sideband events stand for the background in the signal region.

    Source: Metodiev, Nachman and Thaler, "Classification without labels", JHEP 10 (2017) 174, and
    Collins, Howe and Nachman, "Extending the search for new resonances with machine learning",
    Physical Review D 99 (2019) 014038, for two mixed samples in the place of labels.
    """

    def fit(self, m: npt.ArrayLike, x: npt.ArrayLike) -> Self:
        """Keep the sideband events. Raises ValueError as all templates do."""
        _, self.x_ = check_fit(m, x)
        return self

    def sample(self, m: npt.ArrayLike, random_state: RandomState = None) -> TemplateSample:
        """As many sideband events as asked for, each at most once; where ``m`` is, is no matter.

        Raises
        ------
        ValueError : there are fewer sideband events.
        """
        _, origin = drawn(len(self.x_), m, generator(random_state))
        return TemplateSample(self.x_[origin], origin)
