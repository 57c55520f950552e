"""Which features and pairs shift: the levels of their tests, and what they find."""

import numpy as np
import pandas as pd
import pytest

from evidesk.methods.shift import attribution
from evidesk.methods.shift import relabelling as relabelling_module
from evidesk.methods.shift.attribution import Regressions, marginal_statistics, pair_statistics
from evidesk.methods.shift.discovery import false_discovery
from evidesk.methods.shift.relabelling import Relabelling
from evidesk.methods.shift.samples import Samples

RNG = np.random.default_rng
DRAWN = 99


def p_values(statistics):
    """Of each row, its first among all."""
    statistics = np.atleast_2d(statistics)
    return (statistics >= statistics[:, :1] * (1 - 1e-6)).sum(axis=1) / statistics.shape[1]


def evidence(x, y, rng, groups=None):
    """P-values alone, and beyond the others."""
    samples = Samples.of(x, y)
    if groups is None:
        relabelling = Relabelling.of_rows(samples.is_current)
    else:
        relabelling = Relabelling.of_groups(samples.is_current, groups)
    beyond = Regressions.of(samples).conditional_statistics(relabelling, DRAWN, rng)
    return (
        p_values(marginal_statistics(samples, relabelling, DRAWN, rng)),
        np.concatenate([p_values(one) for one in beyond]),
    )


def followers(rng, n, shift, d=4):
    """The first feature shifts, and the others follow it as they always do."""
    first = rng.standard_normal(n) + shift
    return np.column_stack([first, 0.8 * first[:, None] + 0.6 * rng.standard_normal((n, d - 1))])


def near(share, level, runs):
    return share == pytest.approx(level, abs=3 * np.sqrt(level * (1 - level) / runs))


def test_both_levels_hold_without_a_shift():
    rejected = []
    for seed in range(150):
        rng = RNG(seed)
        x = pd.DataFrame({"n": rng.standard_normal(70), "k": rng.choice(list("ab"), 70)})
        y = pd.DataFrame({"n": rng.standard_normal(50), "k": rng.choice(list("ab"), 50)})
        x.loc[rng.random(70) < 0.2, "n"] = np.nan
        y.loc[rng.random(50) < 0.2, "n"] = np.nan
        rejected.append(np.ravel(evidence(x, y, rng)) <= 0.1)
    for share in np.mean(rejected, axis=0):
        assert near(share, 0.1, 150)


def test_what_follows_another_feature_shifts_alone_but_not_beyond_it():
    alone, beyond = [], []
    for seed in range(100):
        rng = RNG(seed)
        found = evidence(followers(rng, 200, 0), followers(rng, 200, 1.0), rng)
        alone.append(found[0] <= 0.05)
        beyond.append(found[1] <= 0.05)
    assert np.mean(alone) > 0.95
    assert np.mean(beyond, axis=0)[0] > 0.4
    for share in np.mean(beyond, axis=0)[1:]:
        assert share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 100)


def test_the_false_discovery_rate_holds_for_features_that_depend_on_each_other():
    def causes(rng, n, shift):
        return followers(rng, n, shift, 2)[:, 1:], followers(rng, n, shift, 4)

    wrong, power = {"alone": [], "beyond": []}, []
    for seed in range(60):
        rng = RNG(seed)
        # Two features shift, one of which four others follow; alone, those that follow none of
        # them are alike.
        x, y = (
            np.column_stack([*causes(rng, 150, shift), followers(rng, 150, 0, 3)])
            for shift in (0, 1.0)
        )
        for name, p, alike in zip(
            wrong, evidence(x, y, rng), ([5, 6, 7], [2, 3, 4, 5, 6, 7]), strict=True
        ):
            found = false_discovery(p) <= 0.2
            wrong[name].append(found[alike].sum() / max(found.sum(), 1))
        power.append(found[:2])
    assert np.mean(wrong["alone"]) < 0.2 * 3 / 8 + 3 * np.std(wrong["alone"]) / np.sqrt(60)
    assert np.mean(wrong["beyond"]) < 0.2 * 6 / 8 + 3 * np.std(wrong["beyond"]) / np.sqrt(60)
    # That which others follow needs more rows to be told from them.
    assert np.mean(power, axis=0)[0] > 0.5


def test_the_exact_set_is_recovered_by_what_is_lost():
    # As in the notes of the field: .3 standard deviations in one of five; a correlation of .5.
    exact = []
    for seed in range(20):
        rng = RNG(seed)
        x, y, z = rng.standard_normal((3, 500, 5))
        y[:, 3] += 0.3
        z[:, 1] = 0.5 * z[:, 0] + np.sqrt(0.75) * z[:, 1]
        mean = Regressions.of(samples := Samples.of(x, y)).lost(samples.is_current)
        correlation = Regressions.of(samples := Samples.of(x, z)).lost(samples.is_current)
        exact.append((np.argmax(mean) == 3, set(np.argsort(correlation)[-2:]) == {0, 1}))
    assert np.mean(exact, axis=0).min() > 0.85


