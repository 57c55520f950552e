"""`evidesk generate dijets`, as a person uses it."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evidesk import cli, generate
from evidesk.generate import extras

from .test_dijets import toys  # noqa: F401 - a fixture


def evidesk(*arguments):
    return CliRunner().invoke(cli.main, ["generate", "dijets", *map(str, arguments)])


@pytest.fixture
def out(tmp_path):
    return tmp_path / "events.npz"


@pytest.mark.usefixtures("toys")
def test_events_are_written_and_told(out):
    done = evidesk("--out", out, "--background", 300, "--signal", 40, "--seed", 7)
    assert done.exit_code == 0, done.output
    made = generate.generate_dijets(300, 40, seed=7)
    with np.load(out) as file:
        assert np.array_equal(file["x"], made.x)
        assert np.array_equal(file["label"], made.label)
    assert done.output == (
        f"{made}\nTo cite: Pythia 8.3, arXiv:2203.11601; FastJet, arXiv:1111.6097\nEvents: {out}\n"
    )


@pytest.mark.usefixtures("toys")
def test_quietly_only_the_path_is_told(out):
    done = evidesk("--out", out, "--background", 10, "--signal", 0, "--quiet")
    assert done.output == f"{out}\n"


@pytest.mark.usefixtures("toys")
def test_a_file_that_is_there_is_kept_unless_told(out):
    out.write_text("mine")
    refused = evidesk("--out", out, "--background", 10)
    assert refused.exit_code == 1
    assert "--overwrite" in refused.output
    assert out.read_text() == "mine"
    assert evidesk("--out", out, "--background", 10, "--overwrite").exit_code == 0
    assert np.load(out)["x"].ndim == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--background", "-1"], "--background"),
        (["--signal", "many"], "--signal"),
        (["--seed", "-3"], "--seed"),
        (["--background", "0", "--signal", "0"], "nothing to generate"),
        (["--out", "events.csv"], "events.csv must end in .npz or .parquet"),
        (["--out", "events.npz/events.npz"], "Nothing can be written in"),
    ],
)
def test_wrong_options_are_told_and_leave_nothing(tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    Path("events.npz").touch()
    done = evidesk("--out", "new.npz", *arguments)
    assert done.exit_code != 0
    assert told in done.output
    assert "Traceback" not in done.output
    assert [one.name for one in tmp_path.iterdir()] == ["events.npz"]


def test_a_folder_is_not_replaced(tmp_path):
    folder = tmp_path / "folder.npz"
    folder.mkdir()
    assert "is there already" in evidesk("--out", folder, "--overwrite").output


def test_what_is_missing_is_told_with_how_to_install_it(out, monkeypatch):
    def missing(module):
        raise ImportError(module)

    monkeypatch.setattr(extras, "import_module", missing)
    done = evidesk("--out", out)
    assert done.exit_code == 1
    assert done.output == (
        "evidesk: Generating dijets needs pythia8mc. Install it with: "
        "pip install 'evidesk[pythia]'\n"
    )
    assert not out.exists()


@pytest.mark.usefixtures("toys")
def test_what_ends_the_work_leaves_nothing(out, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(generate, "generate_dijets", interrupt)
    done = evidesk("--out", out)
    assert done.exit_code == 1
    assert "Cancelled; nothing was written." in done.output
    assert not out.exists()
