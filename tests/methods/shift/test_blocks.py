import numpy as np
import pytest

from evidesk.methods.shift import two_sample_test, where
from evidesk.methods.shift.blocks import in_blocks, memory
from evidesk.methods.shift.methods import Question, answer
from evidesk.methods.shift.relabelling import TooFewError
from evidesk.methods.shift.samples import Samples
from tests.methods.shift.series import cycle, series

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


@pytest.mark.parametrize(
    ("rows", "kept", "low", "high"), [(12, 0.98, 40, 90), (24, 0.95, 24, 60), (6, 0.9, 18, 40)]
)
def test_a_cycle_is_remembered_though_its_correlation_passes_0(rows, kept, low, high):
    """Its swing falls to 0.3 or less within the memory."""
    assert kept**low < 0.45
    for seed in range(10):
        x, y = np.split(cycle(RNG(seed), 1_200, 2, rows, kept), 2)
        assert low <= memory(Samples.of(x, y)) <= high


def test_a_season_is_remembered_though_days_between_are_not():
    noise = RNG(0).standard_normal((2_000, 1))
    for i in range(7, 2_000):
        noise[i] += 0.8 * noise[i - 7]
    assert 30 <= memory(Samples.of(noise[:1_000], noise[1_000:])) <= 140


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.standard_normal((1_200, 20)),
        lambda rng: rng.standard_cauchy((1_200, 20)),
        lambda rng: rng.random((1_200, 20)) < 0.004,
    ],
)
def test_chance_leaves_no_long_memory_whatever_the_tails(draw):
    for seed in range(15):
        rows = draw(RNG(seed)).astype(float)
        assert memory(Samples.of(rows[:600], rows[600:])) <= 3


def test_samples_without_any_variation_of_their_own_have_no_memory():
    assert memory(Samples.of(np.zeros(40), np.ones(40))) == 0


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


@pytest.mark.parametrize("length", [20, 60])
def test_the_level_holds_for_a_cycle(length):
    """Without its long gaps, blocks of 20 reject 20 to 40 % of series like these."""
    rejected = []
    for seed in range(120):
        x, y = np.split(cycle(RNG(seed), 1_200, 2, 12, 0.98), 2)
        samples, relabelling = in_blocks(Samples.of(x, y), length)
        asked = Question(samples, relabelling, 0.95, 39, None, RNG(seed), lambda _: None)
        rejected.append(answer("ridge", asked).p_value.value <= 0.05)
    assert np.mean(rejected) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 120)


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


@pytest.mark.parametrize("length", [0, 5, -1, 2.5, True, "2"])
def test_a_block_is_an_integer_and_no_longer_than_a_sample(length):
    with pytest.raises(ValueError, match="an integer from 1 to the size of the smaller sample, 4"):
        in_blocks(samples_of(6, 4, 0.0), length)


def test_a_drift_is_refused():
    drift = np.linspace(0, 1, 200)
    with pytest.raises(ValueError, match=r"more than 50 rows, a quarter.*Give longer series"):
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


def test_too_few_blocks_are_told_as_such():
    x, y = RNG(0).normal(size=(2, 30, 2))
    told = r"3 blocks of rows in the reference.*At least 7 blocks of rows are needed"
    with pytest.raises(TooFewError, match=told):
        two_sample_test(x, y, block_length=10)
