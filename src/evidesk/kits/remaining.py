"""How long a run still takes, told by how it went so far."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

Unit = Literal["minute", "hour", "day"]

#: There is not enough to tell it by before so many seconds, or if the latter half of them has done
#: less than this share of the work: half of the first 3 % at an even speed.
_SECONDS, _SHARE = 5.0, 0.015
#: Notes are apart by at least this share of the time so far, so that their number stays small.
_APART = 0.01


class Remaining:
    """The time left of a run, by the speed of the latter half of its time.

    The whole time would go on blaming a slow beginning, and the last step alone would leap about. A
    step that is most of what that half has done is left out: it is a leap to where an earlier run
    was cut off, or the only one, and tells no speed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: list[tuple[float, float]] = []
        self._done = 0.0

    def note(self, done: float) -> None:
        """The share of the work that is done now; the time runs from the first note on."""
        now, self._done = self._clock(), done
        if not self._noted or now - self._noted[-1][0] >= _APART * (now - self._noted[0][0]):
            self._noted.append((now, done))

    @property
    def seconds(self) -> float | None:
        """The time left; None if there is not enough to tell it by."""
        if not self._noted:
            return None
        now, began = self._clock(), self._noted[0][0]
        if now - began < _SECONDS:
            return None
        half = (now + began) / 2
        before = [done for then, done in self._noted if then <= half][-1]
        later = [one for one in self._noted if one[0] > half]
        path = [(half, before), *later, (now, self._done)]
        seconds, gained = now - half, self._done - before
        largest, lasted = max((b[1] - a[1], b[0] - a[0]) for a, b in pairwise(path))
        if largest > gained / 2:
            seconds, gained = seconds - lasted, gained - largest
        return (1 - self._done) * seconds / gained if gained >= _SHARE else None


def rounded(seconds: float) -> tuple[int, Unit]:
    """A time as people say it; 0 minutes are less than one."""
    minutes = round(seconds / 60) if seconds >= 60 else 0
    if minutes > 10:
        minutes = 5 * round(minutes / 5)
    if minutes <= 90:
        return minutes, "minute"
    hours = round(seconds / 3600)
    return (hours, "hour") if hours < 48 else (round(seconds / 86400), "day")


def words(seconds: float | None) -> str:
    """The time left as a terminal tells it; nothing for None."""
    if seconds is None:
        return ""
    count, unit = rounded(seconds)
    return f"about {count} {unit}{'s' * (count > 1)} left" if count else "less than a minute left"
