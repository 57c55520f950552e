"""Two cells of the published study, to their last digit."""

import pytest
from studies.shift_c2st import (
    PRINTED,
    SHIFTS,
    best_accuracy,
    forest_accuracy,
    rejections,
    samples,
)


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_cells_are_those_printed(shift):
    x, y = samples()[shift]
    printed = PRINTED[128][SHIFTS.index(shift)]
    assert round(forest_accuracy(x[:128], y[:128]), 4) == printed


def test_the_best_rule_is_known():
    assert [round(best_accuracy(shift), 4) for shift in (0.0, 0.25, 2.0)] == [0.5, 0.6537, 0.9992]


def test_a_shift_is_seen_by_the_test_that_can():
    assert rejections("energy", "mean", 500, 500, 3) == 1
    assert rejections("marginal", "correlation", 60, 60, 3) == 0
    assert rejections("marginal", "none", 60, 60, 3) == 0
