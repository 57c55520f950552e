"""Do these two samples come from the same distribution?"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift import effect
from evidesk.methods.shift.families import families_for
from evidesk.methods.shift.relabelling import Relabelling, combine, permutation_p_value
from evidesk.methods.shift.ridge import explained_by
from evidesk.methods.shift.samples import Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Progress = Callable[[float], None]

#: Relabellings: more where they cost nothing.
_MANY, _FEW = 999, 199
_MANY_UPTO = 5_000
#: Neighbouring rows that are more alike than this (in standard errors) are no chance.
_ALIKE = 5.0


@dataclass(frozen=True)
class TwoSampleResult:
    """What a two-sample test found.

    Attributes
    ----------
    method, why : the test, and why it was chosen.
    statistic : its value; larger for a clearer difference.
    p_value : of "both samples come from the same distribution".
    parts : p-values of what the statistic is made of, by name; not corrected for their number.
    auc : how often a current row scores above a reference one, by a rule learnt on other rows.
    total_variation : a lower bound of the total variation distance.
    energy_distance : None if there are too few rows for an error bar.
    covers : what the p-value is about, in words.
    sizes : rows of the reference and of the current sample.
    level : 1 less the significance level.
    null : shape (B,); the statistic of relabelled samples, where there are any.
    seconds : how long it took.
    warnings : what a reader has to know.
    """

    method: str
    why: str
    statistic: float
    p_value: Estimate
    parts: Mapping[str, float]
    auc: Estimate | None
    total_variation: Estimate | None
    energy_distance: Estimate | None
    covers: str
    sizes: tuple[int, int]
    level: float
    seconds: float
    null: Floats = field(repr=False, default_factory=lambda: np.empty(0))
    warnings: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the p-value is at most ``1 - level``."""
        return self.p_value.value <= 1 - self.level + 1e-12

    def __str__(self) -> str:
        verdict = "The samples differ" if self.differs else "No difference was found"
        lines = [
            f"{verdict}: p = {self.p_value.value:.3g} ({self.method}, {self.sizes[0]:,} and "
            f"{self.sizes[1]:,} rows)",
            f"  {self.covers}",
        ]
        named = {
            "AUROC": self.auc,
            "total variation, at least": self.total_variation,
            "energy distance": self.energy_distance,
        }
        lines += [f"  {name}: {one}" for name, one in named.items() if one is not None]
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The statistic among those of relabelled samples.

        Raises
        ------
        ValueError : the method relabels nothing.
        """
        if not self.null.size:
            raise ValueError(f"The method {self.method!r} has no relabelled samples to draw.")
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            ax.hist(self.null, bins=min(40, 5 + self.null.size // 10), color="#9ca3af")
            ax.axvline(self.statistic, color=ACCENT, linewidth=2)
            ax.annotate(
                f"observed, p = {self.p_value.value:.3g}",
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
        return ax


def two_sample_test(
    X: Any,
    Y: Any,
    *,
    groups: npt.ArrayLike | None = None,
    block_length: int | None = None,
    level: float = 0.95,
    min_effect: float = 0.0,
    permutations: int | None = None,
    random_state: RandomState = None,
    progress: Progress | None = None,
) -> TwoSampleResult:
    """Test whether two samples come from the same distribution, and tell how far apart they are.

    Ridge regressions on six families of features (means, products, ranks, and waves at three
    distances), each by how much of the labels it explains on new rows, seen against relabelled
    samples; see :mod:`evidesk.methods.shift.ridge`. The p-value is exact for exchangeable rows (or
    groups), whatever the distribution.

    Parameters
    ----------
    X, Y : the reference and the current sample: data frames (pandas, polars), mappings of columns,
        or arrays of shape (n,) or (n, features), with the same columns. Numbers, dates, categories;
        missing values count as information.
    groups : array-like of shape (n_X + n_Y,), optional; what makes rows belong together, first of X
        and then of Y. Whole groups are relabelled; a group in both samples compares with itself.
    block_length : for rows in order of time: so many in a row are one group.
    level : of the intervals, and 1 less the significance level.
    min_effect : the AUROC above 1/2 that is still no difference: above 0, the p-value is of "AUROC
        <= 1/2 + min_effect", from rows that the rule was not learnt from.
    permutations : how many relabellings; by default 999 up to 5,000 rows, else 199.
    random_state : of the relabellings, the waves and the halves.
    progress : told the share of the work that is done.

    Raises
    ------
    ValueError : the samples do not fit each other or the parameters; `TooFewError` if no result
        whatever could be significant.
    TypeError : a sample or a column is of a wrong type.
    """
    began = time.perf_counter()
    tell = progress or (lambda _share: None)
    if not 0 < level < 1:
        raise ValueError(f"The 'level' parameter must lie between 0 and 1. Got {level!r} instead.")
    if not 0 <= min_effect < 0.5:
        raise ValueError(
            f"The 'min_effect' parameter must be from 0 to below 0.5. Got {min_effect!r} instead."
        )
    if groups is not None and block_length is not None:
        raise ValueError("Give either 'groups' or 'block_length', not both.")
    samples = Samples.of(X, Y)
    relabelling = relabelling_of(samples, groups, block_length)
    relabelling.check(1 - level)
    drawn = _drawn(permutations, samples.n, 1 - level)
    rng = generator(random_state)
    warnings = [*samples.warnings]
    if relabelling.unit == "rows" and (told := order_warning(samples)):
        warnings.append(told)

    families = families_for(samples, rng)
    labels = relabelling.labels(drawn, rng)
    statistics = explained_by(
        [lambda family=family: family(samples.design) for family in families],
        labels,
        lambda share: tell(0.8 * share),
    )
    del labels
    combined = combine(statistics)
    p_value = permutation_p_value(combined, level=level)
    parts = {
        family.name: permutation_p_value(row, level=level).value
        for family, row in zip(families, statistics, strict=True)
    }
    covers = (
        f"exact if {relabelling.unit} are exchangeable between the samples; it tells that they "
        "differ, not where or how much"
    )
    auc = total = None
    try:
        found = effect.held_out(samples, relabelling, rng)
    except ValueError as error:
        warnings.append(f"How large the shift is cannot be told. {error}")
        if min_effect:
            raise
    else:
        auc, total, told_of_auc = effect.separation(found, level)
        warnings += told_of_auc
        if min_effect:
            p_value = _beyond(auc, min_effect)
            covers = (
                f"of an AUROC of at most {0.5 + min_effect:.3g} on new rows, by the rule that was "
                "learnt on the other half"
            )
    tell(0.9)
    distance = effect.energy_distance(samples, relabelling, level, rng)
    tell(1.0)
    return TwoSampleResult(
        method="ridge",
        why="ridge regressions with relabelling: exact, and linear in the number of rows",
        statistic=float(combined[0]),
        p_value=p_value,
        parts=parts,
        auc=auc,
        total_variation=total,
        energy_distance=distance,
        covers=covers,
        sizes=samples.sizes,
        level=level,
        seconds=time.perf_counter() - began,
        null=combined[1:],
        warnings=tuple(warnings),
    )


def relabelling_of(
    samples: Samples, groups: npt.ArrayLike | None, block_length: int | None
) -> Relabelling:
    """What may be relabelled: rows, groups, or blocks of rows in order of time."""
    if groups is not None:
        return Relabelling.of_groups(samples.is_current, groups)
    if block_length is not None:
        return Relabelling.of_blocks(samples.is_current, block_length)
    return Relabelling.of_rows(samples.is_current)


def _drawn(permutations: int | None, n: int, alpha: float) -> int:
    if permutations is None:
        return max(_MANY if n <= _MANY_UPTO else _FEW, math.ceil(1 / alpha) - 1)
    if isinstance(permutations, bool) or permutations != int(permutations) or permutations < 1:
        raise ValueError(
            f"The 'permutations' parameter must be an integer from 1 on. Got {permutations!r}."
        )
    if 1 / (1 + permutations) > alpha + 1e-12:
        raise ValueError(
            f"With {permutations} permutations no p-value can be below "
            f"{1 / (1 + permutations):.3g}; at least {math.ceil(1 / alpha) - 1} are needed."
        )
    return int(permutations)


def _beyond(auc: Estimate, min_effect: float) -> Estimate:
    """One-sided p-value of "AUROC <= 1/2 + min_effect" from its interval on the logit scale."""
    z = float(special.ndtri((1 + auc.level) / 2))
    value = min(max(auc.value, 1e-9), 1 - 1e-9)
    error = (special.logit(value) - special.logit(max(auc.low, 1e-12))) / z
    bound = special.logit(0.5 + min_effect)
    p = float(special.ndtr(-(special.logit(value) - bound) / error)) if error > 0 else 0.0
    return Estimate(p, p, p, auc.level, "delong", auc.n, over=auc.over)


def order_warning(samples: Samples) -> str:
    """What to say if neighbouring rows are more alike than chance lets them be; empty if not."""
    worst, where = 0.0, ""
    for is_current, name in ((False, "reference"), (True, "current sample")):
        rows = samples.design[samples.is_current == is_current]
        if len(rows) < 20:
            continue
        centred = rows - rows.mean(axis=0)
        variance = (centred**2).sum(axis=0)
        varies = variance > 1e-12
        if not varies.any():
            continue
        alike = (centred[1:] * centred[:-1]).sum(axis=0)[varies] / variance[varies]
        if alike.max() * math.sqrt(len(rows)) > max(_ALIKE, worst * math.sqrt(len(rows))):
            worst, where = float(alike.max()), name
    if not where:
        return ""
    return (
        f"Neighbouring rows of the {where} are alike (correlation {worst:.2f}). If their order is "
        "time, or they come in bunches, rows are not exchangeable and the p-value is too small: "
        "give 'block_length' or 'groups'. If you have sorted the rows, it is fine."
    )
