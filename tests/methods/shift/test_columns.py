"""What counts as a sample, and what is refused."""

from datetime import date, datetime, time
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from evidesk.methods.metrics.labels import is_missing
from evidesk.methods.shift.columns import check_alike, columns_of


def told(sample):
    return [(column.name, column.kind) for column in columns_of(sample, "X")]


def test_arrays_of_one_and_two_dimensions_get_names():
    assert told([1, 2, 3]) == [("x0", "numeric")]
    assert told(np.zeros((3, 2))) == [("x0", "numeric"), ("x1", "numeric")]
    assert told([["a", "b"], ["c", "d"]]) == [("x0", "categorical"), ("x1", "categorical")]


@pytest.mark.parametrize("frame", [dict, pd.DataFrame, pl.DataFrame])
def test_frames_and_mappings_keep_their_names_and_kinds(frame):
    sample = frame(
        {
            "height": [1.0, 2.5, None],
            "count": [1, 2, 3],
            "is_open": [True, False, True],
            "city": ["Jena", None, "Kiel"],
            "when": np.array(["2026-01-01", "NaT", "2026-01-03"], dtype="datetime64[D]"),
        }
    )
    found = columns_of(sample, "X")
    assert [column.kind for column in found] == [
        "numeric", "numeric", "numeric", "categorical", "numeric"
    ]  # fmt: skip
    by_name = {column.name: column.values for column in found}
    np.testing.assert_array_equal(by_name["height"], [1.0, 2.5, np.nan])
    np.testing.assert_array_equal(by_name["is_open"], [1.0, 0.0, 1.0])
    assert by_name["city"].tolist() == ["Jena", None, "Kiel"]
    assert np.isnan(by_name["when"]).tolist() == [False, True, False]
    assert by_name["when"][2] > by_name["when"][0]


def test_pandas_own_types_are_understood():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], dtype="Int64"),
            "yes": pd.array([True, None, False], dtype="boolean"),
            "kind": pd.Categorical(["a", "b", None]),
        }
    )
    whole, yes, kind = columns_of(frame, "X")
    np.testing.assert_array_equal(whole.values, [1, np.nan, 3])
    np.testing.assert_array_equal(yes.values, [1, np.nan, 0])
    assert kind.values.tolist() == ["a", "b", None]


def test_dates_are_numeric_however_they_are_kept():
    days = [date(2026, 1, 1), None, date(2026, 1, 3)]
    noon = [None if day is None else datetime.combine(day, time(12)) for day in days]
    in_berlin = pd.Series(pd.to_datetime(noon)).dt.tz_localize("Europe/Berlin")
    expected = np.array([1767225600, np.nan, 1767398400])
    for later, values in (
        (0, days),
        (0, [np.datetime64("2026-01-01"), pd.NaT, np.datetime64("2026-01-03")]),
        (0, pd.array(days, dtype="datetime64[s]")),
        (12, noon),
        (12, pl.Series(noon)),
        (11, in_berlin),
        (11, in_berlin.astype(object)),
        (11, pl.from_pandas(in_berlin)),
    ):
        (column,) = columns_of({"when": values}, "X")
        assert column.kind == "numeric"
        np.testing.assert_array_equal(column.values, expected + 3600 * later)
    (column,) = columns_of(in_berlin, "X")
    assert column.kind == "numeric"


def test_decimals_are_numeric():
    (column,) = columns_of({"price": [Decimal("1.5"), Decimal("nan"), None, 3]}, "X")
    assert column.kind == "numeric"
    np.testing.assert_array_equal(column.values, [1.5, np.nan, np.nan, 3])


@pytest.mark.parametrize("made", [pd.Categorical, lambda v: pd.Series(pd.Categorical(v))])
def test_numbers_that_pandas_takes_for_categories_are_some(made):
    (column,) = columns_of({"kind": made([3, None, 1, 3])}, "X")
    assert column.kind == "categorical"
    # As they are without a missing one, which makes floats of them.
    assert column.values.tolist() == ["3", None, "1", "3"]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        [True, True, False],
        [1.0, np.inf, 3.0],
        np.array(["2026-01-01", "2026-01-02", "2026-01-03"], dtype="datetime64[D]"),
        np.array([1, 2, 3], dtype="timedelta64[s]"),
        ["a", "b", "c"],
        np.array([1, "b", 3], dtype=object),
    ],
)
def test_what_is_masked_is_missing(values):
    masked = np.ma.masked_array(values, mask=[False, True, False])
    (column,) = columns_of({"a": masked}, "X")
    (other,) = columns_of({"a": np.asarray(values)[[0, 2]]}, "X")
    assert column.kind == other.kind
    assert is_missing(column.values[1])
    assert column.values[[0, 2]].tolist() == other.values.tolist()
    table = np.ma.column_stack([masked, masked])
    assert is_missing(columns_of(table, "X")[0].values[1])
    assert is_missing(columns_of(masked, "X")[0].values[1])


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ({}, "no columns"),
        (np.zeros((3, 0)), "no columns"),
        (np.zeros((0, 3)), "no rows"),
        ([], "no rows"),
        (np.zeros((2, 2, 2)), "one or two dimensions"),
        ({"a": [1, 2], "b": [1]}, "different lengths"),
        ({"a": [[1], [2]]}, "one value for each row"),
        ([1.0, np.inf, 3.0, -np.inf], "2 infinite number.s., the first in row 1"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns of the name 'a'"),
    ],
)
def test_what_is_no_sample_is_refused(sample, message):
    with pytest.raises(ValueError, match=message):
        columns_of(sample, "X")


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        ("text", "data frame or an array"),
        (3, "data frame or an array"),
        (np.array([1 + 2j, 3]), "must hold numbers"),
    ],
)
def test_what_is_of_a_wrong_type_is_refused(sample, message):
    with pytest.raises(TypeError, match=message):
        columns_of(sample, "X")


def alike(reference, current):
    return check_alike(columns_of(reference, "X"), columns_of(current, "Y"))


def test_columns_are_matched_by_name():
    found = alike({"a": [1], "b": ["x"]}, {"b": ["y"], "a": [2]})
    assert [column.name for column in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("reference", "current", "message"),
    [
        ({"a": [1], "b": [1]}, {"a": [1]}, "only the reference has 'b'"),
        ({"a": [1]}, {"a": [1], "c": [1]}, "only the current sample has 'c'"),
        (np.zeros((2, 1)), np.zeros((2, 9)), "and 3 more"),
        ({"a": [1]}, {"a": ["x"]}, "'a' is numeric in the reference and categorical"),
    ],
)
def test_samples_that_do_not_fit_each_other_are_refused(reference, current, message):
    with pytest.raises(ValueError, match=message):
        alike(reference, current)


def test_a_column_without_any_value_is_of_either_kind():
    assert alike({"a": [None, None]}, {"a": ["x"]})
    assert alike({"a": ["x"]}, {"a": [np.nan, np.nan]})