def test_what_is_lost_is_the_difference_of_two_regressions():
    rng = RNG(0)
    x, y = rng.standard_normal((40, 2)), rng.standard_normal((30, 2)) + 0.5
    samples = Samples.of(x, y)
    found = Regressions.of(samples)
    labels = samples.is_current - samples.is_current.mean()

    def explained(table):
        gram = table.T @ table
        best = -np.inf
        for penalty in attribution.PENALTIES:
            hat = table @ np.linalg.inv(gram + 70 * penalty * np.eye(len(gram))) @ table.T
            left = ((labels - hat @ labels) ** 2).sum() / (labels**2).sum()
            value = 1 - left / (1 - (np.trace(hat) + 1) / 70) ** 2
            if value > best:
                best, chosen = value, penalty
        return best, chosen

    table = found.table.astype(np.float64)
    full, penalty = explained(table)
    for number, lost in enumerate(found.lost(samples.is_current)):
        rest = np.delete(table, found.users[number], axis=1)
        gram = rest.T @ rest + 70 * penalty * np.eye(rest.shape[1])
        hat = rest @ np.linalg.inv(gram) @ rest.T
        left = ((labels - hat @ labels) ** 2).sum() / (labels**2).sum()
        without = 1 - left / (1 - (np.trace(hat) + 1) / 70) ** 2
        assert lost == pytest.approx(full - without, abs=1e-5)


def test_both_levels_hold_for_groups_where_those_of_rows_do_not():
    by_rows, by_groups = [], []
    for seed in range(80):
        rng = RNG(seed)
        groups = np.repeat(np.arange(40), 5)
        rows = 0.6 * rng.standard_normal((200, 2)) + 0.8 * rng.standard_normal((40, 2))[groups]
        x, y = rows[:100], rows[100:]
        by_rows.append(np.ravel(evidence(x, y, rng)) <= 0.05)
        by_groups.append(np.ravel(evidence(x, y, rng, groups)) <= 0.05)
    assert np.mean(by_rows, axis=0).min() > 0.2
    for share in np.mean(by_groups, axis=0):
        assert share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)


def test_labels_come_in_batches_if_they_are_many(monkeypatch):
    samples = Samples.of(*RNG(0).standard_normal((2, 50, 2)))
    relabelling = Relabelling.of_rows(samples.is_current)
    whole = marginal_statistics(samples, relabelling, 30, RNG(1))
    beyond = list(Regressions.of(samples).conditional_statistics(relabelling, 30, RNG(1)))
    for module in (attribution, relabelling_module):
        monkeypatch.setattr(module, "_BATCH", 700)
    again = marginal_statistics(samples, relabelling, 30, RNG(1))
    np.testing.assert_allclose(again, whole, rtol=1e-4)
    for one, other in zip(
        Regressions.of(samples).conditional_statistics(relabelling, 30, RNG(1)), beyond, strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_a_dependence_that_shifts_is_found_in_its_pair_alone():
    first, others = [], []
    for seed in range(60):
        rng = RNG(seed)
        x, y = rng.standard_normal((2, 200, 4))
        y[:, 1] = 0.5 * y[:, 0] + np.sqrt(0.75) * y[:, 1]
        p = _adjusted(x, y, rng)
        first.append(p[(0, 1)] <= 0.05)
        others.append(min(value for pair, value in p.items() if pair != (0, 1)) <= 0.05)
    assert np.mean(first) > 0.9
    assert np.mean(others) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 60)


def _adjusted(x, y, rng):
    samples = Samples.of(x, y)
    relabelling = Relabelling.of_rows(samples.is_current)
    pairs, statistics = pair_statistics(samples, relabelling, DRAWN, rng)
    largest = statistics[:, 1:].max(axis=0)
    p = [p_values(np.r_[one, largest])[0] for one in statistics[:, 0]]
    return dict(zip(pairs, p, strict=True))


def test_margins_that_shift_are_no_shift_of_a_pair():
    rejected = []
    for seed in range(120):
        rng = RNG(seed)
        x, y = rng.standard_normal((120, 3)), rng.standard_normal((80, 3))
        for sample in (x, y):
            sample[:, 1] = 0.6 * sample[:, 0] + 0.8 * sample[:, 1]
        rejected.append(min(_adjusted(x, np.exp(2 * y + 1), rng).values()) <= 0.1)
    assert np.mean(rejected) < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 120)


