"""What the kit ``surrogate`` finds: the head, and what it says of the tests."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.frozen import FrozenEstimator

from evidesk.evidence import Estimate, File
from evidesk.kits.kit import KitError, Progress
from evidesk.kits.loops import loops_on_workers
from evidesk.kits.surrogate_parameters import SurrogateParameters
from evidesk.kits.surrogate_reading import Part, Parts
from evidesk.kits.wording import shown
from evidesk.methods.metrics import accuracy
from evidesk.methods.metrics.proportion import critical_value
from evidesk.methods.surrogates import (
    Conformal,
    Ensemble,
    GaussianProcess,
    LastLayer,
    Network,
    PredictionScores,
    Surrogate,
    onnx_network,
    score_predictions,
)
from evidesk.methods.surrogates.conformal_quantiles import fewest_units

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_MOST_CONSIDERED = 20_000
#: Of the head as text; a crate holds at most 64 MB.
_MOST_HEAD_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Tried:
    """What a head says of all test rows.

    Attributes
    ----------
    part : shape (rows,); the name of each row's part.
    truth, mean, std, low, high : shape (rows, outputs); ``std`` is None where there is none.
    outside : shape (rows,); rows out of domain, or without an interval.
    groups : shape (rows,), or None.
    """

    part: npt.NDArray[Any]
    truth: Floats
    mean: Floats
    std: Floats | None
    low: Floats
    high: Floats
    outside: Mask
    groups: npt.NDArray[Any] | None


@dataclass(frozen=True)
class Totals:
    """The totals of the tests' systems: shapes (systems,)."""

    part: npt.NDArray[Any]
    truth: Floats
    value: Floats
    low: Floats
    high: Floats
    #: The interval's half-width if errors of points were independent.
    independent: Floats
    groups: npt.NDArray[Any] | None


@dataclass(frozen=True)
class Trust:
    """All that was found."""

    parts: Parts
    tried: Tried
    scores: PredictionScores
    totals: Totals | None
    #: Of the total's intervals, and of those from independent errors, by part.
    total_scores: PredictionScores | None
    independent_scores: PredictionScores | None
    #: Part and row of each that is recommended, with its score out of domain.
    next_rows: tuple[tuple[str, int, float], ...]
    #: The head, if it can be kept, and what must be said of that.
    kept: tuple[File, ...]
    kept_not: str


def _network(parameters: SurrogateParameters) -> Network:
    return Network(
        parameters.layers,
        epochs=parameters.epochs,
        batch_size=parameters.batch_size,
        learning_rate=parameters.learning_rate,
        random_state=parameters.random_state,
    )


def _head(parameters: SurrogateParameters) -> Surrogate | Conformal:
    if parameters.network is not None:
        try:
            return LastLayer(onnx_network(parameters.network.read_bytes()))
        except (ValueError, OSError) as error:
            raise KitError(f"{shown(parameters.network.name)}: {error}") from error
    network = _network(parameters)
    match parameters.head:
        case "last-layer":
            return LastLayer(network)
        case "ensemble":
            return Ensemble(
                network, members=parameters.members, random_state=parameters.random_state
            )
        case "gaussian-process":
            return GaussianProcess()
        case "conformal":
            return Conformal(network, random_state=parameters.random_state)


def _learnt(
    parameters: SurrogateParameters, train: Part, progress: Progress, checkpoint: Path | None
) -> Surrogate | Conformal:
    """The head, with the network that it needs trained."""
    head = _head(parameters)
    x, y = train.x, _single(train.y)
    message = f"Learning from {len(x):,} rows"
    progress(0.05, message)

    def tell(done: float) -> None:
        progress(0.05 + 0.9 * done, message)

    noted = None if checkpoint is None else checkpoint / "training.safetensors"
    if isinstance(head, Conformal):
        network = head.estimator.fit(x, y, train.groups, progress=tell, checkpoint=noted)
        head.set_params(estimator=FrozenEstimator(network)).fit(x, y, train.groups)
    elif isinstance(head, LastLayer | Ensemble):
        head.fit(x, y, train.groups, progress=tell, checkpoint=noted)
    else:
        head.fit(x, y, train.groups, progress=tell)
    return head


