"""Pseudo-experiments without signal, through all of a hunt: with the cut learnt anew in each.

The p-value of one scan takes the cut as it is. Whether learning the cut, window by window, makes
bumps, only such toys can tell; they cost a training of all folds for each window.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from evidesk.evidence import Estimate
from evidesk.methods.bumphunt.background import Bins
from evidesk.methods.bumphunt.families import family_of
from evidesk.methods.bumphunt.hunt import BumpHunt, template_of
from evidesk.methods.bumphunt.hunt_result import HuntResult
from evidesk.methods.bumphunt.morph import MorphTemplate
from evidesk.methods.bumphunt.order import Ladder
from evidesk.methods.bumphunt.templates import Template
from evidesk.methods.bumphunt.trials import toy_p_value
from evidesk.methods.bumphunt.windows import Window, check_windows

Floats = npt.NDArray[np.float64]
#: Told the statistics of all toys so far; what it is given, `run_toys` can go on from.
Report = Callable[[Floats], None]

#: A toy's own scan needs no p-value; so many toys is the least.
_FEWEST_TOYS = 20


@dataclass(frozen=True)
class PipelineToys:
    """How a hunt's largest excess stands among those of hunts without signal.

    Attributes
    ----------
    observed : largest excess of all windows after the cut, in standard errors.
    toys : shape (n,); that of each toy.
    p_global : its p-value, with Clopper and Pearson's interval.
    covers : what it is about.
    """

    observed: float
    toys: Floats = field(repr=False)
    p_global: Estimate
    covers: str

    def __str__(self) -> str:
        return (
            f"Global p = {self.p_global.short} from {len(self.toys):,} hunts without signal\n"
            f"  {self.covers}"
        )


@dataclass(frozen=True)
class NullEvents:
    """Events as the data's, but without a resonance.

    Masses are drawn from the smooth fit of the whole spectrum; each toy has as many events as the
    data. Features are those of the data's events in a random order, moved to their new places as
    :class:`MorphTemplate` does: so a signal in the data is spread over the whole spectrum.
    """

    edges: Floats
    shares: Floats
    template: MorphTemplate
    events: int

    @classmethod
    def of(cls, hunt: BumpHunt, m: Floats, x: Floats) -> "NullEvents":
        """Learnt from the data."""
        spectrum = hunt.spectrum_of(m)
        expected = Ladder.of(Bins(spectrum, family_of(hunt.family)), None, 0.05).cautious.expected
        return cls(
            spectrum.edges, expected / expected.sum(), MorphTemplate(degree=2).fit(m, x), len(m)
        )

    def draw(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """One toy: resonant variable and features."""
        counts = rng.multinomial(self.events, self.shares)
        low, high = (np.repeat(ends, counts) for ends in (self.edges[:-1], self.edges[1:]))
        m = rng.uniform(low, high)
        return m, self.template.sample(m, rng).x


def run_toys(
    hunt: BumpHunt,
    data: Any,
    result: HuntResult,
    toys: int,
    *,
    seed: int = 0,
    previous: npt.ArrayLike = (),
    n_jobs: int | None = None,
    report: Report | None = None,
) -> PipelineToys:
    """Hunt in data without signal, again and again, as it was done in the data.

    Parameters
    ----------
    hunt, data, result : what was looked for, where, and what was found.
    toys : how many in all.
    seed : toy number i is the same whoever computes it, and when.
    previous : shape (k,); statistics of the first k toys, as ``report`` got them: they are not
        computed again.
    n_jobs : processes at a time, as joblib takes it; with ``joblib.parallel_config`` they run on
        Dask, or what else joblib knows.
    report : told the statistics of all toys so far, whenever some are done.

    Raises
    ------
    ValueError : no toys are asked for, or fewer than there were.
    """
    from joblib import Parallel, delayed, effective_n_jobs

    done = np.asarray(previous, dtype=np.float64).ravel()
    if toys < max(len(done), 1):
        raise ValueError(
            f"'toys' must be at least 1, and as many as there are already ({len(done)}). Got "
            f"{toys!r}."
        )
    m, x, _, _ = hunt.events_of(data, np.random.default_rng(seed))
    null = NullEvents.of(hunt, m, x)
    looks = [
        (window, _template(hunt, one.template))
        for window, one in zip(check_windows(hunt.windows), result.windows, strict=True)
    ]
    quick = clone(hunt).set_params(toys=_FEWEST_TOYS)
    at_once = 2 * effective_n_jobs(n_jobs)
    with Parallel(n_jobs=n_jobs) as parallel:
        while len(done) < toys:
            numbers = range(len(done), min(len(done) + at_once, toys))
            fresh = parallel(delayed(_one)(quick, null, looks, seed, i) for i in numbers)
            done = np.concatenate([done, fresh])
            if report is not None:
                report(done)
    observed = max(one.after_cut.largest for one in result.windows)
    return PipelineToys(
        observed,
        done,
        toy_p_value(observed, done, hunt.level),
        "covers the search over all windows and their masses, the order of the background, and "
        "learning the cut in each window; not the choice of the templates",
    )


def _template(hunt: BumpHunt, name: str) -> Template:
    return template_of(name) if isinstance(hunt.template, str) else hunt.template


def _one(
    hunt: BumpHunt,
    null: NullEvents,
    looks: list[tuple[Window, Template]],
    seed: int,
    number: int,
) -> float:
    """The statistic of toy number so and so."""
    rng = np.random.default_rng([seed, number])
    m, x = null.draw(rng)
    return max(
        hunt.cut_and_scan(m, x, window, template, rng)[1].largest for window, template in looks
    )
