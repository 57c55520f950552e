"""The kit ``classification``: how good is this classifier, class by class?"""

from typing import Any

from pydantic import Field, model_validator

from evidesk.evidence import Estimate, Evidence, Figure
from evidesk.kits.class_shares import cell_shares, class_shares
from evidesk.kits.classification_counts import LabelCounts, count
from evidesk.kits.classification_curves import curve_figures
from evidesk.kits.classification_figures import (
    classes_figure,
    classes_table,
    confusion_figure,
    metric_figures,
    metrics_table,
)
from evidesk.kits.classification_scores import MOST_CASES, Scores, count_scores
from evidesk.kits.classification_words import (
    answer,
    findings,
    listed,
    warnings_of,
    with_models,
)
from evidesk.kits.grouping import unnamed_groups
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.table import TableFile
from evidesk.kits.wording import Level, noted
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.average_precision import average_precision
from evidesk.methods.metrics.classification import estimate_by_name
from evidesk.methods.metrics.curves import precision_recall_curve, roc_curve
from evidesk.methods.metrics.probability import brier
from evidesk.methods.metrics.reliability import reliability_diagram

_QUESTION = "How good is this classifier, class by class?"
_MOST_MODELS = 15
_MOST_CELLS = 1_000


class ClassificationParameters(Parameters):
    """What the kit needs to know about the table."""

    table: InputFile = Field(
        title="Table of predictions",
        description="One row per case. CSV, TSV, JSON, JSON Lines (each also with .gz) or Parquet, "
        "or a folder of Parquet files.",
    )
    truth: ColumnName = Field(
        title="True label", description="The column with the label that is right for each case."
    )
    prediction: list[ColumnName] = Field(
        min_length=1,
        max_length=_MOST_MODELS,
        title="Predicted labels",
        description="One column per model, with the label that the model gave to each case.",
    )
    score: list[ColumnName] = Field(
        default_factory=list,
        max_length=_MOST_MODELS,
        title="Scores",
        description="For two classes, if there are any: one column per model, in the same order, "
        "with its probability or score for the positive class.",
    )
    positive: str | None = Field(
        default=None,
        title="Positive label",
        description="The label that is to be found, such as ill. Of two labels it is by default "
        "the greater; of more, this one is set against all others.",
    )
    group: ColumnName | None = Field(
        default=None,
        title="Group",
        description="The column that says which cases belong together, such as the patient of "
        "each image. Without it, the error bars suppose that all cases are independent.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="How often such an interval is to hold the true value, between 0 and 1.",
    )

    @model_validator(mode="after")
    def _a_score_for_each(self) -> "ClassificationParameters":
        if self.score and len(self.score) != len(self.prediction):
            raise ValueError(
                f"Name as many score columns as predictions, in the same order: there are "
                f"{len(self.score)} for {len(self.prediction)}."
            )
        return self


def run(parameters: ClassificationParameters, progress: Progress) -> Evidence:
    """Metrics of each model and each class with their intervals, without provenance.

    Raises
    ------
    KitError : the table cannot be used; see :mod:`evidesk.kits.classification_counts` and
        :mod:`evidesk.kits.classification_scores`.
    """
    p = parameters
    scores: dict[str, Scores] = {}
    with TableFile(p.table, progress) as table:
        counts = count(table, p.truth, p.prediction, p.group, progress, scores=p.score)
        if counts.n < 2:
            raise KitError(f"{p.table.name} has one row only; at least two cases are needed.")
        positive = _positive(p, counts)
        warnings = warnings_of(counts)
        if p.score and not _both(counts, positive):
            warnings.append(
                "Scores tell nothing here: that takes cases of the positive class and others."
            )
        elif p.score and positive is not None:
            scores, said = count_scores(
                table,
                p.truth,
                dict(zip(p.prediction, p.score, strict=True)),
                counts.labels[positive],
                p.group,
                counts.n,
                progress,
            )
            warnings += said
        if p.group is None:
            used = [p.truth, *p.prediction, *p.score]
            warnings += unnamed_groups(
                table, p.truth, p.prediction[0], used, counts.n, p.level, progress, (0.8, 0.9)
            )
    progress(0.9, "Computing intervals")
    found: dict[str, dict[str, Estimate]] = {}
    notes: dict[str, list[str]] = {}
    figures: list[Figure] = []
    curves: list[Figure] = []
    for i, model in enumerate(p.prediction, start=1):
        with noted() as poor:
            found[model] = _estimates(counts, model, positive, scores.get(model), p.level)
            if model in scores and positive is not None:
                number = f"-{i}" if len(p.prediction) > 1 else ""
                name = model if len(p.prediction) > 1 else ""
                curves += _curves(number, name, counts.labels[positive], scores[model], p.level)
        for note in poor:
            notes.setdefault(note, []).append(model)
    warnings += [with_models(note, models, len(found)) for note, models in notes.items()]
    if scores and counts.n > MOST_CASES:
        warnings.append(
            "The Brier score and the reliability diagram are left out: they need every case by "
            f"itself, and {counts.n:,} are more than {MOST_CASES:,}."
        )
    progress(0.93, "Drawing figures")
    shares = {model: class_shares(counts.tables[model], p.level) for model in p.prediction}
    metrics = metrics_table(found)
    tables = [
        metrics,
        classes_table(counts.labels, shares),
    ]
    figures += metric_figures(found, metrics)
    for i, model in enumerate(p.prediction, start=1):
        number, name = (f"-{i}", model) if len(p.prediction) > 1 else ("", "")
        figures.append(
            classes_figure(f"classes{number}", name, counts.labels, shares[model], p.level)
        )
        cells = cell_shares(counts.tables[model], p.level, _MOST_CELLS)
        confusion = confusion_figure(f"confusion{number}", name, counts.labels, cells, p.level)
        figures.append(confusion)
        tables.append(confusion.data)
    evidence = Evidence(
        question=_QUESTION,
        answer=answer(found, counts, shares),
        findings=tuple(
            finding
            for model, estimates in found.items()
            for finding in findings(model, estimates, counts, positive)
        ),
        tables=tuple(tables),
        figures=(*figures, *curves),
        warnings=tuple(warnings),
    )
    progress(1.0, "Done")
    return evidence


