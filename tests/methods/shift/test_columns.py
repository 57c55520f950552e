"""What counts as a sample, and what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

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
