"""The events of a signal region against the template of its background."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.cross_fitting import CrossFit, cross_fit
from evidesk.methods.bumphunt.progress import Progress
from evidesk.methods.bumphunt.templates import Template, TemplateSample
from evidesk.methods.bumphunt.windows import Window
from evidesk.methods.metrics.proportion import critical_value, interval
from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Template events for each event of the signal region, where the sidebands have so many.
TEMPLATE_RATIO = 3


@dataclass(frozen=True)
class Contrast:
    """All events, scored by how much they look like the signal region and not like its background.

    Attributes
    ----------
    window : whose signal region was told from its background.
    in_region : shape (n,); which events lie in it.
    events : shape (n, features).
    sample : the template's events, which follow the n others in ``fit``.
    fit : the models and scores of all.
    """

    window: Window
    in_region: Mask = field(repr=False)
    events: Floats = field(repr=False)
    sample: TemplateSample = field(repr=False)
    fit: CrossFit = field(repr=False)

    @property
    def scores(self) -> Floats:
        """Of the n events, shape (n,); none by a model that has seen the event."""
        return self.fit.scores[: len(self.in_region)]

    def selected(self, efficiency: float) -> Mask:
        """Which of the n events a cut keeps that keeps this share of the template: shape (n,)."""
        return self.fit.selected(efficiency)[: len(self.in_region)]

    def tail(self, efficiency: float, level: float = 0.95) -> "Tail":
        """How many events of the signal region the cut keeps, and of the template."""
        kept = self.fit.selected(efficiency)
        of_template = self.fit.y == 0
        return Tail(
            int((kept & (self.fit.y == 1)).sum()),
            int(self.in_region.sum()),
            int((kept & of_template).sum()),
            int(of_template.sum()),
            level,
        )


@dataclass(frozen=True)
class Tail:
    """Counts beyond a cut.

    Attributes
    ----------
    selected, events : of the signal region, beyond the cut and in all.
    template_selected, template_events : of the template.
    level : of the ratio's interval.
    """

    selected: int
    events: int
    template_selected: int
    template_events: int
    level: float

    @property
    def expected(self) -> float:
        """Background events of the signal region beyond the cut, if the template is right."""
        return self.template_selected / self.template_events * self.events

    @property
    def ratio(self) -> Estimate:
        """Selected over expected events, with its exact interval.

        Given their sum, one of two Poisson counts is binomial (Przyborowski and Wilenski,
        "Homogeneity of results in testing samples from Poisson series", Biometrika 31 (1940)
        313-323); the interval of that share is Clopper and Pearson's.
        """
        n = self.selected + self.template_selected
        z = critical_value(self.level)
        low, high = interval(float(self.selected), float(n), z, "clopper-pearson")
        scale = self.template_events / self.events
        value = self.selected / self.expected
        return Estimate(
            value,
            min(float(low) / (1 - float(low)) * scale, value),
            max(float(high) / (1 - float(high)) * scale, value),
            self.level,
            "conditional binomial",
            self.events,
            null_value=1.0,
        )


def contrast(
    m: npt.ArrayLike,
    x: npt.ArrayLike,
    window: Window,
    template: Template,
    classifier: Any,
    *,
    folds: int = 5,
    random_state: RandomState = None,
    progress: Progress | None = None,
) -> Contrast:
    """Fit the template on the sidebands, and learn by folds what tells the signal region from it.

    Parameters
    ----------
    m, x : resonant variable of shape (n,) and features of shape (n, features) of all events.
    window : the signal region and its sidebands.
    template : of the background; a fitted copy is made of it.
    classifier : any scikit-learn classifier.
    folds, random_state, progress : as in
        :func:`~evidesk.methods.bumphunt.cross_fitting.cross_fit`.

    Raises
    ------
    EmptyWindowError : a region has no events.
    ValueError : as the template and the cross-fit raise it.
    """
    from sklearn.base import clone

    mass, rows = np.asarray(m, dtype=np.float64), np.asarray(x, dtype=np.float64)
    window.check(mass)
    rng = generator(random_state)
    inside, around = window.signal_region(mass), window.sidebands(mass)
    size = min(TEMPLATE_RATIO * int(inside.sum()), int(around.sum()))
    places = rng.choice(mass[inside], size)
    sample = clone(template).fit(mass[around], rows[around]).sample(places, rng)
    made_from = sample.x if sample.origin is None else rows[around][sample.origin]
    fit = cross_fit(
        classifier,
        np.concatenate([rows, sample.x]),
        np.concatenate([np.where(inside, 1, -1), np.zeros(size, dtype=np.intp)]),
        source=np.concatenate([rows, made_from]),
        folds=folds,
        random_state=rng,
        progress=progress,
    )
    return Contrast(window, inside, rows, sample, fit)
