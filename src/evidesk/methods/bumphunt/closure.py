"""Is the template right where it is used? Asked where there is no signal.

An area under the ROC curve of 0.501 +- 0.003 over all events does not certify the one percent of
them beyond a cut: a template that moved features by location and scale alone had it, and counting
against it made 4.9 sigma of nothing. So both are asked: the whole, and the tail at the working
point.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.bumphunt.contrast import Contrast, Tail, contrast
from evidesk.methods.bumphunt.progress import Progress, part_of
from evidesk.methods.bumphunt.spectrum_fit import check_share
from evidesk.methods.bumphunt.templates import Template
from evidesk.methods.bumphunt.windows import Window, check_windows
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift import two_sample_test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: An AUROC this close to 1/2 is no fault of the template.
TOLERANCE = 0.01
#: An interval of the tail ratio beyond a factor of this says too little to pass.
FARTHEST = 2.0


@dataclass(frozen=True)
class ValidationCheck:
    """What one window without signal says of a template.

    Attributes
    ----------
    window : the validation window.
    auc : of telling its events from the template's, on rows that were not learnt from.
    p_value : of an AUROC of at most 1/2 and the tolerance.
    tail : counts beyond the cut at the working point; its ratio is 1 for a right template.
    reasons : why it fails; empty if it passes.
    """

    window: Window
    auc: Estimate
    p_value: float
    tail: Tail
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Closure:
    """Whether a template may be counted against.

    Attributes
    ----------
    template : its name.
    checks : one for each validation window.
    efficiency : share of the template that the cut keeps.
    level : chance that a right template passes, at the least, all checks together.
    """

    template: str
    checks: tuple[ValidationCheck, ...]
    efficiency: float
    level: float

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it did not pass."""
        return tuple(reason for check in self.checks for reason in check.reasons)

    @property
    def relative_error(self) -> float:
        """How far the template may be off beyond the cut, relative to what it lets expect.

        The deviation in all windows together and its standard error, added in squares.
        """
        tails = [check.tail for check in self.checks]
        selected = sum(tail.selected for tail in tails)
        expected = sum(tail.expected for tail in tails)
        variance = selected + sum(tail.expected**2 / tail.template_selected for tail in tails)
        return math.hypot(selected / expected - 1, math.sqrt(variance) / expected)

    def __str__(self) -> str:
        verdict = "passes" if self.passed else "fails"
        lines = [f"Template {self.template} {verdict} in {len(self.checks)} windows without signal"]
        for check in self.checks:
            lines.append(
                f"  {check.window}: AUROC {check.auc.short}; beyond the cut at "
                f"{100 * self.efficiency:.3g} % {check.tail.selected:,} events, "
                f"{check.tail.expected:,.0f} expected, ratio {check.tail.ratio.short}"
            )
            lines += [f"    {reason}" for reason in check.reasons]
        return "\n".join(lines)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Tail ratio of each window with its interval, and the AUROC beside it."""
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                height = 1.3 + 0.5 * len(self.checks)
                ax = plt.subplots(figsize=(7.2, height), layout="constrained")[1]
            for row, check in enumerate(self.checks):
                ratio = check.tail.ratio
                colour = "#D55E00" if check.reasons else ACCENT
                ax.plot((ratio.low, ratio.high), (row, row), color=colour, solid_capstyle="butt")
                ax.plot(ratio.value, row, "o", color=colour)
                ax.annotate(
                    f"AUROC {check.auc.short}\n{'fails' if check.reasons else 'passes'}",
                    (1.0, row),
                    (8, 0),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    va="center",
                    fontsize="small",
                    color=colour,
                )
            ax.axvline(1.0, color="#374151", linestyle="--", linewidth=1.0, zorder=0.9)
            ax.set_yticks(range(len(self.checks)), [str(check.window) for check in self.checks])
            ax.set_ylim(len(self.checks) - 0.5, -0.5)
            ax.grid(visible=False, axis="y")
            ax.set_title(f"Template: {self.template}")
            ax.set_xlabel(
                f"Events beyond the cut at {100 * self.efficiency:.3g} %, seen over expected"
            )
        return ax


def check_closure(
    m: npt.ArrayLike,
    x: npt.ArrayLike,
    validation: Window | Sequence[Window],
    template: Template,
    classifier: Any,
    *,
    efficiency: float = 0.01,
    folds: int = 5,
    level: float = 0.95,
    tolerance: float = TOLERANCE,
    random_state: RandomState = None,
    progress: Progress | None = None,
) -> Closure:
    """Do in windows without signal all that a hunt does, and see whether anything stands out.

    A window passes if the AUROC is not significantly above 1/2 and the tolerance, and the ratio of
    selected to expected events at the working point has an interval that holds 1 and reaches no
    farther than a factor of two: too few events certify nothing. The level is shared by all checks.

    Parameters
    ----------
    m, x : resonant variable (n,) and features (n, features).
    validation : windows without signal, such as :meth:`Window.validation` makes.
    template, classifier, folds : those of the hunt.
    efficiency : the working point, share of the template that the cut keeps.
    level : chance that a right template passes.
    tolerance : AUROC above 1/2 that is no fault.
    random_state : of template, folds and classifier.
    progress : told the share of the work that is done; what it raises ends the work.

    Raises
    ------
    EmptyWindowError : a region has no events.
    ValueError : a parameter is out of its range, or events are too few for the cut.
    """
    windows = check_windows(validation)
    check_share("level", level)
    rng = generator(random_state)
    each = 1 - (1 - level) / (2 * len(windows))
    checks = []
    for number, window in enumerate(windows):
        found = contrast(
            m, x, window, template, classifier, folds=folds, random_state=rng,
            progress=part_of(progress, number / len(windows), (number + 1) / len(windows)),
        )  # fmt: skip
        checks.append(_checked(found, classifier, efficiency, each, tolerance, rng))
    return Closure(name_of(template), tuple(checks), efficiency, level)


def _checked(
    found: Contrast,
    classifier: Any,
    efficiency: float,
    level: float,
    tolerance: float,
    rng: np.random.Generator,
) -> ValidationCheck:
    tail = found.tail(efficiency, level)
    test = two_sample_test(
        found.sample.x,
        found.events[found.in_region],
        method="held-out",
        classifier=classifier,
        level=level,
        min_effect=tolerance,
        random_state=rng,
    )
    assert test.auc is not None  # with a 'min_effect' it raises where there is none
    ratio, where, reasons = tail.ratio, found.window, []
    if test.differs:
        reasons.append(
            f"In {where} a classifier tells events from the template's (AUROC {test.auc.short})."
        )
    if ratio.excludes_null:
        reasons.append(
            f"In {where} the cut keeps {tail.selected:,} events where the template lets expect "
            f"{tail.expected:,.0f} (ratio {ratio.short})."
        )
    elif ratio.low < 1 / FARTHEST or ratio.high > FARTHEST:
        reasons.append(
            f"In {where} too few events are beyond the cut ({tail.selected:,}, ratio "
            f"{ratio.short}): a template that is off by a factor of {FARTHEST:g} would not be seen."
        )
    return ValidationCheck(where, test.auc, test.p_value.value, tail, tuple(reasons))


def name_of(template: Template) -> str:
    """A template's name for people."""
    return type(template).__name__.removesuffix("Template").lower()
