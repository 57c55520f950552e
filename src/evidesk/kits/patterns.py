"""Counting which answers of several models come together, so that models can be compared.

Cases in which all models answer alike are one row with a count: what is left of a billion rows is
as many as there are different patterns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from evidesk.kits.accuracy_counts import count
from evidesk.kits.kit import KitError, Progress
from evidesk.kits.table import TableFile
from evidesk.methods.metrics.classification import evaluate_labels
from evidesk.methods.metrics.evaluation import Evaluation

Integers = npt.NDArray[np.int64]

LabelMetric = Literal["accuracy", "balanced-accuracy", "macro-f1", "mcc"]
#: What the methods call the metrics of labels.
LABEL_METRICS: dict[str, tuple[str, dict[str, Any]]] = {
    "accuracy": ("accuracy", {}),
    "balanced-accuracy": ("balanced_accuracy", {}),
    "macro-f1": ("f1", {"average": "macro"}),
    "mcc": ("mcc", {}),
}

#: So many answers are held in memory, several times, in a few gigabytes.
MOST_ANSWERS = 50_000_000
_BITS = 60  # right answers of so many models fit into one whole number


@dataclass(frozen=True)
class Patterns:
    """Answers of several models that come together, and how often.

    Attributes
    ----------
    names : the models.
    truth : array of shape (patterns,); the number of the true label, or 1 if only right and wrong
        answers are told apart.
    answers : array of shape (models, patterns); the number of the label that each model gave, or
        1 for right and 0 for wrong.
    counts : array of shape (patterns,); how many cases.
    groups, folds : arrays of shape (patterns,), their numbers; None where there are none.
    fold_names : in their natural order, as ``folds`` counts them.
    """

    names: tuple[str, ...]
    truth: Integers
    answers: Integers
    counts: Integers
    groups: Integers | None = None
    folds: Integers | None = None
    fold_names: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of cases."""
        return int(self.counts.sum())

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each model is right, shape (models, patterns)."""
        return np.asarray(self.answers == self.truth)

    def of_fold(self, fold: int) -> "Patterns":
        """The cases of one fold."""
        assert self.folds is not None
        at = np.flatnonzero(self.folds == fold)
        groups = None if self.groups is None else self.groups[at]
        return Patterns(self.names, self.truth[at], self.answers[:, at], self.counts[at], groups)

    def evaluation(self, metric: LabelMetric) -> Evaluation:
        """The metric of all models, which are called by their numbers, "0", "1", ...

        Raises
        ------
        ValueError : see :func:`~evidesk.methods.metrics.evaluate_labels`.
        """
        name, options = LABEL_METRICS[metric]
        return evaluate_labels(
            name,
            self.truth,
            {str(i): answers for i, answers in enumerate(self.answers)},
            groups=self.groups,
            counts=self.counts,
            **options,
        )


def find(
    table: TableFile,
    truth: str,
    predictions: Sequence[str],
    fold: str | None,
    group: str | None,
    progress: Progress,
    *,
    only_right: bool,
) -> Patterns:
    """Count the patterns in ``table``.

    Parameters
    ----------
    only_right : whether it is enough to know which answers are right, as for the accuracy.

    Raises
    ------
    KitError : the table cannot be used, see :func:`evidesk.kits.accuracy_counts.count`; or there
        are more patterns than memory holds.
    """
    checked = count(
        table, truth, predictions, fold, group, lambda done, message: progress(done / 2, message)
    )
    keys = {alias: name for alias, name in (("fold", fold), ("grp", group)) if name is not None}
    said = [f"said{i}" for i in range(len(predictions))]
    own = {"truth": truth} | dict(zip(said, predictions, strict=True)) | keys
    words = 0
    if only_right:
        words = -(-len(said) // _BITS)
        picked = [
            " + ".join(f"(said{i} = truth)::BIGINT * {2 ** (i % _BITS)}" for i in range(*ends))
            + f" AS word{word}"
            for word in range(words)
            for ends in [(word * _BITS, min((word + 1) * _BITS, len(said)))]
        ]
    else:
        picked = ["truth", *said]
    chosen = [*picked, *keys]
    raw = ", ".join(table.name(name) for name in own.values())
    counted = f"(SELECT {raw}, count(*) AS cases FROM cases GROUP BY ALL)"  # noqa: S608
    made = [f"word{i}" for i in range(words)] if only_right else ["truth", *said]
    table.tally(
        "patterns",
        f"SELECT {', '.join(chosen)}, sum(cases)::BIGINT AS n "  # noqa: S608 - own names
        f"FROM {table.labels(own, counted)} GROUP BY ALL",
        [*made, *keys],
        progress,
        "Counting answers that come together",
        (0.5, 0.9),
    )
    columns = _columns(table, made, keys, only_right, len(said), progress)
    if only_right:
        bits = [(columns[f"word{i // _BITS}"] >> (i % _BITS)) & 1 for i in range(len(said))]
        answers, true = np.stack(bits), np.ones(len(columns["n"]), dtype=np.int64)
    else:
        answers, true = np.stack([columns[name] for name in said]), columns["truth"]
    folds, names = columns.get("fold"), tuple(each.name for each in checked.folds)
    if folds is not None:
        # The table counts folds by letters; people count 2 before 10.
        places = {name: i for i, name in enumerate(names)}
        folds = np.array([places[name] for name in sorted(names)])[folds]
    return Patterns(
        tuple(predictions), true, answers, columns["n"], columns.get("grp"), folds, names
    )


def _columns(
    table: TableFile,
    made: Sequence[str],
    keys: Mapping[str, str],
    only_right: bool,
    models: int,
    progress: Progress,
) -> dict[str, Integers]:
    """The patterns as whole numbers, in one order."""

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return table.rows(sql, progress, "Summing up", (0.9, 0.9))

    ((rows,),) = ask("SELECT count(*) FROM patterns")
    if rows * models > MOST_ANSWERS:
        raise KitError(
            f"The {models} models answer in {rows:,} different ways: more than memory holds. "
            + (
                "Name a column with larger groups, or fewer models."
                if only_right
                else "Compare them by accuracy, which needs to know right answers only."
            )
        )
    texts = list(keys) if only_right else [*made, *keys]
    for kind in keys:
        ask(f"CREATE TYPE {kind}s AS ENUM (SELECT DISTINCT {kind} FROM patterns ORDER BY 1)")  # noqa: S608
    if not only_right:
        union = " UNION ".join(f"SELECT {name} AS label FROM patterns" for name in made)  # noqa: S608
        ask(f"CREATE TYPE labels AS ENUM (SELECT label FROM ({union}) ORDER BY 1)")  # noqa: S608
    asked = [
        f"enum_code({name}::{name + 's' if name in keys else 'labels'})::BIGINT AS {name}"
        if name in texts
        else name
        for name in (*made, *keys)
    ]
    found = table.arrays(
        f"SELECT {', '.join(asked)}, n FROM patterns ORDER BY ALL",  # noqa: S608 - own names
        progress,
        "Summing up",
        (0.9, 0.9),
    )
    return dict(zip([*made, *keys, "n"], found, strict=True))
