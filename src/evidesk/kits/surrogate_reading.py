"""Reading what a surrogate learns from and is tried on: rows, in parts that do not mix.

Who names arrays of one part, such as ``train_D`` and ``train_e``, gets the other parts, such as
``val_D`` and ``val_e``, by the same names. A column can say each row's part. Else the rows, or
groups of rows, are parted at random.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.kits.arrays import ArrayFile
from evidesk.kits.kit import KitError, Progress
from evidesk.kits.wording import shown

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

TRAINING = ("train", "training", "fit")
CALIBRATION = ("calibration", "calib", "cal", "val", "valid", "validation")
#: Shares of the groups where no part is named: training, calibration, and the rest for the test.
_SHARES = (0.6, 0.2)
_MOST_NUMBERS = 100_000_000


@dataclass(frozen=True)
class Part:
    """Rows of one part.

    Attributes
    ----------
    name : of the part.
    x, y : shapes (rows, features) and (rows, outputs).
    groups : shape (rows,); which rows belong together, or None.
    system : shape (rows,); number of each row's system, where systems have several rows each.
    """

    name: str
    x: Floats = field(repr=False)
    y: Floats = field(repr=False)
    groups: Ints | None = field(repr=False, default=None)
    system: Ints | None = field(repr=False, default=None)

    def only(self, rows: npt.NDArray[Any], name: str) -> "Part":
        """Some of the rows."""
        groups, system = (None if one is None else one[rows] for one in (self.groups, self.system))
        return Part(name, self.x[rows], self.y[rows], groups, system)

    def systems(self) -> list[Ints]:
        """The rows of each system."""
        assert self.system is not None
        _, number = np.unique(self.system, return_inverse=True)
        order = np.argsort(number, kind="stable")
        return np.split(order, np.cumsum(np.bincount(number))[:-1])


@dataclass(frozen=True)
class Parts:
    """What to learn from, to calibrate on, and to try."""

    training: Part
    calibration: Part
    tests: tuple[Part, ...]
    how: str


@dataclass(frozen=True)
class Wanted:
    """Names of columns or arrays."""

    features: Sequence[str]
    targets: Sequence[str]
    group: str | None
    part: str | None


def read_parts(file: ArrayFile, wanted: Wanted, seed: int, progress: Progress) -> Parts:
    """All parts.

    Raises
    ------
    KitError : a name is not there, shapes do not fit, values are missing, or a part is.
    """
    rng = np.random.default_rng(seed)
    prefix = _prefix(wanted)
    if wanted.part is None and prefix is not None:
        found = dict(_numbered_on(_by_prefix(file, wanted, prefix, progress)))
        return _told_apart(found, "by the names of the arrays", rng)
    whole = _read(file, wanted, "all", progress)
    if wanted.part is not None:
        labels = file.labels(wanted.part, progress)
        labels = np.repeat(labels, len(whole.x) // len(labels))
        found = {
            str(name): whole.only(np.flatnonzero(labels == name), str(name))
            for name in dict.fromkeys(labels.tolist())
        }
        return _told_apart(found, f"by {shown(wanted.part)}", rng)
    return _at_random(whole, rng)


def _prefix(wanted: Wanted) -> str | None:
    """The beginning that all names share, such as ``train_``, if it speaks of training."""
    names = [*wanted.features, *wanted.targets, *([wanted.group] if wanted.group else [])]
    for sign in "_/.":
        first = {name.partition(sign)[0] for name in names if sign in name}
        if len(first) == 1 and all(sign in name for name in names):
            [one] = first
            if one.lower() in TRAINING:
                return one + sign
    return None


def _by_prefix(
    file: ArrayFile, wanted: Wanted, prefix: str, progress: Progress
) -> Iterator[tuple[str, Part]]:
    lead = wanted.features[0].removeprefix(prefix)
    for name in file.names:
        if not name.endswith(prefix[-1] + lead):
            continue
        own = name[: -len(lead)]

        def named(one: str, own: str = own) -> str:
            return own + one.removeprefix(prefix)

        part = Wanted(
            [named(one) for one in wanted.features],
            [named(one) for one in wanted.targets],
            named(wanted.group) if wanted.group else None,
            None,
        )
        needed = [*part.features, *part.targets, *([part.group] if part.group else [])]
        if all(one in file.names for one in needed):
            yield own[:-1], _read(file, part, own[:-1], progress)


def _numbered_on(parts: Iterator[tuple[str, Part]]) -> Iterator[tuple[str, Part]]:
    """Arrays of different parts each count their groups anew: the same number is another group."""
    before = 0
    for name, part in parts:
        if part.groups is None:
            yield name, part
            continue
        yield name, replace(part, groups=part.groups + before)
        before += int(part.groups.max()) + 1


def _read(file: ArrayFile, wanted: Wanted, name: str, progress: Progress) -> Part:
    """The rows of one part; of systems with several points, each point is a row."""
    file.check([*wanted.features, *wanted.targets])
    x = [file.array(one, progress) for one in wanted.features]
    y = [file.array(one, progress) for one in wanted.targets]
    arrays = dict(zip([*wanted.features, *wanted.targets], [*x, *y], strict=True))
    lengths = {one: len(array) for one, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{shown(one)} {n:,}" for one, n in lengths.items())
        raise KitError(f"Inputs and outputs have different numbers of rows: {told}.")
    rows = next(iter(lengths.values()))
    points = {array.shape[1] for array in x if array.ndim == 3}
    if len(points) > 1:
        raise KitError(f"The inputs have different numbers of points for each system: {points}.")
    each = points.pop() if points else None
    inputs = _joined({one: arrays[one] for one in wanted.features}, each)
    outputs = _joined({one: arrays[one] for one in wanted.targets}, each)
    for what, values in (("inputs", inputs), ("outputs", outputs)):
        bad = int((~np.isfinite(values)).any(axis=1).sum())
        if bad:
            raise KitError(
                f"{bad:,} of {len(values):,} rows of {name} have {what} that are missing or "
                "infinite. Leave these rows out."
            )
    if inputs.size > _MOST_NUMBERS:
        raise KitError(
            f"{name} has {inputs.size:,} numbers of inputs, more than {_MOST_NUMBERS:,}. Choose "
            "fewer rows."
        )
    system = None if each is None else np.repeat(np.arange(rows), each)
    groups = system
    if wanted.group is not None:
        labels = file.labels(wanted.group, progress)
        if len(labels) != rows:
            raise KitError(f"{shown(wanted.group)} has {len(labels):,} values for {rows:,} rows.")
        groups = np.unique(labels, return_inverse=True)[1]
        groups = groups if each is None else np.repeat(groups, each)
    return Part(name, inputs, outputs, groups, system)


def _joined(arrays: Mapping[str, npt.NDArray[Any]], each: int | None) -> Floats:
    """Columns side by side: shape (rows, ...), or (rows times points, ...)."""
    found = []
    for name, array in arrays.items():
        values = np.asarray(array, dtype=np.float64)
        if each is None and values.ndim <= 2:
            found.append(values.reshape(len(values), -1))
        elif each is not None and values.ndim in (2, 3) and values.shape[1] == each:
            found.append(values.reshape(len(values) * each, -1))
        elif each is not None and values.ndim == 1:
            found.append(np.repeat(values, each)[:, None])
        else:
            of = "" if each is None else f" for systems of {each} points"
            raise KitError(
                f"{shown(name)} has shape {values.shape}, which does not fit{of}. Arrays are "
                "(rows,), (rows, columns), or, with inputs for each point, (systems, points, ...)."
            )
    return np.hstack(found)


def _told_apart(found: dict[str, Part], how: str, rng: np.random.Generator) -> Parts:
    """Which part is for training and which for calibration, by their names."""
    training = next((found.pop(one) for one in [*found] if one.lower() in TRAINING), None)
    if training is None:
        raise KitError(
            f"No part is called {' or '.join(TRAINING)}; there are: {', '.join(map(shown, found))}."
        )
    calibration = next((found.pop(one) for one in [*found] if one.lower() in CALIBRATION), None)
    if calibration is None:
        training, calibration = _halved(training, 0.75, rng)
        how += "; a quarter of the training rows is kept for the calibration"
    if not found:
        raise KitError(
            f"There is no part to test on, beside {training.name} and {calibration.name}. Add one "
            "that is called test."
        )
    return Parts(training, calibration, tuple(found.values()), how)


def _at_random(whole: Part, rng: np.random.Generator) -> Parts:
    kept, rest = _halved(whole, _SHARES[0], rng)
    calibration, test = _halved(rest, _SHARES[1] / (1 - _SHARES[0]), rng)
    of = "rows" if whole.groups is None else "groups of rows"
    return Parts(
        kept.only(np.arange(len(kept.x)), "train"),
        calibration.only(np.arange(len(calibration.x)), "calibration"),
        (test.only(np.arange(len(test.x)), "test"),),
        f"at random: 60, 20 and 20 % of the {of}",
    )


def _halved(part: Part, share: float, rng: np.random.Generator) -> tuple[Part, Part]:
    """Whole groups of rows: so large a share of them, and the others."""
    groups = np.arange(len(part.x)) if part.groups is None else part.groups
    names = rng.permutation(np.unique(groups))
    count = round(share * len(names))
    if not 0 < count < len(names):
        raise KitError(
            f"{part.name} has {len(names):,} independent row(s) or group(s), too few to train on "
            "some and to calibrate or test on others."
        )
    first = np.isin(groups, names[:count])
    return (
        part.only(np.flatnonzero(first), part.name),
        part.only(np.flatnonzero(~first), "calibration"),
    )
