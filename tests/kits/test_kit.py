"""What a kit is, and how kits are found."""

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from evidesk.kits import ColumnName, InputFile, KitError, Parameters, installed, load, silent
from tests.kits.trial import install


class Some(Parameters):
    table: InputFile
    other: InputFile | None = None
    truth: ColumnName
    models: list[ColumnName] = Field(min_length=1)
    fold: ColumnName | None = None
    level: float = 0.95
    names: dict[str, list[int]] = Field(default={})


def test_parameters_know_which_of_them_are_files_and_columns() -> None:
    assert Some.file_fields() == ["table", "other"]
    roles = {name: Some.role_of(name) for name in Some.model_fields}
    assert roles == {
        "table": "file", "other": "file", "truth": "column", "models": "column", "fold": "column",
        "level": None, "names": None,
    }  # fmt: skip


def test_parameters_refuse_unknown_names_and_do_not_change() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Some(table="a", truth="b", models=["c"], leevl=0.9)
    given = Some(table="a", truth="b", models=["c"])
    assert given.table == Path("a")
    with pytest.raises(ValidationError, match="frozen"):
        given.level = 0.5


def test_a_default_is_checked_like_any_value() -> None:
    class Wrong(Parameters):
        level: float = Field(default=2.0, lt=1)

    with pytest.raises(ValidationError, match="less than 1"):
        Wrong()


def test_installed_kits_are_listed_in_order_and_found_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [*installed()] == ["accuracy"]
    install(tmp_path, monkeypatch)
    assert [*installed()] == ["accuracy", "every", "trial"]
    assert load("trial").title == "A trial"
    assert load("accuracy") is installed()["accuracy"]


@pytest.mark.parametrize("name", ["nothing", "", "Accuracy", "os:system"])
def test_a_kit_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(KitError, match=r"There is no kit .*\. Installed: accuracy\."):
        load(name)


def test_silence_says_nothing() -> None:
    assert silent(0.5, "half") is None
