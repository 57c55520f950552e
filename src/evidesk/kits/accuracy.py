"""The kit ``accuracy``: how good are the models whose predictions lie in a table?"""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from evidesk.evidence import Column, Estimate, Evidence, Figure, Finding, Table, Verdict
from evidesk.kits.accuracy_counts import Counts, count
from evidesk.kits.grouping import unnamed_groups
from evidesk.kits.kit import ColumnName, InputFile, Kit, Parameters, Progress
from evidesk.kits.table import TableFile
from evidesk.kits.wording import Level, cell, drawing, noted, percent, root, row_names, shown
from evidesk.methods.metrics import Accuracies, FoldSpread, Method, fold_spread, spread_plot

_QUESTION = "How good is the model, and how sure are we?"
_MOST_MODELS = 100  # rows that a figure can show and a person can read


class AccuracyParameters(Parameters):
    """What the kit needs to know about the table."""

    table: InputFile = Field(
        title="Table of predictions",
        description="One row per case. CSV, TSV, JSON, JSON Lines (each also with .gz) or Parquet.",
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
    fold: ColumnName | None = Field(
        default=None,
        title="Fold",
        description="The column that says which cross-validation fold held the case out, if any.",
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
        description="How often such an interval is to hold the true accuracy, between 0 and 1.",
    )
    method: Method = Field(
        default="wilson",
        title="Interval",
        description="Wilson is right for nearly all; Clopper-Pearson where the level must never be "
        "missed; normal to reproduce papers that use it.",
    )


def run(parameters: AccuracyParameters, progress: Progress) -> Evidence:
    """Accuracy of each model with its interval, without provenance.

    Raises
    ------
    KitError : the table cannot be used; see :mod:`evidesk.kits.accuracy_counts`.
    """
    with TableFile(parameters.table, progress) as table:
        counts = count(
            table,
            parameters.truth,
            parameters.prediction,
            parameters.fold,
            parameters.group,
            progress,
        )
        bunched = (
            unnamed_groups(
                table,
                parameters.truth,
                parameters.prediction[0],
                [parameters.truth, *parameters.prediction, parameters.fold],
                counts.n,
                parameters.level,
                progress,
                (0.8, 0.95),
            )
            if parameters.group is None
            else []
        )
    progress(0.95, "Drawing figures")
    with noted() as poor:
        accuracies = _accuracies(counts, parameters.level, parameters.method)
    models = _models_table(accuracies, counts)
    tables = [models]
    with drawing():
        figures = [_intervals_figure(accuracies, models)]
        if counts.folds:
            spreads = _spreads(counts)
            folds = _folds_table(counts)
            tables += [folds, _spread_table(spreads)]
            figures.append(_folds_figure(spreads, folds))
    evidence = Evidence(
        question=_QUESTION,
        answer=_answer(accuracies.estimates, counts),
        findings=tuple(_finding(*item, counts) for item in accuracies.estimates.items()),
        tables=tuple(tables),
        figures=tuple(figures),
        warnings=(*_warnings(counts), *bunched, *poor),
    )
    progress(1.0, "Done")
    return evidence


def _accuracies(counts: Counts, level: float, method: Method) -> Accuracies:
    if counts.groups is None:
        return Accuracies.from_counts(counts.correct, counts.n, level=level, method=method)
    estimates: dict[str, Estimate] = {}
    design_effects: dict[str, float] = {}
    for name, groups in counts.groups.items():
        found = Accuracies.from_counts(
            {name: groups.correct}, groups.n, repeat=groups.repeat, level=level, method=method
        )
        estimates |= found.estimates
        design_effects |= found.design_effects or {}
    return Accuracies(estimates, design_effects)


def _answer(estimates: Mapping[str, Estimate], counts: Counts) -> str:
    highest = max(estimate.value for estimate in estimates.values())
    best = [name for name, estimate in estimates.items() if estimate.value == highest]
    first = estimates[best[0]]
    found = (
        f"right in {counts.correct[best[0]]:,} of {counts.n:,} cases, accuracy {first.short} "
        f"at {percent(first.level)}"
    )
    if len(estimates) == 1:
        return f"{shown(best[0])} is {found}."
    names = " and ".join(shown(name) for name in best)
    score = "scores" if len(best) == 1 else "score"
    return f"Of {len(estimates)} models, {names} {score} highest on these cases: {found}."


def _finding(name: str, accuracy: Estimate, counts: Counts) -> Finding:
    label, cases = counts.most_frequent
    estimate = replace(accuracy, null_value=cases / counts.n)
    if estimate.low > cases / counts.n:
        verdict = Verdict.SUPPORTED
    elif estimate.high < cases / counts.n:
        verdict = Verdict.REFUTED
    else:
        verdict = Verdict.UNDECIDED
    return Finding(
        f"{shown(name)} is right more often than always answering the most frequent label, "
        f"{shown(label)}, would be ({100 * cases / counts.n:.1f} % of the cases).",
        estimate,
        verdict,
    )


def _warnings(counts: Counts) -> list[str]:
    found = []
    if len(counts.correct) > 1:
        found.append(
            "Which model is better is not answered here. All of them saw the same cases, so that "
            "takes a comparison case by case; whether two intervals overlap does not tell."
        )
    if counts.classes == 1:
        found.append(
            f"All cases have the same true label, {shown(counts.most_frequent[0])}: always "
            "answering it would be right every time, so accuracy says nothing here about telling "
            "labels apart."
        )
    never = [shown(name) for name, correct in counts.correct.items() if correct == 0]
    if never:
        found.append(
            f"Not one prediction of {', '.join(never)} equals the true label. Are the labels "
            "written in the same way?"
        )
    if counts.folds:
        found.append(
            "Fold values are not independent replicates: the models of different folds were "
            "trained on largely the same cases. Their spread is not the uncertainty of the "
            "accuracy, and their number does not make it surer."
        )
    return found


def _models_table(accuracies: Accuracies, counts: Counts) -> Table:
    columns = [
        Column("model", "text", "Model"),
        Column("n", "integer", "Cases"),
        Column("correct", "integer", "Right"),
        Column("accuracy", "number", "Accuracy"),
        Column("low", "number", "Low"),
        Column("high", "number", "High"),
    ]
    effects = accuracies.design_effects
    if effects is not None:
        columns.append(Column("design_effect", "number", "Design effect"))
    rows = [
        (cell(name), e.n, counts.correct[name], e.value, e.low, e.high)
        + (() if effects is None else (effects[name],))
        for name, e in accuracies.estimates.items()
    ]
    return Table("models", "Accuracy of each model", tuple(columns), tuple(rows))


def _intervals_figure(accuracies: Accuracies, data: Table) -> Figure:
    estimates = list(accuracies.estimates.values())
    rows = dict(zip(row_names(accuracies.estimates), estimates, strict=True))
    axes = Accuracies(rows).plot()
    return Figure.from_matplotlib(
        root(axes),
        name="intervals",
        title=f"Accuracy with {percent(estimates[0].level)} intervals ({estimates[0].method})",
        alt=f"Interval plot of the accuracy of {len(estimates)} model(s), from "
        f"{min(e.value for e in estimates):.3f} to {max(e.value for e in estimates):.3f}.",
        data=data,
    )


def _spreads(counts: Counts) -> dict[str, FoldSpread]:
    sizes = [fold.n for fold in counts.folds]
    return {
        name: fold_spread([fold.correct[name] / fold.n for fold in counts.folds], sizes)
        for name in counts.correct
    }


def _folds_table(counts: Counts) -> Table:
    return Table(
        "folds",
        "Accuracy in each fold",
        (
            Column("fold", "text", "Fold"),
            Column("model", "text", "Model"),
            Column("n", "integer", "Cases"),
            Column("correct", "integer", "Right"),
            Column("accuracy", "number", "Accuracy"),
        ),
        tuple(
            (cell(fold.name), cell(name), fold.n, correct, correct / fold.n)
            for fold in counts.folds
            for name, correct in fold.correct.items()
        ),
    )


def _spread_table(spreads: Mapping[str, FoldSpread]) -> Table:
    return Table(
        "spread",
        "Spread over the folds, and what chance alone would give",
        (
            Column("model", "text", "Model"),
            Column("folds", "integer", "Folds"),
            Column("mean", "number", "Mean"),
            Column("sd", "number", "Standard deviation"),
            Column("sigma", "number", "Approximated sigma"),
            Column("ratio", "number", "Ratio"),
        ),
        tuple(
            (
                cell(name),
                len(s.accuracies),
                s.mean,
                s.sd,
                s.sigma,
                s.ratio if s.sigma > 0 else None,
            )
            for name, s in spreads.items()
        ),
    )


def _folds_figure(spreads: Mapping[str, FoldSpread], data: Table) -> Figure:
    rows = dict(zip(row_names(spreads), spreads.values(), strict=True))
    return Figure.from_matplotlib(
        root(spread_plot(rows)),
        name="folds",
        title="Accuracy in each fold: measured spread and approximated sigma",
        alt=f"For each of {len(spreads)} model(s) a row with its accuracy in each fold, the mean "
        "with the standard deviation over the folds, and the mean with the sigma that chance alone "
        "would give.",
        data=data,
    )


kit = Kit(
    name="accuracy",
    title="Accuracy with its uncertainty",
    question=_QUESTION,
    parameters=AccuracyParameters,
    run=run,
    partitioned=True,
)