def _positive(p: ClassificationParameters, counts: LabelCounts) -> int | None:
    """The number of the positive label, or None where there are several classes and none is."""
    labels = counts.labels
    if p.positive is None:
        if len(labels) == 2:
            return 1
        if p.score:
            raise KitError(
                f"There are {len(labels)} labels: {listed(labels)}. Say which of them the scores "
                "are of (positive), or leave the scores out."
            )
        return None
    given = p.positive.strip()
    for same in (lambda label: label == given, lambda label: _alike(label, given)):
        if any(map(same, labels)):
            return [same(label) for label in labels].index(True)
    raise KitError(f"There is no label {given!r}. The labels are: {listed(labels)}.")


def _both(counts: LabelCounts, positive: int | None) -> bool:
    """Whether there are cases of the positive class and others."""
    return positive is not None and 0 < counts.true[positive] < counts.n


def _alike(label: str, given: str) -> bool:
    """Whether the two say the same, as in :mod:`evidesk.kits.table`: 1 and 1.0, true and True."""
    try:
        return float(label) == float(given)
    except ValueError:
        return label in ("true", "false") and label == given.lower()


def _estimates(
    counts: LabelCounts, model: str, positive: int | None, scores: Scores | None, level: float
) -> dict[str, Estimate]:
    table = counts.tables[model]
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("accuracy", "accuracy", {}),
        ("balanced accuracy", "balanced_accuracy", {}),
        ("macro F1", "f1", {"average": "macro"}),
        ("MCC", "mcc", {}),
    ]
    if positive is not None:
        of_positive = {"pos_label": table.labels[positive].item()}
        asked += [
            (name.replace("f1", "F1"), name, of_positive)
            for name in ("sensitivity", "specificity", "precision", "f1")
        ]
    found = {}
    for name, metric, how in asked:
        estimate = estimate_by_name(table, metric, level=level, **how)
        assert isinstance(estimate, Estimate)
        found[name] = estimate
    if scores is not None:
        given = _given(scores)
        found["AUROC"] = auroc(**given, level=level)
        found["average precision"] = average_precision(**given, level=level)
        if scores.are_probabilities and counts.n <= MOST_CASES:
            found["Brier score"] = brier(**_given(scores, each=True), level=level)
    return found


def _given(scores: Scores, *, each: bool = False) -> dict[str, Any]:
    """The scores as methods take them: counted, or each case by itself."""
    if scores.grouped is None and not each:
        return {"y_true": scores.scores}
    values, positive, *members = scores.cases
    given = dict(zip(("y_true", _VALUES[each]), (positive, values), strict=True))
    return given | ({"groups": members[0]} if members else {})


_VALUES = {False: "y_score", True: "y_prob"}


def _curves(number: str, model: str, positive: str, scores: Scores, level: float) -> list[Figure]:
    given = _given(scores)
    reliability = None
    if scores.are_probabilities and scores.scores.n <= MOST_CASES:
        reliability = reliability_diagram(**_given(scores, each=True), level=level)
    return curve_figures(
        number,
        model,
        positive,
        roc_curve(**given, level=level),
        precision_recall_curve(**given, level=level),
        reliability,
    )


kit = Kit(
    name="classification",
    title="Classification, class by class",
    question=_QUESTION,
    parameters=ClassificationParameters,
    run=run,
    partitioned=True,
)
