"""What kits cost on tables larger than memory: CPU and peak memory, up to a billion rows.

``python benchmarks/kits_large.py`` writes ``docs/tables/kits_large.md``; words from the names of
the work as arguments choose some of it and only print. The data are made first, with DuckDB, in a
temporary folder on disk (some 4 GiB; set TMPDIR to choose where; it is removed in the end). Each
table has 100 million rows, and a folder of a billion rows holds the same file ten times, as links.
Every row of the result is a whole command, ``evidesk run``, in a process of its own: with its
start, the digest of the input, the figures and the writing of the evidence.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import duckdb

TABLE = Path(__file__).parents[1] / "docs" / "tables" / "kits_large.md"
ROWS, CSV_ROWS, LINKS = 100_000_000, 30_000_000, 10
NEEDED = 8 * 2**30
PEOPLE, SITES = 1_000_000, 30_000


@dataclass(frozen=True)
class Work:
    """A command on one of the tables; ``given`` says in words what is special."""

    kit: str
    table: str
    roles: str
    given: str

    @property
    def name(self) -> str:
        return f"{self.kit}, {TABLES[self.table][0]}, {self.given}"


def chance(salt: int) -> str:
    """SQL of a number in [0, 1) that row ``i`` always draws."""
    return f"(hash(i, {salt}) / 2.0**64)"


def label(salt: int) -> str:
    return f"'class ' || (hash(i, {salt}) % 10)"


def said(salt: int, right: float) -> str:
    """SQL of a predicted label."""
    return f"CASE WHEN {chance(salt)} < {right} THEN {label(0)} ELSE {label(salt + 1)} END"


def bell(salt: int) -> str:
    """SQL of a number that is about normal, of variance 1."""
    return f"2 * sqrt(3.0) * ({' + '.join(chance(salt + k) for k in range(4))} - 2) / 2"


LABELS = f"{label(0)} AS truth, {said(1, 0.9)} AS a"
ILL = f"({chance(20)} < 0.3)"
NUMBERS = f"(100 + 15 * {bell(30)})"
#: Of each table what it is called, its columns, and in how many files the rows come.
TABLES = {
    "labels": ("1,000,000,000 rows in 10 Parquet files", LABELS, LINKS),
    "one": ("100,000,000 rows in one Parquet file", LABELS, 1),
    "patients": (
        "100,000,000 rows in one Parquet file",
        f"{LABELS}, hash(i, 9) % {PEOPLE} AS patient",
        1,
    ),
    "scores": (
        "1,000,000,000 rows in 10 Parquet files",
        f"CASE WHEN {ILL} THEN 'ill' ELSE 'well' END AS truth, "
        f"CASE WHEN ({chance(21)} < 0.8) = {ILL} THEN 'ill' ELSE 'well' END AS a, "
        f"(1 / (1 + exp(-{bell(22)} - {ILL}::INT)))::FLOAT AS score",
        LINKS,
    ),
    "numbers": (
        "1,000,000,000 rows in 10 Parquet files",
        f"{NUMBERS}::FLOAT AS y, ({NUMBERS} + {bell(34)})::FLOAT AS a, "
        f"({NUMBERS} + 1.1 * {bell(38)})::FLOAT AS b, i // {ROWS // SITES + 1} AS site",
        LINKS,
    ),
    "models": (
        "100,000,000 rows in one Parquet file",
        f"{LABELS}, {said(3, 0.89)} AS b, {said(5, 0.8)} AS c, hash(i, 9) % {SITES} AS site",
        1,
    ),
    "csv": ("30,000,000 rows in one CSV file", LABELS, 0),
}
ONE = "--truth truth --prediction a"
TWO = "--truth y --prediction a --prediction b"
THREE = f"{ONE} --prediction b --prediction c"
WORK = (
    Work("classification", "labels", ONE, "ten classes"),
    Work("accuracy", "labels", ONE, "ten classes"),
    Work(
        "classification", "scores", f"{ONE} --score score --positive ill", "scores of two classes"
    ),
    Work("regression", "numbers", TWO, "two models"),
    Work("compare", "numbers", "--truth y --a a --b b --metric rmse", "by `rmse`"),
    Work("classification", "one", ONE, "ten classes"),
    Work("accuracy", "patients", ONE, f"with a column of {PEOPLE:,} patients that nobody named"),
    Work("classification", "patients", f"{ONE} --group patient", f"{PEOPLE:,} patients as groups"),
    Work("compare", "models", "--truth truth --a a --b b --metric macro-f1", "by `macro-f1`"),
    Work("rank", "models", THREE, "three models"),
    Work("rank", "models", f"{THREE} --group site", f"three models, {SITES:,} groups"),
    Work("classification", "csv", ONE, "ten classes"),
)


def make(name: str, folder: Path) -> Path:
    """Write the table into the folder, and say where it is."""
    _, columns, files = TABLES[name]
    rows = ROWS if files else CSV_ROWS
    target = folder / (f"{name}.parquet" if files else f"{name}.csv")
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(folder)}) as base:
        base.execute(f"COPY (SELECT {columns} FROM range({rows}) t(i)) TO '{target}'")
    if files < 2:
        return target
    parts = folder / name
    parts.mkdir()
    for i in range(files):
        (parts / f"part-{i}.parquet").hardlink_to(target)
    target.unlink()
    return parts


def measure(work: Work, table: Path, out: Path) -> str:
    """The row of the table for one command, in a process of its own."""
    run = "from evidesk.cli import main; main()"
    words = [sys.executable, "-c", run, "run", work.kit, str(table), *work.roles.split()]
    with (out.with_suffix(".err")).open("w+") as errors:
        process = subprocess.Popen(
            [*words, "--quiet", "--out", str(out)], stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{work.name}:\n{errors.read()}")
    return (
        f"| {TABLES[work.table][0]} | `{work.kit}`, {work.given} | "
        f"{used.ru_utime + used.ru_stime:.3g} s | {used.ru_maxrss / 2**20:.2f} GiB |"
    )


def machine() -> str:
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("evidesk", "duckdb", "numpy"))
    return (
        f"Measured once on {os.cpu_count()} cores of {cpu} with {memory:.0f} GiB of memory, Python "
        f"{platform.python_version()}, {packages}; simulated data. A folder of ten files holds the "
        f"same {ROWS:,} rows ten times, as links: the disk's cache helps more than it would with "
        "ten different files."
    )


def main(words: list[str]) -> None:
    chosen = [work for work in WORK if all(word in work.name for word in words)]
    lines = [
        "| table | kit | CPU time | memory at its peak |",
        "| --- | --- | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory(prefix="evidesk-benchmark-") as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < NEEDED:
            raise SystemExit(f"{folder} needs {NEEDED >> 30} GiB of room. Set TMPDIR to another.")
        made: dict[str, Path] = {}
        for i, work in enumerate(chosen):
            if work.table not in made:
                made[work.table] = make(work.table, folder)
            lines.append(measure(work, made[work.table], folder / f"evidence-{i}"))
            print(lines[-1], flush=True)
    if not words:
        TABLE.write_text("\n".join([*lines, "", machine(), ""]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
