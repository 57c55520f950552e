"""Where do two samples differ: in which features, pairs of features, rows and regions?"""

import math
import warnings as python_warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Estimate, style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.curves import RocCurve, roc_curve
from evidesk.methods.metrics.proportion import PoorApproximationWarning, critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift import effect
from evidesk.methods.shift.attribution import (
    Regressions,
    marginal_statistics,
    pair_statistics,
)
from evidesk.methods.shift.cells import Cells, told_apart
from evidesk.methods.shift.discovery import (
    Correction,
    check_correction,
    false_discovery,
    price,
)
from evidesk.methods.shift.order import order_warning
from evidesk.methods.shift.regions import Region, regions_of
from evidesk.methods.shift.relabelling import Relabelling, permutation_p_value
from evidesk.methods.shift.rows import RowEvidence, cross_fitted, row_evidence, too_few_to_tell
from evidesk.methods.shift.samples import Samples
from evidesk.methods.shift.two_sample import Progress, arranged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Relabellings: enough that one feature among many can be found, up to the most.
_FEWEST_DRAWN, _MOST_DRAWN = 999, 9_999
_FOLDS = 5
_POINTS = 2_000
#: Features that are drawn.
MOST_BARS = 25
#: Pairs that are printed and kept.
_PAIRS = 50
_FEW_GROUPS = (
    "Intervals of the regions' shares rest on few groups: few groups hold the rows in some region, "
    "or those outside, and a group that is not in the sample may be unlike these. They may cover "
    "the truth less often than they say. More groups help; more rows of each do not."
)


@dataclass(frozen=True)
class FeatureEvidence:
    """How sure it is that a feature shifts.

    Attributes
    ----------
    marginal : p-value of "the feature alone is distributed alike in both samples".
    conditional : p-value of "it tells nothing of the sample that the other features do not tell".
    marginal_adjusted, conditional_adjusted : the same, adjusted for the false discovery rate.
    explained : the share of the labels' variance that the feature's own functions explain.
    lost : by how much the share that all explain on new rows falls without the feature.
    """

    name: str
    marginal: Estimate
    conditional: Estimate
    marginal_adjusted: float
    conditional_adjusted: float
    explained: float
    lost: float


@dataclass(frozen=True)
class PairEvidence:
    """How sure it is that two features hang together otherwise in the current sample.

    Attributes
    ----------
    p_value : of "each sample's dependence between the two is the same", adjusted for all pairs.
    statistic : minus the logarithm of a chi-squared tail; larger for a clearer difference.
    """

    names: tuple[str, str]
    p_value: Estimate
    statistic: float


