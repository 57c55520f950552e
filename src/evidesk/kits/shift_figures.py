"""What the kit ``shift`` shows: its figures, with the numbers that are drawn."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evidesk.evidence import Column, Figure, Table
from evidesk.kits.wording import cell, drawing, percent, root, shown
from evidesk.methods.shift import Where
from evidesk.methods.shift.cells import Cells, told
from evidesk.methods.shift.localisation import MOST_BARS


def moments(seconds: npt.NDArray[np.float64]) -> npt.NDArray[np.datetime64]:
    """Seconds since 1970 as dates and times, NaN as NaT."""
    missing = np.isnan(seconds)
    found = np.rint(np.where(missing, 0.0, seconds) * 1e6).astype("datetime64[us]")
    found[missing] = np.datetime64("NaT")
    return found


def figures(found: Where, tables: Mapping[str, Table], *, any_shift: bool) -> Iterator[Figure]:
    """The figures; of a pair of columns only if one is found, and there is any shift at all."""
    level = percent(1 - found.level)
    more = len(found.features) - MOST_BARS
    beside = f", and {more:,} more in the table" if more > 0 else ""
    with drawing():
        yield Figure.from_matplotlib(
            root(found.plot()),
            name="features",
            title=f"Evidence for each column (false discovery rate {level}){beside}",
            alt=f"Bars of the evidence for {min(len(found.features), MOST_BARS)} column(s), the "
            "clearest on top: beyond what the others tell, and alone.",
            data=tables["features"],
        )
        if found.roc is not None:
            yield Figure.from_matplotlib(
                root(found.plot_roc()),
                name="roc",
                title="How well rows can be told apart that the rule was not learnt from",
                alt="ROC curve of the rule's scores with a band for the whole curve.",
                data=_curve(found),
            )
        if found.shifted_pairs and any_shift:
            first, second = (shown(name, 40) for name in found.pairs[0].names)
            cells = found.pair_cells()
            undrawn = ", ".join(told(cells))
            yield Figure.from_matplotlib(
                root(found.plot_pair()),
                name="pair",
                title=f"{first} and {second} hang together differently (p = "
                f"{found.pairs[0].p_value.value:.2g}, adjusted for all pairs). Squares show the "
                "share of a table's rows by their area"
                + (f"; rows not drawn: {undrawn}." if undrawn else "."),
                alt=f"Squares in a grid over {first} and {second}: full grey ones for the "
                "reference table, teal frames for the current one.",
                data=_cells(cells),
            )


def _cells(cells: Cells) -> Table:
    """The cells that are drawn, their ends as numbers, times or categories."""
    columns: list[Column] = []
    ends: list[list[tuple[Any, ...]]] = []
    for name, feature, edges in zip(("first", "second"), cells.features, cells.edges, strict=True):
        title = shown(feature.name, 40)
        if feature.levels:
            columns.append(Column(name, "text", title))
            ends.append([(cell(level),) for level in feature.levels])
        else:
            kind: Literal["text", "number"] = "text" if feature.is_time else "number"
            columns += [Column(f"{name}_{end}", kind, f"{title}, {end}") for end in ("low", "high")]
            shown_ends = (
                [str(one)[:19] for one in moments(np.rint(edges))]
                if feature.is_time
                else edges.tolist()
            )
            ends.append(list(pairwise(shown_ends)))
    return Table(
        "pair",
        "Rows in each cell",
        (
            *columns,
            Column("reference", "integer", "Reference"),
            Column("current", "integer", "Current"),
        ),
        tuple(
            (*ends[0][i], *ends[1][j], *cells.counts[:, i, j].tolist())
            for i, j in zip(*np.nonzero(cells.counts.sum(axis=0)), strict=True)
        ),
    )


def _curve(found: Where) -> Table:
    assert found.roc is not None
    curve = found.roc
    return Table(
        "roc",
        "The curve and its band",
        (
            Column("false_positive_rate", "number", "False positive rate"),
            Column("true_positive_rate", "number", "True positive rate"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
        ),
        tuple(
            zip(
                curve.at.tolist(),
                np.interp(curve.at, curve.fpr, curve.tpr).tolist(),
                curve.low.tolist(),
                curve.high.tolist(),
                strict=True,
            )
        ),
    )
