"""Which texts are alike and who fits: by hand, and against trying everything."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.vouchers import matching
from evidesk.desk.vouchers.matching import NO_SIGN, Candidate, Sign, Texts

TEXTS = [
    "Noise hits in the silicon tracker: a small network removes noise from detector images",
    "Load forecast of the campus: predicting the electricity of tomorrow",
    "Vorhersage des Stromverbrauchs: die Vorhersagen sollen verlässlich sein",
    "",
]


def test_a_word_is_its_first_letters_and_function_words_are_none() -> None:
    assert matching.stems("The detectors' detection, und das Rauschen der Detektoren!") == [
        "detect", "detect", "rausch", "detekt"
    ]  # fmt: skip
    assert matching.stems("a 42 x_y ß é 3.14") == []


def test_a_text_is_most_like_the_one_about_the_same_thing() -> None:
    texts = Texts(TEXTS)
    for place, asked in enumerate(
        ["Removing noisy hits of a detector", "forecasts of the load", "Verlässliche Vorhersage"]
    ):
        similarities = texts.similarities(asked)
        assert similarities.shape == (4,)
        assert int(similarities.argmax()) == place
        assert 0 < similarities[place] <= 1
    assert texts.similarities(TEXTS[0])[0] == pytest.approx(1, abs=1e-6)
    assert texts.similarities("nothing of this").max() == 0
    assert texts.similarities("").max() == 0


def test_the_words_that_two_texts_share_are_told_as_they_are_written() -> None:
    texts = Texts(TEXTS)
    assert set(texts.shared("Noise: DETECTORS see hits", 0)) == {"noise", "detectors", "hits"}
    assert len(texts.shared(TEXTS[0], 0, most=2)) == 2
    assert texts.shared("Noise", 1) == ()


def test_no_texts_at_all_are_like_nothing() -> None:
    assert Texts([]).similarities("noise").shape == (0,)
    assert Texts(["", "   "]).similarities("noise").tolist() == [0, 0]


@pytest.mark.parametrize(("most", "least", "found"), [(2, 0.1, [3, 1]), (9, 0.25, [3]), (9, 2, [])])
def test_the_nearest_are_found_among_those_that_are_asked_for(
    most: int, least: float, found: list[int]
) -> None:
    similarities = np.array([0.9, 0.2, 0.0, 0.3], dtype=np.float32)
    assert matching.nearest(similarities, [1, 2, 3], most=most, least=least) == found
    assert matching.nearest(similarities, [], most=most, least=least) == []


def test_the_strongest_sign_is_one_of_the_persons_own() -> None:
    similarities = np.array([0.9, 0.2, 0.0, 0.3], dtype=np.float32)
    sign = matching.strongest(similarities, np.array([1, 3]), 0.1)
    assert (sign.place, sign.similarity) == (3, pytest.approx(0.3))
    assert matching.strongest(similarities, np.array([1, 3]), 0.5) == NO_SIGN
    assert matching.strongest(similarities, np.array([], dtype=np.intp), 0.1) == NO_SIGN


def somebody(
    key: int, skill: float = 0, past: float = 0, free: float = 16, *conflicts: str
) -> Candidate:
    return Candidate(key, f"P{key}", Sign(skill), Sign(past), free, conflicts)


def test_a_score_is_affinity_times_capacity_and_nothing_in_a_conflict() -> None:
    one = matching.match(somebody(1, 0.2, 0.5, 8), 16)
    assert one.affinity == pytest.approx(1 - 0.8 * 0.5)
    assert one.capacity == 0.5
    assert one.score == pytest.approx(0.3)
    assert matching.match(somebody(1, 0.2, 0.5, 99), 16).capacity == 1
    assert matching.match(somebody(1, 0.2, 0.5, -3), 16).score == 0
    assert matching.match(somebody(1, 0.2, 0.5, 8, "It is their own."), 16).score == 0
    assert matching.affinity(NO_SIGN, NO_SIGN) == 0


def test_the_best_come_first_and_those_in_conflict_last() -> None:
    people = [
        somebody(1, 0.9, 0, 16, "A conflict."), somebody(4, 0.3), somebody(3, 0.3),
        somebody(2, 0.9, 0, 1),
    ]  # fmt: skip
    assert [m.candidate.key for m in matching.rank(people, 16)] == [3, 4, 2, 1]


shares = st.floats(0, 1, allow_nan=False)


@given(
    st.integers(1, 4).flatmap(
        lambda n: st.tuples(
            st.lists(st.lists(shares, min_size=n, max_size=n), min_size=1, max_size=4),
            st.lists(st.sampled_from([0.0, 8.0, 16.0]), min_size=n, max_size=n),
        )
    )
)
def test_no_other_assignment_serves_all_together_better(
    case: tuple[list[list[float]], list[float]],
) -> None:
    affinities, free = case
    candidates = {
        voucher: [somebody(p, a, 0, f) for p, (a, f) in enumerate(zip(row, free, strict=True))]
        for voucher, row in enumerate(affinities)
    }
    assigned = matching.assign(candidates, dict.fromkeys(candidates, 16.0))
    total = sum(match.score for match in assigned.values())
    scores = [[matching.match(one, 16).score for one in row] for row in candidates.values()]
    vouchers, people = range(len(affinities)), range(len(free))
    k = min(len(vouchers), len(people))
    best = max(
        sum(scores[v][p] for v, p in zip(chosen, order, strict=True))
        for chosen in permutations(vouchers, k)
        for order in permutations(people, k)
    )
    assert total == pytest.approx(best)
    keys = [match.candidate.key for match in assigned.values()]
    assert len(keys) == len(set(keys)), "16 hours are enough for one"


def test_who_has_time_for_two_gets_two_and_the_second_finds_less() -> None:
    people = [somebody(1, 0.8, 0, 24)]
    assigned = matching.assign(dict.fromkeys("ab", people), dict.fromkeys("ab", 16.0))
    assert sorted(match.capacity for match in assigned.values()) == [0.5, 1]


def test_nobody_free_or_nothing_to_do_is_no_assignment() -> None:
    assert matching.assign({}, {}) == {}
    assert matching.assign({1: []}, {1: 16.0}) == {}
    assert matching.assign({1: [somebody(1, 0.9, 0, 0)]}, {1: 16.0}) == {}
    assert matching.assign({1: [somebody(1, 0.9, 0, 9, "Own.")]}, {1: 16.0}) == {}
