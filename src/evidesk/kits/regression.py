"""The kit ``regression``: how large are the errors of the predicted numbers in a table?"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

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
from evidesk.kits.kit import ColumnName, InputFile, Kit, Parameters, Progress
from evidesk.kits.regression_counts import MOST_RANKED, Found, Predictions, look, metrics, spearman
from evidesk.kits.regression_figures import (
    Picture,
    bias_figure,
    errors_figure,
    pictures,
    predicted_figure,
)
from evidesk.kits.table import TableFile
from evidesk.kits.wording import Level, cell, drawing, noted, percent, root, row_names, shown

_QUESTION = "How large are the errors of the predicted numbers?"
_MOST_MODELS = 100  # rows that a figure can show and a person can read
_MOST_PICTURED = 6

_SPEARMAN = "Spearman's correlation"
_SLUGS = {
    "RMSE": "rmse",
    "MAE": "mae",
    "mean error": "mean_error",
    "R2": "r2",
    _SPEARMAN: "spearman",
}


class RegressionParameters(Parameters):
    """What the kit needs to know about the table."""

    table: InputFile = Field(
        title="Table of predictions",
        description="One row per case. CSV, TSV, JSON, JSON Lines (each also with .gz) or Parquet, "
        "or a folder of Parquet files.",
    )
    truth: ColumnName = Field(
        title="True value", description="The column with the number that is right for each case."
    )
    prediction: list[ColumnName] = Field(
        min_length=1,
        max_length=_MOST_MODELS,
        title="Predicted values",
        description="One column per model, with the number that the model gave to each case.",
    )
    unit: Annotated[str, StringConstraints(max_length=40)] = Field(
        default="",
        title="Unit",
        description="The unit of these numbers, such as K or mg/l, if any.",
    )
    group: ColumnName | None = Field(
        default=None,
        title="Group",
        description="The column that says which cases belong together, such as the station of "
        "each measurement. Without it, the error bars suppose that all cases are independent.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="How often such an interval is to hold the true value, between 0 and 1.",
    )


def run(parameters: RegressionParameters, progress: Progress) -> Evidence:
    """RMSE, MAE, mean error, R2 and Spearman's correlation of each model, without provenance.

    Raises
    ------
    KitError : the table cannot be used; see :func:`evidesk.kits.regression_counts.look`.
    """
    unit, level = cell(" ".join(parameters.unit.split())), parameters.level
    with TableFile(parameters.table, progress) as table, noted() as poor:
        cases = look(table, parameters.truth, parameters.prediction, parameters.group, progress)
        found = metrics(cases, level, unit, progress, (0.4, 0.6))
        ranked = spearman(cases, level, progress, 0.6)
        if ranked is not None:
            found[_SPEARMAN] = ranked
        best = sorted(cases.names, key=lambda name: found["RMSE"][0][name].value)
        drawn = pictures(cases, best[:_MOST_PICTURED], level, progress, (0.7, 0.95))
    progress(0.95, "Drawing figures")
    tables = {name: _table(name, found, unit) for name in found if found[name][0]}
    with drawing():
        several = len(cases.names) > 1  # a plot of one interval says less than its numbers
        figures = [_forest(name, found, tables[name]) for name in tables] if several else []
        figures += [
            predicted_figure(drawn, unit),
            errors_figure(drawn, unit),
            bias_figure(drawn, unit, level),
        ]
    evidence = Evidence(
        question=_QUESTION,
        answer=_answer(found, cases),
        findings=tuple(_findings(found)),
        tables=tuple(tables.values()),
        figures=tuple(figures),
        warnings=(*_warnings(cases, found, drawn), *poor),
    )
    progress(1.0, "Done")
    return evidence


def _answer(found: Found, cases: Predictions) -> str:
    errors = found["RMSE"][0]
    least = min(e.value for e in errors.values())
    best = [name for name, e in errors.items() if e.value == least]
    first = errors[best[0]]
    size = f"{first.short} at {percent(first.level)}, over {cases.n:,} cases"
    explained = found.get("R2")
    share = (
        ""
        if explained is None
        else (
            f"; {'it explains' if len(best) == 1 else 'they explain'} "
            f"{explained[0][best[0]].short} of the variance of the true values (R2)"
        )
    )
    if len(errors) == 1:
        return f"The root mean squared error of {shown(best[0])} is {size}{share}."
    names = " and ".join(shown(name) for name in best)
    has = "has" if len(best) == 1 else "have"
    return (
        f"Of {len(errors)} models, {names} {has} the smallest root mean squared error: "
        f"{size}{share}."
    )


def _findings(found: Found) -> Iterator[Finding]:
    for name, estimate in found["mean error"][0].items():
        bias = replace(estimate, null_value=0.0)
        side = "high" if bias.value > 0 else "low"
        verdict = Verdict.SUPPORTED if bias.excludes_null else Verdict.UNDECIDED
        yield Finding(f"On average, {shown(name)} predicts too {side}.", bias, verdict)
        if "R2" in found:
            explained = replace(found["R2"][0][name], null_value=0.0)
            yield Finding(
                f"{shown(name)} is closer to the true values than always predicting their mean.",
                explained,
                _side_of_zero(explained),
            )


def _side_of_zero(estimate: Estimate) -> Verdict:
    if estimate.low > 0:
        return Verdict.SUPPORTED
    return Verdict.REFUTED if estimate.high < 0 else Verdict.UNDECIDED


def _warnings(cases: Predictions, found: Found, drawn: dict[str, Picture]) -> Iterator[str]:
    if len(cases.names) > 1:
        yield (
            "Which model is better is not answered here. All of them saw the same cases, so that "
            "takes a comparison case by case, as the kits compare and rank make it; whether two "
            "intervals overlap does not tell."
        )
    if cases.constant:
        yield (
            "The true value is the same in all cases: there is no variance to explain and nothing "
            "to rank, so R2 and Spearman's correlation are left out."
        )
    elif _SPEARMAN not in found:
        yield (
            "Spearman's correlation is left out: ranks need all cases in memory, and more than "
            f"{MOST_RANKED:,} numbers would have to be."
        )
    else:
        for name in set(cases.names) - set(found[_SPEARMAN][0]):
            yield f"{shown(name)} predicts the same for all cases, which ranks nothing."
    exact = [shown(name) for name, e in found["RMSE"][0].items() if e.value == 0]
    if exact:
        yield (f"Every prediction of {', '.join(exact)} equals the true value. Is it a copy of it?")
    left_out = {shown(name): picture.outside for name, picture in drawn.items() if picture.outside}
    if left_out:
        counts = ", ".join(f"{count:,} of {name}" for name, count in left_out.items())
        yield (
            f"The figures leave out extreme cases, which would squeeze all others: {counts}. "
            "The numbers hold all cases."
        )
    if len(cases.names) > len(drawn):
        yield (
            f"The last three figures show the {len(drawn)} models with the smallest errors of "
            f"{len(cases.names)}."
        )


def _table(metric: str, found: Found, unit: str) -> Table:
    estimates, effects = found[metric]
    own_unit = unit if metric in ("RMSE", "MAE", "mean error") else ""
    columns = [
        Column("model", "text", "Model"),
        Column("n", "integer", "Cases"),
        Column(_SLUGS[metric], "number", metric[0].upper() + metric[1:], own_unit),
        Column("low", "number", "Low", own_unit),
        Column("high", "number", "High", own_unit),
    ]
    if effects:
        columns.append(Column("design_effect", "number", "Design effect"))
    rows = [
        (cell(name), e.n, e.value, e.low, e.high) + ((_known(effects[name]),) if effects else ())
        for name, e in estimates.items()
    ]
    return Table(_SLUGS[metric], f"{_title(metric)} of each model", tuple(columns), tuple(rows))


def _known(number: float) -> float | None:
    return None if number != number else number


def _title(metric: str) -> str:
    return {
        "RMSE": "Root mean squared error (RMSE)",
        "MAE": "Mean absolute error (MAE)",
        "mean error": "Mean error, predicted less true value,",
        "R2": "Share of the variance that is explained (R2)",
    }.get(metric, metric)


def _forest(metric: str, found: Found, data: Table) -> Figure:
    estimates = list(found[metric][0].values())
    if metric in ("mean error", "R2"):
        estimates = [replace(e, null_value=0.0) for e in estimates]
    names: Sequence[str] = row_names(found[metric][0])
    unit = estimates[0].unit
    axes = forest_plot(
        dict(zip(names, estimates, strict=True)), xlabel=f"{metric} [{unit}]" if unit else metric
    )
    level = percent(estimates[0].level)
    return Figure.from_matplotlib(
        root(axes),
        name=_SLUGS[metric],
        title=f"{_title(metric).rstrip(',')} with {level} intervals",
        alt=f"Interval plot of the {metric} of {len(estimates)} model(s), from "
        f"{min(e.value for e in estimates):.4g} to {max(e.value for e in estimates):.4g}.",
        data=data,
    )


kit = Kit(
    name="regression",
    title="Errors of predicted numbers",
    question=_QUESTION,
    parameters=RegressionParameters,
    run=run,
    partitioned=True,
)
