"""Do these two samples come from the same distribution?"""

import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.curves import roc_curve
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift import effect
from evidesk.methods.shift.blocks import in_blocks
from evidesk.methods.shift.methods import (
    METHODS,
    WITH_CLASSIFIER,
    Method,
    Question,
    answer,
    choose,
)
from evidesk.methods.shift.order import order_warning
from evidesk.methods.shift.relabelling import Relabelling, check_permutations
from evidesk.methods.shift.samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

_GREY = "#9ca3af"
_MOST_BARS = 20


@dataclass(frozen=True)
class TwoSampleResult:
    """What a two-sample test found.

    Attributes
    ----------
    method, why : the test, and why it was chosen.
    statistic : its value; larger for a clearer difference.
    p_value : what `differs` judges: of "both samples come from the same distribution", or with a
        ``min_effect`` of "the AUROC is at most 1/2 + ``min_effect``".
    p_value_any_shift : of "both samples come from the same distribution", by the test itself.
    parts : p-values of what the statistic is made of, by name; not corrected for their number.
    auc : how often a current row scores above a reference one, by a rule learnt on other rows.
    total_variation : a lower bound of the total variation distance.
    energy_distance : None if there are too few rows for an error bar.
    covers : what `p_value` is about, in words.
    sizes : rows of the reference and of the current sample.
    level : 1 less the significance level.
    min_effect : the AUROC above 1/2 that is still no difference.
    null : shape (B,); the statistic of relabelled samples, where there are any.
    held_out : the scores of rows that the test's own rule was not learnt from, where it has one.
    seconds : how long it took.
    warnings : what a reader has to know.
    """

    method: str
    why: str
    statistic: float
    p_value: Estimate
    p_value_any_shift: Estimate
    parts: Mapping[str, float]
    auc: Estimate | None
    total_variation: Estimate | None
    energy_distance: Estimate | None
    covers: str
    sizes: tuple[int, int]
    level: float
    min_effect: float
    seconds: float
    null: Floats = field(repr=False, default_factory=lambda: np.empty(0))
    held_out: effect.HeldOut | None = field(repr=False, default=None)
    warnings: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the p-value is at most ``1 - level``."""
        return self.p_value.value <= 1 - self.level + 1e-12

    def __str__(self) -> str:
        beyond = f" beyond an AUROC of {0.5 + self.min_effect:.3g}" if self.min_effect else ""
        verdict = f"The samples differ{beyond}"
        if not self.differs:
            verdict = f"No difference{beyond} was found"
        lines = [
            f"{verdict}: p = {self.p_value.value:.3g} ({self.method}, {self.sizes[0]:,} and "
            f"{self.sizes[1]:,} rows)",
            f"  {self.covers}",
        ]
        if self.min_effect:
            lines.append(f"  any shift at all: p = {self.p_value_any_shift.value:.3g}")
        named = {
            "AUROC": self.auc,
            "total variation, at least": self.total_variation,
            "energy distance": self.energy_distance,
        }
        lines += [f"  {name}: {one}" for name, one in named.items() if one is not None]
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The statistic among those of relabelled samples; without these, the ROC curve of the
        held-out scores; without these, the p-value of each feature.
        """
        if not self.null.size and self.held_out is not None:
            scored = self.held_out
            with warnings.catch_warnings():
                # The AUROC's warnings are among the result's.
                warnings.simplefilter("ignore", PoorApproximationWarning)
                return roc_curve(
                    scored.is_current, scored.scores, level=self.level, groups=scored.groups
                ).plot(ax)
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            if self.null.size:
                self._draw_null(ax)
            else:
                self._draw_parts(ax)
        return ax

    def _draw_null(self, ax: "Axes") -> None:
        ax.hist(self.null, bins=min(40, 5 + self.null.size // 10), color=_GREY)
        ax.axvline(self.statistic, color=ACCENT, linewidth=2)
        ax.annotate(
            f"observed, p = {self.p_value_any_shift.value:.3g}",
            (self.statistic, 1),
            (-6, -4),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            va="top",
            color=ACCENT,
            rotation=90,
        )
        ax.set_xlabel("Statistic; grey: of samples whose labels are shuffled")
        ax.set_ylabel("Shuffled samples")

    def _draw_parts(self, ax: "Axes") -> None:
        """The clearest ones, on a logarithmic scale."""
        names = sorted(self.parts, key=lambda name: self.parts[name])[:_MOST_BARS][::-1]
        tiny = float(np.finfo(np.float64).tiny)
        ax.barh(names, [-math.log10(max(self.parts[name], tiny)) for name in names], color=ACCENT)
        # A p-value below it is significant whatever the others are.
        ax.axvline(-math.log10((1 - self.level) / len(self.parts)), color=_GREY)
        ax.set_xlabel("-log10 of the p-value; grey: significant, adjusted for all features")


def two_sample_test(
    X: Any,
    Y: Any,
    *,
    method: Method | Literal["auto"] = "auto",
    classifier: Any = None,
    groups: npt.ArrayLike | None = None,
    block_length: int | None = None,
    level: float = 0.95,
    min_effect: float = 0.0,
    permutations: int | None = None,
    random_state: RandomState = None,
    n_jobs: int | None = None,
    progress: Progress | None = None,
) -> TwoSampleResult:
    """Test whether two samples come from the same distribution, and tell how far apart they are.

    Parameters
    ----------
    X, Y : the reference and the current sample: data frames (pandas, polars), mappings of columns,
        or arrays of shape (n,) or (n, features), with the same columns. Numbers, dates, categories;
        missing values count as information.
    method : the test. All but ``prequential`` and ``marginal`` are exact for exchangeable rows (or
        groups), whatever the distribution, as they compare the statistic with that of relabelled
        samples.

        - ``auto``: ``prequential`` if a classifier is given, for more than 200,000 rows, or for
          more than 5,000 rows and columns; else ``ridge``.
        - ``ridge``: ridge regressions on six families of features (means, products, ranks, and
          waves at three distances), each by how much of the labels it explains on new rows;
          means, products and ranks also by the clearest one of them.
        - ``held-out``: a classifier learns from half of the rows; its AUROC on the other half.
        - ``prequential``: a classifier learns from ever more blocks of rows, each time tested on
          the next one; its rank sums are combined. Valid to the accuracy of the normal
          distribution of a rank sum that is hardly skew; else, as with few rows or sparse scores,
          each block's rank sum is compared with those of relabellings, ties broken at random. The
          blocks are drawn by chance: of few rows (or groups), the p-value depends on
          ``random_state``, and ``ridge`` sees more. It learns from at most 50,000 rows at a time,
          those of the smaller sample first, up to half of them.
        - ``refit``: the mean AUROC of a classifier in five-fold cross-validation, anew for each
          relabelling.
        - ``forest``: the out-of-bag error of a random forest, anew for each relabelling.
        - ``mmd``: maximum mean discrepancy, of ten kernels. At most 20,000 rows.
        - ``energy``: energy distance. At most 20,000 rows.
        - ``marginal``: Kolmogorov-Smirnov or chi-squared for each feature alone, with Holm's
          adjustment. It sees no shift of how features go together.
        - ``combination``: ``ridge``, ``mmd`` and single features together, on the same
          relabellings. At most 20,000 rows.
    classifier : for ``held-out``, ``prequential`` and ``refit``: any scikit-learn classifier; it
        gets standardised numbers, a column of 0 and 1 for each category. By default the mean of
        logistic regressions on the columns, and on their squares and products, and (not for
        ``refit``) of gradient-boosted trees.
    groups : array-like of shape (n_X + n_Y,), optional; what makes rows belong together, first of X
        and then of Y. Whole groups are relabelled, learnt from or tested on; a group in both
        samples compares with itself.
    block_length : for rows in order of time: so many in a row are one group. Between two such
        blocks as many rows are left out as the series remembers.
    level : of the intervals, and 1 less the significance level.
    min_effect : the AUROC above 1/2 that is still no difference: above 0, the p-value is of "AUROC
        <= 1/2 + min_effect", from the AUROC's interval on rows that the rule was not learnt from.
        It is at most ``1 - level`` where the lower bound of the interval of level
        ``2 level - 1`` is at least ``1/2 + min_effect``.
    permutations : how many relabellings; by default 999 up to 5,000 rows (``mmd``, ``energy`` and
        ``combination``: 2,000; ``prequential``: 50,000), else 199, and 99 where each needs a model.
    random_state : of the relabellings, the waves, the halves, the blocks and the classifier.
    n_jobs : for ``refit`` and ``forest``: how many models are fitted at once, as in scikit-learn;
        on Dask within ``joblib.parallel_config(backend="dask")``. It does not change the result.
    progress : told the share of the work that is done.

    Raises
    ------
    ValueError : the samples do not fit each other, the method or the parameters; `TooFewError` if
        no result whatever could be significant.
    TypeError : a sample or a column is of a wrong type, or the classifier is none.
    """
    began = time.perf_counter()
    tell = progress or (lambda _share: None)
    critical_value(level)
    if not isinstance(min_effect, int | float | np.number) or not 0 <= min_effect < 0.5:
        raise ValueError(
            f"The 'min_effect' parameter must be from 0 to below 0.5. Got {min_effect!r} instead."
        )
    if groups is not None and block_length is not None:
        raise ValueError("Give either 'groups' or 'block_length', not both.")
    _check_method(method, classifier)
    check_permutations(permutations, 1 - level)
    rng = generator(random_state)
    halves = effect.halves_of(rng)
    samples, relabelling = arranged(Samples.of(X, Y), groups, block_length)
    relabelling.check(1 - level)
    chosen, why = choose(samples, classifier) if method == "auto" else (method, "as asked for")
    question = Question(
        samples, relabelling, level, permutations, classifier, rng,
        lambda share: tell(0.8 * share), n_jobs,
    )  # fmt: skip
    notes = [*samples.warnings]
    if not relabelling.in_groups and (told := order_warning(samples)):
        notes.append(told)
    found = answer(chosen, question)
    notes += found.warnings
    p_value, covers = found.p_value, found.covers
    auc = total = None
    try:
        scored = found.held_out or effect.held_out(samples, relabelling, halves)
    except ValueError as error:
        notes.append(f"How large the shift is cannot be told. {error}")
        if min_effect:
            raise
    else:
        auc, total, told_of_auc = effect.separation(scored, level)
        notes += told_of_auc
        if min_effect:
            p_value = effect.beyond(scored, 0.5 + min_effect, level)
            covers = (
                f"of an AUROC of at most {0.5 + min_effect:.3g} on new rows, by a rule that was "
                "learnt on others"
            )
    tell(0.9)
    distance = effect.energy_distance(samples, relabelling, level, rng)
    tell(1.0)
    return TwoSampleResult(
        method=chosen,
        why=why,
        statistic=found.statistic,
        p_value=p_value,
        p_value_any_shift=found.p_value,
        parts=found.parts,
        auc=auc,
        total_variation=total,
        energy_distance=distance,
        covers=covers,
        sizes=samples.sizes,
        level=level,
        min_effect=min_effect,
        seconds=time.perf_counter() - began,
        null=found.null,
        held_out=found.held_out,
        warnings=tuple(notes),
    )


def _check_method(method: str, classifier: Any) -> None:
    """Raises
    ------
    ValueError : there is no such test, or it takes no classifier.
    """
    if method == "cross-validation":
        raise ValueError(
            "The scores of cross-validation have no valid p-value of their own: each row's score "
            "depends on the labels of the rows it is compared with, so that tests which take "
            "scores or folds for independent reject too often. Take method='prequential' or "
            "'held-out', which test on rows that were never learnt from, or method='refit', which "
            "cross-validates anew for each relabelling."
        )
    if method not in ("auto", *METHODS):
        raise ValueError(
            f"The 'method' parameter must be one of auto, {', '.join(METHODS)}. Got {method!r} "
            "instead."
        )
    if classifier is not None and method not in ("auto", *WITH_CLASSIFIER):
        raise ValueError(
            f"The method '{method}' takes no 'classifier'. Leave it out, or take one of the "
            f"methods {', '.join(WITH_CLASSIFIER)}."
        )


def arranged(
    samples: Samples, groups: npt.ArrayLike | None, block_length: int | None
) -> tuple[Samples, Relabelling]:
    """The rows to compare, and what of them may be relabelled: rows, groups, or blocks of rows in
    order of time.

    Raises
    ------
    ValueError : groups or blocks do not fit the samples.
    """
    if groups is not None:
        return samples, Relabelling.of_groups(samples.is_current, groups)
    if block_length is not None:
        return in_blocks(samples, block_length)
    return samples, Relabelling.of_rows(samples.is_current)
