"""The kit ``rank``: which of many models can be told apart?"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from evidesk.evidence import Column, Estimate, Evidence, Figure, Finding, Table, Verdict
from evidesk.kits.keys import keys_of
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.numbers import check_roles, numbers, survey
from evidesk.kits.patterns import MOST_ANSWERS, LabelMetric, find
from evidesk.kits.table import TableFile
from evidesk.kits.wording import Level, cell, drawing, noted, percent, root, row_names, shown
from evidesk.methods.metrics.ranks import Ranks, rank

_QUESTION = "Which models can be told apart?"
_MOST_MODELS = 200
_MOST_PAIRS = 500  # rows of a table that a person can read
_MOST_NAMED, _MOST_TIERS = 3, 10
#: So many right and wrong answers are told apart one by one, for the exact test.
_MOST_EXACT = 2**28
_POWER = 0.8


class RankParameters(Parameters):
    """What the kit needs to know about the table."""

    table: InputFile = Field(
        title="Table of predictions",
        description="One row per case. CSV, TSV, JSON, JSON Lines (each also with .gz) or Parquet, "
        "or a folder of Parquet files.",
    )
    truth: ColumnName | None = Field(
        default=None,
        title="True label",
        description="The column with the label that is right for each case; not for scores.",
    )
    prediction: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_MODELS,
        title="Predicted labels",
        description="Two columns or more, one per model, with its label for each case.",
    )
    score: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_MODELS,
        title="Or scores",
        description="In place of labels, any score of each case, such as its Dice coefficient or "
        "its error: two columns or more, one per model. The mean decides.",
    )
    lower_is_better: bool = Field(
        default=False,
        title="Lower scores are better",
        description="For scores that are errors or losses.",
    )
    metric: LabelMetric = Field(
        default="accuracy",
        title="Better by",
        description="What models with predicted labels are ranked by.",
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
        description="With this confidence all places are right at once, between 0 and 1.",
    )
    method: Literal["holm", "max-t"] = Field(
        default="holm",
        title="Many pairs",
        description="Holm is right whatever the models have in common; max-t tells more apart "
        "where models are much alike.",
    )
    random_state: int = Field(
        default=0, ge=0, title="Seed", description="Of the random numbers that max-t draws."
    )

    @model_validator(mode="after")
    def _labels_or_scores(self) -> "RankParameters":
        if bool(self.prediction) == bool(self.score):
            raise ValueError("Name columns of predicted labels, or columns of scores: one of both.")
        if len(self.prediction) + len(self.score) < 2:
            raise ValueError("Name at least two models: one alone has no rank.")
        if self.prediction and self.truth is None:
            raise ValueError("Name the column of the true label: predictions are judged by it.")
        if self.score and self.truth is not None:
            raise ValueError("Scores are ranked as they are: leave the true label out.")
        if self.score and self.metric != "accuracy":
            raise ValueError("Scores are ranked by their mean: leave the metric out.")
        if self.prediction and self.lower_is_better:
            raise ValueError("Which scores are better is for scores: leave it out with labels.")
        return self


def run(parameters: RankParameters, progress: Progress) -> Evidence:
    """The places that each model may have, without provenance.

    Raises
    ------
    KitError : the table cannot be used, or the metric is not defined for its cases.
    """
    columns = parameters.prediction or parameters.score
    with TableFile(parameters.table, progress) as table, noted() as poor:
        made = _by_labels if parameters.prediction else _by_scores
        try:
            found = made(table, parameters, progress)
        except ValueError as error:
            raise KitError(f"The models cannot be ranked: {error}") from error
    progress(0.95, "Drawing figures")
    places = [int(name) for name in found.names]  # models are called by their numbers so far
    names = row_names(columns, 60)
    ranks = replace(
        found,
        estimates=dict(
            zip((names[place] for place in places), found.estimates.values(), strict=True)
        ),
    )
    models = _models_table(ranks, [columns[place] for place in places])
    with drawing():
        figure = _figure(ranks, models)
    evidence = Evidence(
        question=_QUESTION,
        answer=_answer(ranks),
        findings=tuple(_findings(ranks)),
        tables=(models, _pairs_table(ranks)),
        figures=(figure,),
        warnings=(*_warnings(ranks), *poor),
    )
    progress(1.0, "Done")
    return evidence


def _by_labels(table: TableFile, parameters: RankParameters, progress: Progress) -> Ranks:
    assert parameters.truth is not None
    by_accuracy = parameters.metric == "accuracy"
    found = find(
        table,
        parameters.truth,
        parameters.prediction,
        None,
        parameters.group,
        progress,
        only_right=by_accuracy,
    )
    single = by_accuracy and found.groups is None and parameters.method == "holm"
    if single and found.n * len(found.names) <= _MOST_EXACT:
        right = np.repeat(found.right, found.counts, axis=1)
        names = list(map(str, range(len(right))))
        return rank(right, names, level=parameters.level, metric="accuracy")
    return rank(
        found.evaluation(parameters.metric),
        level=parameters.level,
        method=parameters.method,
        random_state=parameters.random_state,
    )


def _by_scores(table: TableFile, parameters: RankParameters, progress: Progress) -> Ranks:
    check_roles(
        [*(("a score", name) for name in parameters.score), ("the group", parameters.group)]
    )
    table.check_columns(*parameters.score, *filter(None, [parameters.group]))
    columns = {f"s{i}": name for i, name in enumerate(parameters.score)}
    seen = survey(table, columns, {}, progress, (0.2, 0.5))
    if seen.n * len(columns) > MOST_ANSWERS:
        raise KitError(
            f"{table.path.name} has {seen.n:,} rows, and {len(columns)} scores of at most "
            f"{MOST_ANSWERS // len(columns):,} can be ranked: they have to be in memory at once. "
            "Take a random part of the rows."
        )
    keys = keys_of(table, None, parameters.group, seen.n, progress)
    chosen = ", ".join([*columns, *keys.codes.values()])
    arrays = table.arrays(
        f"SELECT {chosen} FROM {numbers(table, columns, keys.source)}",  # noqa: S608 - own names
        progress,
        "Reading the scores",
        (0.5, 0.9),
    )
    groups = arrays.pop() if keys.grouped else None
    return rank(
        np.stack(arrays),
        list(map(str, range(len(arrays)))),
        level=parameters.level,
        method=parameters.method,
        groups=groups,
        greater_is_better=not parameters.lower_is_better,
        metric="mean score",
        random_state=parameters.random_state,
    )


def _tiers(ranks: Ranks) -> list[tuple[int, int]]:
    """First and last row of the groups each of which is better, as a whole, than all below."""
    better = ranks.better
    cuts = [i for i in range(1, len(better)) if better[:i, i:].all()]
    return list(zip([0, *cuts], [cut - 1 for cut in [*cuts, len(better)]], strict=True))


def _answer(ranks: Ranks) -> str:
    names, tiers = [shown(name) for name in ranks.names], _tiers(ranks)
    by = f"by {ranks.metric} at {percent(ranks.level)}"
    if len(tiers) == len(names):
        found = f"All {len(names)} models can be told apart {by}: {_listed(names)}, best first."
    elif len(tiers) == 1:
        low, high = next(iter(ranks.sets.values()))
        found = (
            f"No part of the {len(names)} models can be told apart from the rest {by}. "
            f"{names[0]} has the best {ranks.metric} on these cases, and place {low} to {high}."
        )
    else:
        parts = [
            f"{_listed(names[first : last + 1])} ({_places(first + 1, last + 1)})"
            for first, last in tiers
        ]
        more = len(parts) - _MOST_TIERS
        parts = parts if more <= 0 else [*parts[:_MOST_TIERS], f"and {more} groups more"]
        found = f"{len(tiers)} groups of the {len(names)} models can be told apart {by}: "
        found += f"{'; '.join(parts)}."
    needed = ranks.cases_to_separate(power=_POWER)
    if 0 < needed < math.inf:
        found += (
            f" To separate {names[0]} from {names[1]} would take about {_rounded(needed)} more "
            "cases."
        )
    return found


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"


def _places(low: int, high: int) -> str:
    return f"place {low}" if low == high else f"places {low} to {high}"


def _rounded(count: float) -> str:
    """To two digits: it is an order of magnitude."""
    return f"{float(f'{count:.1e}'):,.0f}"


def _findings(ranks: Ranks) -> Iterator[Finding]:
    name, (low, high) = next(iter(ranks.sets.items()))
    first = ranks.estimates[name]
    place = Estimate(
        value=1,
        low=low,
        high=high,
        level=ranks.level,
        method=f"place by {ranks.test}, {ranks.method}",
        n=first.n,
        over=first.over,
    )
    verdict = Verdict.SUPPORTED if high == 1 else Verdict.UNDECIDED
    yield Finding(
        f"{shown(name)} is the best of the {len(ranks.names)} models: it has place 1.",
        place,
        verdict,
    )


def _warnings(ranks: Ranks) -> Iterator[str]:
    yield (
        "The intervals of single models do not rank them: all saw the same cases, so models whose "
        "intervals overlap may well differ. The places rest on the differences case by case."
    )
    more = ranks.cases_to_separate(power=_POWER)
    if more == math.inf:
        first, second = (shown(name) for name in ranks.names[:2])
        yield f"{first} and {second} are equally good on these cases; no number separates equals."
    elif more > 0:
        yield (
            "The number of cases that would separate the first two supposes that they differ by as "
            "much as they seem to here, which is uncertain: take it as an order of magnitude."
        )


def _models_table(ranks: Ranks, columns: Sequence[str]) -> Table:
    unit = next(iter(ranks.estimates.values())).unit
    rows = [
        (place, cell(name), e.value, e.low, e.high, *places)
        for place, (name, e, places) in enumerate(
            zip(columns, ranks.estimates.values(), ranks.sets.values(), strict=True), start=1
        )
    ]
    return Table(
        "models",
        f"Places that each model may have, {percent(ranks.level)} for all at once",
        (
            Column("place", "integer", "Place here"),
            Column("model", "text", "Model"),
            Column("value", "number", ranks.metric[0].upper() + ranks.metric[1:], unit),
            Column("low", "number", "Low", unit),
            Column("high", "number", "High", unit),
            Column("best_place", "integer", "Best place"),
            Column("worst_place", "integer", "Worst place"),
        ),
        tuple(rows),
    )


def _pairs_table(ranks: Ranks) -> Table:
    """Neighbours first, for where there are more pairs than anyone reads."""
    count, better = len(ranks.names), ranks.better
    values = [e.value for e in ranks.estimates.values()]
    chosen = [(i, i + step) for step in range(1, count) for i in range(count - step)][:_MOST_PAIRS]
    pairs = count * (count - 1) // 2
    title = f"All {pairs:,} pairs, with p-values adjusted for all of them"
    if pairs > len(chosen):
        title = (
            f"The {len(chosen)} nearest of {pairs:,} pairs, with p-values adjusted for all of them"
        )
    rows = [
        (
            cell(ranks.names[i]),
            cell(ranks.names[j]),
            "yes" if better[i, j] else "no",
            values[i] - values[j],
            float(ranks.p_values[i, j]),
        )
        for i, j in sorted(chosen)
    ]
    return Table(
        "pairs",
        title,
        (
            Column("better", "text", "Better here"),
            Column("worse", "text", "Worse here"),
            Column("apart", "text", "Told apart"),
            Column("difference", "number", "Difference"),
            Column("p_value", "number", "Adjusted p-value"),
        ),
        tuple(rows),
    )


def _figure(ranks: Ranks, data: Table) -> Figure:
    tiers = len(_tiers(ranks))
    return Figure.from_matplotlib(
        root(ranks.plot()),
        name="places",
        title=f"Places that each model may have, {percent(ranks.level)} for all at once",
        alt=f"For each of {len(ranks.names)} models, the best on top, a bar over the places that "
        f"it may have and its {ranks.metric}. {tiers} group(s) of models can be told apart.",
        data=data,
    )


kit = Kit(
    name="rank",
    title="Ranks of many models",
    question=_QUESTION,
    parameters=RankParameters,
    run=run,
    partitioned=True,
)