def test_pairs_of_categories_and_missing_values_hold_their_level():
    rejected = []
    for seed in range(100):
        rng = RNG(seed)

        def sample(n, shares, rng=rng):
            number = rng.standard_normal(n)
            number[rng.random(n) < 0.2] = np.nan
            return pd.DataFrame({"n": number, "k": rng.choice(list("abc"), n, p=shares)})

        x, y = sample(90, (0.6, 0.3, 0.1)), sample(70, (0.2, 0.4, 0.4))
        rejected.append(min(_adjusted(x, y, rng).values()) <= 0.1)
    assert np.mean(rejected) < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 100)


def test_a_feature_without_values_in_a_sample_has_no_pairs_there():
    x = pd.DataFrame({"a": [np.nan] * 30, "b": RNG(0).random(30)})
    y = pd.DataFrame({"a": RNG(1).random(30), "b": RNG(2).random(30)})
    assert _adjusted(x, y, RNG(0))[(0, 1)] > 0.1


def test_features_that_are_never_there_together_have_nothing_in_common():
    x, y = RNG(0).random((2, 30, 3))
    for sample in (x, y):
        sample[:15, 0] = sample[15:, 1] = np.nan
    assert _adjusted(x, y, RNG(0))[(0, 1)] == 1


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_values_that_are_missing_in_one_sample_shift_no_pair(kind):
    rejected = []
    for seed in range(60):
        rng = RNG(seed)

        def sample(n, missing, rng=rng):
            first = rng.standard_normal(n)
            second = 0.8 * first + 0.6 * rng.standard_normal(n)
            if kind == "categorical":
                second = np.where(second > 0, "high", "low").astype(object)
                second[rng.random(n) < missing] = None
            else:
                second[rng.random(n) < missing] = np.nan
                first[rng.random(n) < missing] = np.nan
            return pd.DataFrame({"a": first, "b": second})

        # Where most rows are of the reference and lack values, both samples have as many left.
        rejected.append(_adjusted(sample(200, 0.5), sample(100, 0.0), rng)[(0, 1)] <= 0.1)
    assert np.mean(rejected) < 0.1 + 3 * np.sqrt(0.1 * 0.9 / 60)


def test_the_level_of_pairs_holds_where_missing_values_change_the_samples_sizes():
    rejected = []
    for seed in range(200):
        rng = RNG(seed)
        x, y = rng.standard_normal((300, 2)), rng.standard_normal((60, 2))
        x[rng.random(x.shape) < 0.6] = np.nan
        rejected.append(_adjusted(x, y, rng)[(0, 1)] <= 0.1)
    assert near(np.mean(rejected), 0.1, 200)


def test_a_dependence_that_shifts_is_found_among_missing_values():
    found = []
    for seed in range(40):
        rng = RNG(seed)
        x, y = rng.standard_normal((2, 300, 3))
        y[:, 1] = 0.6 * y[:, 0] + 0.8 * y[:, 1]
        y[rng.random(y.shape) < 0.3] = np.nan
        found.append(_adjusted(x, y, rng)[(0, 1)] <= 0.05)
    assert np.mean(found) > 0.9


def test_a_feature_that_does_not_vary_explains_nothing():
    made = Samples.of(*RNG(0).standard_normal((2, 30, 3)))
    made.design[:, 1] = 0.3  # as its rows may be left out
    relabelling = Relabelling.of_rows(made.is_current)
    found = marginal_statistics(made, relabelling, 9, RNG(0))
    assert (found[1] == 0).all()
    made.design[:, 2] = 0.3
    again = marginal_statistics(made, relabelling, 9, RNG(0))
    np.testing.assert_allclose(again[0], found[0], rtol=1e-5)
    assert (again[1:] == 0).all()


def test_one_feature_has_no_pairs_and_many_have_too_many(monkeypatch):
    def pairs(d):
        samples = Samples.of(*RNG(0).standard_normal((2, 30, d)))
        return pair_statistics(samples, Relabelling.of_rows(samples.is_current), 9, RNG(0))

    assert pairs(1) is None
    assert pairs(3) is not None
    monkeypatch.setattr(attribution, "MOST_IN_PAIRS", 11)
    assert pairs(3) is None


def test_few_rows_leave_no_room_for_products_nor_for_control():
    samples = Samples.of(*RNG(0).standard_normal((2, 20, 8)))
    found = Regressions.of(samples)
    assert not found.has_products
    assert not found.controls
    assert Regressions.of(Samples.of(*RNG(0).standard_normal((2, 500, 3)))).controls
