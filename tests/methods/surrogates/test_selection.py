"""Which rows to compute next."""

import numpy as np
import pytest

from evidesk.methods.surrogates.selection import select_rows


def conditioned(covariance, chosen, noise):
    """Variances once the chosen rows are known, from the textbook."""
    inner = covariance[np.ix_(chosen, chosen)] + noise * np.eye(len(chosen))
    across = covariance[:, chosen]
    return np.diag(covariance - across @ np.linalg.solve(inner, across.T)).copy()


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_each_is_the_most_uncertain_of_what_is_left(noise):
    factors = np.random.default_rng(0).normal(size=(30, 6))
    covariance = factors @ factors.T
    chosen = select_rows(factors, noise, 5)
    for step in range(1, 5):
        left = conditioned(covariance, chosen[:step], noise)
        left[chosen[:step]] = -np.inf
        assert chosen[step] == np.argmax(left)


def test_rows_that_say_the_same_are_not_chosen_twice():
    factors = np.array([[3.0, 0.0], [3.0, 0.01], [0.0, 1.0], [2.9, 0.0]])
    assert select_rows(factors, 0.0, 2).tolist() == [1, 2]


def test_all_rows_can_be_asked_for_once():
    factors = np.ones((4, 1))
    assert sorted(select_rows(factors, 0.0, 4)) == [0, 1, 2, 3]
    assert sorted(select_rows(np.zeros((3, 2)), 0.0, 3)) == [0, 1, 2]