@loops_on_workers()
def trust(
    parameters: SurrogateParameters, parts: Parts, progress: Progress, checkpoint: Path | None
) -> Trust:
    """Learn, calibrate, and try the tests.

    Parameters
    ----------
    checkpoint : folder to note the training in, and to go on from.

    Raises
    ------
    KitError : the network's file cannot be used, or totals cannot be made of these data.
    """
    head = _learnt(parameters, parts.training, progress, checkpoint)
    calibration = parts.calibration
    progress(0.95, "Calibrating")
    head.calibrate(calibration.x, _single(calibration.y), calibration.groups)
    progress(0.955, "Trying the tests")
    tried = _tried(parameters, head, parts)
    scores = _scored(parameters, tried)
    totals = total_scores = independent_scores = None
    if parameters.total != "none":
        progress(0.965, "Adding up systems")
        totals = _totals(parameters, head, parts)
        total_scores = _scored_totals(parameters, totals, totals.low, totals.high)
        independent_scores = _scored_totals(
            parameters, totals, totals.value - totals.independent,
            totals.value + totals.independent,
        )  # fmt: skip
    progress(0.975, "Choosing what to compute next")
    kept, kept_not = _kept(head)
    return Trust(
        parts, tried, scores, totals, total_scores, independent_scores,
        tuple(_next_rows(parameters, head, parts)), kept, kept_not,
    )  # fmt: skip


def _kept(head: Any) -> tuple[tuple[File, ...], str]:
    """The head as a file of the evidence, or why it is not there."""
    # A Gaussian process holds the very rows that it learnt from, which may have to stay at home.
    if not isinstance(head, LastLayer | Ensemble):
        return (), ""
    with tempfile.TemporaryDirectory(prefix="evidesk-head-") as folder:
        path = Path(folder) / "head.json"
        head.save(path, seen=False)
        size = path.stat().st_size
        text = path.read_text() if size <= _MOST_HEAD_BYTES else ""
    if not text:
        return (), (
            f"The trained network needs {size / 2**20:.0f} MB, more than the "
            f"{_MOST_HEAD_BYTES // 2**20} MB that evidence keeps. To have it, train it in Python "
            "and 'save' it."
        )
    title = f"The calibrated network, for Python: {type(head).__name__}.load('files/head.json'"
    title += ")" if isinstance(head.model, Network) else ", module=onnx_network(content))"
    return (File("head", title, text),), ""


def _single(y: Floats) -> Floats:
    """A vector, if there is one output."""
    return np.asarray(y[:, 0] if y.shape[1] == 1 else y)


def _tried(parameters: SurrogateParameters, head: Any, parts: Parts) -> Tried:
    x = np.concatenate([one.x for one in parts.tests])
    truth = np.concatenate([one.y for one in parts.tests])
    name = np.concatenate([np.full(len(one.x), one.name, dtype=object) for one in parts.tests])
    std = None
    if isinstance(head, Conformal):
        intervals = head.predict_interval(x, parameters.level)
        mean, outside = intervals.mean, intervals.refused
    else:
        mean, deviation = head.predict(x, return_std=True)
        std = np.asarray(deviation).reshape(truth.shape)
        # Also where nothing should be said: whether it would have held is the question here.
        intervals = head.predict_interval(x, parameters.level, refuse=False)
        outside = head.ood_score(x) > head.threshold_
    return Tried(
        part=name.astype(str),
        truth=truth,
        mean=np.asarray(mean).reshape(truth.shape),
        std=std,
        low=np.asarray(intervals.low).reshape(truth.shape),
        high=np.asarray(intervals.high).reshape(truth.shape),
        outside=np.asarray(outside),
        groups=_groups(parts.tests),
    )


def _groups(parts: tuple[Part, ...]) -> npt.NDArray[Any] | None:
    groups = [one.groups for one in parts if one.groups is not None]
    return np.concatenate(groups) if len(groups) == len(parts) else None


def _scored(parameters: SurrogateParameters, tried: Tried) -> PredictionScores:
    return _in_order(
        tried.part,
        _single(tried.truth),
        _single(tried.mean),
        None if tried.std is None else _single(tried.std),
        _single(tried.low),
        _single(tried.high),
        level=parameters.level,
        groups=tried.groups,
        random_state=parameters.random_state,
    )


