"""Reading tables that people really have, and those that somebody made to do harm."""

import gzip
import os
import threading
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidesk.kits import Cancelled, KitError, files, silent
from evidesk.kits.table import TableFile

ROWS = "a,b\n1,x\n2,y\n"
#: Names that fill more than what is looked at to find the delimiter.
WIDE = [f"{i:0200}" for i in range(1_500)]


def zipped(content):
    """The content as gzip, without the time: a test's name must not change while tests run."""
    return gzip.compress(content, mtime=0)


def labels(path, *columns):
    """The labels of the columns, each with its kind, row by row."""
    own = {f"l{i}": name for i, name in enumerate(columns)}
    with TableFile(path, silent) as table:
        asked = ", ".join(f"{name}, {name}_kind" for name in own)
        return table.rows(f"SELECT {asked} FROM {table.labels(own)}", silent, "")


def saved(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_csv_file_is_read_by_its_header(tmp_path):
    with TableFile(saved(tmp_path / "t.csv", ROWS), silent) as table:
        assert table.columns == ["a", "b"]
        assert not table.typed
    assert labels(tmp_path / "t.csv", "b", "a") == [
        ("x", "text", "1", "numbers"),
        ("y", "text", "2", "numbers"),
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.CSV", ROWS),
        ("t.csv", ROWS.replace("\n", "\r\n")),
        ("t.csv", ROWS.replace(",", ";")),
        ("t.csv", ROWS.replace(",", "\t")),
        ("t.csv", "\ufeff" + ROWS),
        ("t.csv", 'a,b\n"1", "x" \n2,y'),
        ("t.tsv", ROWS.replace(",", "\t")),
        ("t.csv.gz", zipped(ROWS.encode())),
        ("t.csv.gz", zipped(ROWS[:8].encode()) + zipped(ROWS[8:].encode())),
        ("t.json", '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]'),
        ("t.jsonl", '{"a": 1, "b": "x"}\n{"a": 2.0, "b": "y"}\n'),
        ("t.ndjson", '{"a": 1, "b": "x"}\n{"a": 2, "b": "y", "late": 3}\n'),
        ("t.json.gz", zipped(b'[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]')),
    ],
)
def test_every_format_reads_the_same(tmp_path, name, content):
    found = labels(saved(tmp_path / name, content), "a", "b")
    assert found == [("1", "numbers", "x", "text"), ("2", "numbers", "y", "text")]


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("T, °C;H, %\n12,3;4,5\n6,7;8,9\n", ["T, °C", "H, %"]),
        ("a,b\nx;y,1\nz,2\n", ["a", "b"]),
        ("a|b\n1,5|2,5\n", ["a", "b"]),
        ('a,b\n"x, y; z",1\n', ["a", "b"]),
        ('"a, b"\n"x, y"\n"z, w"\n', ["a, b"]),
        ("a\nx y\n\nz; w\n", ["a"]),
        ("a,b\n", ["a", "b"]),
        (",".join(WIDE) + "\n", WIDE),
        ("a,b\n" + "x" * 140_000 + ",1\n", ["a", "b"]),
        ("a,b\n" + "ä" * 200_000 + ",1\n", ["a", "b"]),
    ],
)
def test_the_delimiter_is_what_most_lines_agree_on(tmp_path, content, columns):
    with TableFile(saved(tmp_path / "t.csv", content), silent) as table:
        assert table.columns == columns


