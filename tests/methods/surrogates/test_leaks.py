"""Rows of the training that turn up in the calibration."""

import warnings

import numpy as np
import pytest

from evidesk.methods.surrogates.leaks import LeakWarning, Seen

ROWS = np.random.default_rng(0).normal(size=(20, 3))


def test_rows_that_were_seen():
    seen = Seen.of(ROWS, None)
    with pytest.warns(LeakWarning, match="2 of 3 rows"):
        seen.warn(np.vstack([ROWS[[4, 19]], [[0.0, 1.0, 2.0]]]), None)


def test_groups_on_both_sides():
    seen = Seen.of(ROWS, np.repeat(np.arange(10), 2))
    with pytest.warns(LeakWarning, match=r"4 group\(s\).*\(6, 7, 8, \.\.\.\)"):
        seen.warn(ROWS + 1, np.repeat(np.arange(6, 16), 2))
    with pytest.warns(LeakWarning, match=r"1 group\(s\).*\(9\)"):
        seen.warn(ROWS + 1, np.repeat(np.arange(9, 19), 2))


def test_others_are_no_news():
    seen = Seen.of(ROWS, np.arange(20))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen.warn(ROWS[:, ::-1], np.arange(20, 40))
        seen.warn(np.nextafter(ROWS, 9), None)
        Seen().warn(ROWS, None)


def test_zero_has_no_sign():
    with pytest.warns(LeakWarning):
        Seen.of(np.zeros((2, 2)), None).warn(-np.zeros((2, 2)), None)
