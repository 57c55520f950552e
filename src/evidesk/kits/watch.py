"""The kit ``watch``: does a stream of rows, batch by batch, still come from the reference?"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from evidesk.evidence import Estimate, Evidence, File, Finding, Verdict
from evidesk.kits.files import input_of
from evidesk.kits.kit import ColumnName, InputFile, Kit, KitError, Parameters, Progress
from evidesk.kits.watch_figures import batch_table, figures
from evidesk.kits.watch_reading import read_batch, read_reference
from evidesk.kits.watch_state import Batch, Saved, Settings, restored, saved_text
from evidesk.kits.wording import Level, counted, percent, shown
from evidesk.methods.shift import ShiftWatch, WatchResult

_QUESTION = "Do the rows that come in still look like the reference's?"
_MOST_COLUMNS = 500
_MOST_BATCHES = 1_000


class WatchParameters(Parameters):
    """What the kit needs to know about the reference and the batches."""

    reference: InputFile = Field(
        title="Reference table",
        description="What the stream is compared with, such as the training data. Each row of the "
        "stream uses up one to four of its rows. CSV, TSV, JSON, JSON Lines (each also with .gz) "
        "or Parquet.",
    )
    current: list[InputFile] = Field(
        default=[],
        max_length=_MOST_BATCHES,
        title="Batches",
        description="Tables with the next rows of the stream, in their order. Without any, the "
        "watch is only begun.",
    )
    state: InputFile | None = Field(
        default=None,
        title="State to go on from",
        description="The file files/state.json of the evidence of the last time; its batches are "
        "not given again.",
    )
    column: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_COLUMNS,
        title="Columns to watch",
        description="If none is named, all columns of the reference are watched. A batch may have "
        "more columns.",
    )
    without: list[ColumnName] = Field(
        default=[],
        max_length=_MOST_COLUMNS,
        title="Columns to leave out",
        description="Columns that are not watched, such as numbers of rows or times.",
    )
    category: list[ColumnName] = Field(
        default=[],
        title="Columns of categories",
        description="Columns whose numbers are names of categories, such as a code of a site.",
    )
    level: Level = Field(
        default=0.95,
        title="Confidence level",
        description="1 less the chance of ever giving a false alarm, however long one watches.",
    )
    random_state: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        title="Seed",
        description="With the same seed, a watch draws the same numbers.",
    )


def run(parameters: WatchParameters, progress: Progress) -> Evidence:
    """Where the watch stands after the batches, without provenance.

    All batches at once, or some now and the others from the state on, give the very same numbers.

    Raises
    ------
    KitError : a table cannot be watched; see :mod:`evidesk.kits.watch_reading`; or the state is
        none, or another watch's.
    """
    settings = Settings.of(parameters)
    try:
        watch, saved = _begun(parameters, settings, progress)
        for number, path in enumerate(parameters.current):
            done = 0.2 + 0.7 * number / len(parameters.current)
            progress(done, f"Taking {shown(path.name)}")
            _take(watch, saved, path, progress)
    except (ValueError, TypeError) as error:
        raise KitError(str(error)) from error
    progress(0.9, "Drawing figures")
    result = watch.result
    evidence = Evidence(
        question=_QUESTION,
        answer=answer(result, saved.batches, parameters.reference.name),
        findings=tuple(_findings(result)),
        tables=(batch_table(saved.batches),) if saved.batches else (),
        figures=tuple(figures(result, saved.batches)),
        warnings=tuple(_warnings(result, saved)),
        files=(
            File("state", "The state, to go on from with the next batch", saved_text(watch, saved)),
        ),
    )
    progress(1.0, "Done")
    return evidence


def _begun(
    parameters: WatchParameters, settings: Settings, progress: Progress
) -> tuple[ShiftWatch, Saved]:
    """The watch as it was saved, or a new one."""
    if parameters.state is not None:
        return restored(parameters.state, settings)
    reference = read_reference(
        parameters.reference,
        columns=parameters.column,
        without=parameters.without,
        categories=parameters.category,
        progress=lambda done, message: progress(0.2 * done, message),
    )
    watch = ShiftWatch(
        reference.sample, level=parameters.level, random_state=parameters.random_state
    )
    return watch, Saved(settings=settings, kinds=reference.kinds, warnings=reference.warnings)


def _take(watch: ShiftWatch, saved: Saved, path: Path, progress: Progress) -> None:
    digest = input_of(path).sha256
    for number, one in enumerate(saved.batches, start=1):
        if one.sha256 == digest:
            raise KitError(
                f"{shown(path.name)} has the very content of batch {number}, {one.name}: the same "
                "rows are not taken twice. Give each batch once; with a state, only the new ones."
            )
    before = watch.step
    after = watch.update(read_batch(path, saved.kinds, lambda *_: progress(0.2, "Reading")))
    saved.batches.append(
        Batch(
            name=shown(path.name),
            sha256=digest,
            first_row=before.rows + 1,
            rows=after.rows - before.rows,
            bets=after.bets - before.bets,
            log_wealth=after.log_wealth,
            p_value=after.p_value,
            alarm=after.alarm if before.alarm is None else None,
        )
    )


def answer(result: WatchResult, batches: list[Batch], reference: str) -> str:
    """Where the watch stands; after an alarm, also how to see what has shifted."""
    if not batches:
        return f"The watch is begun, with {result.reference_left:,} reference rows to compare with."
    rows, compared = counted(result.rows, "row", "rows"), len(result.path)
    of = f"{rows} in {counted(len(batches), 'batch', 'batches')}"
    if compared < result.rows:
        of = f"{compared:,} of {of}: the others were compared with nothing"
    sure = f"any-time p = {result.p_value:.2g}"
    if result.alarm is None:
        return f"No shift was found in {of} ({sure})."
    number, batch = next((n, one) for n, one in enumerate(batches, 1) if one.alarm is not None)
    return (
        f"The stream has shifted: alarm at row {result.alarm:,}, in batch {number}, {batch.name} "
        f"({of}; {sure}). Where it differs: evidesk run shift {shown(reference)} {batch.name} "
        "--out DIR."
    )


def _findings(result: WatchResult) -> Iterator[Finding]:
    if not result.rows:
        return
    p = Estimate(*(result.p_value,) * 3, result.level, "e-process", result.rows)
    yield Finding(
        "The stream has shifted away from the reference (the number is the any-time p-value: it "
        "may be looked at after every row).",
        p,
        Verdict.UNDECIDED if result.alarm is None else Verdict.SUPPORTED,
    )


def _warnings(result: WatchResult, saved: Saved) -> Iterator[str]:
    yield from saved.warnings
    idle = result.rows - len(result.path)
    if idle:
        yield (
            f"The reference is used up: {counted(idle, 'row', 'rows')} of the stream "
            f"{'was' if idle == 1 else 'were'} compared with nothing. "
            "Begin a new watch with reference rows that were not used yet."
        )
    elif saved.batches and result.reference_left < saved.batches[-1].rows:
        yield (
            f"Only {result.reference_left:,} reference rows are left, fewer than the last batch "
            "had rows. Have a further reference ready to begin a new watch with."
        )
    yield from result.order_warnings
    if result.rows:
        yield (
            f"The chance of a false alarm is at most {percent(1 - result.level)} if the rows are "
            "exchangeable without a shift: give one row for each group of rows that belong "
            "together, such as the images of one patient."
        )


kit = Kit(
    name="watch",
    title="Watch of a stream",
    question=_QUESTION,
    parameters=WatchParameters,
    run=run,
)
