"""The kit ``classification``: how good is this classifier, class by class?"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from evidesk.evidence import Estimate, Evidence, Figure, Finding, Verdict
from evidesk.kits.class_shares import Shares, cell_shares, class_shares
from evidesk.kits.classification_counts import LabelCounts, count
from evidesk.kits.classification_figures import (
    classes_figure,
    classes_table,
    confusion_figure,
    curve_figures,
    metric_figures,
    metrics_table,
)
from evidesk.kits.classification_scores import MOST_CASES, Scores, count_scores
from evidesk.kits.grouping import unnamed_groups
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.table import TableFile
from evidesk.kits.wording import Level, noted, percent, shown
from evidesk.methods.metrics.auroc import auroc
from evidesk.methods.metrics.average_precision import average_precision
from evidesk.methods.metrics.classification import estimate_by_name
from evidesk.methods.metrics.curves import precision_recall_curve, roc_curve
from evidesk.methods.metrics.probability import brier
from evidesk.methods.metrics.reliability import reliability_diagram

_QUESTION = "How good is this classifier, class by class?"
_MOST_MODELS = 15
_MOST_CELLS = 1_000
_MOST_LISTED = 10


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
        warnings = _warnings(counts)
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
    warnings += [_noted(note, models, len(found)) for note, models in notes.items()]
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
        answer=_answer(found, counts, shares),
        findings=tuple(
            finding
            for model, estimates in found.items()
            for finding in _findings(model, estimates, counts, positive)
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
                f"There are {len(labels)} labels: {_listed(labels)}. Say which of them the scores "
                "are of (positive), or leave the scores out."
            )
        return None
    given = p.positive.strip()
    for same in (lambda label: label == given, lambda label: _alike(label, given)):
        if any(map(same, labels)):
            return [same(label) for label in labels].index(True)
    raise KitError(f"There is no label {given!r}. The labels are: {_listed(labels)}.")


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


def _answer(
    found: Mapping[str, Mapping[str, Estimate]],
    counts: LabelCounts,
    shares: Mapping[str, Mapping[str, Shares]],
) -> str:
    by_model = {model: estimates["balanced accuracy"] for model, estimates in found.items()}
    highest = max(estimate.value for estimate in by_model.values())
    best = [model for model, estimate in by_model.items() if estimate.value == highest]
    accuracy, recall = found[best[0]]["accuracy"], shares[best[0]]["recall"]
    right = round(accuracy.value * accuracy.n)
    known = np.flatnonzero(recall.n > 0)
    ends = [known[recall.value[known].argmin()], known[recall.value[known].argmax()]]
    classes = " to ".join(f"{recall.value[c]:.3f} ({shown(counts.labels[c], 40)})" for c in ends)
    text = (
        f"right in {right:,} of {counts.n:,} cases, accuracy {accuracy.short} at "
        f"{percent(accuracy.level)}; the share of each class that it finds reaches from {classes}"
    )
    if len(known) == 1:
        text = text.partition(";")[0]
    if len(found) == 1:
        return f"{shown(best[0])} is {text}."
    names = " and ".join(map(shown, best))
    verb = "has" if len(best) == 1 else "have"
    return (
        f"Of {len(found)} models, {names} {verb} the highest balanced accuracy on these cases, "
        f"{by_model[best[0]].short}: {text}."
    )


def _findings(
    model: str, found: Mapping[str, Estimate], counts: LabelCounts, positive: int | None
) -> list[Finding]:
    """Each metric with what chance or a constant answer would reach."""
    name = shown(model)
    frequent = counts.most_frequent
    p = float(counts.true[frequent]) / counts.n
    label = shown(counts.labels[frequent])
    k = int(np.count_nonzero(counts.true))
    always = f"always answering the most frequent label, {label}, would"
    findings = [
        _judged(
            f"{name} is right more often than {always} be ({100 * p:.1f} % of the cases).",
            found["accuracy"],
            p,
        ),
        _judged(
            f"{name} finds more of each class, on average over the classes, than any constant "
            f"answer would (1/{k}).",
            found["balanced accuracy"],
            1 / k,
        ),
        _judged(
            f"The macro F1 of {name} is higher than {always} reach ({2 * p / (1 + p) / k:.3f}).",
            found["macro F1"],
            2 * p / (1 + p) / k,
        ),
        _judged(f"The predictions of {name} go with the truth (MCC above 0).", found["MCC"], 0.0),
    ]
    if positive is None:
        return findings
    word = shown(counts.labels[positive])
    prevalence = float(counts.true[positive]) / counts.n
    told: dict[str, Callable[[str], str]] = {
        "sensitivity": lambda v: f"{name} finds {v} % of the cases that are {word} (sensitivity).",
        "specificity": lambda v: (
            f"{name} is right in {v} % of the cases that are not {word} (specificity)."
        ),
        "precision": lambda v: f"Where {name} says {word}, it is right in {v} % (precision).",
        "F1": lambda v: f"The F1 of {name} for {word} is {v} %.",
    }
    findings += [
        Finding(say(f"{100 * found[key].value:.1f}"), found[key]) for key, say in told.items()
    ]
    if "AUROC" in found:
        findings += [
            _judged(
                f"The scores of {name} rank {word} above other cases more often than chance "
                "(AUROC above 0.5).",
                found["AUROC"],
                0.5,
            ),
            _judged(
                f"The average precision of {name} is above the share of {word} among the cases "
                f"({prevalence:.3f}).",
                found["average precision"],
                prevalence,
            ),
        ]
    if "Brier score" in found:
        constant = prevalence * (1 - prevalence)
        findings.append(
            _judged(
                f"The probabilities of {name} are better than always predicting the share of "
                f"{word} (a Brier score of {constant:.3f}).",
                found["Brier score"],
                constant,
                less=True,
            )
        )
    return findings


def _judged(sentence: str, estimate: Estimate, null: float, *, less: bool = False) -> Finding:
    low, high = (-estimate.high, -estimate.low) if less else (estimate.low, estimate.high)
    against = -null if less else null
    if low > against:
        verdict = Verdict.SUPPORTED
    elif high < against:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    return Finding(sentence, replace(estimate, null_value=null), verdict)


def _warnings(counts: LabelCounts) -> list[str]:
    found = []
    labels = counts.labels
    if len(counts.tables) > 1:
        found.append(
            "Which model is better is not answered here. All of them saw the same cases, so that "
            "takes a comparison case by case; whether two intervals overlap does not tell."
        )
    if np.count_nonzero(counts.true) == 1:
        found.append(
            f"All cases have the same true label, {shown(labels[counts.most_frequent])}: nothing "
            "here tells how well labels are told apart."
        )
    for model, table in counts.tables.items():
        said = np.bincount(table.predicted[0], table.counts, table.k)
        never = np.flatnonzero((said == 0) & (counts.true > 0))
        if len(never):
            found.append(f"{shown(model)} never predicts {_names(labels, never)}.")
        strange = np.flatnonzero((said > 0) & (counts.true == 0))
        if len(strange):
            found.append(
                f"{shown(model)} predicts what is never true: {_names(labels, strange)}. Are the "
                "labels written in the same way?"
            )
    return found


def _names(labels: list[str], numbers: Any) -> str:
    return _listed([labels[i] for i in numbers])


def _listed(labels: list[str]) -> str:
    listed = ", ".join(shown(label) for label in labels[:_MOST_LISTED])
    more = len(labels) - _MOST_LISTED
    return f"{listed} and {more:,} more" if more > 0 else listed


def _noted(note: str, models: list[str], of: int) -> str:
    """What a method warns of, with the models that it is about unless it is all of them."""
    return note if len(models) == of else f"{', '.join(map(shown, models))}: {note}"


kit = Kit(
    name="classification",
    title="Classification, class by class",
    question=_QUESTION,
    parameters=ClassificationParameters,
    run=run,
    partitioned=True,
)
