"""The kit ``shift``: do two tables come from the same distribution, and where do they differ?"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from pydantic import Field, model_validator

from evidesk.evidence import Column, Estimate, Evidence, Finding, Table, Verdict
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.sample import Sample
from evidesk.kits.shift_figures import figures, moments
from evidesk.kits.two_tables import TwoTables, read_both
from evidesk.kits.wording import Level, cell, noted, percent, shown
from evidesk.methods.shift import TwoSampleResult, Where, two_sample_test, where

_DEPENDENCE = "“Rows in a block” (--block-length) or “Group” (--group)"
_QUESTION = "Do these two tables come from the same distribution, and where do they differ?"
_MOST_COLUMNS = 500
_MOST_TOLD = 5
#: A whole AUROC's interval below this is a small difference, even if it is sure.
_SMALL = 0.55
#: Above so many rows in all, where they differ is looked for among this many, drawn at random.
_MOST_SEARCHED = 20_000
#: What sets the draw of these rows apart from all else that is drawn from the seed.
_THINNING = 0x7E57


class ShiftParameters(Parameters):
    """What the kit needs to know about the tables."""

    reference: InputFile = Field(
        title="Reference table",
        description="What the other table is compared with, such as the training data. One row per "
        "case. CSV, TSV, JSON, JSON Lines (each also with .gz) or Parquet.",
    )
    current: InputFile = Field(
        title="Current table",
        description="What may be different, such as the data that a model is used on.",
    )
    column: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_COLUMNS,
        title="Columns to compare",
        description="If none is named, all are compared, except the group.",
    )
    without: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_COLUMNS,
        title="Columns to leave out",
        description="Columns that are not compared, such as numbers of rows or times.",
    )
    category: list[ColumnName] = Field(
        default=[],
        title="Columns of categories",
        description="Columns whose numbers are names of categories, such as a code of a site.",
    )
    group: ColumnName | None = Field(
        default=None,
        title="Group",
        description="The column that says which cases belong together, such as the patient of "
        "each image. Without it, all cases must be independent.",
    )
    block_length: int | None = Field(
        default=None,
        ge=1,
        title="Rows in a block",
        description="For rows in order of time: so many successive rows are taken as one case. "
        "Choose more rows than the series remembers, such as a few days of hourly weather, but "
        "few enough for 20 blocks in each table; a warning says if neighbouring blocks are alike.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="1 less the chance of a false alarm, between 0 and 1.",
    )
    min_effect: float = Field(
        default=0.0,
        ge=0,
        lt=0.5,
        title="Smallest shift that counts",
        description="As the AUROC above 1/2 of the best rule that tells the tables apart: 0 finds "
        "any shift, 0.1 only one that an AUROC of more than 0.6 shows.",
    )
    random_state: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="With the same seed, a run draws the same numbers.",
    )

    @model_validator(mode="after")
    def _one_kind_of_dependence(self) -> "ShiftParameters":
        if self.group is not None and self.block_length is not None:
            raise ValueError("Name a group or a length of blocks, not both.")
        return self


def run(parameters: ShiftParameters, progress: Progress) -> Evidence:
    """Whether, how much and where the tables differ, without provenance.

    Raises
    ------
    KitError : the tables cannot be compared; see :mod:`evidesk.kits.two_tables`.
    """
    tables = _with_times(
        read_both(
            parameters.reference,
            parameters.current,
            columns=parameters.column,
            without=parameters.without,
            categories=parameters.category,
            group=parameters.group,
            in_order=parameters.block_length is not None,
            progress=lambda done, message: progress(0.3 * done, message),
        )
    )
    try:
        with noted() as poor:
            result = two_sample_test(
                tables.reference,
                tables.current,
                groups=tables.groups,
                block_length=parameters.block_length,
                level=parameters.level,
                min_effect=parameters.min_effect,
                random_state=parameters.random_state,
                progress=lambda done: progress(0.3 + 0.3 * done, "Comparing the tables"),
            )
            progress(0.6, "Looking where they differ")
            searched, thinned = _searched(tables, parameters)
            found = where(
                searched.reference,
                searched.current,
                groups=searched.groups,
                block_length=parameters.block_length,
                level=parameters.level,
                random_state=parameters.random_state,
                progress=lambda done: progress(0.6 + 0.35 * done, "Looking where they differ"),
            )
    except ValueError as error:
        raise KitError(_in_words(str(error), parameters)) from error
    progress(0.95, "Drawing figures")
    told_in = {one.name: one for one in _tables(result, found)}
    evidence = Evidence(
        question=_QUESTION,
        answer=_answer(result, found),
        findings=tuple(_findings(result, found)),
        tables=tuple(told_in.values()),
        figures=tuple(figures(found, told_in, any_shift=_any_shift(result))),
        warnings=tuple(
            dict.fromkeys(
                one.replace("'block_length' or 'groups'", _DEPENDENCE)
                for one in (
                    *tables.warnings,
                    *thinned,
                    *_held_back(result, found),
                    *result.warnings,
                    *found.warnings,
                    *poor,
                )
            )
        ),
    )
    progress(1.0, "Done")
    return evidence


def _with_times(tables: TwoTables) -> TwoTables:
    """With dates and times instead of seconds, so that the methods write them as such."""

    def typed(sample: Sample) -> Sample:
        return {
            name: moments(values) if name in tables.times else values
            for name, values in sample.items()
        }

    return replace(tables, reference=typed(tables.reference), current=typed(tables.current))


def _searched(tables: TwoTables, parameters: ShiftParameters) -> tuple[TwoTables, list[str]]:
    """The rows among which the shift is localised: all, or some of many."""
    m = len(next(iter(tables.reference.values())))
    n = len(next(iter(tables.current.values())))
    if m + n <= _MOST_SEARCHED or parameters.block_length is not None:
        return tables, []
    # A stream of its own: data made from the very seed would be thinned by their own values.
    rng = np.random.default_rng([parameters.random_state, _THINNING])
    share = _MOST_SEARCHED / (m + n)
    kept = [np.flatnonzero(rng.random(size) < share) for size in (m, n)]
    groups = tables.groups
    if groups is not None:
        groups = groups[np.concatenate([kept[0], m + kept[1]])]
    thinned = TwoTables(
        {name: values[kept[0]] for name, values in tables.reference.items()},
        {name: values[kept[1]] for name, values in tables.current.items()},
        groups,
        (),
        tables.times,
    )
    return thinned, [
        f"Where the tables differ was looked for among {len(kept[0]) + len(kept[1]):,} of their "
        f"{m + n:,} rows, drawn at random: a shift of a mean has to be {share**-0.5:.2g} times as "
        "large to be found there as among all. Whether the tables differ was asked of all rows."
    ]


def _in_words(message: str, parameters: ShiftParameters) -> str:
    """The method's message with the names that the user knows."""
    return (
        message.replace("'X'", parameters.reference.name)
        .replace("'Y'", parameters.current.name)
        .replace("'block_length'", "“Rows in a block”")
    )


