"""Columns of a table."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evidesk.methods.bumphunt.events import columns_by_name

COLUMNS = {"m": [1, 2, 3], "a": [0.5, 1.5, 2.5], "b": [True, False, True]}


@pytest.mark.parametrize(
    "data",
    [
        COLUMNS,
        pd.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS),
        np.array(
            list(zip(*COLUMNS.values(), strict=True)), [("m", int), ("a", float), ("b", bool)]
        ),
    ],
    ids=["mapping", "pandas", "polars", "structured"],
)
class TestEveryTable:
    def test_columns_are_taken_by_name(self, data):
        m, x = columns_by_name(data, "m", ["b", "a"])
        assert m.tolist() == [1, 2, 3]
        assert x.tolist() == [[1, 0.5], [0, 1.5], [1, 2.5]]

    def test_a_missing_column_is_named(self, data):
        with pytest.raises(ValueError, match="no column 'c'"):
            columns_by_name(data, "m", ["a", "c"])


@pytest.mark.parametrize("features", [[], "a", ()])
def test_features_are_a_list(features):
    with pytest.raises(ValueError, match="list of names"):
        columns_by_name(COLUMNS, "m", features)


def test_columns_have_the_same_length():
    with pytest.raises(ValueError, match=r"different lengths: \[2, 3\]"):
        columns_by_name({**COLUMNS, "a": [1, 2]}, "m", ["a"])


@pytest.mark.parametrize("values", [["x", "y", "z"], [[1], [2], [3]], [None, 1, 2], 3])
def test_a_column_holds_one_number_an_event(values):
    with pytest.raises(ValueError, match="one number for each event"):
        columns_by_name({**COLUMNS, "a": values}, "m", ["a"])


@pytest.mark.parametrize("data", [None, 5, [1, 2, 3], np.ones((3, 2))])
def test_data_without_columns_have_none(data):
    with pytest.raises(ValueError, match="no column 'm'"):
        columns_by_name(data, "m", ["a"])
