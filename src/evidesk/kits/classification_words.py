"""What the kit ``classification`` says in words: its answer, findings and warnings."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from evidesk.evidence import Estimate, Finding, Verdict
from evidesk.kits.class_shares import Shares
from evidesk.kits.classification_counts import LabelCounts
from evidesk.kits.wording import percent, shown

_MOST_LISTED = 10


def answer(
    found: Mapping[str, Mapping[str, Estimate]],
    counts: LabelCounts,
    shares: Mapping[str, Mapping[str, Shares]],
) -> str:
    """The best model's right answers, and from where to where its recall of classes reaches."""
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


def findings(
    model: str, found: Mapping[str, Estimate], counts: LabelCounts, positive: int | None
) -> list[Finding]:
    """Each metric with what chance or a constant answer would reach."""
    name = shown(model)
    frequent = counts.most_frequent
    p = float(counts.true[frequent]) / counts.n
    label = shown(counts.labels[frequent])
    k = int(np.count_nonzero(counts.true))
    always = f"always answering the most frequent label, {label}, would"
    said = [
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
        return said
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
    said += [Finding(say(f"{100 * found[key].value:.1f}"), found[key]) for key, say in told.items()]
    if "AUROC" in found:
        said += [
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
        said.append(
            _judged(
                f"The probabilities of {name} are better than always predicting the share of "
                f"{word} (a Brier score of {constant:.3f}).",
                found["Brier score"],
                constant,
                less=True,
            )
        )
    return said


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


def warnings_of(counts: LabelCounts) -> list[str]:
    """What a reader must know before believing the numbers."""
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
    return listed([labels[i] for i in numbers])


def listed(labels: list[str]) -> str:
    """The labels in a row, of many the first ones."""
    listed = ", ".join(shown(label) for label in labels[:_MOST_LISTED])
    more = len(labels) - _MOST_LISTED
    return f"{listed} and {more:,} more" if more > 0 else listed


def with_models(note: str, models: list[str], of: int) -> str:
    """What a method warns of, with the models that it is about unless it is all of them."""
    return note if len(models) == of else f"{', '.join(map(shown, models))}: {note}"