def _answer(result: TwoSampleResult, found: Where) -> str:
    size = f"p = {result.p_value.value:.2g}, {result.sizes[0]:,} and {result.sizes[1]:,} rows"
    beyond = _beyond(result)
    any_shift = ""
    if result.min_effect:
        any_shift = f" Of any shift at all, p = {result.p_value_any_shift.value:.2g}."
    if not result.differs:
        return f"No difference{beyond} was found ({size}).{any_shift}"
    names = found.shifted or found.shifted_alone
    where_to = f", in {_listed(names)}" if names else ""
    if result.auc is None:
        return f"The tables differ{where_to} ({size})."
    small = (
        " That is little more than guessing, 0.5; “Smallest shift that counts” (--min-effect) sets "
        "what you do not mind."
    )
    return (
        f"The tables differ{beyond}{where_to} ({size}); a rule learnt on half of the rows tells a "
        f"current row from a reference one with an AUROC of {result.auc.short}.{any_shift}"
        f"{small if result.auc.high < _SMALL and not result.min_effect else ''}"
    )


def _beyond(result: TwoSampleResult) -> str:
    """What counts as a difference, if not any."""
    return f" beyond an AUROC of {0.5 + result.min_effect:.3g}" if result.min_effect else ""


def _any_shift(result: TwoSampleResult) -> bool:
    """Whether the whole test finds a shift of any kind.

    Single columns and pairs have tests of their own. Only where the whole test finds something may
    they be said to shift: without a shift, the chance of any false alarm then stays that of the
    whole test, ``1 - level``, and no finding contradicts the answer. (Tests in a fixed order:
    Maurer, Hothorn and Lehmacher, in "Biometrie in der chemisch-pharmazeutischen Industrie" 6
    (1995) 3-18.)
    """
    return result.p_value_any_shift.value <= 1 - result.level + 1e-12


