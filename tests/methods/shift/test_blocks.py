import numpy as np
import pytest

from evidesk.methods.shift import two_sample_test, where
from evidesk.methods.shift.blocks import in_blocks, memory
from evidesk.methods.shift.samples import Samples
from tests.methods.shift.series import series

RNG = np.random.default_rng


def samples_of(m, n, coefficient=0.8, seed=0, d=1):
    rng = RNG(seed)
    return Samples.of(series(rng, m, d, coefficient), series(rng, n, d, coefficient))


@pytest.mark.parametrize(("coefficient", "low", "high"), [(0.0, 0, 0), (0.5, 3, 6), (0.8, 10, 22)])
def test_a_series_is_forgotten_as_its_correlation_says(coefficient, low, high):
    # coefficient ** (memory + 1) is about 0.05
    assert low <= memory(samples_of(5_000, 5_000, coefficient)) <= high


def test_what_swings_is_remembered_though_its_sign_is_not():
    rng = RNG(1)
    swing = np.exp(series(rng, 8_000, 1, 0.9) / 4)
    noise = swing * rng.standard_normal((8_000, 1))
    assert memory(Samples.of(noise[:4_000], noise[4_000:])) >= 3


def test_independent_rows_lose_nothing():
    samples, relabelling = in_blocks(samples_of(12, 9, 0.0), 4)
    assert samples.number.tolist() == [*range(12), *range(8)]
    assert relabelling.group.tolist() == np.repeat(range(5), 4).tolist()
    assert samples.warnings == ()


def test_blocks_keep_their_distance():
    of_all = samples_of(600, 400)
    gap = memory(of_all)
    samples, relabelling = in_blocks(of_all, 20)
    assert 7 <= gap <= 22
    for current, size in ((False, 600), (True, 400)):
        number = samples.number[samples.is_current == current]
        steps = np.diff(number)
        assert set(steps) == {1, gap + 1}
        assert len(number) == 20 * ((size + gap) // (20 + gap))
    assert set(np.bincount(relabelling.group)) == {20}
    assert f"about {gap} row(s)" in samples.warnings[-1]
    assert f"{samples.n} of 1,000 rows remain" in samples.warnings[-1]


def test_the_level_holds_for_a_series():
    """Without gaps, blocks of 20 reject 10 % of series like these."""
    rejected = [
        two_sample_test(
            *np.split(series(RNG(seed), 600), 2), block_length=20, permutations=39, random_state=0
        ).differs
        for seed in range(200)
    ]
    assert abs(np.mean(rejected) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 200)


def test_a_shift_of_a_series_is_found():
    rng = RNG(3)
    x, y = series(rng, 600), series(rng, 600) + 2.5
    assert two_sample_test(x, y, block_length=20, random_state=0).differs


def test_rows_between_blocks_are_not_judged():
    rng = RNG(5)
    x, y = series(rng, 900, 2), series(rng, 700, 2)
    strange = [3, 4, 5, 6, 7]
    y[strange] += 40
    found = where(x, y, block_length=20, random_state=0)
    assert len(found.rows.number) < 700
    assert set(found.rows.unlike) <= set(strange)
    assert set(found.rows.number[np.argsort(-found.rows.log_ratio)[:5]]) == set(strange)


@pytest.mark.parametrize("length", [0, 5, -1])
def test_a_block_is_no_longer_than_a_sample(length):
    with pytest.raises(ValueError, match="from 1 to the size of the smaller sample, 4"):
        in_blocks(samples_of(6, 4, 0.0), length)


def test_a_drift_is_refused():
    drift = np.linspace(0, 1, 200)
    with pytest.raises(ValueError, match="remembered for more than 50 rows, a quarter"):
        two_sample_test(drift, drift + 0.1, block_length=10)


def test_two_rows_have_no_memory_to_speak_of():
    with pytest.raises(ValueError, match="can be relabelled in"):
        two_sample_test([1.0, 2.0], [2.0, 3.0], block_length=1)


@pytest.mark.parametrize("order", [[0, 1, 2], [0, 2, 1]])
def test_a_feature_that_is_constant_in_the_blocks_is_left_out(order):
    rng = RNG(0)
    x, y = rng.normal(size=(205, 3)), rng.normal(size=(205, 3))
    x[:, 1] = y[:, 1] = 0
    x[-2, 1] = 1  # among the last rows, which are too few for a block
    y[:, 2] += 1
    found = where(x[:, order], y[:, order], block_length=20, random_state=0)
    shifted = f"x{order.index(2)}"
    assert found.shifted == found.shifted_alone == (shifted,)
    assert {one.name for one in found.features} == {"x0", shifted}
    assert f"rows that remain have the same value there: 'x{order.index(1)}'" in found.warnings[0]


def test_blocks_of_constants_have_nothing_to_compare():
    x, y = np.zeros((2, 25, 1))
    x[-1] = 1
    with pytest.raises(ValueError, match="constant in the 40 rows that remain of 50"):
        where(x, y, block_length=20)