def test_parquet_says_its_types_itself(tmp_path):
    columns = {
        "whole": pa.array([1, 2], pa.int16()),
        "float": pa.array([1.0, float("nan")], pa.float32()),
        "decimal": pa.array(["1.00", None]).cast(pa.decimal128(5, 2)),
        "text": ["001", "1"],
        "category": pa.array(["x", "y"]).dictionary_encode(),
        "truth": [True, None],
        "list": [[1], [2]],
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    first, second = labels(tmp_path / "t.parquet", *columns)
    assert first[:12] == (
        *("1", "numbers", "1", "numbers", "1", "numbers"),
        *("001", "text", "x", "text", "true", "true/false"),
    )
    assert first[-1] == "other values"
    assert second[0:12:2] == ("2", None, None, "1", "y", None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", " 1 "),
        ("1", '"1\t"'),
        ("1", "+1."),
        (".5", "0.50"),
        ("-0.0", "0"),
        ("True", "true"),
        ("cat", " cat"),
        ("100", "1.000000000000000000e+02"),  # as NumPy writes it
        ("100", "1e+02"),  # as R and C write it
        ("100", "1.0E2"),  # as Java writes it
    ],
)
def test_labels_that_say_the_same_are_the_same(tmp_path, one, other):
    path = saved(tmp_path / "t.csv", f"a,b\n{one},{other}\n")
    ((left, _, right, _),) = labels(path, "a", "b")
    assert left == right


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "01"),
        ("-1", "-01"),
        ("cat", "Cat"),
        ("2.7", "3"),
        ("12345678901234567890", "12345678901234567891"),
        ("9007199254740992", "9007199254740993"),
        ("#1", "1"),
        ("1_2", "12"),
        ("1_000", "1000"),
        ("1.5_0", "1.5"),
        ("1e2", "100"),
        ("12e3", "12000"),
        ("1e5", "10e4"),
        ("1E5", "1e5"),
        ("0x10", "16"),
        ("inf", "infinity"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_labels_that_differ_are_different(tmp_path, one, other, suffix):
    delimiter = {"csv": ",", "tsv": "\t"}[suffix]
    path = saved(tmp_path / f"t.{suffix}", f"a{delimiter}b\n{one}{delimiter}{other}\n")
    ((left, _, right, _),) = labels(path, "a", "b")
    assert left is not None
    assert right is not None
    assert left != right


def test_a_file_that_states_its_types_is_believed_in_every_way_of_writing(tmp_path):
    path = saved(tmp_path / "t.jsonl", '{"a": 1e2, "b": "1e2"}\n{"a": 100, "b": "100"}\n')
    assert labels(path, "a", "b") == [
        ("100", "numbers", "1e2", "text"),
        ("100", "numbers", "100", "text"),
    ]
    pq.write_table(pa.table({"a": [1e22, float("inf")]}), tmp_path / "t.parquet")
    assert [kind for _, kind in labels(tmp_path / "t.parquet", "a")] == ["numbers"] * 2


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_late_value_of_another_kind_is_not_bent_to_the_kind_of_the_first(tmp_path, suffix):
    # Readers that guess types from the first 20,000 rows make 3 of this 2.7, and True of the 7.
    if suffix == "csv":
        content = "a,b\n" + "1,true\n" * 30_000 + "2.7,7\n"
    else:
        content = '{"a": 1, "b": true}\n' * 30_000 + '{"a": 2.7, "b": 7}\n'
    found = labels(saved(tmp_path / f"t.{suffix}", content), "a", "b")
    assert found[-1] == ("2.7", "numbers", "7", "numbers")


def test_lines_that_look_like_comments_are_rows(tmp_path):
    path = saved(tmp_path / "t.csv", "a,b\n#x,1\n" + "y,2\n" * 50)
    assert len(labels(path, "a")) == 51


@pytest.mark.parametrize("blank", ["", '""', " ", "NaN", "nan"])
def test_blank_and_nan_are_no_labels(tmp_path, blank):
    path = saved(tmp_path / "t.csv", f"a,b\n1,2\n{blank},2\n")
    assert labels(path, "a")[1][0] is None
    with TableFile(path, silent) as table:
        assert table.first_row_without("a", silent) == "2"


def test_the_first_missing_row_is_found_in_the_files_order(tmp_path):
    rows = ["1,1"] * 300_000
    rows[123_456] = rows[234_567] = "1,"
    path = saved(tmp_path / "t.csv", "a,b\n" + "\n".join(rows))
    with TableFile(path, silent) as table:
        assert table.first_row_without("b", silent) == "123,457"


@pytest.mark.parametrize(
    "name",
    [
        "a*b?c.csv",
        "[ab].csv",
        "it's.csv",
        'quo"te.csv',
        "semi;--colon.csv",
        "s p a c e.csv",
        "ü.csv",
    ],
)
def test_a_file_of_any_name_is_read_and_no_other(tmp_path, name):
    saved(tmp_path / "axbxc.csv", "a,b\n9,9\n")
    saved(tmp_path / "a.csv", "a,b\n9,9\n")
    assert len(labels(saved(tmp_path / name, ROWS), "a")) == 2


def test_folders_called_like_a_partition_add_no_column(tmp_path):
    folder = tmp_path / "secret=1"
    folder.mkdir()
    with TableFile(saved(folder / "t.csv", ROWS), silent) as table:
        assert table.columns == ["a", "b"]


@pytest.mark.parametrize("suffix", ["csv", "parquet", "json"])
@pytest.mark.parametrize(
    "column",
    [
        "it's",
        'say "hi"',
        "a; DROP TABLE cases; --",
        "a b",
        "ü",
        "SELECT",
        "x')) --",
        "c1",
        "{own}",
        "\x01",
    ],
)
def test_a_column_of_any_name_is_read(tmp_path, suffix, column):
    path = tmp_path / f"t.{suffix}"
    table = pa.table({"other": [8, 9], column: [1, 2]})
    if suffix == "parquet":
        pq.write_table(table, path)
    elif suffix == "csv":
        quoted = column.replace('"', '""')
        saved(path, f'other,"{quoted}"\n8,1\n9,2\n')
    else:
        import json

        saved(path, json.dumps(table.to_pylist()))
    assert [row[0] for row in labels(path, column)] == ["1", "2"]


def test_a_missing_column_is_answered_with_the_nearest_and_all(tmp_path):
    path = saved(tmp_path / "t.csv", "gtlabel,resnet\n1,1\n")
    with TableFile(path, silent) as table, pytest.raises(KitError) as caught:
        table.check_columns("resnet", "gt_label")
    assert str(caught.value) == (
        "t.csv has no column 'gt_label'. Did you mean 'gtlabel'? "
        "Its columns are: 'gtlabel', 'resnet'."
    )


def test_a_wide_tables_columns_are_listed_in_part(tmp_path):
    path = saved(tmp_path / "t.csv", ",".join(f"c{i}" for i in range(99)) + "\n")
    with TableFile(path, silent) as table, pytest.raises(KitError, match=r"'c39', \.\.\.\."):
        table.check_columns("zzzzzz")


@pytest.mark.parametrize("content", ["just text\nmore text\n", "a b\n1 2\n", 'text\n"a, b"\n'])
def test_a_file_whose_lines_make_no_columns_says_what_is_expected(tmp_path, content):
    path = saved(tmp_path / "t.csv", content)
    with TableFile(path, silent) as table, pytest.raises(KitError, match="same number of fields"):
        table.check_columns("b")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", b"", "t.csv is empty: it has no bytes"),
        ("t.csv.gz", b"", "t.csv.gz is empty"),
        ("t.csv.gz", zipped(b""), "nothing is compressed in it"),
        ("t.csv.gz", ROWS.encode(), "damaged or cut off"),
        ("t.csv.gz", zipped(os.urandom(9999))[:5000], "damaged or cut off"),
        ("t.csv.gz", zipped(ROWS.encode())[:-1], "damaged or cut off"),
        ("t.csv", os.urandom(99_999), "cannot be read as CSV|not encoded in UTF-8"),
        ("t.csv", "a,b\nKäse,1\n".encode("latin-1"), "not encoded in UTF-8 at line 2. Save it"),
        ("t.csv", ROWS.encode("utf-16"), "not encoded in UTF-8"),
        *(
            ("t.csv", f"a,b\n{rows}{line}\n1,2\n", f"at line {at} .*: {n} instead of 2")
            for rows, at in (("", 2), ("1,2\n", 3), ("1,2\n" * 30_000, 30_002))
            for line, n in (("1,2,3", "3 or more"), ("1", 1), ("cut o", 1))
        ),
        ("t.csv", "a,b\n1,2\n1\n1,2,3\n", "at line 3 than in its header: 1 instead of 2. Mend"),
        ("t.csv.gz", zipped(b"a,b\n1,2\n1\n1,2\n"), "t.csv.gz has another number .* line 3"),
        ("t.tsv", "a\tb\n1\t2\n1\t2\t3\n", "at line 3 than in its header: 3 or more instead of 2"),
        ("t.csv", 'a,b\n"x\ny",2\n\n1,2\n3\n', "at line [56] .* 1 instead of 2"),
        ("t.csv", "x\n1\n2\n3,4\n5\n", "at line 4 than in its header: 2 or more instead of 1"),
        ("t.csv", 'a,b\n1,2\n3,"4"x\n', "quotation mark at line 3"),
        ("t.csv", "# by ROOT\n# K\na,b\n1,2\n3,4\n", "line 1, '# by ROOT', has 1 .* line 3 has 2"),
        ("t.csv.gz", zipped(b"# K\na;b\n1;2\n3;4\n"), "line 2 has 2, parted by semicolons"),
        ("t.csv", "At 12; of 2024\n\na,b,c\n" + "1,2,3\n" * 9, "line 3 has 3, parted by commas"),
        ("t.csv", "\na,b\n1,2\n3,4\n", "line 1, '', has 0 field.s. and line 2 has 2"),
        ("t.csv", '"A\nb"\n1,2\n3,4\n', "has 1 field.s. and line 3 has 2"),
        ("t.csv", "a,b\n1,2,\n3,4,\n", "line 1, 'a,b', has 2 field.s. and line 2 has 3"),
        ("t.csv", "x\n12,34\n5,6\n", "has 1 field.s. and line 2 has 2, parted by commas"),
        ("t.tsv", "# K\na\tb\n1\t2\n3\t4\n", "line 2 has 2, parted by tabs"),
        ("t.tsv", "a,b\n1,2\n3,4\n", "t.tsv has commas between its fields, .* to end in .csv"),
        ("t.csv", "a,b\n" + "1,2\n" * 30_000 + '1,"2\n', "at line 30002"),
        ("t.csv", "a,b\n" + "x" * 3_000_000 + ",1\n", "cannot be read as CSV"),
        ("t.parquet", b"PAR1 or not", "cannot be read as Parquet: it is damaged, or its suffix"),
        ("t.parquet", ROWS, "cannot be read as Parquet"),
        ("t.json", ROWS, "cannot be read as JSON"),
        ("t.json", '[{"a": 1}, {"a":', "cannot be read as JSON at line 3"),
        (
            "t.json",
            '{"a": {"0": 1, "1": 2}, "b": {"0": "x"}}',
            "one record for each row: in pandas",
        ),
        ("t.json", '{"columns": ["a"], "data": [[1], [2]]}', r"to_json\(..., orient='records'\)"),
        ("t.json", '{"a": {"0": "' + "x" * 17_000_000 + '"}}', "a record of more than 16 MB"),
        ("t.json", "[1, 2, 3]", "t.json is not a table: each record must be an object"),
        ("t.xlsx", b"PK", "t.xlsx: the name of a table must end in .csv"),
        ("t.parquet.gz", b"x", "the name of a table must end in"),
        ("csv", ROWS, "the name of a table must end in"),
        ("t", ROWS, "the name of a table must end in"),
    ],
)
def test_what_is_no_table_is_refused_in_words_of_the_file(tmp_path, name, content, message):
    path = saved(tmp_path / name, content)
    with pytest.raises(KitError, match=message):
        labels(path, "a")


