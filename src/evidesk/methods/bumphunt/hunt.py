"""A whole bump hunt: template, closure, classifier, cut, spectrum, p-values."""

import math
import time
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special
from sklearn.base import BaseEstimator

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.closure import Closure, check_closure, name_of
from evidesk.methods.bumphunt.contrast import Contrast, contrast
from evidesk.methods.bumphunt.counting import excess
from evidesk.methods.bumphunt.ensemble import TreeEnsemble
from evidesk.methods.bumphunt.events import columns_by_name
from evidesk.methods.bumphunt.families import Family
from evidesk.methods.bumphunt.histogram import Spectrum
from evidesk.methods.bumphunt.hunt_result import (
    DirectCount,
    HuntResult,
    WindowResult,
    over_windows,
)
from evidesk.methods.bumphunt.leaks import check_features
from evidesk.methods.bumphunt.limits import upper_limits
from evidesk.methods.bumphunt.morph import MorphTemplate
from evidesk.methods.bumphunt.progress import Progress, part_of
from evidesk.methods.bumphunt.scan import SpectrumScan
from evidesk.methods.bumphunt.sculpting import sculpting
from evidesk.methods.bumphunt.sic import sic_curve
from evidesk.methods.bumphunt.sideband import SidebandTemplate
from evidesk.methods.bumphunt.templates import Template
from evidesk.methods.bumphunt.window_scan import scan_window
from evidesk.methods.bumphunt.windows import Window, check_windows
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
TemplateName = Literal["auto", "sideband", "morph", "flow"]

#: A signal region is so many standard deviations of a resonance wide, if nothing else is said.
SIGMAS_IN_WINDOW = 4.0
#: Below this p-value the cut is said to have carved the spectrum.
SCULPTED = 0.01