def _in_order(part: npt.NDArray[Any], *values: Any, **options: Any) -> PredictionScores:
    """Scores of each part, in the order of the parts."""
    found = score_predictions(*values, subset=part, **options)
    return replace(found, subsets={name: found.subsets[name] for name in dict.fromkeys(part)})


def _totals(parameters: SurrogateParameters, head: Any, parts: Parts) -> Totals:
    """Of each system of the tests, with its error from draws of whole functions.

    Raises
    ------
    KitError : the inputs have no systems, or too few for the calibration; several outputs; or the
        head draws no functions.
    """
    if isinstance(head, Conformal):
        raise KitError(
            "Conformal intervals say nothing of totals: how errors hang together is not in them. "
            "Take another way to the uncertainty."
        )
    if parts.training.system is None:
        raise KitError(
            "A total needs systems of several points: inputs of shape (systems, points, columns)."
        )
    if parts.training.y.shape[1] != 1:
        raise KitError("A total is made of one output. Name one.")
    total = np.sum if parameters.total == "sum" else np.mean

    def fn(values: Floats) -> float:
        return float(total(values))

    known, calibrating = parts.calibration, parts.calibration.systems()
    fewest = fewest_units(parameters.level)
    if len(calibrating) < fewest:
        raise KitError(
            f"The calibration has {len(calibrating)} systems, and intervals of totals that hold "
            f"{100 * parameters.level:g} % need {fewest}. Give it more systems, or lower the level."
        )
    scale = head.calibrate_derived(
        fn,
        [known.x[rows] for rows in calibrating],
        np.array([total(known.y[rows]) for rows in calibrating]),
        random_state=parameters.random_state,
    )
    z = critical_value(parameters.level)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("part", "truth", "value", "low", "high", "independent")
    }
    groups: list[Any] = []
    for part in parts.tests:
        rows = part.systems()
        derived = head.propagate(
            fn, [part.x[one] for one in rows], scale=scale, level=parameters.level, refuse=False,
            random_state=parameters.random_state,
        )  # fmt: skip
        _, std = head.predict(part.x, return_std=True)
        for one in rows:
            share = 1.0 if parameters.total == "sum" else 1 / len(one)
            columns["truth"].append(float(total(part.y[one])))
            columns["independent"].append(z * share * float(np.sqrt((std[one] ** 2).sum())))
            if part.groups is not None:
                groups.append(int(part.groups[one[0]]))
        columns["part"] += [part.name] * len(rows)
        columns["value"] += derived.value[:, 0].tolist()
        columns["low"] += derived.low[:, 0].tolist()
        columns["high"] += derived.high[:, 0].tolist()
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Totals(**arrays, groups=np.array(groups) if groups else None)


def _scored_totals(
    parameters: SurrogateParameters, totals: Totals, low: Floats, high: Floats
) -> PredictionScores:
    return _in_order(
        totals.part, totals.truth, totals.value, None, low, high, level=parameters.level,
        groups=totals.groups, random_state=parameters.random_state,
    )  # fmt: skip


def _next_rows(
    parameters: SurrogateParameters, head: Any, parts: Parts
) -> Iterator[tuple[str, int, float]]:
    """Rows of the tests whose truth would teach most, the most telling first."""
    if isinstance(head, Conformal) or not parameters.recommend:
        return
    x = np.concatenate([one.x for one in parts.tests])
    place = [(one.name, row) for one in parts.tests for row in range(len(one.x))]
    chosen = np.arange(len(x))
    if len(x) > _MOST_CONSIDERED:
        rng = np.random.default_rng(parameters.random_state)
        chosen = np.sort(rng.choice(len(x), _MOST_CONSIDERED, replace=False))
    found = chosen[head.select(x[chosen], min(parameters.recommend, len(chosen)))]
    scores = head.ood_score(x[found])
    for row, score in zip(found, scores, strict=True):
        yield (*place[row], float(score))


def outside_shares(found: Trust) -> dict[str, Estimate]:
    """Of each test part, the share of rows out of domain."""
    tried = found.tried
    return {
        name: accuracy(
            tried.outside[rows],
            np.ones(int(rows.sum()), dtype=bool),
            groups=None if tried.groups is None else tried.groups[rows],
        )
        for name in found.scores.subsets
        if (rows := tried.part == name).any()
    }