def test_a_flipped_bit_in_a_gzip_file_is_noticed(tmp_path):
    content = bytearray(zipped(ROWS.encode() * 5000))
    content[-6] ^= 1  # in the checksum, which DuckDB does not compare
    with pytest.raises(KitError, match="damaged or cut off"):
        TableFile(saved(tmp_path / "t.csv.gz", bytes(content)), silent)


def test_folders_and_files_that_are_not_there_are_refused(tmp_path):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(KitError, match=r"folder.csv is a folder; name one file in it"):
        TableFile(tmp_path / "folder.csv", silent)
    with pytest.raises(KitError, match=r"There is no file .*nothing.csv"):
        TableFile(tmp_path / "nothing.csv", silent)
    with pytest.raises(KitError, match=r"cannot be opened"):
        TableFile(Path("nul\0.csv"), silent)


@pytest.mark.parametrize("name", [b"\xff.csv", b"\xff/t.csv"])
def test_a_path_that_is_not_utf_8_is_refused(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.parent.mkdir(exist_ok=True)
    with pytest.raises(KitError, match=r"udcff.* is not UTF-8\. Rename the file or folder\."):
        TableFile(saved(path, ROWS), silent)


def test_a_file_that_may_not_be_read_is_refused(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = saved(tmp_path / "t.csv", ROWS)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(KitError, match=r"t.csv cannot be opened: .*Permission denied"):
        TableFile(path, silent)


def test_a_lack_of_room_is_told_as_such(tmp_path):
    with TableFile(saved(tmp_path / "t.csv", ROWS), silent) as table:
        table._duckdb.execute("SET memory_limit = '20MB'; SET max_temp_directory_size = '1MB'")
        with pytest.raises(KitError, match="needs more room than there is"):
            table.rows("SELECT list(i) FROM range(10_000_000) t(i) GROUP BY i % 7", silent, "")


def test_the_columns_alone_are_read_from_the_head(tmp_path):
    content = bytearray(zipped(ROWS.encode() * 5000))
    content[-6] ^= 1  # in the checksum
    path = saved(tmp_path / "t.csv.gz", bytes(content))
    with pytest.raises(KitError, match="damaged or cut off"):
        TableFile(path, silent)
    told = []
    with TableFile(path, lambda *step: told.append(step), head_only=True) as table:
        assert table.columns == ["a", "b"]
    assert told == [], "nothing of it takes time"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv.gz", b""),
        ("t.csv.gz", b"\x1f\x8b"),
        ("t.csv.gz", ROWS.encode()),
        ("t.json.gz", zipped(b"")[:-9]),
        ("t.json.gz", zipped(b'{"a"')),
    ],
)
def test_a_head_that_is_no_table_is_refused(tmp_path, name, content):
    with pytest.raises(KitError, match=r"^t\.\w+\.gz "):
        TableFile(saved(tmp_path / name, content), silent, head_only=True)


