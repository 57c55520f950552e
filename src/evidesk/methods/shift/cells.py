"""Two features against each other, as counts in cells: no single row can be seen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence.plot import ACCENT
from evidesk.methods.shift.samples import Feature, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

#: Cells along an axis, and rows of a sample in the smallest cell that is told.
_FEWEST, _MOST, FEWEST_ROWS = 4, 20, 3
#: An axis of numbers reaches beyond these quantiles by half of their distance, at most.
_QUANTILES = 0.01, 0.99
_GREY = "#9ca3af"
_DAY = 86_400.0
_LONGEST = 24


@dataclass(frozen=True)
class Cells:
    """How the rows of two samples lie in the plane of two features.

    Attributes
    ----------
    features : along the first axis and along the second.
    edges : of the cells along each axis: numbers, seconds since 1970 for times, or for categories
        their numbers less and plus 1/2.
    counts : shape (2, cells, cells); rows of the reference and of the current sample in each cell
        of the first and the second feature, 0 for fewer than 3.
    sizes : rows of the reference and of the current sample.
    beyond : rows of both samples that lie beyond the edges.
    missing : rows of both samples that have no value of one of the features.
    """

    features: tuple[Feature, Feature]
    edges: tuple[Floats, Floats]
    counts: Ints
    sizes: tuple[int, int]
    beyond: int
    missing: int

    @classmethod
    def of(cls, samples: Samples, names: tuple[str, str]) -> "Cells":
        """Count the rows in the cells of the features of these names."""
        cells = int(np.clip(round(samples.n ** (1 / 3)), _FEWEST, _MOST))
        numbers = [one.name for one in samples.features]
        found = [(samples.features[i], _values(samples, i)) for i in map(numbers.index, names)]
        edges = [_edges(feature, values, cells) for feature, values in found]
        along = [values for _, values in found]
        there = ~np.isnan(along[0]) & ~np.isnan(along[1])
        counts = np.stack(
            [
                np.histogram2d(along[0][there & rows], along[1][there & rows], bins=edges)[0]
                for rows in (~samples.is_current, samples.is_current)
            ]
        ).astype(np.intp)
        return cls(
            features=(found[0][0], found[1][0]),
            edges=(edges[0], edges[1]),
            counts=np.where(counts < FEWEST_ROWS, 0, counts),
            sizes=samples.sizes,
            beyond=int(there.sum() - counts.sum()),
            missing=int((~there).sum()),
        )

    @property
    def shares(self) -> Floats:
        """Shape (2, cells, cells): of each sample's rows."""
        return np.asarray(self.counts / np.array(self.sizes)[:, None, None])

    def draw(self, ax: "Axes") -> None:
        """A square in each cell, whose area is the share of the sample's rows: full grey ones for
        the reference, and frames for the current sample.
        """
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Rectangle

        edges = [
            one / _DAY if feature.is_time else one
            for feature, one in zip(self.features, self.edges, strict=True)
        ]
        middles, widths = zip(*(((e[1:] + e[:-1]) / 2, np.diff(e)) for e in edges), strict=True)
        sides = 0.96 * np.sqrt(self.shares / (self.shares.max() or 1.0))
        looks: tuple[dict[str, Any], ...] = (
            {"facecolor": _GREY, "edgecolor": "none"},
            {"facecolor": "none", "edgecolor": ACCENT, "linewidth": 1.4},
        )
        for side, look, told in zip(sides, looks, ("reference", "current"), strict=True):
            squares = []
            for i, j in zip(*np.nonzero(side), strict=True):
                size = side[i, j] * widths[0][i], side[i, j] * widths[1][j]
                corner = middles[0][i] - size[0] / 2, middles[1][j] - size[1] / 2
                squares.append(Rectangle(corner, *size))
            ax.add_collection(PatchCollection(squares, **look))
            # For the legend, which knows no collections of squares.
            ax.add_patch(Rectangle((middles[0][0], middles[1][0]), 0, 0, **look, label=told))
        ax.set(xlim=edges[0][[0, -1]], ylim=edges[1][[0, -1]])
        for feature, axis in zip(self.features, (ax.xaxis, ax.yaxis), strict=True):
            axis.set_label_text(shortened(feature.name, 2 * _LONGEST), parse_math=False)
            if feature.levels:
                labels = [shortened(one) for one in feature.levels]
                axis.set_ticks(range(len(labels)), labels, parse_math=False)
            elif feature.is_time:
                _mark_dates(axis)
        if max(map(len, self.features[0].levels), default=0) * len(self.features[0].levels) > 50:
            for label in ax.get_xticklabels():
                label.set(rotation=30, ha="right", rotation_mode="anchor")


def shortened(name: str, longest: int = _LONGEST) -> str:
    """The name with an ellipsis in its middle, where it is too long for a figure."""
    half = (longest - 1) // 2
    return name if len(name) <= longest else f"{name[:half]}…{name[-half:]}"


def told_apart(names: list[str], longest: int = _LONGEST) -> list[str]:
    """The names, shortened and still different from each other."""
    short = [shortened(one, longest) for one in names]
    return [
        one if short.count(one) == 1 else f"{one} ({number})"
        for number, one in enumerate(short, start=1)
    ]


def _values(samples: Samples, number: int) -> Floats:
    """Shape (n,): the feature's numbers with NaN for missing ones, or numbers of categories."""
    feature = samples.features[number]
    columns = samples.design[:, samples.owner == number]
    if feature.kind == "categorical":
        return np.asarray(columns.argmax(axis=1), dtype=np.float64)
    values = columns[:, 0] * feature.scale + feature.centre
    return np.where(columns[:, 1] > 0, np.nan, values) if feature.has_missing else values


def _edges(feature: Feature, values: Floats, cells: int) -> Floats:
    if feature.kind == "categorical":
        return np.arange(len(feature.levels) + 1, dtype=np.float64) - 0.5
    there = values[~np.isnan(values)]
    low, high = np.quantile(there, _QUANTILES)
    reach = (high - low) / 2
    if reach == 0:  # nearly all rows have one value
        reach = feature.scale or 1.0
    ends = max(low - reach, there.min()), min(high + reach, there.max())
    # A little wider, for the values were standardised and back.
    more = 1e-9 * (ends[1] - ends[0])
    return np.linspace(ends[0] - more, ends[1] + more, cells + 1)


def _mark_dates(axis: Any) -> None:
    from matplotlib.dates import AutoDateFormatter, AutoDateLocator

    locator = AutoDateLocator(maxticks=5)  # type: ignore[no-untyped-call]
    axis.set_major_locator(locator)
    axis.set_major_formatter(AutoDateFormatter(locator))  # type: ignore[no-untyped-call]


def told(cells: Cells) -> Iterator[str]:
    """What a caption has to say of rows that are not drawn."""
    if cells.beyond:
        yield f"{cells.beyond:,} far off"
    if cells.missing:
        yield f"{cells.missing:,} without a value"
    few = sum(cells.sizes) - int(cells.counts.sum()) - cells.beyond - cells.missing
    if few:
        yield f"{few:,} in cells of fewer than {FEWEST_ROWS}"
