"""Two tables read as samples: which columns, of what kind, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from evidesk.kits import KitError
from evidesk.kits.kit import silent
from evidesk.kits.partitions import on_dask
from evidesk.kits.two_tables import read_both


@pytest.fixture
def read(tmp_path):
    def both(reference, current, **options):
        paths = []
        for name, content in (("reference", reference), ("current", current)):
            if isinstance(content, pd.DataFrame):
                paths.append(tmp_path / f"{name}.parquet")
                content.to_parquet(paths[-1])
            else:
                paths.append(tmp_path / f"{name}.csv")
                paths[-1].write_text(content)
        given = {"columns": [], "categories": [], "group": None, "in_order": False} | options
        return read_both(*paths, progress=silent, **given)

    return both


def test_columns_of_text_files_are_numbers_where_all_values_are(read):
    found = read("a,b,c\n1,x,\n2.5,,7\n", "c,b,a\n1e3,3y,nan\n")
    np.testing.assert_array_equal(found.reference["a"], [1, 2.5])
    np.testing.assert_array_equal(found.current["a"], [np.nan])
    assert found.reference["b"].tolist() == ["x", None]
    assert found.current["b"].tolist() == ["3y"]
    np.testing.assert_array_equal(found.reference["c"], [np.nan, 7])
    assert list(found.current) == ["a", "b", "c"]
    assert found.groups is None


def test_a_number_in_one_table_and_text_in_the_other_are_categories_if_named(read):
    found = read("a\n1\n2\n", "a\n1\nunknown\n", categories=["a"])
    assert found.reference["a"].tolist() == ["1", "2"]
    assert found.current["a"].tolist() == ["1", "unknown"]


def test_files_that_state_types_are_believed(read):
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "label": ["1", "2", None],
            "yes": [True, False, None],
            "whole": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    found = read(frame, frame)
    days = (found.reference["when"] - found.reference["when"][0]) / 86_400
    np.testing.assert_array_equal(days, [0, np.nan, 2])
    assert found.reference["label"].tolist() == ["1", "2", None]
    assert found.reference["yes"].tolist() == ["true", "false", None]
    np.testing.assert_array_equal(found.reference["whole"], [1, np.nan, 3])


def test_an_empty_column_is_like_any(read):
    for other in ("1\n2", "x\ny", "2026-01-01\n"):
        found = read("a,b\n,1\n,1\n", f"a,b\n{other.splitlines()[0]},1\n")
        assert pd.isna(found.reference["a"]).all()
        assert not pd.isna(found.current["a"]).any()


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["2026-01-01", "2026-01-02"], [0, 86_400]),
        (["2026-01-01T00:00", " 2026-01-01 00:00:30.5 "], [0, 30.5]),
        (["2026-01-01", "2026-01-01T01:00"], [0, 3_600]),
        (["2026-01-01T00:00Z", "2026-01-01 00:00:00-01:00"], [0, 3_600]),
        (["2026-01-01 02:00+02", "2026-01-01T02:00:00.123456789+0100"], [0, 3_600.123456]),
        (["2026-01-01", ""], [0, np.nan]),
    ],
)
def test_dates_of_iso_8601_are_dates_wherever_they_are_text(read, values, seconds):
    begin = pd.Timestamp("2026-01-01").timestamp()
    text = "a\n" + "".join(f'"{one}"\n' for one in values)
    typed = pd.DataFrame({"a": pd.to_datetime(["2026-01-03", None])})
    for reference in (text, pd.DataFrame({"a": values})):
        found = read(reference, typed)
        np.testing.assert_allclose(found.reference["a"] - begin, seconds, atol=1e-4)
        np.testing.assert_array_equal(found.current["a"] - begin, [172_800, np.nan])


@pytest.mark.parametrize(
    "values",
    [
        ["2026-01-01T00:00", "2026-01-01T00:00Z"],
        ["2026-01-01", "2026-13-01"],
        ["2026-01-01", "2026"],
        ["01.02.2026", "02.02.2026"],
        ["2026-01-01", "2026-01-01 at noon"],
        ["12:00", "13:00"],
    ],
)
def test_what_is_not_all_dates_is_text(read, values):
    text = "a\n" + "\n".join(values) + "\n"
    assert read(text, text).reference["a"].tolist() == values


NAMES = "a,b\n" + "".join(f"E{i:03},1\n" for i in range(30))


def test_names_of_rows_are_left_out_aloud(read):
    found = read(NAMES, NAMES.replace("E", "F"))
    assert list(found.reference) == list(found.current) == ["b"]
    assert found.warnings[0].startswith(
        "Column a has 60 different texts in 60 rows, as a name or number of each row has: it was "
    )
    for named in ({"columns": ["a", "b"]}, {"categories": ["a"]}):
        kept = read(NAMES, NAMES, **named)
        assert "a" in kept.reference
        assert not kept.warnings
    # Names that come again in the other table are no less names; few rows may differ by chance.
    assert "a" not in read(NAMES, NAMES).current
    assert "a" not in read(NAMES, "a,b\nX,1\n").current
    assert "a" in read(NAMES[:60], NAMES[:60]).current
    # A column that is told apart by its values is none.
    assert "a" in read(NAMES, "a,b\n" + "none,1\n" * 30).current
    with pytest.raises(KitError, match=r"There is no column left to compare\. Column a has 60"):
        read(NAMES, NAMES, without=["b"])


def test_columns_can_be_left_out(read):
    found = read("id,a\n7,1\n8,3\n", "a,late\n1,2\n", without=["id", "late"])
    assert list(found.reference) == ["a"]


def test_a_few_texts_among_numbers_are_told(read):
    table = "a\n" + "1\n2\n" * 9 + "--\n"
    found = read(table, table)
    assert found.warnings == (
        "Column a was taken as categories: 18 of the 19 values in reference.csv are numbers, but "
        "not '--' in row 19. Leave such values empty for a column of numbers, or name it among the "
        "columns of categories (--category).",
    )
    assert not read(table, table, categories=["a"]).warnings
    dates = table.replace("1", "2026-01-01").replace("2\n", "2026-01-02\n")
    assert "are dates, but not '--' in row 19" in read(dates, dates).warnings[0]
    # Sites such as 1, 2 and 2b are categories.
    assert not read("a\n1\n2\n2b\n", table).warnings


def test_columns_can_be_chosen_and_be_categories(read):
    found = read("id,a,b\n7,1,2\n8,3,2\n", "a,b\n1,2\n", columns=["b", "a"], categories=["b"])
    assert list(found.reference) == ["b", "a"]
    assert found.reference["b"].tolist() == ["2", "2"]


def test_groups_are_those_of_both_tables(read):
    found = read("p,a\n1,2\nx,3\n", "p,a\n1.0,4\n", group="p")
    assert found.groups.tolist() == ["1", "x", "1"]
    assert list(found.reference) == ["a"]


def test_large_tables_are_thinned_alike_each_time_and_it_is_said(read):
    table = "a,b\n" + "".join(f"{i},{i % 7}\n" for i in range(4000))
    small = "a,b\n1,2\n3,4\n"
    first, second = (read(table, small, most_numbers=2000) for _ in range(2))
    np.testing.assert_array_equal(first.reference["a"], second.reference["a"])
    assert 850 < len(first.reference["a"]) < 1150
    assert len(first.current["a"]) == 2
    assert np.all(first.reference["a"] % 7 == first.reference["b"])  # rows stay whole
    assert np.all(np.diff(first.reference["a"]) > 0)
    assert first.warnings == (
        "reference.csv has 4,000 rows, of which 25 % were drawn at random: a shift of a mean has "
        "to be 2 times as large to be found as with all rows.",
    )
    with pytest.raises(KitError, match="rows in order of time cannot be thinned"):
        read(table, small, most_numbers=2000, in_order=True)


def test_workers_read_the_parts_of_folders(cluster, tmp_path):
    rng = np.random.default_rng(0)
    tables = []
    for name, sizes in (("then", (700, 30, 900)), ("now", (400, 500))):
        folder = tmp_path / name
        folder.mkdir()
        for number, size in enumerate(sizes):
            table = pd.DataFrame(
                {"a": rng.normal(size=size), "kind": rng.choice(["x", None], size), "p": number}
            )
            table.to_parquet(folder / f"{number}.parquet")
        tables.append(folder)
    told = []

    def both(most):
        return read_both(
            *tables, columns=["kind", "a"], categories=[], group="p", in_order=False,
            progress=lambda _, message: told.append(message), most_numbers=most,
        )  # fmt: skip

    for most in (10_000, 1_000):
        here = both(most)
        assert "Reading then: 2 of 3 parts" in told
        with on_dask(cluster):
            there = both(most)
        for sample, other in ((here.reference, there.reference), (here.current, there.current)):
            assert list(sample) == list(other) == ["kind", "a"]
            for name, values in sample.items():
                np.testing.assert_array_equal(values, other[name])
        assert here.groups.tolist() == there.groups.tolist()
        assert here.warnings == there.warnings
        assert len(here.reference["a"]) == 1_630 or most == 1_000
    assert 400 < len(here.reference["a"]) < 600
    # Each part is thinned by itself, and otherwise than the others.
    assert len(set(here.reference["a"])) == len(here.reference["a"])


@pytest.mark.parametrize(
    ("reference", "current", "options", "message"),
    [
        ("a,b\n1,2\n", "a\n1\n", {}, "Only reference.csv has the column.s. b"),
        ("a\n1\n", "a,c,d,e,f,g,h\n" + "1," * 6 + "1\n", {}, "Only current.csv .* and 1 more"),
        ("a\n1\n", "a\n1\n", {"columns": ["x"]}, "no column 'x'"),
        ("a,x\n1,2\n", "a\n1\n", {"columns": ["x"]}, "current.csv has no column 'x'"),
        ("a\n1\n", "a\n1\n", {"categories": ["x"]}, "no column 'x'"),
        ("a\n1\n", "a\n1\n", {"group": "p"}, "no column 'p'"),
        ("a\n1\n", "a\n1\n", {"group": "a"}, "no column but the group"),
        ("a,p\n1,1\n", "a,p\n1,1\n", {"group": "a", "columns": ["a"]}, "is the group"),
        ("a,p\n1,\n", "a,p\n1,1\n", {"group": "p"}, "Column p says nothing of some rows"),
        ("a\n", "a\n1\n", {}, "reference.csv has no rows"),
        ("a,x\n1,2\n", "a\n1\n", {"without": ["y"]}, "no column 'y'"),
        ("a\n1\n", "a\n1\n", {"without": ["a"]}, "no column but what is to be left out"),
        ("a\n1\n", "a\n1\n", {"without": ["a"], "columns": ["a"]}, "both to be compared and"),
        (
            "a\n1\n2\n",
            "a\n1\nst2\nx\n",
            {},
            "Column a holds numbers in reference.csv and text in current.csv: current.csv has "
            "'st2' in row 2. .*--category",
        ),
        ("a\n1\n--\n", "a\n1\n", {}, "text in reference.csv and numbers .* has '--' in row 2"),
        ("a\n1\n", "a\n2026-01-01\n", {}, "numbers in .* and dates in .* '2026-01-01' in row 1"),
        ("a\n2026-01-01\n", "a\n\n1.1.26\n", {}, "dates in .* and text in .* '1.1.26' in row 2"),
        (pd.DataFrame({"a": ["1"]}), "a\n1\n", {}, "text in reference.parquet and numbers in"),
        (
            pd.DataFrame({"a": pd.to_datetime(["2026-01-01"])}),
            pd.DataFrame({"a": [3.5]}),
            {},
            "dates in reference.parquet and numbers in current.parquet: .* has '3.5' in row 1",
        ),
        ("a;b\n12,34;1\n5;1\n", "a;b\n1;2\n", {}, "with a comma, such as '12,34' in row 1. Write"),
        ("a\n1\n", 'a\n"-1.234.567,8"\n', {}, "Column a of current.csv holds numbers with a comma"),
        ('a\n"1,325"\n', "a\n1\n", {}, "without marks of thousands"),
        ("a\n1\n", "a\ninf\n-inf\n", {}, "Column a of current.csv has 2 infinite"),
        ("", "a\n1\n", {}, "empty"),
    ],
)
def test_tables_that_do_not_fit_are_refused(read, reference, current, options, message):
    with pytest.raises(KitError, match=message):
        read(reference, current, **options)


def test_a_missing_file_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(KitError, match=r"b\.csv"):
        read_both(
            tmp_path / "a.csv", tmp_path / "b.csv", columns=[], categories=[], group=None,
            in_order=False, progress=silent,
        )  # fmt: skip
