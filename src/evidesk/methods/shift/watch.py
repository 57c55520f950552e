"""Does a stream still come from the reference's distribution? Asked at every row, for ever."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift.betting import MEMORIES, Purse
from evidesk.methods.shift.columns import check_alike, columns_of
from evidesk.methods.shift.order import alike, clearest, sums_of_neighbours
from evidesk.methods.shift.watch_encoding import FARTHEST, Code, as_reference, encode
from evidesk.methods.shift.watch_learners import (
    RandomFeatures,
    bets_of,
    learners_of,
    varied_columns,
)
from evidesk.methods.shift.watch_result import WatchResult, WatchStep
from evidesk.methods.shift.watch_state import FORMAT, VERSION, WITHOUT_ORDER, Reader, digest, pack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: Rows that are bet on by the same shares of the purse.
BLOCK = 32
#: Of the reference, what teaches how columns become numbers, and is not bet on.
_PART_KNOWN, _FEWEST_KNOWN, _MOST_KNOWN = 5, 10, 500
_FEWEST_ROWS = 20
#: While a thousand unused rows of the reference are left, each current row meets one of them; with
#: two thousand two, and so on.
_FOR_EACH_CONTROL, MOST_CONTROLS = 1_000, 4
_NOT_EXCHANGEABLE = (
    "rows are not exchangeable, and alarms come without a shift. Give rows so far apart that they "
    "do not depend on each other, or one row for each bunch, of the reference and of the stream."
)


class ShiftWatch:
    """Watch a stream of rows for a shift away from a reference.

    By betting, see :mod:`evidesk.methods.shift.betting`: the chance of ever giving a false alarm,
    however long and however often one looks, is at most ``1 - level``. It holds exactly if the rows
    of the reference and of the stream are exchangeable, whatever their distribution: "no shift"
    means that the stream's rows could as well have been the reference's. Rows that come in groups,
    or depend on the rows before them, are not; give one row for each group. The watch warns where
    neighbouring rows are alike, in the order in which they are given.

    A fifth of the reference, chosen at random and 500 rows at most, teaches how columns become
    numbers. Each row of the others is compared with one current row, once: the reference is used
    up. Fixed reference rows compared again and again would give a false alarm in the end, for what
    is seen then is how they differ from their own distribution. Without reference rows the watch
    counts the stream's rows and says so; see :meth:`add_reference`.

    Parameters
    ----------
    reference : data frame (pandas, polars), mapping of columns, or array of shape (n,) or (n,
        features), of 20 rows or more. Numbers, dates, categories; missing values are information.
    level : 1 less the chance of ever giving a false alarm.
    controls : with how many reference rows each current one is compared, from 1 on: more find a
        shift sooner, and use the reference up sooner. By default 1 to 4, as many as there are
        thousands of them left.
    random_state : of the reference's order and of the random features. The stream uses none.

    Raises
    ------
    ValueError, TypeError : the reference is no sample, has too few rows, or a parameter makes no
        sense.
    """

    def __init__(
        self,
        reference: Any,
        *,
        level: float = 0.95,
        controls: int | None = None,
        random_state: RandomState = 0,
    ) -> None:
        _check_parameters(level, controls)
        rng = generator(random_state)
        columns = columns_of(reference, "reference")
        n = len(columns[0].values)
        if n < _FEWEST_ROWS:
            raise ValueError(f"The reference needs {_FEWEST_ROWS} rows or more, got {n}.")
        order = rng.permutation(n)
        known = min(max(n // _PART_KNOWN, _FEWEST_KNOWN), _MOST_KNOWN)
        if controls is not None and controls > n - known:
            raise ValueError(
                f"The 'controls' parameter must be at most {n - known} with a reference of {n} "
                f"rows. Got {controls} instead."
            )
        self._level, self._controls = float(level), None if controls is None else int(controls)
        self._codes = tuple(Code.of(one, order[:known]) for one in columns)
        design = encode(self._codes, columns)
        self._alike = alike(design.astype(np.float64))
        self._neighbours, self._compared = np.zeros((3, design.shape[1])), 0
        design = design[order]
        self._known, self._unused = design[:known], design[known:]
        self._random = RandomFeatures.of(self._known, rng)
        self._learners = learners_of(self._known, self._random)
        self._purse = Purse(bets_of(self._learners))
        self._current = design[:0]
        self._size = self._next_size()
        self._rows = 0
        self._path: list[float] = []
        self._at: list[int] = []
        self._largest = 0.0
        self._alarm: int | None = None

    def update(self, batch: Any) -> WatchStep:
        """Go on by the next rows of the stream, one or many, in their order.

        How a stream is cut into batches makes no difference.

        Parameters
        ----------
        batch : a sample with the reference's columns.

        Raises
        ------
        ValueError, TypeError : it is no sample, or has other columns or types than the reference;
            the watch stays as it was.
        """
        rows = self._encoded(batch, "batch")
        while len(rows):
            room = min(BLOCK, len(self._unused) // self._size) - len(self._current)
            if room <= 0:
                self._rows += len(rows)
                break
            self._bet(rows[:room])
            rows = rows[room:]
        return self.step

    def add_reference(self, reference: Any, *, random_state: RandomState = 0) -> None:
        """Give further reference rows, from where the first ones came and none of them twice.

        Rows of the stream that passed without a reference row are not bet on later.

        Raises
        ------
        ValueError, TypeError : as :meth:`update`.
        """
        rows = self._encoded(reference, "further reference")
        self._alike = max(self._alike, alike(rows.astype(np.float64)))
        order = generator(random_state).permutation(len(rows))
        self._unused = np.concatenate([self._unused, rows[order]])

    @property
    def step(self) -> WatchStep:
        """Where the watch stands."""
        return WatchStep(**self._standing())

    @property
    def result(self) -> WatchResult:
        """What was found so far, with the way there."""
        order = self._order_warnings()
        shares = np.exp(self._purse.shares)
        by_learner = shares[1:].reshape(len(self._learners), -1).sum(axis=1)
        names = [one.coordinates.family.name for one in self._learners]
        return WatchResult(
            **self._standing(),
            path=np.array(self._path, dtype=np.float64),
            at=np.array(self._at, dtype=np.int64),
            shares=dict(zip(names, map(float, by_learner), strict=True)),
            level=self._level,
            warnings=(*order, *self._warnings()),
            order_warnings=order,
        )

    def __str__(self) -> str:
        return str(self.result)

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """As :meth:`WatchResult.plot`."""
        return self.result.plot(ax)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on elsewhere, bit by bit the same, as a value for JSON.

        It holds the reference's unused rows as numbers, and the stream's last ones: keep it as you
        keep the data.
        """
        body: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "level": self._level,
            "controls": self._controls,
            "columns": [one.told() for one in self._codes],
            "known": pack(self._known),
            "unused": pack(self._unused),
            "current": pack(self._current),
            "size": self._size,
            "random": {name: pack(one) for name, one in self._random.arrays().items()},
            "learners": [
                {
                    "current": pack(one.current),
                    "weight": pack(one.weight),
                    "reference": pack(one.reference),
                    "controls": one.controls,
                }
                for one in self._learners
            ],
            "alike": self._alike,
            "neighbours": pack(self._neighbours),
            "compared": self._compared,
            "shares": pack(self._purse.shares),
            "log_wealth": self._purse.log_wealth,
            "blocks": self._purse.blocks,
            "rows": self._rows,
            "path": pack(np.array(self._path, dtype=np.float64)),
            "at": pack(np.array(self._at, dtype=np.int64)),
        }
        return {**body, "sha256": digest(body)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ShiftWatch":
        """Go on from where :meth:`state` was taken.

        Raises
        ------
        ValueError : it is no state of a watch, of a newer version, or damaged.
        """
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise ValueError("This is no state of a ShiftWatch: give what its 'state()' returned.")
        if state.get("version") not in (WITHOUT_ORDER, VERSION):
            raise ValueError(
                f"This state has version {state.get('version')!r}, of which this version of "
                f"evidesk knows nothing: it reads versions {WITHOUT_ORDER} and {VERSION}."
            )
        body = {name: value for name, value in state.items() if name != "sha256"}
        try:
            intact = state.get("sha256") == digest(body)
        except (TypeError, ValueError, RecursionError):
            intact = False
        if not intact:
            raise ValueError(
                "This state of a ShiftWatch is damaged: its digest does not fit its content."
            )
        return cls._restored(Reader(body))

    @classmethod
    def _restored(cls, read: "Reader") -> "ShiftWatch":
        self = cls.__new__(cls)
        self._level = read.number("level")
        controls = read.body.get("controls")
        self._controls = None if controls is None else read.count("controls", 1)
        read.check(0 < self._level < 1, "level")
        codes = read.body.get("columns")
        read.check(isinstance(codes, list) and bool(codes), "columns")
        self._codes = tuple(Code.from_told(Reader(one, "columns")) for one in codes or ())
        read.check(len({one.name for one in self._codes}) == len(self._codes), "columns")
        width = sum(one.width for one in self._codes)
        single = np.dtype("<f4")
        self._known = read.array("known", single, (None, width))
        self._unused = read.array("unused", single, (None, width))
        self._current = read.array("current", single, (None, width))
        self._size = read.count("size", 1)
        for name, rows in (
            ("known", self._known),
            ("unused", self._unused),
            ("current", self._current),
        ):
            read.check(bool((np.abs(rows) <= FARTHEST).all()), name)
        read.check(len(self._known) >= _FEWEST_KNOWN, "known")
        read.check(len(self._current) < BLOCK, "current")
        read.check(len(self._current) * self._size <= len(self._unused), "current")
        self._random = RandomFeatures.read(read.under("random"), len(varied_columns(self._known)))
        self._learners = learners_of(self._known, self._random)
        learnt = read.body.get("learners")
        read.check(isinstance(learnt, list) and len(learnt) == len(self._learners), "learners")
        double = np.dtype("<f8")
        for learner, one in zip(self._learners, learnt or (), strict=True):
            inner = Reader(one, "learners")
            q = len(learner.reference)
            learner.current = inner.array("current", double, (len(MEMORIES), q))
            learner.weight = inner.array("weight", double, (len(MEMORIES),))
            learner.reference = inner.array("reference", double, (q,))
            learner.controls = inner.count("controls")
            inner.check(bool((learner.weight >= 0).all()), "weight")
        bets = bets_of(self._learners)
        self._purse = Purse(bets)
        self._purse.shares = read.array("shares", double, (1 + bets,))
        self._purse.log_wealth = read.number("log_wealth")
        self._purse.blocks = read.count("blocks")
        self._rows = read.count("rows")
        self._alike, self._neighbours, self._compared = 0.0, np.zeros((3, width)), 0
        if read.body.get("version") != WITHOUT_ORDER:
            self._alike = read.number("alike")
            self._neighbours = read.array("neighbours", double, (3, width))
            self._compared = read.count("compared")
            products, squares, variance = self._neighbours
            read.check(0 <= self._alike <= 1, "alike")
            read.check(
                bool((squares >= 0).all() and (abs(products) <= variance).all()), "neighbours"
            )
        path = read.array("path", double, (None,))
        at = read.array("at", np.dtype("<i8"), (len(path),))
        read.check(bool(abs(np.logaddexp.reduce(self._purse.shares)) < 1e-6), "shares")
        whole = self._purse.blocks * BLOCK
        read.check(len(path) == whole + len(self._current), "path")
        before = float(path[whole - 1]) if whole else 0.0
        read.check(abs(before - self._purse.log_wealth) < 1e-6 * (1 + abs(before)), "log_wealth")
        steps = np.diff(np.r_[0, at, self._rows + 1])
        read.check(bool((steps > 0).all()), "at")
        self._path, self._at = [], []
        self._largest, self._alarm = 0.0, None
        self._record(path, at)
        return self

    def _encoded(self, sample: Any, what: str) -> Singles:
        columns = as_reference(self._codes, columns_of(sample, what))
        return encode(self._codes, check_alike([one.like() for one in self._codes], columns, what))

    def _next_size(self) -> int:
        """How many reference rows each row of the next block meets."""
        if self._controls is not None:
            return self._controls
        return int(np.clip(len(self._unused) // _FOR_EACH_CONTROL, 1, MOST_CONTROLS))

    def _bet(self, rows: Singles) -> None:
        begin = len(self._current)
        self._current = np.concatenate([self._current, rows])
        end = len(self._current)
        # Always a whole block, so that a row is computed alike in whatever batch it came.
        bags = np.zeros((BLOCK, 1 + self._size, rows.shape[1]))
        bags[:end, 0] = self._current
        bags[:end, 1:] = self._unused[: end * self._size].reshape(end, self._size, -1)
        whole = end == BLOCK
        payoffs = np.concatenate([one.log_payoffs(bags, learn=whole) for one in self._learners])
        at = np.arange(self._rows + 1, self._rows + 1 + len(rows))
        self._rows += len(rows)
        self._record(self._purse.path(payoffs)[begin:end], at)
        if whole:
            self._purse.settle(payoffs)
            # About the block's own mean, so that a shift is not taken for dependence.
            self._neighbours += sums_of_neighbours(self._current.astype(np.float64))
            self._compared += BLOCK
            self._unused = self._unused[BLOCK * self._size :]
            self._current = self._current[:0]
            self._size = self._next_size()

    def _record(self, path: Floats, at: npt.NDArray[np.int64]) -> None:
        self._path += path.tolist()
        self._at += at.tolist()
        self._largest = max(self._largest, float(path.max(initial=0.0)))
        alarming = path >= -math.log(1 - self._level)
        if self._alarm is None and alarming.any():
            self._alarm = int(at[int(np.argmax(alarming))])

    def _standing(self) -> dict[str, Any]:
        return {
            "rows": self._rows,
            "bets": len(self._path),
            "log_wealth": self._path[-1] if self._path else 0.0,
            "p_value": math.exp(-self._largest),
            "alarm": self._alarm,
            "reference_left": len(self._unused) - len(self._current) * self._size,
        }

    def _order_warnings(self) -> tuple[str, ...]:
        """What to say if neighbouring rows are more alike than chance lets them be."""
        stream = clearest(self._neighbours, self._compared)
        found = []
        if self._alike:
            found.append(
                f"Neighbouring rows of the reference are alike (correlation {self._alike:.2f}). If "
                f"their order is time, or they come in bunches, {_NOT_EXCHANGEABLE} If you have "
                "sorted the reference, it is fine."
            )
        if stream:
            found.append(
                f"Neighbouring rows of the stream are alike (correlation {stream:.2f} within "
                f"{BLOCK} rows): {_NOT_EXCHANGEABLE}"
            )
        return tuple(found)

    def _warnings(self) -> list[str]:
        idle = self._rows - len(self._path)
        if not idle:
            return []
        told = f"{idle:,} row(s) of the stream were not bet on"
        left = self.step.reference_left
        if left >= self._size:
            return [f"The reference was used up before more of it was added: {told}."]
        return [
            f"The reference is used up: {told}. Each row of the stream needs {self._size:,} of its "
            f"row(s), and {left:,} are left. Give further ones to 'add_reference'; rows of the "
            "stream that have passed are not bet on later."
        ]


def _check_parameters(level: float, controls: int | None) -> None:
    critical_value(level)
    if controls is not None and (
        isinstance(controls, bool) or not isinstance(controls, int | np.integer) or controls < 1
    ):
        raise ValueError(
            "The 'controls' parameter must be None or an integer from 1 on. "
            f"Got {controls!r} instead."
        )
