"""Whatever grows with the table is done by Dask's workers, and leaves the very same evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from evidesk import cli
from evidesk.kits import load, partitions, silent
from evidesk.kits.execution import execute, parse
from evidesk.kits.files import input_of
from evidesk.kits.table import TableFile

ROWS, PARTS = 120_000, 4
RNG = np.random.default_rng(2)
TRUTH = RNG.choice(["ill", "well"], ROWS, p=[0.3, 0.7])
Y = RNG.normal(300, 40, ROWS)
#: Errors of very different sizes, whose sums as floats would depend on the order.
COLUMNS = {
    "y": Y,
    "a": Y + RNG.lognormal(0, 3, ROWS) * RNG.choice([-1, 1], ROWS),
    "b": Y + RNG.normal(0, 10, ROWS),
    "truth": TRUTH,
    "said": np.where(RNG.random(ROWS) < 0.8, TRUTH, "ill"),
    "other": np.where(RNG.random(ROWS) < 0.7, TRUTH, "well"),
    "score": (RNG.random(ROWS) / 2 + 0.4 * (TRUTH == "ill")).round(2),
    "station": np.arange(ROWS) // 600,
    "fold": np.arange(ROWS) * 12 // ROWS,
}
NUMBERS = {"truth": "y", "prediction": ["a", "b"]}
LABELS = {"truth": "truth", "prediction": ["said"], "score": ["score"]}
CASES = {
    "regression": ("regression", NUMBERS),
    "regression of groups": ("regression", NUMBERS | {"group": "station"}),
    "scores": ("classification", LABELS),
    "scores of groups": ("classification", LABELS | {"group": "station"}),
    "numbers compared": (
        "compare",
        {"truth": "y", "a": "a", "b": "b", "metric": "rmse", "fold": "fold", "group": "station"},
    ),
    "labels compared": (
        "compare",
        {"truth": "truth", "a": "said", "b": "other", "metric": "macro-f1", "fold": "fold"},
    ),
    "labels ranked": ("rank", {"truth": "truth", "prediction": ["said", "other"]}),
}


def names_in(roles):
    """The columns that the roles speak of."""
    words = [
        word for role in roles.values() for word in (role if isinstance(role, list) else [role])
    ]
    return [word for word in words if word in COLUMNS]


def write_parts(folder, names):
    """The columns in several files, whose size tells how much is read."""
    folder.mkdir()
    for i, rows in enumerate(np.array_split(np.arange(ROWS), PARTS)):
        part = pa.table({name: COLUMNS[name][rows] for name in names})
        pq.write_table(part, folder / f"{i}.parquet", use_dictionary=False, compression="none")
    return folder


def bytes_read_here():
    """How many bytes this process has read so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


KITS = ["accuracy", "classification", "compare", "rank", "regression", "shift", "surrogate"]


@pytest.mark.parametrize("kit", KITS)
def test_the_command_line_of_every_kit_takes_a_scheduler(kit):
    assert "--scheduler" in CliRunner().invoke(cli.main, ["run", kit, "--help"]).output


@pytest.mark.parametrize("case", CASES)
def test_workers_leave_the_very_same_evidence(case, cluster, tmp_path):
    kit, roles = CASES[case]
    folder = write_parts(tmp_path / "table", names_in(roles))
    parameters = parse(load(kit), {"table": str(folder), **roles})
    here, there = (
        execute(load(kit), parameters, agent="Cyra", scheduler=where) for where in (None, cluster)
    )
    # Somebody may commit between the two runs.
    moment = {name: getattr(here.provenance, name) for name in ("started", "ended", "commit")}
    here.write(tmp_path / "here")
    replace(there, provenance=replace(there.provenance, **moment)).write(tmp_path / "there")
    files = sorted(p.relative_to(tmp_path / "here") for p in (tmp_path / "here").rglob("*.*"))
    assert files
    for file in files:
        assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "there" / file).read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_this_process_hardly_reads_what_workers_can_read(case, cluster, tmp_path, monkeypatch):
    # Ranks need all cases at once, so they are made here; the limit is what the docs state.
    monkeypatch.setattr("evidesk.kits.regression_counts.MOST_RANKED", 0)
    kit, roles = CASES[case]
    folder = write_parts(tmp_path / "table", names_in(roles))
    parameters = parse(load(kit), {"table": str(folder), **roles})
    read = 0
    ask = TableFile._asked

    def counted(table, sql, part=None):
        nonlocal read
        before = bytes_read_here()
        answer = ask(table, sql, part)
        read += bytes_read_here() - before
        return answer

    monkeypatch.setattr(TableFile, "_asked", counted)
    load(kit).run(parameters, silent)
    here, read = read, 0
    with partitions.on_dask(cluster):
        load(kit).run(parameters, silent)
    # What is left are the parts' footers, and counts.
    assert read < 0.1 * here


def test_workers_hash_the_parts(cluster, tmp_path):
    folder = write_parts(tmp_path / "table", ["y", "a"])
    alone = input_of(folder)
    with partitions.on_dask(cluster):
        before = bytes_read_here()
        assert input_of(folder) == alone
        assert bytes_read_here() - before < 0.2 * alone.size


def test_a_worker_adds_up_more_than_64_bits_hold(cluster, tmp_path):
    folder = write_parts(tmp_path / "table", ["y"])
    sql = f"SELECT sum({2**62}::BIGINT) AS most, min(c0) AS low, count(*) AS n FROM cases"
    with TableFile(folder, silent) as table:
        table.tally("here", sql, [], silent, "")
        with partitions.on_dask(cluster):
            table.tally("there", sql, [], silent, "", ends={"low": "min"})
        (here,), (there,) = (table.rows(f"FROM {name}", silent, "") for name in ("here", "there"))
        assert here == there == (2**62 * ROWS, COLUMNS["y"].min(), ROWS)
        assert table.rows("DESCRIBE here", silent, "") == table.rows("DESCRIBE there", silent, "")
