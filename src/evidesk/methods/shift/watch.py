"""Does a stream still come from the reference's distribution? Asked at every row, for ever."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evidesk.evidence import style
from evidesk.evidence.plot import ACCENT
from evidesk.methods.metrics.resampling import RandomState, generator
from evidesk.methods.shift.betting import MEMORIES, STRENGTHS, Coordinates, Learner, Purse
from evidesk.methods.shift.columns import FeatureColumn, check_alike, columns_of
from evidesk.methods.shift.families import (
    Family,
    Linear,
    Products,
    Ranks,
    Waves,
    median_distance,
)
from evidesk.methods.shift.samples import Feature

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

FORMAT, VERSION = "evidesk.ShiftWatch", 1
#: Rows that are bet on by the same shares of the purse.
BLOCK = 32
#: Of the reference, what teaches how columns become numbers, and is not bet on.
_PART_KNOWN, _FEWEST_KNOWN, _MOST_KNOWN = 5, 10, 500
_FEWEST_ROWS = 20
#: While a thousand unused rows of the reference are left, each current row meets one of them; with
#: two thousand two, and so on.
_FOR_EACH_CONTROL, MOST_CONTROLS = 1_000, 4
#: In standard deviations: beyond, all is equally far, so that no single row is all there is.
_FARTHEST = 8.0
_MOST_PRODUCTS = 200
_DISTANCES = (0.2, 0.5, 1.0)
#: Of a column that was constant, every other value is as far as can be.
_LEAST = float(np.finfo(np.float64).tiny)
_OTHER, _MISSING = "(other)", "(missing)"


@dataclass(frozen=True)
class WatchStep:
    """Where a watch stands.

    Attributes
    ----------
    rows : of the stream so far; ``bets`` of them were bet on.
    log_wealth : natural logarithm of the e-value: what one unit of money has become by betting on
        a shift. Without a shift it does not grow, on average.
    p_value : any-time valid: 1 over the largest wealth so far, at most 1.
    alarm : the row, counted from 1, at which the wealth first reached 1 / (1 - level); or None.
    reference_left : how many rows of the reference can still be bet on.
    """

    rows: int
    bets: int
    log_wealth: float
    p_value: float
    alarm: int | None
    reference_left: int

    @property
    def e_value(self) -> float:
        """The wealth; infinite where it is too large for a float."""
        return _exp(self.log_wealth)


@dataclass(frozen=True)
class WatchResult(WatchStep):
    """What a watch has found so far.

    Attributes
    ----------
    path : shape (bets,); the logarithm of the wealth after each row that was bet on. These are the
        first rows of the stream, and those after more reference was added.
    at : shape (bets,); which rows, counted from 1.
    shares : of the wealth, by family of features; a family that holds much has seen the shift.
    level : 1 less the chance of ever giving a false alarm.
    warnings : what a reader has to know.
    """

    path: Floats = field(repr=False)
    at: npt.NDArray[np.int64] = field(repr=False)
    shares: Mapping[str, float]
    level: float
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        verdict = (
            f"No shift was found in {self.rows:,} rows"
            if self.alarm is None
            else f"The stream has shifted: alarm at row {self.alarm:,} of {self.rows:,}"
        )
        numbers = f"any-time p = {self.p_value:.3g}, e-value {self.e_value:.3g}"
        lines = [
            f"{verdict} ({numbers})",
            f"  without a shift, the chance of an alarm at any row whatever is at most "
            f"{100 * (1 - self.level):.3g} %, if rows are exchangeable",
        ]
        if self.alarm is not None:
            name = max(self.shares, key=lambda one: self.shares[one])
            lines.append(f"  seen best in: {name} ({100 * self.shares[name]:.0f} % of the wealth)")
        return "\n".join([*lines, *(f"  Note: {one}" for one in self.warnings)])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """The logarithm of the e-value, row by row, and where it gives an alarm."""
        threshold = -math.log(1 - self.level)
        with style():
            if ax is None:
                from matplotlib import pyplot as plt

                ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")[1]
            ax.plot(np.r_[0, self.at], np.r_[0.0, self.path], color=ACCENT)
            ax.axhline(threshold, color="#374151", linestyle="--", linewidth=1.0)
            ax.annotate(
                f"alarm: 1 in {1 / (1 - self.level):.3g}",
                (1, threshold),
                (-2, 3),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                ha="right",
                fontsize="small",
            )
            if self.alarm is not None:
                ax.axvline(self.alarm, color=ACCENT, linewidth=1.0, linestyle=":")
            ax.set_xlabel("Row of the stream")
            ax.set_ylabel("Log e-value")
        return ax


class ShiftWatch:
    """Watch a stream of rows for a shift away from a reference.

    By betting, see :mod:`evidesk.methods.shift.betting`: the chance of ever giving a false alarm,
    however long and however often one looks, is at most ``1 - level``. It holds exactly if the rows
    of the reference and of the stream are exchangeable, whatever their distribution: "no shift"
    means that the stream's rows could as well have been the reference's. Rows that come in groups,
    or depend on the rows before them, are not; give one row for each group.

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
        self._level, self._controls = float(level), controls
        self._codes = tuple(_Code.of(one, order[:known]) for one in columns)
        design = _encode(self._codes, columns)[order]
        self._known, self._unused = design[:known], design[known:]
        self._random = _Random.of(self._known, rng)
        self._learners = _learners(self._known, self._random)
        self._purse = Purse(_bets(self._learners))
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
        rows = self._encoded(reference, "reference")
        order = generator(random_state).permutation(len(rows))
        self._unused = np.concatenate([self._unused, rows[order]])

    @property
    def step(self) -> WatchStep:
        """Where the watch stands."""
        return WatchStep(**self._standing())

    @property
    def result(self) -> WatchResult:
        """What was found so far, with the way there."""
        shares = np.exp(self._purse.shares)
        by_learner = shares[1:].reshape(len(self._learners), -1).sum(axis=1)
        names = [one.coordinates.family.name for one in self._learners]
        return WatchResult(
            **self._standing(),
            path=np.array(self._path, dtype=np.float64),
            at=np.array(self._at, dtype=np.int64),
            shares=dict(zip(names, map(float, by_learner), strict=True)),
            level=self._level,
            warnings=tuple(self._warnings()),
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
            "known": _pack(self._known),
            "unused": _pack(self._unused),
            "current": _pack(self._current),
            "size": self._size,
            "random": {name: _pack(one) for name, one in self._random.arrays().items()},
            "learners": [
                {
                    "current": _pack(one.current),
                    "weight": _pack(one.weight),
                    "reference": _pack(one.reference),
                    "controls": one.controls,
                }
                for one in self._learners
            ],
            "shares": _pack(self._purse.shares),
            "log_wealth": self._purse.log_wealth,
            "blocks": self._purse.blocks,
            "rows": self._rows,
            "path": _pack(np.array(self._path, dtype=np.float64)),
            "at": _pack(np.array(self._at, dtype=np.int64)),
        }
        return {**body, "sha256": _digest(body)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ShiftWatch":
        """Go on from where :meth:`state` was taken.

        Raises
        ------
        ValueError : it is no state of a watch, of a newer version, or damaged.
        """
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise ValueError("This is no state of a ShiftWatch: give what its 'state()' returned.")
        if state.get("version") != VERSION:
            raise ValueError(
                f"This state has version {state.get('version')!r}, of which this version of "
                f"evidesk knows nothing: it reads version {VERSION}."
            )
        body = {name: value for name, value in state.items() if name != "sha256"}
        try:
            intact = state.get("sha256") == _digest(body)
        except (TypeError, ValueError, RecursionError):
            intact = False
        if not intact:
            raise ValueError(
                "This state of a ShiftWatch is damaged: its digest does not fit its content."
            )
        return cls._restored(_Reader(body))

    @classmethod
    def _restored(cls, read: "_Reader") -> "ShiftWatch":
        self = cls.__new__(cls)
        self._level = read.number("level")
        controls = read.body.get("controls")
        self._controls = None if controls is None else read.count("controls", 1)
        read.check(0 < self._level < 1, "level")
        codes = read.body.get("columns")
        read.check(isinstance(codes, list) and bool(codes), "columns")
        self._codes = tuple(_Code.from_told(_Reader(one, "columns")) for one in codes or ())
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
            read.check(bool((np.abs(rows) <= _FARTHEST).all()), name)
        read.check(len(self._known) >= _FEWEST_KNOWN, "known")
        read.check(len(self._current) < BLOCK, "current")
        read.check(len(self._current) * self._size <= len(self._unused), "current")
        self._random = _Random.read(read.under("random"), len(_varied(self._known)))
        self._learners = _learners(self._known, self._random)
        learnt = read.body.get("learners")
        read.check(isinstance(learnt, list) and len(learnt) == len(self._learners), "learners")
        double = np.dtype("<f8")
        for learner, one in zip(self._learners, learnt or (), strict=True):
            inner = _Reader(one, "learners")
            q = len(learner.reference)
            learner.current = inner.array("current", double, (len(MEMORIES), q))
            learner.weight = inner.array("weight", double, (len(MEMORIES),))
            learner.reference = inner.array("reference", double, (q,))
            learner.controls = inner.count("controls")
            inner.check(bool((learner.weight >= 0).all()), "weight")
        bets = _bets(self._learners)
        self._purse = Purse(bets)
        self._purse.shares = read.array("shares", double, (1 + bets,))
        self._purse.log_wealth = read.number("log_wealth")
        self._purse.blocks = read.count("blocks")
        self._rows = read.count("rows")
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
        columns = columns_of(sample, what)
        return _encode(self._codes, check_alike([one.like() for one in self._codes], columns))

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

    def _warnings(self) -> list[str]:
        idle = self._rows - len(self._path)
        if not idle:
            return []
        return [
            f"The reference is used up: {idle:,} row(s) of the stream were not bet on. As many "
            "further reference rows would have been needed, and the next rows of the stream need "
            "one each: give them to 'add_reference'."
        ]


@dataclass(frozen=True)
class _Code:
    """How a column becomes numbers, whatever the stream will bring.

    A number is standardised and has a further column that says where it is missing; of a category
    there is one column for each level that is known, for a missing one, and for all others.
    """

    feature: Feature
    is_empty: bool

    @classmethod
    def of(cls, column: FeatureColumn, known: npt.NDArray[np.intp]) -> "_Code":
        """Learnt from the known rows; what type it is of, from all."""
        values = column.values[known]
        found = Feature.of(FeatureColumn(column.name, column.kind, values))
        if column.kind == "categorical":
            levels = found.levels if found else (_MISSING if values[0] is None else values[0],)
            named = dict.fromkeys([*(one for one in levels if one != _OTHER), _MISSING])
            feature = Feature(column.name, "categorical", levels=(*named, _OTHER))
            return cls(feature, False)
        there = values[~np.isnan(values)]
        centre, scale = float(there[0]) if there.size else 0.0, _LEAST
        if found and there.size and there.min() < there.max():
            centre, scale = found.centre, found.scale
        feature = Feature(column.name, "numeric", centre, scale, has_missing=True)
        return cls(feature, bool(np.isnan(column.values).all()))

    @property
    def name(self) -> str:
        return self.feature.name

    @property
    def width(self) -> int:
        return self.feature.width

    def like(self) -> FeatureColumn:
        """A column of this name and type, to compare with."""
        value: Any = np.nan if self.is_empty else 0.0 if self.feature.kind == "numeric" else ""
        return FeatureColumn(self.name, self.feature.kind, np.array([value], dtype=object))

    def encode(self, values: npt.NDArray[Any]) -> Floats:
        """Shape (n, width)."""
        if self.feature.kind == "numeric" and values.dtype.kind == "O":
            # Of a type that the reference does not tell: only whether there is a value.
            values = np.array([np.nan if one is None else 0.0 for one in values])
        with np.errstate(over="ignore"):
            return np.clip(self.feature.encode(values), -_FARTHEST, _FARTHEST)

    def told(self) -> dict[str, Any]:
        one = self.feature
        return {
            "name": one.name,
            "kind": one.kind,
            "centre": one.centre,
            "scale": one.scale,
            "levels": list(one.levels),
            "is_empty": self.is_empty,
        }

    @classmethod
    def from_told(cls, read: "_Reader") -> "_Code":
        name: Any = read.body.get("name")
        kind: Any = read.body.get("kind")
        levels: Any = read.body.get("levels")
        is_empty: Any = read.body.get("is_empty")
        read.check(isinstance(name, str), "name")
        read.check(kind in ("numeric", "categorical"), "kind")
        read.check(isinstance(is_empty, bool), "is_empty")
        read.check(
            isinstance(levels, list) and all(isinstance(one, str) for one in levels), "levels"
        )
        numeric = kind == "numeric"
        read.check(not levels if numeric else levels[-1:] == [_OTHER], "levels")
        scale = read.number("scale")
        read.check(scale > 0, "scale")
        feature = Feature(str(name), kind, read.number("centre"), scale, numeric, tuple(levels))
        return cls(feature, bool(is_empty))


def _encode(codes: tuple[_Code, ...], columns: list[FeatureColumn]) -> Singles:
    found = [code.encode(one.values) for code, one in zip(codes, columns, strict=True)]
    return np.hstack(found).astype(np.float32)


@dataclass(frozen=True)
class _Random:
    """What is drawn at random for the families of features."""

    first: Singles
    second: Singles
    waves: tuple[Singles, ...]

    @classmethod
    def of(cls, known: Singles, rng: np.random.Generator) -> "_Random":
        rows = known[:, _varied(known)].astype(np.float64)
        width = rows.shape[1]
        products = Products.of(width, _MOST_PRODUCTS, rng)
        median = median_distance(rows, rng)
        waves = [Waves.of(width, share * median, "", rng).directions for share in _DISTANCES]
        return cls(products.first, products.second, tuple(waves))

    def arrays(self) -> dict[str, Singles]:
        waves = {f"wave{number}": one for number, one in enumerate(self.waves)}
        return {"first": self.first, "second": self.second, **waves}

    @classmethod
    def read(cls, read: "_Reader", width: int) -> "_Random":
        single = np.dtype("<f4")
        first = read.array("first", single, (width, None))
        second = read.array("second", single, first.shape)
        waves = [
            read.array(f"wave{number}", single, (width, None)) for number in range(len(_DISTANCES))
        ]
        read.check(not width or all(one.shape[1] for one in (first, *waves)), "first")
        return cls(first, second, tuple(waves))


def _varied(known: Singles) -> npt.NDArray[np.intp]:
    """Columns that are not constant in the known rows."""
    return np.flatnonzero(known.min(axis=0) < known.max(axis=0))


def _learners(known: Singles, random: _Random) -> list[Learner]:
    rows, varied = known.astype(np.float64), _varied(known)
    # Columns that did not vary may do so in the stream: their means will tell.
    found = [Learner(Coordinates.of(Linear(), np.arange(known.shape[1]), rows))]
    if varied.size:
        others: list[Family] = [
            Products(random.first, random.second),
            Ranks.of(rows[:, varied], _MOST_PRODUCTS),
            *(
                Waves(one, f"distance {share:g}")
                for one, share in zip(random.waves, _DISTANCES, strict=True)
            ),
        ]
        found += [Learner(Coordinates.of(one, varied, rows)) for one in others]
    return found


def _bets(learners: list[Learner]) -> int:
    return len(learners) * len(STRENGTHS) * len(MEMORIES)


def _check_parameters(level: float, controls: int | None) -> None:
    if not 0 < level < 1:
        raise ValueError(f"The 'level' parameter must lie between 0 and 1. Got {level!r} instead.")
    if controls is not None and (
        isinstance(controls, bool) or not isinstance(controls, int | np.integer) or controls < 1
    ):
        raise ValueError(
            "The 'controls' parameter must be None or an integer from 1 on. "
            f"Got {controls!r} instead."
        )


def _exp(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < 709 else math.inf


def _pack(array: npt.NDArray[Any]) -> dict[str, Any]:
    """An array as a value for JSON: little-endian bytes in Base64, so that no bit is lost."""
    plain = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {
        "dtype": plain.dtype.str,
        "shape": list(plain.shape),
        "data": base64.b64encode(plain.tobytes()).decode("ascii"),
    }


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Reader:
    """Takes values out of a state, none of which is trusted."""

    def __init__(self, body: Any, where: str = "") -> None:
        self.where = where
        self.check(isinstance(body, dict), "")
        self.body: dict[str, Any] = body

    def check(self, holds: bool, name: str) -> None:
        if not holds:
            place = " of ".join(repr(one) for one in (name, self.where) if one)
            raise ValueError(
                f"This state of a ShiftWatch cannot be: {place} is missing or does not fit the "
                "rest. Take a state as 'state()' returned it."
            )

    def under(self, name: str) -> "_Reader":
        return _Reader(self.body.get(name), name)

    def number(self, name: str) -> float:
        value = self.body.get(name)
        self.check(isinstance(value, float) and math.isfinite(value), name)
        return float(value or 0.0)

    def count(self, name: str, fewest: int = 0) -> int:
        value = self.body.get(name)
        self.check(type(value) is int and fewest <= value < 2**53, name)
        return int(value or 0)

    def array(
        self, name: str, dtype: np.dtype[Any], shape: tuple[int | None, ...]
    ) -> npt.NDArray[Any]:
        """A finite array of that type and shape, where None stands for any length."""
        packed = self.body.get(name)
        self.check(isinstance(packed, dict), name)
        told, data = dict(packed or {}).get("shape"), dict(packed or {}).get("data")
        self.check(dict(packed or {}).get("dtype") == dtype.str, name)
        self.check(
            isinstance(told, list)
            and len(told) == len(shape)
            and all(type(one) is int and one >= 0 for one in told)
            and all(want in (None, one) for one, want in zip(told, shape, strict=True))
            and isinstance(data, str),
            name,
        )
        try:
            raw = base64.b64decode(str(data), validate=True)
        except ValueError:
            raw = b""
        self.check(len(raw) == dtype.itemsize * math.prod(told or ()), name)
        found = np.frombuffer(raw, dtype).reshape(told or ()).astype(dtype.newbyteorder("="))
        self.check(bool(np.isfinite(found).all()), name)
        return found
