"""The cases that two models are compared on: labels, scores or numbers, in all and by fold."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from evidesk.kits.kit import KitError, Progress
from evidesk.kits.label_checks import check_missing, check_several
from evidesk.kits.moments import Moments, Sums
from evidesk.kits.numbers import check_roles, numbers, scale_of, survey
from evidesk.kits.patterns import Patterns
from evidesk.kits.table import TableFile
from evidesk.kits.wording import shown
from evidesk.methods.metrics.comparison import Comparison, difference
from evidesk.methods.metrics.evaluation import Evaluation
from evidesk.methods.metrics.mcnemar import mcnemar
from evidesk.methods.metrics.score_metrics import ScoreMetric, evaluate_scores
from evidesk.methods.metrics.units import Units

Floats = npt.NDArray[np.float64]

#: Scores are held in memory: of so many cases they take a gigabyte or two.
MOST_SCORED = 10_000_000
_MOST_LABELS = 1_000
_MOST_FOLDS = 1_000
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

    def __init__(self, patterns: Patterns, metric: str, options: Mapping[str, Any]) -> None:
        self._patterns, self._metric, self._options = patterns, metric, options
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
            return _compared(cases.evaluation(self._metric, **self._options), names, level)
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
        keys = _keys(table, truth, models, fold, group)
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
        labels = table.labels({"truth": truth} | keys)
        _check_present(table, {"truth": truth} | keys, seen.n, labels, progress)
        classes = _enumerated(table, "truth", labels, progress)
        wanted = _positive(classes, positive, truth)
        self.folds, order = _folds(table, keys, labels, progress)
        codes = ["enum_code(truth::truths)::BIGINT"]
        if group is not None:
            check_several(len(_enumerated(table, "grp", labels, progress)), "group", group)
        codes += [f"enum_code({key}::{key}s)::BIGINT AS {key}" for key in keys]
        code, a, b, *others = table.arrays(
            f"SELECT {codes[0]}, {', '.join(['a', 'b', *codes[1:]])} "  # noqa: S608 - own names
            f"FROM {numbers(table, columns, labels)}",
            progress,
            "Reading the scores",
            (0.5, 0.9),
        )
        found = dict(zip(keys, others, strict=True))
        self._metric, self._positive = metric, code == classes.index(wanted)
        self._scores, self._groups = (a, b), found.get("grp")
        self._fold = order[found["fold"]] if fold is not None else None
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
        keys = _keys(table, truth, models, fold, group)
        columns = {"y": truth, "a": models[0], "b": models[1]}
        self._root, self._unit, self._grouped = metric == "rmse", unit, group is not None
        losses = {
            f"u{m}": f"({m} - y) * ({m} - y)" if self._root else f"abs({m} - y)" for m in "ab"
        }
        gap = "(a - b) * ((a - y) + (b - y))" if self._root else f"{losses['ua']} - {losses['ub']}"
        seen = survey(table, columns, losses | {"w": gap}, progress, (0.2, 0.5))
        labels = table.labels(keys) if keys else "cases"
        if keys:
            _check_present(table, keys, seen.n, labels, progress)
        self.folds, order = _folds(table, keys, labels, progress)
        # As text: what a fold is called becomes no part of the SQL.
        self._places = {int(place): code for code, place in enumerate(order)}
        if group is not None:
            check_several(len(_enumerated(table, "grp", labels, progress)), "group", group)
        self._w_unit = scale_of(seen.largest["w"])
        self._s_unit = scale_of(seen.largest["ua"], seen.largest["ub"])
        w = f"(({gap}) / {self._w_unit!r})"
        s = f"(({losses['ua']}) / {self._s_unit!r} + ({losses['ub']}) / {self._s_unit!r}) / 2"
        powers = [(i, j) for i in range(5) for j in range(5) if 0 < i + j <= 4]
        terms = {"w" * i + "s" * j: " * ".join([f"({w})"] * i + [f"({s})"] * j) for i, j in powers}
        terms["nearer"] = f"({losses['ua']} < {losses['ub']})::DOUBLE"
        terms["farther"] = f"({losses['ua']} > {losses['ub']})::DOUBLE"
        source = numbers(table, columns, labels)
        if fold is not None:
            source = f"(SELECT *, enum_code(fold::folds) AS part FROM {source})"  # noqa: S608
        self._sums = Sums(
            table,
            "sums",
            source,
            terms,
            [("w", "w"), ("w", "s"), ("s", "s")],
            [*(["part"] if fold is not None else []), *(["grp"] if group is not None else [])],
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
        where = "true" if fold is None else f"part = {self._places[fold]}"
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
        if not self._grouped:
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
        size = max(float(np.abs(by).max()), np.finfo(np.float64).tiny)
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


def _keys(
    table: TableFile, truth: str, models: tuple[str, str], fold: str | None, group: str | None
) -> dict[str, str]:
    """The columns of fold and group by their SQL names, once all columns are there."""
    check_roles([("the truth", truth), ("A", models[0]), ("B", models[1]), ("the fold", fold)])
    check_roles([("the truth", truth), ("A", models[0]), ("B", models[1]), ("the group", group)])
    keys = {own: name for own, name in (("fold", fold), ("grp", group)) if name is not None}
    table.check_columns(truth, *models, *keys.values())
    return keys


def _check_present(
    table: TableFile, columns: Mapping[str, str], n: int, source: str, progress: Progress
) -> None:
    asked = ", ".join(f"count_if({own} IS NULL)" for own in columns)
    (missing,) = _ask(table, f"SELECT {asked} FROM {source}", progress)  # noqa: S608 - own names
    totals = {f"missing{i}": count for i, count in enumerate(missing)}
    check_missing(table, list(columns.values()), {"n": n} | totals, progress)


def _enumerated(table: TableFile, own: str, source: str, progress: Progress) -> list[str]:
    """The different labels in order, which SQL then knows by their numbers as type ``<own>s``."""
    _ask(
        table,
        f"CREATE TYPE {own}s AS ENUM (SELECT DISTINCT {own} FROM {source} ORDER BY 1)",  # noqa: S608
        progress,
    )
    return [label for (label,) in _ask(table, f"SELECT unnest(enum_range(NULL::{own}s))", progress)]


def _folds(
    table: TableFile, keys: Mapping[str, str], source: str, progress: Progress
) -> tuple[tuple[str, ...], npt.NDArray[np.intp]]:
    """The folds in their natural order, and the place of each in the order of their numbers."""
    if "fold" not in keys:
        return (), np.empty(0, dtype=np.intp)
    names = _enumerated(table, "fold", source, progress)
    check_several(len(names), "fold", keys["fold"])
    if len(names) > _MOST_FOLDS:
        raise KitError(
            f"The fold column {keys['fold']!r} has {len(names):,} values, and at most "
            f"{_MOST_FOLDS:,} folds tell anything. If it says which cases belong together, name it "
            "as the group."
        )
    order = sorted(range(len(names)), key=lambda i: _natural(names[i]))
    return tuple(names[i] for i in order), np.argsort(order)


def _natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Key that sorts fold 2 before fold 10."""
    parts = re.split(r"([0-9]+)", name)
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in parts)


def _positive(classes: Sequence[str], positive: str | None, truth: str) -> str:
    listed = ", ".join(shown(label, 40) for label in classes[:10])
    listed += ", ..." if len(classes) > 10 else ""
    if len(classes) > _MOST_LABELS:
        raise KitError(
            f"The truth {truth!r} has {len(classes):,} different labels. Is it the right column?"
        )
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


def _ask(table: TableFile, sql: str, progress: Progress) -> list[tuple[Any, ...]]:
    return table.rows(sql, progress, "Looking at the labels", (0.5, 0.5))
