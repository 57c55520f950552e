"""A table in folders named after what their rows have in common, such as fold=1."""

import subprocess

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidesk.kits import KitError, load, silent
from evidesk.kits.execution import execute, parse
from evidesk.kits.files import input_of, parts_of
from evidesk.kits.table import TableFile

SQL = """SELECT i, i % 3 AS fold, CASE WHEN i % 2 = 0 THEN 'a b' ELSE 'dog' END AS truth,
    CASE WHEN i % 5 = 0 THEN 'dog' ELSE truth END AS said FROM range(600) t(i)"""


@pytest.fixture
def folder(tmp_path):
    """Written by DuckDB, in a folder that itself has such a name."""
    folder = tmp_path / "fold=9" / "run=3" / "table"
    folder.mkdir(parents=True)
    duckdb.sql(
        f"COPY ({SQL}) TO '{folder}' (FORMAT parquet, PARTITION_BY (fold, truth), OVERWRITE)"
    )
    (folder / "_SUCCESS").write_text("")
    (folder / "_temporary").mkdir()
    (folder / "_temporary" / "half.parquet").write_text("no part")
    return folder


def run(folder, scheduler=None, **roles):
    parameters = parse(load("accuracy"), {"table": str(folder), **roles})
    return execute(load("accuracy"), parameters, agent="Cyra", scheduler=scheduler)


def test_names_of_folders_are_columns(folder):
    assert len(parts_of(folder)) == 6
    with TableFile(folder, silent) as table:
        assert table.columns == ["i", "said", "fold", "truth"]
        found = table.rows(
            f"SELECT {table.name('i')}, fold, truth FROM "
            f"{table.labels({'fold': 'fold', 'truth': 'truth'})} ORDER BY 1",
            silent,
            "",
        )
    assert found == [(i, str(i % 3), "dog" if i % 2 else "a b") for i in range(600)]


def test_a_kit_finds_the_same_as_in_one_file_here_and_on_workers(folder, cluster, tmp_path):
    roles = {"truth": "truth", "prediction": ["said"], "fold": "fold"}
    duckdb.sql(f"COPY ({SQL}) TO '{tmp_path}/one.parquet' (FORMAT parquet)")
    one = run(tmp_path / "one.parquet", **roles)
    for where in (None, cluster):
        many = run(folder, where, **roles)
        assert many.answer == one.answer
        assert [table.rows for table in many.tables] == [table.rows for table in one.tables]


def test_numbers_in_names_are_the_numbers_in_files(tmp_path):
    table = tmp_path / "table"
    duckdb.sql(
        "COPY (SELECT i % 3 AS truth, i % 4 AS said FROM range(60) t(i)) "
        f"TO '{table}' (FORMAT parquet, PARTITION_BY truth)"
    )
    evidence = run(table, truth="truth", prediction=["said"])
    assert "15 of 60" in evidence.answer


def test_a_value_that_no_folder_names_is_missing(tmp_path):
    table = tmp_path / "table"
    duckdb.sql(
        "COPY (SELECT CASE WHEN i > 5 THEN i % 2 END AS truth, i % 2 AS said FROM range(60) t(i)) "
        f"TO '{table}' (FORMAT parquet, PARTITION_BY truth)"
    )
    first = "row 1 of truth=__HIVE_DEFAULT_PARTITION__/"
    with pytest.raises(KitError, match=rf"6 of 60 rows in column 'truth' \(first in {first}"):
        run(table, truth="truth", prediction=["said"])


def test_the_digest_is_one_that_anyone_can_check(folder):
    command = "LC_ALL=C sha256sum */*/*.parquet | sha256sum"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True
    )
    found = input_of(folder)
    assert (found.name, found.sha256) == ("table/", done.stdout.split()[0])
    assert found.size == sum(part.stat().st_size for part in parts_of(folder))


def test_folders_without_a_key_are_refused(folder):
    (folder / "fold=0" / "old").mkdir()
    pq.write_table(pa.table({"a": [1]}), folder / "fold=0" / "old" / "part.parquet")
    with pytest.raises(KitError, match=r"such as old\. .* as in fold=1"):
        TableFile(folder, silent)


@pytest.mark.parametrize(("where", "key"), [(".", "fold"), ("fold=1", "truth")])
def test_a_file_in_folders_of_other_keys_is_refused(folder, where, key):
    pq.write_table(pa.table({"i": [1], "said": ["dog"]}), folder / where / "zz.parquet")
    with pytest.raises(KitError, match=f"table is no table: .* has '{key}' of type VARCHAR where"):
        TableFile(folder, silent)


def test_a_damaged_file_is_named_with_its_folder(folder):
    (folder / "fold=1" / "truth=dog" / "zz.parquet").write_bytes(b"PAR1 or not")
    with pytest.raises(KitError, match=r"fold=1/truth=dog/zz\.parquet cannot be read as Parquet"):
        TableFile(folder, silent)


@pytest.mark.parametrize("name", ["who's [it]=a*b", "größe=x", 'x"y=; DROP TABLE cases'])
def test_any_name_of_a_folder_is_read_as_it_is(tmp_path, name):
    key, _, value = name.partition("=")
    for other in (name, f"{key}=z"):
        (tmp_path / "table" / other).mkdir(parents=True)
        pq.write_table(pa.table({"a": [1]}), tmp_path / "table" / other / "0.parquet")
    with TableFile(tmp_path / "table", silent) as table:
        table.check_columns(key)
        asked = f"SELECT own FROM {table.labels({'own': key})} ORDER BY 1"
        assert table.rows(asked, silent, "") == sorted([(value,), ("z",)])
        assert not table.states_type(key)


def test_an_endless_chain_of_folders_is_refused(tmp_path):
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "a=1").symlink_to(tmp_path / "table", target_is_directory=True)
    with pytest.raises(KitError, match="is a folder; name one file in it"):
        TableFile(tmp_path / "table", silent)


@pytest.mark.parametrize("name", ["x=a?", "x=a=b"])
def test_a_name_that_is_no_key_and_value_makes_no_column(tmp_path, name):
    (tmp_path / "table" / name).mkdir(parents=True)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "table" / name / "0.parquet")
    with (
        TableFile(tmp_path / "table", silent) as table,
        pytest.raises(KitError, match="no column 'x'"),
    ):
        table.check_columns("x")
