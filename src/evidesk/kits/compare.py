"""The kit ``compare``: is model A better than model B, case by case, and by how much?"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal, cast, get_args

from pydantic import Field, StringConstraints

from evidesk.evidence import (
    Column,
    Estimate,
    Evidence,
    Figure,
    Finding,
    Table,
    Verdict,
    forest_plot,
)
from evidesk.kits.compare_cases import Answer, Cases, LabelCases, NumberCases, ScoreCases
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.patterns import LABEL_METRICS, LabelMetric, find
from evidesk.kits.table import TableFile
from evidesk.kits.wording import Level, cell, drawing, noted, percent, root, row_names, shown
from evidesk.methods.metrics.comparison import Comparison, p_text
from evidesk.methods.metrics.folds import ResampledT, corrected_resampled_t
from evidesk.methods.metrics.score_metrics import ScoreMetric

_QUESTION = "Is A better than B, and by how much?"
_MOST_DRAWN = 100  # folds that a figure can show

ScoresMetric = Literal["auroc", "average-precision", "brier", "log-loss"]
NumberMetric = Literal["rmse", "mae"]
#: In the order in which a form offers them.
Metric = Literal[
    "accuracy",
    "balanced-accuracy",
    "macro-f1",
    "mcc",
    "auroc",
    "average-precision",
    "brier",
    "log-loss",
    "rmse",
    "mae",
]


class CompareParameters(Parameters):
    """What the kit needs to know about the table."""

    table: InputFile = Field(
        title="Table of predictions",
        description="One row per case. CSV, TSV, JSON, JSON Lines (each also with .gz) or Parquet, "
        "or a folder of Parquet files.",
    )
    truth: ColumnName = Field(
        title="Truth", description="The column with what is right for each case: label or number."
    )
    a: ColumnName = Field(title="Model A", description="The column with the answers of A.")
    b: ColumnName = Field(title="Model B", description="The column with the answers of B.")
    metric: Metric = Field(
        default="accuracy",
        title="Better by",
        description="The first four are for predicted labels, auroc to log-loss for scores of a "
        "class (the last two for its probabilities), rmse and mae for predicted numbers.",
    )
    positive: str | None = Field(
        default=None,
        title="Positive label",
        description="For scores: the true label that a high score speaks for, unless the labels "
        "are 0 and 1 or true and false.",
    )
    unit: Annotated[str, StringConstraints(max_length=40)] = Field(
        default="", title="Unit", description="For numbers: their unit, such as K or mg/l, if any."
    )
    group: ColumnName | None = Field(
        default=None,
        title="Group",
        description="The column that says which cases belong together, such as the patient of "
        "each image. Without it, the error bars suppose that all cases are independent.",
    )
    fold: ColumnName | None = Field(
        default=None,
        title="Fold",
        description="The column that says which cross-validation fold held the case out, if any.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="How often such an interval is to hold the true difference, between 0 and 1.",
    )


def run(parameters: CompareParameters, progress: Progress) -> Evidence:
    """The paired difference of A and B, without provenance.

    Raises
    ------
    KitError : the table cannot be used, or the metric is not defined for its cases.
    """
    names = cast("tuple[str, str]", tuple(row_names([parameters.a, parameters.b])))
    with TableFile(parameters.table, progress) as table:
        with noted() as poor:
            cases = _cases(parameters, table, progress)
            try:
                answer = cases.answer(names, parameters.level)
            except ValueError as error:
                raise KitError(f"No comparison by {parameters.metric}: {error}") from error
        with noted():  # a small fold is poor, and need not be told so twenty times
            folds = [_of_fold(cases, names, parameters.level, i) for i in range(len(cases.folds))]
    progress(0.95, "Drawing figures")
    comparison = answer.comparison
    tables = [_comparison_table(answer, _over_folds(folds, parameters.level))]
    if cases.joint:
        tables.append(_joint_table(cases, names))
    with drawing():
        if any(folds):
            tables.append(_folds_table(cases, folds, comparison))
            figure = _folds_figure(cases, folds, comparison, tables[-1])
        else:
            figure = _difference_figure(comparison, tables[0])
    evidence = Evidence(
        question=_QUESTION,
        answer=_sentence(comparison),
        findings=(_finding(comparison),),
        tables=tuple(tables),
        figures=(figure,),
        warnings=(*_warnings(cases, folds), *poor),
    )
    progress(1.0, "Done")
    return evidence


def _cases(parameters: CompareParameters, table: TableFile, progress: Progress) -> Cases:
    models, metric = (parameters.a, parameters.b), parameters.metric
    columns = parameters.fold, parameters.group
    if parameters.positive is not None and metric not in get_args(ScoresMetric):
        raise KitError(f"A positive label is for scores, and {metric} is not for them.")
    if parameters.unit and metric not in get_args(NumberMetric):
        raise KitError(f"A unit is for numbers, and {metric} is not for them.")
    if metric in LABEL_METRICS:
        found = find(
            table,
            parameters.truth,
            models,
            *columns,
            progress,
            only_right=metric == "accuracy",
        )
        return LabelCases(found, cast("LabelMetric", metric))
    if metric in get_args(NumberMetric):
        unit = cell(" ".join(parameters.unit.split()))
        return NumberCases(table, metric, parameters.truth, models, unit, *columns, progress)
    scored = cast("ScoreMetric", metric.replace("-", "_"))
    return ScoreCases(
        table, scored, parameters.truth, models, parameters.positive, *columns, progress
    )


def _of_fold(cases: Cases, names: tuple[str, str], level: float, fold: int) -> Answer | None:
    """The answer of one fold, None where it has too few cases for one."""
    try:
        return cases.answer(names, level, fold)
    except ValueError:
        return None


def _shown(comparison: Comparison) -> Estimate:
    """The difference as it is told: shares in percentage points."""
    estimate = comparison.estimate
    if not comparison.points:
        return estimate
    value, low, high = (100 * x for x in (estimate.value, estimate.low, estimate.high))
    return replace(estimate, value=value, low=low, high=high, unit="points")


def _sentence(comparison: Comparison) -> str:
    estimate, better = _shown(comparison), comparison.better
    if better is None:
        found = (
            f"Cannot tell {shown(comparison.a)} from {shown(comparison.b)} by {comparison.metric}: "
            f"the difference is {estimate.short}"
        )
    else:
        if estimate.value < 0:
            estimate = replace(
                estimate, value=-estimate.value, low=-estimate.high, high=-estimate.low
            )
        other = comparison.b if better == comparison.a else comparison.a
        found = (
            f"{shown(better)} is better than {shown(other)} by {estimate.short} in "
            f"{comparison.metric}"
        )
    over = "cases" if estimate.over == "cases" else f"cases in {estimate.over}"
    return (
        f"{found} at {percent(estimate.level)}, judged on the same {estimate.n:,} {over} "
        f"({p_text(comparison.p_value)}, {comparison.test})."
    )


def _finding(comparison: Comparison) -> Finding:
    verdict = Verdict.UNDECIDED
    if comparison.better is not None:
        better = comparison.better == comparison.a
        verdict = Verdict.SUPPORTED if better else Verdict.REFUTED
    side = "higher" if comparison.greater_is_better else "lower"
    return Finding(
        f"{shown(comparison.a)} is better than {shown(comparison.b)}: its {comparison.metric} is "
        f"{side}.",
        _shown(comparison),
        verdict,
    )


def _warnings(cases: Cases, folds: list[Answer | None]) -> Iterator[str]:
    if not folds:
        return
    yield (
        "The difference is that of the very models that made these predictions. If each fold has "
        "models of its own, the corrected resampled t over the folds, in the table below it, holds "
        "also what other training data would change; the plain spread of folds does not, for their "
        "models were trained on largely the same cases."
    )
    unable = [name for name, answer in zip(cases.folds, folds, strict=True) if answer is None]
    if unable:
        yield f"Too few cases or classes to compare in fold {', '.join(map(shown, unable[:20]))}."


def _over_folds(folds: list[Answer | None], level: float) -> ResampledT | None:
    """The mean difference over the folds; None where they cannot tell its error."""
    known = [answer for answer in folds if answer is not None]
    try:
        return corrected_resampled_t([x.a for x in known], [x.b for x in known], level=level)
    except ValueError:
        return None


def _comparison_table(answer: Answer, over_folds: ResampledT | None) -> Table:
    comparison = answer.comparison
    estimate = comparison.estimate
    columns = (
        Column("model", "text", "Model"),
        Column("test", "text", "Test"),
        Column("value", "number", _capital(comparison.metric), estimate.unit),
        Column("low", "number", "Low", estimate.unit),
        Column("high", "number", "High", estimate.unit),
        Column("p_value", "number", "p-value"),
    )
    rows = [
        (cell(comparison.a), "", answer.a, None, None, None),
        (cell(comparison.b), "", answer.b, None, None, None),
        ("difference", comparison.test, *_numbers(estimate), comparison.p_value),
    ]
    if over_folds is not None:
        e = over_folds.difference
        rows.append(("mean over folds", "corrected resampled t", *_numbers(e), over_folds.p_value))
    title = f"{_capital(comparison.metric)} of both models, and the paired difference"
    return Table("comparison", title, columns, tuple(rows))


def _numbers(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _joint_table(cases: Cases, names: tuple[str, str]) -> Table:
    n = sum(cases.joint.values())
    return Table(
        "cases",
        "On which cases the models differ",
        (
            Column("outcome", "text", "Outcome"),
            Column("n", "integer", "Cases"),
            Column("percent", "number", "Share", "%"),
        ),
        tuple(
            (
                _capital(
                    kind.replace("{a}", names[0]).replace("{b}", names[1]), only=kind[0] != "{"
                ),
                count,
                round(100 * count / n, 4),
            )
            for kind, count in cases.joint.items()
        ),
    )


def _capital(text: str, *, only: bool = True) -> str:
    """With a capital letter at the front; names of models stay as they are."""
    return text[0].upper() + text[1:] if only else text


def _difference_figure(comparison: Comparison, data: Table) -> Figure:
    estimate = _shown(comparison)
    axes = forest_plot({f"{comparison.a} − {comparison.b}": estimate}, xlabel=_axis(comparison))
    better = "to the right" if comparison.greater_is_better else "to the left"
    return Figure.from_matplotlib(
        root(axes),
        name="difference",
        title=f"Paired difference in {comparison.metric} with its {percent(estimate.level)} "
        f"interval; {better} of the line, {shown(comparison.a)} is better",
        alt=f"The difference in {comparison.metric} with its interval, {estimate.short}, and a "
        "line at 0.",
        data=data,
    )


def _axis(comparison: Comparison) -> str:
    unit = "percentage points" if comparison.points else comparison.estimate.unit
    return f"difference in {comparison.metric}" + (f" [{unit}]" if unit else "")


def _folds_table(cases: Cases, folds: list[Answer | None], whole: Comparison) -> Table:
    unit = whole.estimate.unit
    columns = (
        Column("fold", "text", "Fold"),
        Column("n", "integer", "Cases"),
        Column("a", "number", cell(whole.a, 60), unit),
        Column("b", "number", cell(whole.b, 60), unit),
        Column("difference", "number", "Difference", unit),
        Column("low", "number", "Low", unit),
        Column("high", "number", "High", unit),
        Column("p_value", "number", "p-value"),
    )
    rows = []
    for name, answer in zip(cases.folds, folds, strict=True):
        if answer is not None:
            comparison = answer.comparison
            e = comparison.estimate
            values = (answer.a, answer.b, e.value, e.low, e.high, comparison.p_value)
            rows.append((cell(name), e.n, *values))
    return Table("folds", "The paired difference in each fold", columns, tuple(rows))


def _folds_figure(
    cases: Cases, folds: list[Answer | None], whole: Comparison, data: Table
) -> Figure:
    found = [
        (name, _shown(answer.comparison))
        for name, answer in zip(cases.folds, folds, strict=True)
        if answer is not None
    ][:_MOST_DRAWN]
    names = row_names([f"fold {name}" for name, _ in found])
    rows = {"all cases": _shown(whole)} | dict(
        zip(names, (estimate for _, estimate in found), strict=True)
    )
    apart = sum(estimate.excludes_null is True for _, estimate in found)
    return Figure.from_matplotlib(
        root(forest_plot(rows, xlabel=_axis(whole))),
        name="folds",
        title="The paired difference in each fold, and on all cases; filled where 0 is excluded",
        alt=f"The difference in {whole.metric} on all cases and in each of {len(found)} folds, "
        f"with intervals; {apart} of the folds exclude 0.",
        data=data,
    )


kit = Kit(
    name="compare",
    title="Two models compared",
    question=_QUESTION,
    parameters=CompareParameters,
    run=run,
    partitioned=True,
)