class BumpHunt(BaseEstimator):  # type: ignore[misc]
    """A search for a resonance: what is in a narrow stretch of a variable and not beside it?

    For each window: a template of the background in the signal region is learnt on the sidebands
    and tried in windows without signal; a classifier learns, fold by fold, what tells the signal
    region's events from the template's; the events it finds most like the signal region are kept,
    and their spectrum is scanned for a bump on top of a smooth background.

    Parameters
    ----------
    resonance : name of the resonant variable's column.
    features : names of the columns that the classifier sees.
    windows : one window or several.
    template : ``sideband``, ``morph``, ``flow`` (needs the extra ``torch``), an object of the
        protocol :class:`Template`, or ``auto``: the sideband as it is, and where that fails in the
        validation windows, morph.
    classifier : any scikit-learn classifier; ten-fold ensembles of boosted trees by default.
    folds : of the cross-fitting.
    efficiency : share of the background that the cut keeps.
    bins : how many the spectrum has, or their edges. Events outside take no part.
    family : of the smooth background, as in :func:`fit_spectrum`.
    resolution : standard deviation of a resonance's peak; a quarter of the signal region's width
        by default.
    level : of the intervals and limits, and 1 less the level of significance.
    toys : for the p-value of each scan.
    random_state : of all that is random.
    """

    def __init__(
        self,
        resonance: str,
        features: Sequence[str],
        windows: Window | Sequence[Window],
        *,
        template: TemplateName | Template = "auto",
        classifier: Any = None,
        folds: int = 5,
        efficiency: float = 0.01,
        bins: int | npt.ArrayLike = 60,
        family: Family | str = "exponential",
        resolution: float | None = None,
        level: float = 0.95,
        toys: int = 10_000,
        random_state: RandomState = None,
    ) -> None:
        self.resonance = resonance
        self.features = features
        self.windows = windows
        self.template = template
        self.classifier = classifier
        self.folds = folds
        self.efficiency = efficiency
        self.bins = bins
        self.family = family
        self.resolution = resolution
        self.level = level
        self.toys = toys
        self.random_state = random_state

    def scan(
        self,
        data: Any,
        labels: npt.ArrayLike | None = None,
        progress: Progress | None = None,
    ) -> HuntResult:
        """Look into each window.

        Parameters
        ----------
        data : a data frame (pandas, polars), a mapping of columns, or a structured array.
        labels : shape (n,), true for signal, where it is known: for the significance improvement
            alone, no model sees it.
        progress : told the share of the work that is done.

        Raises
        ------
        EmptyWindowError : a window has no events in its signal region or one of its sidebands.
        LeakError : the features tell the resonant variable.
        ValueError : a column is missing, values are not finite, a parameter is out of its range.
        """
        began = time.perf_counter()
        tell = progress or (lambda _share: None)
        rng = generator(self.random_state)
        windows = check_windows(self.windows)
        m, x, seen, told = self.events_of(data, rng)
        truth = None if labels is None else _labels(labels, len(seen))[seen]
        for window in windows:
            window.check(m, self.folds)
        found = []
        for number, window in enumerate(windows):
            own = part_of(tell, number / len(windows), (number + 1) / len(windows))
            found.append(self._look(m, x, window, truth, rng, own))
            own(1.0)
        return HuntResult(
            resonance=self.resonance,
            windows=tuple(found),
            p_global=over_windows([one.p_window for one in found]),
            covers=_covers(len(windows)),
            seconds=time.perf_counter() - began,
            warnings=told,
        )

    def events_of(
        self, data: Any, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Mask, tuple[str, ...]]:
        """Resonant variable and features of the events in the spectrum, which of all these are,
        and what is to be said about the features.
        """
        m, x = columns_by_name(data, self.resonance, self.features)
        told = check_features(m, x, list(self.features), self.resonance, random_state=rng)
        edges = self.spectrum_of(m).edges
        seen = (m >= edges[0]) & (m <= edges[-1])
        return m[seen], x[seen], seen, told

    def _look(
        self,
        m: Floats,
        x: Floats,
        window: Window,
        truth: Mask | None,
        rng: np.random.Generator,
        tell: Progress,
    ) -> WindowResult:
        template, closure, why = self._chosen(m, x, window, rng, part_of(tell, 0.0, 0.7))
        inclusive = self.scan_window(m, window, rng)
        found, after = self.cut_and_scan(m, x, window, template, rng, part_of(tell, 0.7, 0.95))
        limits = upper_limits(after, level=self.level)
        smooth = sculpting(
            after.fit.spectrum, window, self.family, level=self.level, random_state=rng
        )
        blocked = closure.reasons
        inside = found.in_region
        return WindowResult(
            window=window,
            template=name_of(template),
            why=why,
            closure=closure,
            inclusive=inclusive,
            after_cut=after,
            limit=limits.at(after.best_mass),
            sculpting=smooth,
            count=None if blocked else _counted(found, closure, self.level),
            blocked=blocked,
            sic=None
            if truth is None
            else sic_curve(_by_threshold(found, self.efficiency)[inside], truth[inside]),
            kept=found.selected(self.efficiency),
            warnings=_warnings(smooth),
        )

    def cut_and_scan(
        self,
        m: Floats,
        x: Floats,
        window: Window,
        template: Template,
        rng: np.random.Generator,
        progress: Progress | None = None,
    ) -> tuple[Contrast, SpectrumScan]:
        """Learn the cut of one window, and scan the spectrum of what it keeps."""
        found = contrast(
            m, x, window, template, self._classifier(), folds=self.folds, random_state=rng,
            progress=progress,
        )  # fmt: skip
        return found, self.scan_window(m[found.selected(self.efficiency)], window, rng)

    def scan_window(self, m: Floats, window: Window, rng: np.random.Generator) -> SpectrumScan:
        """Scan the spectrum of some events at the masses of a window, one resolution apart."""
        sigma = self.resolution or (window.high - window.low) / SIGMAS_IN_WINDOW
        reach = max(math.ceil((window.high - window.low) / (2 * sigma) - 1e-9) - 1, 0)
        return scan_window(
            self.spectrum_of(m),
            window,
            window.centre + sigma * np.arange(-reach, reach + 1),
            sigma,
            family=self.family,
            toys=self.toys,
            level=self.level,
            random_state=rng,
        )

    def spectrum_of(self, m: Floats) -> Spectrum:
        """The spectrum of some events, in the bins of the hunt."""
        if isinstance(self.bins, int):
            windows = check_windows(self.windows)
            ends = (
                min(one.outer_low for one in windows),
                max(one.outer_high for one in windows),
            )
            return Spectrum.from_events(m, self.bins, range=ends)
        return Spectrum.from_events(m, self.bins)

    def _classifier(self) -> Any:
        return TreeEnsemble() if self.classifier is None else self.classifier

    def _chosen(
        self, m: Floats, x: Floats, window: Window, rng: np.random.Generator, tell: Progress
    ) -> tuple[Template, Closure, str]:
        """The template, how it does in windows without signal, and why it was taken."""

        def tried(template: Template, low: float = 0.0, high: float = 1.0) -> Closure:
            return check_closure(
                m, x, window.validation(), template, self._classifier(),
                efficiency=self.efficiency, folds=self.folds, level=self.level, random_state=rng,
                progress=part_of(tell, low, high),
            )  # fmt: skip

        if not isinstance(self.template, str):
            return self.template, tried(self.template), "as given"
        if self.template != "auto":
            template = template_of(self.template)
            return template, tried(template), "as asked for"
        sideband = SidebandTemplate()
        closure = tried(sideband, high=0.5)
        if closure.passed:
            return sideband, closure, "it passes in windows without signal"
        morph = MorphTemplate()
        return morph, tried(morph, low=0.5), f"the sideband as it is fails: {closure.reasons[0]}"


