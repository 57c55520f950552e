"""Does a watched stream give false alarms, and how soon does it find a shift?

By simulation, beside detectors of the package river and a repeated Kolmogorov-Smirnov test.
``python studies/shift_watch.py`` writes ``docs/tables/shift_watch_*.md``; it needs
``pip install river``. Two numbers behind it say from how many streams.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from evidesk.methods.metrics import proportion_interval
from evidesk.methods.shift.watch import ShiftWatch

Floats = npt.NDArray[np.float64]
#: From the reference and the stream to the row of the first alarm, counted from 1; 0 for none.
Detector = Callable[[Floats, Floats, int], int]
Rows = Iterator[list[str]]

TABLES = Path(__file__).parents[1] / "docs" / "tables"
D, ALPHA, PEEK = 5, 0.05, 50


def sample(rng: np.random.Generator, n: int, shift: str = "none") -> Floats:
    """Rows of a standard normal; ``mean`` moves one of five columns by 0.3, ``corr`` correlates
    two with 0.5.
    """
    rows = rng.standard_normal((n, D))
    if shift == "mean":
        rows[:, 0] += 0.3
    if shift == "corr":
        rows[:, 1] = 0.5 * rows[:, 0] + np.sqrt(0.75) * rows[:, 1]
    return rows


def watch(controls: int | None = None) -> Detector:
    """Ours, told in batches."""

    def first_alarm(reference: Floats, stream: Floats, seed: int) -> int:
        watched = ShiftWatch(reference, level=1 - ALPHA, controls=controls, random_state=seed)
        for begin in range(0, len(stream), 128):
            if (alarm := watched.update(stream[begin : begin + 128]).alarm) is not None:
                return alarm
        return 0

    return first_alarm


def peeked_ks(reference: Floats, stream: Floats, _seed: int) -> int:
    """Kolmogorov-Smirnov with Bonferroni over the columns, of all rows so far, every 50 rows."""
    for end in range(PEEK, len(stream) + 1, PEEK):
        p = [
            stats.ks_2samp(reference[:, j], stream[:end, j], method="asymp").pvalue
            for j in range(D)
        ]
        if min(p) < ALPHA / D:
            return end
    return 0


def river(name: str) -> Detector:
    """A detector of the package river with its defaults, one for each column, any of which gives
    the alarm. The last 1,000 rows of the reference go before the stream; alarms in them do not
    count.
    """

    def first_alarm(reference: Floats, stream: Floats, seed: int) -> int:
        from river import drift

        options = {"seed": seed} if name == "KSWIN" else {}
        detectors = [getattr(drift, name)(**options) for _ in range(D)]
        for row in reference[-1_000:]:
            for detector, value in zip(detectors, row.tolist(), strict=True):
                detector.update(value)
        for number, row in enumerate(stream, start=1):
            for detector, value in zip(detectors, row.tolist(), strict=True):
                detector.update(value)
                if detector.drift_detected:
                    return number
        return 0

    return first_alarm


def alarms(
    detector: Detector,
    n: int,
    runs: int,
    *,
    reference: int,
    shift: str = "none",
    before: int = 0,
    seed: int = 0,
) -> npt.NDArray[np.int64]:
    """Rows of the first alarms, 0 for none, in streams of ``n`` rows; the first ``before`` rows are
    not shifted.
    """
    found = np.empty(runs, dtype=np.int64)
    for run in range(runs):
        rng = np.random.default_rng((seed, run))
        rows = sample(rng, reference)
        stream = np.concatenate([sample(rng, before), sample(rng, n - before, shift)])
        found[run] = detector(rows, stream, run)
    return found


def delay(first: npt.NDArray[np.int64], before: int = 0) -> tuple[float, float]:
    """The share of streams in which the shift was found, and the median number of shifted rows
    until then (infinite if fewer than half). Alarms before the shift do not count as found.
    """
    rows = np.where(first > before, first - before, np.inf)
    return float(np.isfinite(rows).mean()), float(np.median(rows))


#: A detector that takes so long that a tenth of the streams has to do.
SLOW = "KSWIN"
#: Name, detector, and how many rows of reference it gets.
COMPARED: tuple[tuple[str, Detector, int], ...] = (
    ("ShiftWatch, 2,000 reference rows", watch(), 2_000),
    ("ShiftWatch, 10,000 reference rows", watch(), 10_000),
    ("ADWIN", river("ADWIN"), 1_000),
    ("KSWIN", river("KSWIN"), 1_000),
    ("Page-Hinkley", river("PageHinkley"), 1_000),
    (f"Kolmogorov-Smirnov every {PEEK} rows", peeked_ks, 1_000),
)


def table(header: list[str], rows: list[list[str]], note: str) -> str:
    """A Markdown table."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{note}\n"


