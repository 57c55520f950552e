"""MMD and energy distance for many labellings, against their definitions."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from evidesk.methods.shift import kernels, two_sample_test
from evidesk.methods.shift.kernels import energy_kernel, kernel_statistics, mmd_kernels


def labelled(n=40, b=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.zeros((n, b), dtype=np.float32)
    # As where groups of unequal sizes are relabelled: not all have equally many current rows.
    for column in range(b):
        labels[rng.permutation(n)[: 12 + column], column] = 1
    return rng.standard_normal((n, 3)), labels


def slow(kernel, design, label):
    """The unbiased estimate, pair by pair."""
    x, y = design[label == 0], design[label == 1]

    def of(a, b):
        return kernel.of_distance(cdist(a, b, kernel.metric)).astype(float)

    def within(rows):
        found = of(rows, rows)
        np.fill_diagonal(found, 0)
        return found.sum() / (len(rows) * (len(rows) - 1))

    return within(x) + within(y) - 2 * of(x, y).mean()


@pytest.mark.parametrize("in_block", [4_000_000, 160])
def test_the_statistics_are_those_of_all_pairs(monkeypatch, in_block):
    monkeypatch.setattr(kernels, "_IN_BLOCK", in_block)
    design, labels = labelled()
    chosen = [*mmd_kernels(design, np.random.default_rng(1)), energy_kernel()]
    told = []
    found = kernel_statistics(chosen, design, labels, told.append)
    expected = [[slow(kernel, design, label) for label in labels.T] for kernel in chosen]
    assert found == pytest.approx(np.array(expected), abs=2e-6)
    assert told[-1] == 1


def test_gaussian_and_laplace_kernels_fall_with_the_distance():
    design, _ = labelled()
    chosen = mmd_kernels(design, np.random.default_rng(0))
    assert len({kernel.name for kernel in chosen}) == 10
    for kernel in chosen:
        assert kernel.of_distance(np.zeros(1, np.float32))[0] == 1
        assert np.all(np.diff(kernel.of_distance(np.arange(3, dtype=np.float32))) < 0)


def test_rows_most_of_which_are_equal_have_a_bandwidth(monkeypatch):
    monkeypatch.setattr(kernels, "_FOR_MEDIAN", 2)
    design = np.zeros((1000, 1))
    design[0] = 1
    chosen = mmd_kernels(design, np.random.default_rng(0))
    assert chosen[2].of_distance(np.ones(1, np.float32))[0] == pytest.approx(np.exp(-2))


@pytest.mark.parametrize("method", ["mmd", "energy", "combination"])
def test_too_many_pairs_are_refused(monkeypatch, method):
    monkeypatch.setattr(kernels, "MOST_ROWS", 50)
    rows = np.arange(30.0)
    with pytest.raises(ValueError, match=r"for 60 rows: at most 50\. Take method='ridge'"):
        two_sample_test(rows, rows, method=method)