def template_of(name: str) -> Template:
    """The template of this name, with its defaults.

    Raises
    ------
    ValueError : there is none.
    """
    match name:
        case "sideband":
            return SidebandTemplate()
        case "morph":
            return MorphTemplate()
        case "flow":
            from evidesk.methods.bumphunt.flow import FlowTemplate

            return FlowTemplate()
        case _:
            raise ValueError(
                f"'template' must be one of {', '.join(get_args(TemplateName))}, or a template. "
                f"Got {name!r}."
            )


def _counted(found: Contrast, closure: Closure, level: float) -> DirectCount:
    tail = found.tail(closure.efficiency, level)
    error = tail.expected * math.hypot(
        1 / math.sqrt(tail.template_selected), closure.relative_error
    )
    half = critical_value(level) * error
    z = excess(float(tail.selected), tail.expected, error)
    expected = Estimate(
        tail.expected, max(tail.expected - half, 0.0), tail.expected + half, level, "wald",
        tail.template_events,
    )  # fmt: skip
    return DirectCount(tail.selected, expected, z, float(special.ndtr(-z)))


def _by_threshold(found: Contrast, efficiency: float) -> Floats:
    """Scores above their folds' thresholds: so those of different folds compare."""
    thresholds = found.fit.thresholds(efficiency)
    events = len(found.in_region)
    moved: Floats = found.scores - thresholds[found.fit.fold[:events]]
    return moved


def _labels(labels: npt.ArrayLike, n: int) -> Mask:
    truth = np.asarray(labels)
    if truth.shape != (n,) or not np.isin(truth, (0, 1)).all():
        raise ValueError(f"'labels' must be {n:,} values that are 0 or 1. Got shape {truth.shape}.")
    return truth.astype(bool)


def _warnings(smooth: Estimate) -> tuple[str, ...]:
    if smooth.value >= SCULPTED:
        return ()
    return (
        f"The spectrum after the cut is not smooth beside the signal region (p = "
        f"{smooth.value:.2g}): the cut carves it, and an excess may be made by that.",
    )


def _covers(windows: int) -> dict[str, str]:
    found = {
        "p_local": "is of one mass alone, the best one: it covers no search",
        "p_window": "covers the search over the masses of one window and the choice of the "
        "background's order, with the cut as it is; each event was scored by models that have not "
        "seen it, so that learning the cut makes no bump, but models learnt anew are not in it",
    }
    many = "the one window" if windows == 1 else f"{windows} windows, by Bonferroni"
    found["p_global"] = f"covers, beyond p_window, the choice among {many}"
    return found