def streams(name: str, most: int) -> int:
    """How many streams a detector gets."""
    return max(most // 10, 1) if name == SLOW else most


def share_of(count: int, runs: int) -> str:
    """In percent, with the interval (95 %, Wilson) that the number of simulations leaves."""
    low, high = proportion_interval(count, runs)
    return f"{100 * count / runs:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


LONG = (("ShiftWatch, 12,000 reference rows, 1 control", watch(1), 12_000), *COMPARED[2:])


def null_rows(n: int, most: int, compared: tuple[tuple[str, Detector, int], ...]) -> Rows:
    """False alarms in streams of n rows."""
    for name, detector, reference in compared:
        runs = streams(name, most)
        count = int((alarms(detector, n, runs, reference=reference) > 0).sum())
        yield [name, f"{n:,}", share_of(count, runs), f"{runs:,}"]


def null_table(short: int, long: int) -> str:
    """False alarms in streams of 1,000 and 10,000 rows, with so many streams of each."""
    rows = [*shown(null_rows(1_000, short, COMPARED)), *shown(null_rows(10_000, long, LONG))]
    return table(
        ["detector", "rows of the stream", "streams with a false alarm, %", "streams"],
        rows,
        "Without a shift, 5 columns; in brackets what so many streams tell (95 %, Wilson). At most "
        "5 % are promised by ShiftWatch alone. The detectors of river with their defaults, one for "
        "each column.",
    )


def delay_rows(most: int) -> Rows:
    """How soon shifts are found."""
    for name, detector, reference in COMPARED:
        runs = streams(name, most)
        cells = []
        for shift, before in (("mean", 0), ("corr", 0), ("mean", 1_000), ("corr", 1_000)):
            first = alarms(
                detector, before + 1_000, runs, reference=reference, shift=shift, before=before
            )
            share, median = delay(first, before)
            told = f"{median:.0f}" if np.isfinite(median) else "never"
            cells.append(f"{100 * share:.0f} % / {told}")
        yield [name, *cells, f"{runs:,}"]


def delay_table(runs: int) -> str:
    """How soon shifts are found, from so many streams."""
    return table(
        [
            "detector",
            "mean",
            "correlation",
            "mean, after 1,000 rows",
            "correlation, after 1,000 rows",
            "streams",
        ],
        shown(delay_rows(runs)),
        "Found within 1,000 shifted rows / median number of shifted rows until then. Of 5 columns, "
        "one moves by 0.3 standard deviations, or two get a correlation of 0.5. What gives false "
        "alarms is soon there: see the other table. A false alarm before the shift counts as not "
        "found. ShiftWatch's constants were chosen on other streams of these same shifts.",
    )


def shown(rows: Rows) -> list[list[str]]:
    """All rows, each of which is written as soon as it is there."""
    found = []
    for row in rows:
        sys.stdout.write(" | ".join(row) + "\n")
        sys.stdout.flush()
        found.append(row)
    return found


def main(short: int = 1_000, long: int = 200) -> None:
    """Write all tables, from so many streams of 1,000 and of 10,000 rows."""
    TABLES.mkdir(parents=True, exist_ok=True)
    (TABLES / "shift_watch_null.md").write_text(null_table(short, long))
    (TABLES / "shift_watch_delay.md").write_text(delay_table(long))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