def test_a_bomb_is_refused_before_it_has_grown(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SUSPICIOUS_BYTES", 2**22)
    path = saved(tmp_path / "t.csv.gz", zipped(b"a,b\n" + b"1,2\n" * 2**22))
    told = []
    with pytest.raises(KitError, match=r"more than 300 times its size.*unpack it and give"):
        TableFile(path, lambda *step: told.append(step))
    assert len(told) < 8, "the rest of the 16 MiB was not unpacked"


def test_a_small_table_may_shrink_as_it_will(tmp_path):
    path = saved(tmp_path / "t.csv.gz", zipped(b"a,b\n" + b"1,2\n" * 2**20))
    assert path.stat().st_size * 300 < 2**22
    with TableFile(path, silent) as table:
        assert table.columns == ["a", "b"]


def test_progress_of_a_compressed_file_counts_its_check(tmp_path):
    told = []
    path = saved(
        tmp_path / "t.csv.gz",
        zipped(b"a\n" + os.urandom(1_500_000).hex("\n", 40).encode()),
    )
    with TableFile(path, lambda *step: told.append(step)):
        pass
    shares = [done for done, _ in told]
    assert {message for _, message in told} == {"Checking the compressed file"}
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] <= 0.2


def test_a_long_query_tells_its_progress_and_ends_when_cancelled(tmp_path):
    told = []

    def cancel(done, message):
        told.append((done, message))
        if len(told) > 2:
            raise Cancelled

    threads = threading.active_count()
    with TableFile(saved(tmp_path / "t.csv", ROWS), silent) as table:
        with pytest.raises(Cancelled):
            table.rows(
                "SELECT sum(a.i * b.i) FROM range(1_000_000) a(i), range(1_000_000) b(i)",
                cancel,
                "Multiplying",
                (0.5, 0.6),
            )
        assert threading.active_count() == threads
        assert all(0.5 <= done <= 0.6 and message == "Multiplying" for done, message in told)
        assert table.rows("SELECT 1", silent, "") == [(1,)]


def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    path = saved(tmp_path / "t.csv", ROWS)
    labels(path, "a")
    with pytest.raises(KitError):
        TableFile(saved(tmp_path / "u.csv", "a,b\nä\n".encode("latin-1")), silent)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["t.csv", "u.csv"]


def test_duckdb_fetches_no_extension_from_the_network(tmp_path):
    with TableFile(saved(tmp_path / "t.csv", ROWS), silent) as table:
        settings = table._duckdb.execute(
            "SELECT value FROM duckdb_settings() WHERE name LIKE 'auto%known_extensions'"
        ).fetchall()
    assert settings == [("false",), ("false",)]
    assert isinstance(duckdb.__version__, str)
