"""A folder of Parquet files is one table, here and on Dask's workers, with the same result."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from evidesk import cli
from evidesk.evidence import Evidence
from evidesk.kits import Cancelled, KitError, load, partitions, silent
from evidesk.kits.execution import execute, parse
from evidesk.kits.files import input_of
from evidesk.kits.table import TableFile

ROLES = {"truth": "truth", "prediction": ["a", "b"]}


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(1)
    truth = rng.choice(["cat", "dog"], 900)
    columns = {"truth": truth}
    for name, share in (("a", 0.9), ("b", 0.7)):
        columns[name] = np.where(rng.random(900) < share, truth, rng.choice(["cat", "dog"], 900))
        columns[f"{name}_score"] = rng.random(900).round(3) + 0.3 * (truth == "dog")
    return columns | {"patient": np.repeat(np.arange(180), 5), "part": np.arange(900) % 6}


@pytest.fixture(scope="module")
def folder(columns, tmp_path_factory):
    folder = tmp_path_factory.mktemp("partitions") / "predictions"
    folder.mkdir()
    for i, rows in enumerate(np.array_split(np.arange(900), 7)):
        part = pa.table({name: values[rows] for name, values in columns.items()})
        pq.write_table(part, folder / f"part-{i}.parquet")
    (folder / "_SUCCESS").write_text("")
    (folder / ".part-0.parquet.crc").write_text("no part")
    return folder


def evidence_of(kit, path, scheduler=None, progress=silent, **others):
    parameters = parse(load(kit), {"table": str(path), **ROLES, **others})
    return execute(load(kit), parameters, agent="Cyra", scheduler=scheduler, progress=progress)


@pytest.mark.parametrize(
    ("kit", "others"),
    [
        ("accuracy", {"fold": "part"}),
        ("accuracy", {"group": "patient"}),
        ("classification", {"score": ["a_score", "b_score"]}),
        ("classification", {"group": "patient"}),
    ],
)
def test_workers_find_the_very_same(kit, others, cluster, folder, columns, tmp_path):
    here, there = (evidence_of(kit, folder, where, **others) for where in (None, cluster))
    # Somebody may commit between the two runs.
    moment = {name: getattr(here.provenance, name) for name in ("started", "ended", "commit")}
    same = replace(there, provenance=replace(there.provenance, **moment))
    for name, evidence in (("here", here), ("there", same)):
        evidence.write(tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "here") for p in (tmp_path / "here").rglob("*.*"))
    for file in files:
        assert (tmp_path / "here" / file).read_bytes() == (tmp_path / "there" / file).read_bytes()
    if others == {"group": "patient"}:
        pq.write_table(pa.table(columns), tmp_path / "one.parquet")
        one = evidence_of(kit, tmp_path / "one.parquet", cluster, **others)
        assert replace(one, provenance=None) == replace(here, provenance=None)


def test_each_part_that_is_counted_is_told(cluster, folder):
    told = []
    evidence_of("accuracy", folder, cluster, lambda *step: told.append(step))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert "Counting in predictions: 0 of 7 parts" in {message for _, message in told}
    assert "Counting in predictions: 7 of 7 parts" in {message for _, message in told}


def test_a_run_on_workers_can_be_cancelled(cluster, folder):
    def cancel(done, message):
        if "parts" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        evidence_of("accuracy", folder, cluster, cancel)
    assert partitions.current() is None


def test_what_is_wrong_in_a_part_is_told_as_here(cluster, folder, tmp_path):
    for part in folder.glob("*.parquet"):
        (tmp_path / part.name).write_bytes(part.read_bytes())
    broken = pq.read_table(tmp_path / "part-3.parquet").to_pydict()
    broken["a"][4] = None
    schema = pq.read_schema(tmp_path / "part-3.parquet")
    pq.write_table(pa.table(broken, schema=schema), tmp_path / "part-3.parquet")
    for where in (None, cluster):
        with pytest.raises(
            KitError, match=r"1 of 900 rows in column 'a' \(first in row 5 of part-3"
        ):
            evidence_of("accuracy", tmp_path, where)


def run_on(address, function, items=(1, 2, 3)):
    """What the workers make of the items."""
    with partitions.on_dask(address):
        return sorted(partitions.current().each(function, items, silent, "Working", (0, 1)))


def complain(item):
    raise KitError("The part is damaged.")


def stumble(item):
    raise RuntimeError(f"no {item}")


def wait(item):
    time.sleep(item)


def die(item):
    os._exit(1)


def test_errors_of_workers_are_told(cluster):
    with pytest.raises(KitError, match=r"^The part is damaged\.$"):
        run_on(cluster, complain)
    with pytest.raises(
        KitError, match=r"worker failed \(RuntimeError: no \d\)\. Workers need evid"
    ):
        run_on(cluster, stumble)
    assert run_on(cluster, abs, (-3, 1, 2)) == [1, 2, 3]


def test_workers_that_die_again_and_again_are_told():
    import dask
    import distributed

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", silence_logs=60
        ) as cluster,
        pytest.raises(KitError, match="Several Dask workers died"),
    ):
        run_on(cluster.scheduler_address, die, (1,))


def test_a_scheduler_without_workers_is_told(monkeypatch):
    import distributed

    monkeypatch.setattr(partitions, "NO_WORKERS_SECONDS", 0.3)
    with (
        distributed.LocalCluster(
            n_workers=0, processes=False, dashboard_address=":0", silence_logs=60
        ) as cluster,
        pytest.raises(KitError, match=r"The Dask scheduler .* has no workers\. Start some"),
    ):
        run_on(cluster.scheduler_address, abs)


def test_a_scheduler_that_goes_away_is_told(monkeypatch):
    import distributed

    monkeypatch.setattr(partitions, "_CONNECT_SECONDS", 1.0)
    cluster = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0",
        silence_logs=60, protocol="tcp",
    )  # fmt: skip
    told = threading.Event()

    def tell(done, message):
        if not told.is_set():
            told.set()
            cluster.close()

    with (
        partitions.on_dask(cluster.scheduler_address),
        pytest.raises(KitError, match="is gone"),
    ):
        list(partitions.current().each(wait, [5, 5], tell, "Working", (0, 1)))


def test_a_part_that_the_scheduler_forgot_is_told():
    class Forgotten:
        status = "lost"

    with pytest.raises(KitError, match="The Dask scheduler tcp://here is gone"):
        partitions.Workers(None, "tcp://here")._result(Forgotten())


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense://x", "localhost"])
def test_a_scheduler_that_is_not_there_is_told(address, folder, monkeypatch):
    monkeypatch.setattr(partitions, "_CONNECT_SECONDS", 0.5)
    with pytest.raises(
        KitError, match=r"The Dask scheduler '.*' does not answer: .*tcp://host:8786"
    ):
        evidence_of("accuracy", folder, address)


def test_without_dask_it_is_said_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(KitError, match=r"pip install 'evidesk\[dask\]'"):
        evidence_of("accuracy", folder, "tcp://127.0.0.1:8786")


def test_the_command_line_takes_a_scheduler_for_kits_that_count(cluster, folder, tmp_path):
    out = tmp_path / "evidence"
    words = ["run", "classification", str(folder), "--truth", "truth", "--prediction", "a"]
    done = CliRunner().invoke(cli.main, [*words, "--scheduler", cluster, "--out", str(out), "-q"])
    assert done.exit_code == 0, done.output
    evidence = Evidence.read(out)
    assert evidence.provenance.parameters["table"] == "predictions"
    assert "scheduler" not in evidence.provenance.parameters
    done = CliRunner().invoke(cli.main, [*words, "--scheduler", "x", "--out", f"{out}2", "-q"])
    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert not (tmp_path / "evidence2").exists()


def test_provenance_holds_a_digest_of_the_folder_that_anyone_can_check(folder):
    (found,) = evidence_of("accuracy", folder).provenance.inputs
    command = "LC_ALL=C sha256sum *.parquet | sha256sum"
    expected = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.split()[0]
    size = sum(part.stat().st_size for part in folder.glob("*.parquet"))
    assert (found.name, found.sha256, found.size) == ("predictions/", expected, size)


def test_a_folder_counts_as_one_file_of_its_rows(folder, columns, tmp_path):
    pq.write_table(pa.table(columns), tmp_path / "one.parquet")
    with TableFile(folder, silent) as many, TableFile(tmp_path / "one.parquet", silent) as one:
        assert many.columns == one.columns
        asked = "SELECT truth FROM ", {"truth": "truth"}
        assert many.rows(asked[0] + many.labels(asked[1]), silent, "") == one.rows(
            asked[0] + one.labels(asked[1]), silent, ""
        )


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            {"a": [1.5], "b": ["x"]},
            "part-0.parquet has 'a' of type BIGINT where part-1.parquet has 'a'",
        ),
        ({"a": [1]}, "has 'b' of type VARCHAR where part-1.parquet has 'no column'"),
        ({"b": ["x"], "a": [1]}, "has 'a' of type BIGINT where part-1.parquet has 'b'"),
        (None, "part-1.parquet is empty"),
    ],
)
def test_files_that_are_not_alike_make_no_table(tmp_path, other, message):
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "part-0.parquet")
    if other is None:
        (tmp_path / "part-1.parquet").write_bytes(b"")
    else:
        pq.write_table(pa.table(other), tmp_path / "part-1.parquet")
    with pytest.raises(KitError, match=message):
        TableFile(tmp_path, silent)


def test_a_damaged_file_of_a_folder_is_named(tmp_path):
    pq.write_table(pa.table({"a": [1]}), tmp_path / "part-0.parquet")
    (tmp_path / "part-1.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(KitError, match=r"part-1\.parquet cannot be read as Parquet"):
        TableFile(tmp_path, silent)


def test_folders_in_the_folder_and_folders_without_parquet_are_refused(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(
        KitError, match=r"is a folder; name one file in it\. Only a folder of \.parquet"
    ):
        TableFile(tmp_path, silent)
    nested = tmp_path / "old"
    nested.mkdir()
    pq.write_table(pa.table({"a": [1]}), nested / "part-0.parquet")
    with pytest.raises(KitError, match="folders with Parquet files, such as old"):
        TableFile(tmp_path, silent)
    with pytest.raises(KitError, match="folders with Parquet files"):
        input_of(tmp_path)


def test_a_folder_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.iterdir", refuse)
    with pytest.raises(KitError, match=r"cannot be read: .*Permission denied"):
        TableFile(tmp_path, silent)