@dataclass(frozen=True)
class Where:
    """Where two samples differ.

    Attributes
    ----------
    features : the evidence for each feature, the clearest first.
    pairs : the 50 clearest pairs of features, the clearest first.
    rows : the evidence for each row of the current sample; None if there are too few rows.
    regions : rules, that with the largest difference of shares first.
    roc : of scores of rows that their rule was not learnt from; None if there are too few rows.
    sizes : rows of the reference and of the current sample.
    level : 1 less the false discovery rate (for pairs: the chance of any false discovery); and of
        the intervals.
    correction : how p-values are adjusted for the false discovery rate.
    warnings : what a reader has to know.
    """

    features: tuple[FeatureEvidence, ...]
    pairs: tuple[PairEvidence, ...]
    rows: RowEvidence | None
    regions: tuple[Region, ...]
    roc: RocCurve | None
    sizes: tuple[int, int]
    level: float
    correction: Correction
    samples: Samples = field(repr=False)
    log_ratio: Floats = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def shifted(self) -> tuple[str, ...]:
        """Features that differ beyond what the others tell: where the shift comes from."""
        return self._names("conditional_adjusted")

    @property
    def shifted_alone(self) -> tuple[str, ...]:
        """Features that are distributed otherwise, be it only for they follow another one."""
        return self._names("marginal_adjusted")

    @property
    def shifted_pairs(self) -> tuple[tuple[str, str], ...]:
        """Pairs whose dependence differs."""
        return tuple(one.names for one in self.pairs if one.p_value.value <= self._alpha)

    @property
    def _alpha(self) -> float:
        return 1 - self.level + 1e-12

    def _names(self, which: str) -> tuple[str, ...]:
        return tuple(one.name for one in self.features if getattr(one, which) <= self._alpha)

    def __str__(self) -> str:
        rate = f"{100 * (1 - self.level):.3g} %"
        lines = [
            f"Features that shift beyond what the others tell (false discovery rate {rate}): "
            f"{_listed(self.shifted)}",
            f"Features that shift, each alone: {_listed(self.shifted_alone)}",
            "Pairs whose dependence shifts: "
            + _listed(tuple(" and ".join(names) for names in self.shifted_pairs)),
        ]
        if self.rows is not None:
            count = len(self.rows.unlike)
            lines.append(
                f"Rows of the current sample that look unlike the reference: {count:,} of "
                f"{self.sizes[1]:,} (false discovery rate {rate})"
            )
        apart = [one for one in self.regions if one.apart]
        lines += [f"Region: {one}" for one in apart]
        return "\n".join([*lines, *(f"Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The evidence for each feature, alone and beyond the others: minus the logarithm of the
        adjusted p-values; at most 25 features, long names shortened.
        """
        shown = self.features[:MOST_BARS]
        with style():
            ax = _axes(ax, 1.2 + 0.36 * len(shown))
            place = np.arange(len(shown))
            for shift, which, colour, told in (
                (-0.2, "conditional_adjusted", ACCENT, "beyond the others"),
                (0.2, "marginal_adjusted", "#9ca3af", "alone"),
            ):
                width = [-math.log10(getattr(one, which)) for one in shown]
                ax.barh(place + shift, width, 0.38, color=colour, label=told)
            ax.axvline(
                -math.log10(1 - self.level), color="#374151", linestyle="--", linewidth=1,
                label="significant",
            )  # fmt: skip
            ax.set_yticks(place, told_apart([one.name for one in shown]), parse_math=False)
            ax.set_ylim(len(shown) - 0.5, -0.5)
            ax.set_xlabel("Evidence: minus log10 of the adjusted p-value")
            _legend(ax, 3)
        return ax

    def plot_pair(self, ax: "Axes | None" = None) -> "Axes":
        """The two features of the clearest pair, against each other, as squares whose area is the
        share of a sample's rows in a cell; see :meth:`pair_cells`.

        Raises
        ------
        ValueError : there are no pairs.
        """
        cells = self.pair_cells()
        with style():
            ax = _axes(ax, 4.6)
            cells.draw(ax)
            _legend(ax, 2)
        return ax

    def pair_cells(self) -> Cells:
        """How many rows of each sample lie where in the plane of the clearest pair's features.

        Cells of fewer than 3 rows of a sample count as empty, so that no single row is told.

        Raises
        ------
        ValueError : there are no pairs.
        """
        if not self.pairs:
            raise ValueError("No pairs of features were compared, so that there is none to draw.")
        return Cells.of(self.samples, self.pairs[0].names)

    def plot_roc(self, ax: "Axes | None" = None) -> "Axes":
        """The ROC curve of held-out rows, with a band for the whole curve.

        Raises
        ------
        ValueError : there are too few rows for one.
        """
        if self.roc is None:
            raise ValueError("There are too few rows for a ROC curve. See the result's warnings.")
        return self.roc.plot(_axes(ax, 4.6))

    def plot_map(self, ax: "Axes | None" = None) -> "Axes":
        """All rows along their two leading directions, coloured by their log-density ratio."""
        design = self.samples.design - self.samples.design.mean(axis=0)
        _, _, directions = np.linalg.svd(design, full_matrices=False)
        along = np.zeros((len(design), 2))
        found = design @ directions[:2].T
        along[:, : found.shape[1]] = found
        largest = float(np.abs(self.log_ratio).max()) or 1.0
        with style():
            ax = _axes(ax, 4.6)
            drawn: Any = None
            for current, told in ((False, "reference"), (True, "current")):
                rows = self._some(self.samples.is_current == current)
                drawn = ax.scatter(
                    along[rows, 0],
                    along[rows, 1],
                    14,
                    self.log_ratio[rows],
                    marker="^" if current else "o",
                    cmap="PuOr_r",
                    vmin=-largest,
                    vmax=largest,
                    label=told,
                    linewidths=0.4,
                    edgecolors="#9ca3af",
                )
            ax.set(xlabel="first principal direction", ylabel="second principal direction")
            ax.figure.colorbar(drawn, ax=ax, label="log-density ratio, current to reference")
            _legend(ax, 2)
        return ax

    def _some(self, chosen: Mask) -> npt.NDArray[np.intp]:
        rows = np.flatnonzero(chosen)
        return rows[np.random.default_rng(0).permutation(len(rows))[:_POINTS]]


def _axes(ax: "Axes | None", height: float) -> "Axes":
    if ax is None:
        from matplotlib import pyplot as plt

        with style():
            ax = plt.subplots(figsize=(6.4, height), layout="constrained")[1]
    return ax


def _legend(ax: "Axes", columns: int) -> None:
    """Above the axes, where it covers nothing."""
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, borderaxespad=0.2)


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return ", ".join(names[:10]) + more if names else "none found"


def where(
    X: Any,
    Y: Any,
    *,
    groups: npt.ArrayLike | None = None,
    block_length: int | None = None,
    level: float = 0.95,
    correction: Correction = "bh",
    random_state: RandomState = None,
    progress: Progress | None = None,
) -> Where:
    """Tell in which features, pairs of features, rows and regions two samples differ.

    Every statement has its own test; see :mod:`evidesk.methods.shift.attribution`,
    :mod:`evidesk.methods.shift.rows` and :mod:`evidesk.methods.shift.regions`. Whether the samples
    differ at all is what :func:`two_sample_test` is for, which sees more.

    Parameters
    ----------
    X, Y, groups, block_length : as in :func:`two_sample_test`.
    level : 1 less the false discovery rate among features, and among rows; for pairs, less the
        chance of any false discovery. And of the intervals.
    correction : ``bh`` for features and rows that depend on each other positively, as rows of
        a common calibration do; ``by`` for any dependence.
    random_state : of relabellings, signs, halves and waves.
    progress : told the share of the work that is done.

    Raises
    ------
    ValueError : the samples do not fit each other or the parameters; `TooFewError` if no result
        whatever could be significant.
    TypeError : a sample or a column is of a wrong type.
    """
    critical_value(level)
    check_correction(correction)
    if groups is not None and block_length is not None:
        raise ValueError("Give either 'groups' or 'block_length', not both.")
    samples, relabelling = arranged(Samples.of(X, Y), groups, block_length)
    relabelling.check(1 - level)
    rng = generator(random_state)
    halves = effect.halves_of(rng)
    notes = [*samples.warnings]
    tell = progress or (lambda _share: None)
    if not relabelling.in_groups and (told := order_warning(samples)):
        notes.append(told)

    features = _feature_evidence(
        samples, relabelling, level, correction, rng, notes, lambda share: tell(0.8 * share)
    )
    pairs = _pair_evidence(samples, relabelling, level, rng, notes)
    rows, log_ratio = None, np.zeros(samples.n)
    regions: tuple[Region, ...] = ()
    roc = None
    tell(0.85)
    try:
        log_ratio = cross_fitted(samples, relabelling, _FOLDS, rng)
        tell(0.9)
        rows = row_evidence(samples, relabelling, log_ratio, 1 - level, correction, rng)
        alpha = (1 - level) / price(len(rows.p_values), correction)
        if told := too_few_to_tell(rows.calibrated_on, alpha):
            notes.append(told)
        tell(0.95)
        with python_warnings.catch_warnings(record=True) as caught:
            python_warnings.simplefilter("always", PoorApproximationWarning)
            regions = regions_of(samples, relabelling, level, rng)
        if caught:
            notes.append(_FEW_GROUPS)
        with python_warnings.catch_warnings(record=True) as caught:
            python_warnings.simplefilter("always", PoorApproximationWarning)
            found = effect.held_out(samples, relabelling, halves)
            roc = roc_curve(found.is_current, found.scores, level=level, groups=found.groups)
        notes += dict.fromkeys(str(one.message) for one in caught)
    except ValueError as error:
        notes.append(f"Single rows, regions or the ROC curve cannot be told. {error}")
    if relabelling.in_groups:
        notes.append(
            "Rows of a group are alike, so that the p-values of single rows hold on average over "
            "groups, and the false discovery rate among rows may be higher than stated."
        )
    return Where(
        features=features,
        pairs=pairs,
        rows=rows,
        regions=regions,
        roc=roc,
        sizes=samples.sizes,
        level=level,
        correction=correction,
        samples=samples,
        log_ratio=log_ratio,
        warnings=tuple(notes),
    )


def _feature_evidence(
    samples: Samples,
    relabelling: Relabelling,
    level: float,
    correction: Correction,
    rng: np.random.Generator,
    notes: list[str],
    tell: Progress,
) -> tuple[FeatureEvidence, ...]:
    count = len(samples.features)
    # What one feature among all needs to be found.
    needed = math.ceil(count * price(count, correction) / (1 - level) - 1e-9) - 1
    drawn = min(max(_FEWEST_DRAWN, needed), _MOST_DRAWN)
    if needed > drawn:
        notes.append(
            f"With {count:,} features and {drawn:,} relabellings, a feature is found only if "
            f"{math.ceil(needed / drawn)} or more shift as clearly."
        )
    alone = marginal_statistics(samples, relabelling, drawn, rng)
    tell(0.1)
    regressions = Regressions.of(samples)
    if not regressions.controls:
        notes.append(
            "There are so few rows for so many features that the regressions on the other features "
            "are shrunk: a feature that only follows another one may seem to shift by itself."
        )
    if not regressions.has_products and count > 1:
        notes.append(
            "There are too few rows, or too many features, for products of pairs of features: "
            "beyond the others, a shift of correlations is not seen."
        )
    beyond = []
    for one in regressions.conditional_statistics(relabelling, drawn, rng):
        beyond.append(permutation_p_value(one, level=level))
        tell(0.2 + 0.7 * len(beyond) / count)
    lost = regressions.lost(samples.is_current)
    marginal = [permutation_p_value(one, level=level) for one in alone]
    adjusted = [
        false_discovery([one.value for one in each], correction) for each in (marginal, beyond)
    ]
    found = [
        FeatureEvidence(
            feature.name,
            marginal[i],
            Estimate(
                beyond[i].value, beyond[i].low, beyond[i].high, level, "random signs",
                drawn, over=f"{drawn} draws",
            ),
            float(adjusted[0][i]),
            float(adjusted[1][i]),
            float(alone[i, 0]),
            float(lost[i]),
        )
        for i, feature in enumerate(samples.features)
    ]  # fmt: skip
    return tuple(
        sorted(
            found,
            key=lambda one: (one.conditional_adjusted, one.conditional.value, -one.explained),
        )
    )


def _pair_evidence(
    samples: Samples,
    relabelling: Relabelling,
    level: float,
    rng: np.random.Generator,
    notes: list[str],
) -> tuple[PairEvidence, ...]:
    if len(samples.features) < 2:
        return ()
    drawn = max(_FEWEST_DRAWN, math.ceil(1 / (1 - level)) - 1)
    found = pair_statistics(samples, relabelling, drawn, rng)
    if found is None:
        notes.append(
            f"{len(samples.features):,} features have too many pairs for so many rows: pairs were "
            "not compared. Choose fewer columns to compare theirs."
        )
        return ()
    pairs, statistics = found
    largest = statistics[:, 1:].max(axis=0)
    names = [one.name for one in samples.features]
    order = np.argsort(-statistics[:, 0], kind="stable")[:_PAIRS]
    return tuple(
        PairEvidence(
            (names[pairs[i][0]], names[pairs[i][1]]),
            permutation_p_value(np.r_[statistics[i, 0], largest], level=level),
            float(statistics[i, 0]),
        )
        for i in order
    )
