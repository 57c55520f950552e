"""The command line, as a person uses it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evidesk import cli, kits
from evidesk.cli import common, desk
from evidesk.evidence import Evidence
from evidesk.kits import Remaining
from evidesk.kits.execution import parse


def evidesk(*arguments: object, **options: object) -> Result:
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments], **options)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.csv"
    path.write_text("truth,good,bad\n" + "a,a,a\nb,b,a\nc,c,a\n" * 40 + "a,b,b\n")
    return path


@pytest.fixture
def crate(table: Path, tmp_path: Path) -> Path:
    out = tmp_path / "evidence"
    done = evidesk("run", "accuracy", table, "--truth", "truth", "--prediction", "good",
                   "--out", out)  # fmt: skip
    assert done.exit_code == 0, done.output
    return out


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from evidesk.cli import main\n"
        "try: main(['--help'], prog_name='evidesk')\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'matplotlib', 'duckdb', 'pydantic', 'rich', 'django'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error bar that is right" in done.stdout


def test_kits_are_listed_with_their_question() -> None:
    listed = evidesk("kits").output
    assert "accuracy" in listed
    assert "How good is the model" in listed
    assert "evidesk run accuracy FILE --truth COLUMN --prediction COLUMN --out DIR" in listed


def test_kits_tell_their_schema() -> None:
    schemas = json.loads(evidesk("kits", "--json").output)
    assert "truth" in schemas["accuracy"]["properties"]


def test_a_kit_explains_its_options() -> None:
    text = evidesk("run", "accuracy", "--help").output
    for word in ("FILE", "--truth COLUMN", "--prediction COLUMN", "--fold COLUMN",
                 "--group COLUMN", "--level VALUE", "--method"):  # fmt: skip
        assert word in text
    assert "[default: wilson]" in text
    assert "[default: 0.95]" in text


def test_a_kit_of_several_files_says_which_is_which() -> None:
    text = " ".join(evidesk("run", "shift", "--help").output.split())
    assert "shift [OPTIONS] REFERENCE CURRENT" in text
    assert "REFERENCE: Reference table. What the other table is compared with" in text
    assert "CURRENT: Current table. What may be different" in text
    assert "If none is named, all are compared, except the group. Give it once for each. --" in text
    assert "[default: []]" not in text
    text = " ".join(evidesk("run", "watch", "--help").output.split())
    assert "watch [OPTIONS] REFERENCE [CURRENT ...]" in text
    assert "FILE: Table" in " ".join(evidesk("run", "accuracy", "--help").output.split())


def test_run_prints_the_answer_and_where_the_evidence_is(crate: Path, table: Path) -> None:
    evidence = Evidence.read(crate)
    assert "120 of 121" in evidence.answer
    assert evidence.provenance is not None
    assert evidence.provenance.inputs[0].name == table.name
    assert (crate / "report.html").exists()


def test_run_quietly_prints_only_the_path(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence.zip"
    done = evidesk("run", "accuracy", table, "--truth", "truth", "--prediction", "good",
                   "--prediction", "bad", "--out", out, "--quiet")  # fmt: skip
    assert done.output == f"{out}\n"
    assert len(Evidence.read(out).findings) == 2


def test_run_does_not_replace_what_is_there_unless_told(crate: Path, table: Path) -> None:
    again = ("run", "accuracy", table, "--truth", "truth", "--prediction", "bad", "--out", crate)
    refused = evidesk(*again)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.output
    assert "120 of 121" in Evidence.read(crate).answer
    assert evidesk(*again, "--overwrite").exit_code == 0
    assert "120 of 121" not in Evidence.read(crate).answer


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--truth", "truht", "--prediction", "good"], "Did you mean 'truth'?"),
        (["--truth", "truth", "--prediction", "truth"], "truth"),
        (["--truth", "truth", "--prediction", "good", "--level", "95"], "level: Write"),
        (["--truth", "truth", "--prediction", "good", "--level", "high"], "level"),
        (["--truth", "truth", "--prediction", "good", "--method", "best"], "wilson"),
        (["--truth", "truth"], "--prediction"),
    ],
)
def test_wrong_options_are_told_and_leave_nothing(
    table: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    out = tmp_path / "out"
    done = evidesk("run", "accuracy", table, *arguments, "--out", out)
    assert done.exit_code != 0
    assert told in done.output
    assert "Traceback" not in done.output
    assert not out.exists()


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = evidesk("run", "accuracy", tmp_path / "no.csv", "--truth", "a", "--prediction", "b")
    assert done.exit_code == 1
    assert done.output == f"evidesk: There is no file {tmp_path / 'no.csv'}.\n"


def test_an_unknown_kit_is_told_with_those_that_exist() -> None:
    done = evidesk("run", "acuracy", "file.csv")
    assert done.exit_code == 1
    assert "Installed: accuracy" in done.output


def test_cancelling_leaves_nothing(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    broken = kits.Kit("accuracy", "t", "q", kits.load("accuracy").parameters, interrupt)
    monkeypatch.setattr(kits, "load", lambda _: broken)
    out = tmp_path / "out"
    done = evidesk("run", "accuracy", table, "--truth", "truth", "--prediction", "good",
                   "--out", out)  # fmt: skip
    assert done.exit_code == 1
    assert "Cancelled" in done.output
    assert not out.exists()


def test_progress_shows_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(kits, "Remaining", lambda: Remaining(lambda: now[0]))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with common.progress_bar(quiet=False) as progress:
        for share in range(51):
            progress(share / 100, "Counting")
            now[0] += 12
        assert progress is not kits.silent
    shown = capsys.readouterr().err
    assert "Counting" in shown
    assert "about 10 minutes left" in shown
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with common.progress_bar(quiet=False) as progress:
        assert progress is kits.silent


def test_show_and_verify_read_intact_evidence(crate: Path) -> None:
    assert "120 of 121" in evidesk("show", crate).output
    done = evidesk("verify", crate)
    assert done.exit_code == 0
    assert "intact" in done.output


def test_verify_ends_with_1_and_names_a_changed_file(crate: Path) -> None:
    report = crate / "report.html"
    report.write_bytes(report.read_bytes().replace(b"accuracy", b"acuracy!", 1))
    done = evidesk("verify", crate)
    assert done.exit_code == 1
    assert "report.html" in done.output


def test_push_needs_a_token(crate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVIDESK_TOKEN", raising=False)
    done = evidesk("push", crate, "--voucher", "V-2026-0001")
    assert done.exit_code == 1
    assert "EVIDESK_TOKEN" in done.output


def test_push_to_a_desk_that_is_not_there_says_so(crate: Path) -> None:
    done = evidesk("push", crate, "--voucher", "V-2026-0001", "--token", "t",
                   "--desk", "http://127.0.0.1:9")  # fmt: skip
    assert done.exit_code == 1
    assert "does not answer" in done.output


def test_push_refuses_what_is_no_evidence(tmp_path: Path) -> None:
    done = evidesk("push", tmp_path, "--voucher", "V-2026-0001", "--token", "t")
    assert done.exit_code == 1
    assert str(tmp_path) in done.output


def test_without_the_desk_installed_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for command in ("demo", "desk"):
        done = evidesk(command)
        assert done.exit_code == 1
        assert "pip install 'evidesk[desk]'" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [(["verify-audit", "--help"], "--head HEAD"), (["check", "--list-tags"], "security")],
)
def test_desk_passes_on_to_django(words: list[str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evidesk", "desk", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told in done.stdout, done.stderr


def test_what_would_be_for_nothing_is_refused_before_the_work(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("the kit ran")

    kit = kits.load("accuracy")
    monkeypatch.setattr(
        kits, "load", lambda _: kits.Kit("accuracy", kit.title, kit.question, kit.parameters, never)
    )
    (tmp_path / "file").touch()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").touch()
    base = ("run", "accuracy", table, "--truth", "truth", "--prediction", "good")
    for extra, told in (
        (("--out", tmp_path / "file" / "below"), "Nothing can be written in"),
        (("--out", tmp_path / "thesis", "--overwrite"), "will not be replaced"),
        (("--out", "a" * 300), "File name too long"),
        (("--out", tmp_path / ("a" * 300) / "b"), "File name too long"),
        (("--out", "."), "is no name for new evidence"),
        (("--out", ".."), "is no name for new evidence"),
        (("--out", tmp_path / "new", "--agent", ""), "--agent needs the name"),
        (("--out", tmp_path / "new", "--agent", "a" * 501), "--agent needs the name"),
        (("--out", tmp_path / "new", "--agent", "\udcff"), "--agent needs the name"),
        (("--out", tmp_path / "new", "--agent", " "), "--agent needs the name"),
        (("--out", tmp_path / "new", "--agent", "a\x1b[2J"), "--agent needs the name"),
    ):
        done = evidesk(*base, *extra)
        assert done.exit_code == 1
        assert told in done.output
        assert "Traceback" not in done.output
    assert (tmp_path / "thesis" / "thesis.tex").exists()
    monkeypatch.setattr(os, "access", lambda _, mode, **__: not mode & os.W_OK)
    done = evidesk(*base, "--out", tmp_path / "far" / "away")
    assert done.output == f"evidesk: Nothing can be written in {tmp_path}. Choose another --out.\n"
    assert not (tmp_path / "far").exists()


def test_an_empty_folder_takes_the_evidence(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "empty"
    out.mkdir()
    done = evidesk(
        *("run", "accuracy", table, "--truth", "truth", "--prediction", "good", "--out", out)
    )
    assert done.exit_code == 0, done.output
    assert Evidence.read(out).findings


def test_a_full_disk_at_the_end_is_told(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Evidence, "write", full)
    done = evidesk(
        *("run", "accuracy", table, "--truth", "truth", "--prediction", "good"),
        *("--out", tmp_path / "out"),
    )
    assert done.exit_code == 1
    assert "No space left on device" in done.output


def test_names_that_are_no_text_are_told_or_taken_as_they_are(tmp_path: Path) -> None:
    """In processes of their own: a name that is not UTF-8 is bytes on its way in and out."""
    content = b"truth,m\x1b[2J\na,a\nb,a\n"
    for name in (b"plain.csv", b"\xff.csv", b"a\x1b[2J.csv"):
        (tmp_path / os.fsdecode(name)).write_bytes(content)

    def evidesk(*arguments: bytes) -> subprocess.CompletedProcess[bytes]:
        base = [sys.executable, "-m", "evidesk", "run", "accuracy", *arguments]
        options = [b"--truth", b"truth", b"--prediction", b"m\x1b[2J"]
        return subprocess.run([*base, *options], cwd=tmp_path, capture_output=True, check=False)

    for name in (b"\xff.csv", b"a\x1b[2J.csv", b"no\x1b[2J\xff.csv"):
        refused = evidesk(name)
        assert refused.returncode == 1
        assert b"Traceback" not in refused.stderr
        assert b"\x1b[2J" not in refused.stderr
    for quiet, told in (([], b"Evidence: out\xef\xbf\xbd"), ([b"-q"], b"out\xff")):
        done = evidesk(b"plain.csv", b"--out", b"out\xff", b"--overwrite", *quiet)
        assert done.returncode == 0, done.stderr
        assert told in done.stdout
        assert b"\x1b[2J" not in done.stdout
    assert Evidence.read(tmp_path / os.fsdecode(b"out\xff")).findings


def test_figures_with_letters_that_no_font_has_are_drawn_without_a_word(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("truth,猫のモデル\n" + "a,a\nb,a\n" * 20)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "evidesk", "run", "accuracy", str(path), "--truth", "truth"),
            *("--prediction", "猫のモデル", "--out", str(tmp_path / "out")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert "猫のモデル" in done.stdout


def test_a_demos_folder_that_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    long = "a" * 300
    for folder, told in (("file", "Nothing can be written in"), ("file/below", "Nothing can be"),
                         (long, "File name too long"), ("mine", "is not a demo's")):  # fmt: skip
        done = evidesk("demo", "--data", tmp_path / folder, "--port", 0)
        assert done.exit_code == 1
        assert told in done.output
    monkeypatch.setattr(os, "access", lambda _, mode, **__: not mode & os.W_OK)
    done = evidesk("demo", "--data", tmp_path / "new", "--port", 0)
    assert "Choose another --data." in done.output
    assert not (tmp_path / "new").exists()


def test_a_desk_without_its_key_is_told_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "evidesk", "desk", "migrate"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1
    assert "EVIDESK_SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demos_data_lie_at_home_unless_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert desk._data_home() == tmp_path / "evidesk" / "demo"
    monkeypatch.delenv("XDG_DATA_HOME")

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(common.Fault, match="--data"):
        desk._data_home()


def test_options_are_made_for_every_shape_of_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    from typing import Literal

    from pydantic import Field

    class Shapes(kits.Parameters):
        table: kits.InputFile = Field(title="t")
        column: kits.ColumnName | None = Field(default=None, title="c")
        choice: Literal["a", "b"] | None = Field(default=None, title="ch")
        several: list[kits.ColumnName] = Field(title="s")
        fast: bool = Field(default=False, title="f")

        more: kits.InputFile | None = Field(default=None, title="m")
        names: list[str] | None = Field(default=None, title="n")
        seeds: list[int] = Field(default=[1, 2], title="se")
        made: list[int] = Field(default_factory=list, title="ma")
        slow: bool | None = Field(default=None, title="sl")
        sure: bool = Field(title="su")

    given: list[dict[str, object]] = []
    monkeypatch.setattr(cli.kits, "_run_kit", lambda kit, values, *_: given.append(values))
    kit = kits.Kit("shapes", "t", "q", Shapes, lambda *_: None)  # type: ignore[arg-type, return-value]
    command = cli.kits._kit_command(kit)
    text = CliRunner().invoke(command, ["--help"]).output
    for part in ("--more FILE", "--column COLUMN", "--choice [a|b]", "--several COLUMN",
                 "--fast / --no-fast", "--names VALUE", "[default: [1, 2]]"):  # fmt: skip
        assert part in text
    assert "Undefined" not in text
    assert "[default: None]" not in text

    done = CliRunner().invoke(command, ["a.csv", "--several", "x", "--sure"])
    assert done.exit_code == 0, done.output
    assert given.pop() == {"table": Path("a.csv"), "several": ["x"], "sure": True}
    assert parse(kit, {"table": "a.csv", "several": ["x"], "sure": True}).seeds == [1, 2]
    CliRunner().invoke(
        command,
        [
            *(
                "a.csv",
                "--more",
                "b.csv",
                "--several",
                "x",
                "--several",
                "y",
                "--no-sure",
                "--no-fast",
            ),
            *("--slow", "--choice", "b", "--names", "n", "--seeds", "7", "--column", "c"),
        ],
    )
    values = given.pop()
    assert values == {
        "table": Path("a.csv"), "more": "b.csv", "several": ["x", "y"], "sure": False,
        "fast": False, "slow": True, "choice": "b", "names": ["n"], "seeds": ["7"], "column": "c",
    }  # fmt: skip
    assert parse(kit, values).seeds == [7]
    assert "--several" in CliRunner().invoke(command, ["a.csv", "--sure"]).output
    CliRunner().invoke(command, ["a.csv", "--several", "x"])
    with pytest.raises(kits.KitError, match="sure: Field required"):
        parse(kit, given.pop())
