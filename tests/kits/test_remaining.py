"""The time left of a run: told when there is enough to tell it by, and as people say it."""

from itertools import pairwise

import pytest

from evidesk.kits import Remaining, rounded, words


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def remaining(clock: Clock) -> Remaining:
    return Remaining(clock)


def go_on(
    remaining: Remaining, clock: Clock, since: float, to: float, *, speed: float, step: float
) -> None:
    """Work with so much of the share per second, and tell it every `step` seconds."""
    done = since
    while done < to:
        clock.now += step
        done = min(to, done + speed * step)
        remaining.note(done)


def test_at_an_even_speed_the_time_left_is_what_it_is(remaining: Remaining, clock: Clock) -> None:
    assert remaining.seconds is None
    remaining.note(0.0)
    for since, to in pairwise((0.0, 0.1, 0.5, 0.9, 1.0)):
        go_on(remaining, clock, since, to, speed=1e-3, step=0.1)
        assert remaining.seconds == pytest.approx((1 - to) / 1e-3, rel=0.01)


def test_nothing_is_said_too_early(remaining: Remaining, clock: Clock) -> None:
    remaining.note(0.0)
    go_on(remaining, clock, 0, 0.4, speed=0.1, step=0.1)
    assert remaining.seconds is None, "4 s are too few"
    slow = Remaining(clock)
    slow.note(0.0)
    go_on(slow, clock, 0, 0.02, speed=1e-3, step=0.1)
    assert slow.seconds is None, "2 % are too little"
    go_on(slow, clock, 0.02, 0.04, speed=1e-3, step=0.1)
    assert slow.seconds is not None


def test_the_first_steps_after_a_long_preparation_tell_nothing(
    remaining: Remaining, clock: Clock
) -> None:
    remaining.note(0.0)
    clock.now += 20
    remaining.note(0.05)
    clock.now += 20
    for done in (0.05, 0.0501, 0.06):
        remaining.note(done)
        clock.now += 0.5
        assert remaining.seconds is None, "or it would be hours"
    go_on(remaining, clock, 0.06, 0.3, speed=0.01, step=0.5)
    assert remaining.seconds == pytest.approx(70, rel=0.35)


def test_a_slow_beginning_is_forgotten(remaining: Remaining, clock: Clock) -> None:
    remaining.note(0.0)
    go_on(remaining, clock, 0, 0.05, speed=0.005, step=1.0)
    go_on(remaining, clock, 0.05, 0.5, speed=0.02, step=1.0)
    assert remaining.seconds == pytest.approx(25, rel=0.05)


def test_what_was_done_before_the_run_went_on_is_no_speed(
    remaining: Remaining, clock: Clock
) -> None:
    remaining.note(0.0)
    clock.now += 20
    remaining.note(0.05)
    clock.now += 20
    remaining.note(0.6)  # read from a checkpoint
    for since, to in pairwise((0.6, 0.61, 0.63, 0.7, 0.9)):
        go_on(remaining, clock, since, to, speed=1e-3, step=0.5)
        expected = None if to == 0.61 else pytest.approx((1 - to) / 1e-3, rel=0.1)
        assert remaining.seconds == expected


def test_one_step_alone_is_no_speed(remaining: Remaining, clock: Clock) -> None:
    remaining.note(0.0)
    for done, told in ((0.25, None), (0.5, None), (0.75, pytest.approx(15))):
        clock.now += 20
        remaining.note(done)
        assert remaining.seconds == told


def test_a_run_that_says_nothing_any_more_takes_ever_longer(
    remaining: Remaining, clock: Clock
) -> None:
    remaining.note(0.0)
    go_on(remaining, clock, 0, 0.5, speed=0.01, step=1.0)
    told = []
    for _ in range(3):
        told.append(remaining.seconds)
        clock.now += 20
    assert told == sorted(told)
    clock.now += 60
    assert remaining.seconds is None


def test_however_often_it_is_told_little_is_noted(remaining: Remaining, clock: Clock) -> None:
    for number in range(100_000):
        clock.now += 1e-3
        remaining.note(number / 1e5)
    assert len(remaining._noted) < 1_500
    assert remaining.seconds == pytest.approx(0, abs=1e-2)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""),
        (0, "less than a minute left"),
        (59.9, "less than a minute left"),
        (60, "about 1 minute left"),
        (89, "about 1 minute left"),
        (170, "about 3 minutes left"),
        (630, "about 10 minutes left"),
        (11 * 60, "about 10 minutes left"),
        (13 * 60, "about 15 minutes left"),
        (60 * 60, "about 60 minutes left"),
        (91 * 60, "about 90 minutes left"),
        (93 * 60, "about 2 hours left"),
        (47.4 * 3600, "about 47 hours left"),
        (47.6 * 3600, "about 2 days left"),
        (1e6, "about 12 days left"),
    ],
)
def test_the_time_left_is_told_as_people_do(seconds: float | None, told: str) -> None:
    assert words(seconds) == told


def test_a_longer_time_is_never_told_as_a_shorter_one() -> None:
    length = {"minute": 60, "hour": 3600, "day": 86400}
    told = [count * length[unit] for count, unit in map(rounded, range(0, 400_000, 7))]
    assert told == sorted(told)
