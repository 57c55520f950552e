"""The study of clusters in small: one short training."""

import pytest
from studies.surrogate_emt import SPLITS, interval_score, network, run, splits, summary

from evidesk.methods.surrogates import LastLayer


def test_intervals_hold_their_level_in_domain_and_where_it_is_hot():
    found = run(LastLayer(network(0).set_params(epochs=250)), splits())
    assert 0.84 <= found["test"]["coverage"] <= 0.97
    assert found["test"]["score"] < 23  # meV per atom
    assert found["shift_T"]["coverage"] > 0.75
    assert found["test"]["refused"] < 0.05
    assert found["shift_comp"]["refused"] == found["shift_size"]["refused"] == 1.0
    rows = summary("one", [found, found])
    assert [row[1] for row in rows] == list(SPLITS.values())
    assert rows[0][2].endswith("± 0.0")


def test_the_interval_score():
    assert interval_score(3.0, 0.0, 1.0) == pytest.approx(1 + 20 * 2)
    assert interval_score(0.5, 0.0, 1.0) == pytest.approx(1)
