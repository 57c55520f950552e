"""The cases that two models are compared on: labels, scores or numbers, in all and by fold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evidesk.kits.keys import code_of, count_labels, enumerate_labels, keys_of, labels_of
from evidesk.kits.kit import KitError, Progress
from evidesk.kits.numbers import check_roles, numbers, scale_of, survey
from evidesk.kits.patterns import LabelMetric, Patterns
from evidesk.kits.sums import Sums
from evidesk.kits.table import TableFile, literal
from evidesk.kits.wording import shown
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.mcnemar import mcnemar
from evidesk.methods.metrics.moments import Moments
from evidesk.methods.metrics.score_metrics import ScoreMetric, evaluate_scores
from evidesk.methods.metrics.units import Units

Floats = npt.NDArray[np.float64]

#: Scores are held in memory: of so many cases they take a gigabyte or two.
MOST_SCORED = 10_000_000
_MOST_LABELS = 1_000
_POSITIVE = {("0", "1"): "1", ("-1", "1"): "1", ("1",): "1", ("false", "true"): "true"}


@dataclass(frozen=True)
class Answer:
    """How two models compare on some cases.

    Attributes
    ----------
    a, b : the metric of each.
    comparison : their difference.
    """

    a: float
    b: float
    comparison: Comparison


class Cases(Protocol):
    """Cases that both models saw.

    Attributes
    ----------
    folds : names of the folds, in order; empty without.
    joint : for how many cases what holds, in words; empty where nothing can be counted.
    """

    folds: tuple[str, ...]
    joint: dict[str, int]

    def answer(self, names: tuple[str, str], level: float, fold: int | None = None) -> Answer:
        """Compare the models on all cases, or on those of one fold.

        Raises
        ------
        ValueError : the cases are too few, or the metric is not defined for them.
        """


def _compared(found: Evaluation, names: tuple[str, str], level: float) -> Answer:
    """Of an evaluation whose models are called "0" and "1"."""
    comparison = replace(difference(found, "0", "1", level=level), a=names[0], b=names[1])
    return Answer(float(found.values[0]), float(found.values[1]), comparison)


class LabelCases:
    """Counted patterns of labels, or of right answers where the metric is the accuracy."""

    def __init__(self, patterns: Patterns, metric: LabelMetric) -> None:
        self._patterns, self._metric = patterns, metric
        self.folds = patterns.fold_names
        a, b = patterns.right
        kinds = {
            "both right": a & b,
            "only {a} right": a & ~b,
            "only {b} right": ~a & b,
            "both wrong": ~a & ~b,
        }
        self.joint = {kind: int(patterns.counts[mask].sum()) for kind, mask in kinds.items()}

    def answer(self, names: tuple[str, str], level: float, fold: int | None = None) -> Answer:
        """See :class:`Cases`."""
        cases = self._patterns if fold is None else self._patterns.of_fold(fold)
        if self._metric != "accuracy" or cases.groups is not None:
            return _compared(cases.evaluation(self._metric), names, level)
        right = [int(cases.counts[mask].sum()) for mask in cases.right]
        both = int(cases.counts[cases.right.all(axis=0)].sum())
        comparison = mcnemar(right[0] - both, right[1] - both, cases.n, level=level, names=names)
        return Answer(right[0] / cases.n, right[1] / cases.n, comparison)


class ScoreCases:
    """Scores of a binary truth, all in memory.

    Raises
    ------
    KitError : the table cannot be used for that.
    """

    def __init__(
        self,
        table: TableFile,
        metric: ScoreMetric,
        truth: str,
        models: tuple[str, str],
        positive: str | None,
        fold: str | None,
        group: str | None,
        progress: Progress,
    ) -> None:
        _check_columns(table, truth, models, fold, group)
        columns = {"a": models[0], "b": models[1]}
        seen = survey(table, columns, {}, progress, (0.2, 0.4))
        if seen.n > MOST_SCORED:
            raise KitError(
                f"{table.path.name} has {seen.n:,} rows, and scores of at most {MOST_SCORED:,} "
                "can be compared: they have to be in memory at once. Take a random part of the "
                "rows; so many tell any difference that matters."
            )
        if metric in ("brier", "log_loss"):
            for own, name in columns.items():
                if seen.lowest[own] < 0 or seen.highest[own] > 1:
                    raise KitError(
                        f"The column {name!r} holds {seen.lowest[own]:g} to {seen.highest[own]:g}, "
                        "but this metric needs probabilities from 0 to 1. Compare by the AUROC, or "
                        "calibrate the scores first."
                    )
        count_labels(table, "truths", {"truth": truth}, seen.n, progress)
        if enumerate_labels(table, "truth", "truths", progress) > _MOST_LABELS:
            raise KitError(
                f"The truth {truth!r} has more than {_MOST_LABELS:,} different labels. Is it the "
                "right column?"
            )
        classes = labels_of(table, "truth", progress)
        wanted = _positive(classes, positive, truth)
        keys = keys_of(table, fold, group, seen.n, progress)
        asked = {"truth": code_of("truth"), "a": "a", "b": "b"} | keys.codes
        chosen = ", ".join(f"{sql} AS {own}" for own, sql in asked.items())
        source = numbers(table, columns, table.labels({"truth": truth} | keys.columns))
        arrays = table.arrays(
            f"SELECT {chosen} FROM {source}",  # noqa: S608 - own names
            progress,
            "Reading the scores",
            (0.5, 0.9),
        )
        found = dict(zip(asked, arrays, strict=True))
        self.folds = keys.folds
        self._metric, self._positive = metric, found["truth"] == classes.index(wanted)
        self._scores, self._groups = (found["a"], found["b"]), found.get("grp")
        self._fold = keys.order[found["fold"]] if fold is not None else None
        self.joint: dict[str, int] = {}
        if not 0 < np.count_nonzero(self._positive) < seen.n:
            raise KitError(
                f"All true labels in {truth!r} are {'' if self._positive.all() else 'not '}"
                f"{shown(wanted)!r}: scores are judged by how they tell two classes apart."
            )

    def answer(self, names: tuple[str, str], level: float, fold: int | None = None) -> Answer:
        """See :class:`Cases`."""
        at = slice(None) if fold is None or self._fold is None else self._fold == fold
        found = evaluate_scores(
            self._metric,
            self._positive[at],
            {str(i): scores[at] for i, scores in enumerate(self._scores)},
            groups=None if self._groups is None else self._groups[at],
        )
        return _compared(found, names, level)


class NumberCases:
    """Sums of the losses of predicted numbers.

    With u and v the losses of both, the sums are those of w = u - v and s = (u + v) / 2: models
    that are much alike differ by little, which sums of u and v would round away.

    Raises
    ------
    KitError : the table cannot be used for that.
    """

    def __init__(
        self,
        table: TableFile,
        metric: str,
        truth: str,
        models: tuple[str, str],
        unit: str,
        fold: str | None,
        group: str | None,
        progress: Progress,
    ) -> None:
        _check_columns(table, truth, models, fold, group)
        columns = {"y": truth, "a": models[0], "b": models[1]}
        self._root, self._unit = metric == "rmse", unit
        losses = {
            f"u{m}": f"({m} - y) * ({m} - y)" if self._root else f"abs({m} - y)" for m in "ab"
        }
        gap = "(a - b) * ((a - y) + (b - y))" if self._root else f"{losses['ua']} - {losses['ub']}"
        seen = survey(table, columns, losses | {"w": gap}, progress, (0.2, 0.5))
        self._keys = keys_of(table, fold, group, seen.n, progress)
        self.folds = self._keys.folds
        self._w_unit = scale_of(seen.largest["w"])
        self._s_unit = scale_of(seen.largest["ua"], seen.largest["ub"])
        w = f"(({gap}) / {self._w_unit!r})"
        s = f"(({losses['ua']}) / {self._s_unit!r} + ({losses['ub']}) / {self._s_unit!r}) / 2"
        powers = [(i, j) for i in range(5) for j in range(5) if 0 < i + j <= 4]
        terms = {"w" * i + "s" * j: " * ".join([f"({w})"] * i + [f"({s})"] * j) for i, j in powers}
        terms["nearer"] = f"({losses['ua']} < {losses['ub']})::DOUBLE"
        terms["farther"] = f"({losses['ua']} > {losses['ub']})::DOUBLE"
        self._sums = Sums(
            table,
            "sums",
            numbers(table, columns, self._keys.source),
            terms,
            [("w", "w"), ("w", "s"), ("s", "s")],
            list(self._keys.columns),
            progress,
            (0.5, 0.9),
        )
        nearer, farther = np.rint(self._sums.means(["nearer", "farther"]) * seen.n).astype(int)
        self.joint = {
            "{a} nearer to the true value": int(nearer),
            "{b} nearer": int(farther),
            "both equally near": seen.n - int(nearer) - int(farther),
        }

    def answer(self, names: tuple[str, str], level: float, fold: int | None = None) -> Answer:
        """See :class:`Cases`."""
        where = "true" if fold is None else f"fold = {literal(self.folds[fold])}"
        moments = self._sums.moments(["w", "s"], where)
        # The losses of A and B as sums of w and s.
        losses = np.array([[self._w_unit / 2, self._s_unit], [-self._w_unit / 2, self._s_unit]])
        values = np.maximum(losses @ moments.means, 0)
        slopes = losses
        if self._root:
            values = np.sqrt(values)
            slopes = losses / (2 * np.where(values > 0, values, np.inf))[:, None]
        found = moments.evaluation(
            "RMSE" if self._root else "MAE",
            ["0", "1"],
            values,
            slopes,
            scale="positive",
            unit=self._unit,
            greater_is_better=False,
        )
        if not self._keys.grouped:
            found = self._with_kurtosis(found, moments, slopes[0] - slopes[1], where)
        return _compared(found, names, level)

    def _with_kurtosis(
        self, found: Evaluation, moments: Moments, by: Floats, where: str
    ) -> Evaluation:
        """Of few kinds of cases whose differences have the variance and the kurtosis of all."""
        powers = [0.0] * 5
        names = [("w" * (k - j) + "s" * j, k, j) for k in range(1, 5) for j in range(k + 1)]
        raw = self._sums.means([name for name, _, _ in names], where)
        choices = {1: (1, 1), 2: (1, 2, 1), 3: (1, 3, 3, 1), 4: (1, 4, 6, 4, 1)}
        size = float(np.abs(by).max()) or 1.0
        alpha, beta = by / size
        for (_, k, j), mean in zip(names, raw, strict=True):
            powers[k] += choices[k][j] * alpha ** (k - j) * beta**j * float(mean)
        mean = powers[1]
        second = max(float(by @ moments.covariance @ by) / size**2, 0.0)
        fourth = powers[4] - 4 * mean * powers[3] + 6 * mean**2 * powers[2] - 3 * mean**4
        share = min(second**2 / fourth, 1.0) if fourth > second**2 else 1.0
        pull = size * np.sqrt(second / share) / moments.n
        n = moments.n
        repeat = np.array([n * share / 2, n * share / 2, n * (1 - share)])
        contributions = np.array([[pull, -pull, 0.0], [0.0, 0.0, 0.0]])
        return replace(found, units=Units.of_cases(repeat), contributions=contributions)


def _check_columns(
    table: TableFile,
    truth: str,
    models: tuple[str, str],
    fold: str | None,
    group: str | None,
) -> None:
    """Raise KitError unless all columns are there; only fold and group may be the same."""
    roles = [("the truth", truth), ("A", models[0]), ("B", models[1])]
    for key in (("the fold", fold), ("the group", group)):
        check_roles([*roles, key])
    table.check_columns(truth, *models, *[name for name in (fold, group) if name is not None])


def _positive(classes: Sequence[str], positive: str | None, truth: str) -> str:
    listed = ", ".join(shown(label, 40) for label in classes[:10])
    listed += ", ..." if len(classes) > 10 else ""
    if positive is None:
        found = _POSITIVE.get(tuple(classes))
        if found is None:
            raise KitError(
                f"Which of the labels in {truth!r} do the scores speak for? Name it as the "
                f"positive label: {listed}."
            )
        return found
    for label in (positive, positive.strip().lower()):
        if label in classes:
            return label
    raise KitError(f"No true label in {truth!r} is {positive!r}. The labels are: {listed}.")
