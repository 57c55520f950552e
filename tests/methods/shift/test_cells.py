"""Pairs of features are drawn in cells, none of which shows a single row."""

import numpy as np
import pandas as pd

from evidesk.methods.shift.cells import FEWEST_ROWS, Cells, told
from evidesk.methods.shift.samples import Samples


def test_every_row_is_drawn_or_told():
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((2, 200, 2))
    numbers[1, 0] = 1e6
    numbers[0, :7, 1] = np.nan
    cells = Cells.of(Samples.of(*numbers), ("x0", "x1"))
    drawn = int(cells.counts.sum())
    assert cells.counts[cells.counts > 0].min() >= FEWEST_ROWS
    assert cells.missing == 7
    assert cells.beyond >= 1
    few = 400 - drawn - cells.missing - cells.beyond
    assert few > 0
    assert [*told(cells)] == [
        f"{cells.beyond} far off", "7 without a value", f"{few} in cells of fewer than 3"
    ]  # fmt: skip


def test_nothing_is_told_where_all_rows_are_drawn():
    kinds = pd.DataFrame({"a": [*"uv"] * 40, "b": [*"xxyy"] * 20})
    cells = Cells.of(Samples.of(kinds, kinds), ("a", "b"))
    assert cells.counts.sum() == 160
    assert [*told(cells)] == []