def _held_back(result: TwoSampleResult, found: Where) -> Iterator[str]:
    """What would stand against the answer."""
    if found.shifted and not _any_shift(result):
        yield (
            f"By their own tests alone, columns would be found to shift: {_listed(found.shifted)}. "
            "As the test of the whole tables finds no difference, this is left undecided, so that "
            f"the chance of a false alarm is {percent(1 - result.level)} in all. Look at them in "
            "new data."
        )


def _listed(names: Iterable[str]) -> str:
    listed = [shown(name, 40) for name in names]
    return ", ".join(listed[:_MOST_TOLD]) + (", ..." if len(listed) > _MOST_TOLD else "")


def _findings(result: TwoSampleResult, found: Where) -> Iterator[Finding]:
    sure = _any_shift(result)
    if result.min_effect:
        yield Finding(
            f"The tables differ{_beyond(result)} (the number is the p-value).",
            result.p_value,
            Verdict.SUPPORTED if result.differs else Verdict.UNDECIDED,
        )
    yield Finding(
        "The tables come from different distributions (the number is the p-value).",
        result.p_value_any_shift,
        Verdict.SUPPORTED if sure else Verdict.UNDECIDED,
    )
    if result.auc is not None:
        yield Finding(
            "Rows can be told apart: an AUROC of 0.5 is guessing.",
            result.auc,
            Verdict.SUPPORTED if sure and result.auc.low > 0.5 else Verdict.UNDECIDED,
        )
    for one in found.features[:_MOST_TOLD]:
        yield Finding(
            f"{shown(one.name)} shifts beyond what the other columns tell (the number is the "
            "p-value, the verdict allows for the number of columns).",
            one.conditional,
            Verdict.SUPPORTED if sure and one.name in found.shifted else Verdict.UNDECIDED,
        )


def _tables(result: TwoSampleResult, found: Where) -> Iterator[Table]:
    yield _effects(result)
    yield Table(
        "features",
        "Evidence for each column, the clearest first: p-values beyond what the others tell and "
        "alone, and the share of the difference that it explains alone",
        (
            Column("column", "text", "Column"),
            Column("beyond", "number", "p beyond"),
            Column("beyond_adjusted", "number", "Adjusted"),
            Column("alone", "number", "p alone"),
            Column("alone_adjusted", "number", "Adjusted"),
            Column("explained", "number", "Share"),
        ),
        tuple(
            (
                cell(one.name),
                one.conditional.value,
                one.conditional_adjusted,
                one.marginal.value,
                one.marginal_adjusted,
                one.explained,
            )
            for one in found.features
        ),
    )
    if found.pairs:
        yield Table(
            "pairs",
            "Pairs of columns, by how differently they hang together",
            (
                Column("first", "text", "One column"),
                Column("second", "text", "Another"),
                Column("p", "number", "Adjusted p"),
            ),
            tuple((*map(cell, one.names), one.p_value.value) for one in found.pairs),
        )
    if found.regions:
        yield Table(
            "regions",
            "Regions, and the share of each table that lies there",
            (
                Column("rule", "text", "Rule"),
                Column("reference", "number", "Reference"),
                Column("reference_low", "number", "Low"),
                Column("reference_high", "number", "High"),
                Column("current", "number", "Current"),
                Column("current_low", "number", "Low"),
                Column("current_high", "number", "High"),
            ),
            tuple(
                (cell(one.rule), *_three(one.reference), *_three(one.current))
                for one in found.regions
            ),
        )


def _three(share: Estimate) -> tuple[float, float, float]:
    return share.value, share.low, share.high


def _effects(result: TwoSampleResult) -> Table:
    named = {
        "AUROC": result.auc,
        "Total variation distance, at least": result.total_variation,
        "Energy distance": result.energy_distance,
        "p-value": result.p_value_any_shift,
    }
    if result.min_effect:
        named[f"p-value{_beyond(result)}"] = result.p_value
    return Table(
        "size",
        "How large the difference is, and how sure",
        (
            Column("what", "text", "What"),
            Column("value", "number", "Value"),
            Column("low", "number", "Low"),
            Column("high", "number", "High"),
            Column("n", "integer", "From"),
        ),
        tuple((what, *_three(one), one.n) for what, one in named.items() if one is not None),
    )


kit = Kit(
    name="shift",
    title="Shift between two tables",
    question=_QUESTION,
    parameters=ShiftParameters,
    run=run,
    partitioned=True,
)
