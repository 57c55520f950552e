"""The code blocks of README.md and docs/ are tests: Python and bash blocks run, in order; `sh`
blocks, which would start servers or install things, are checked for commands that exist.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parent

# pytest's workers take a core each. A second thread of BLAS in each would wait in a loop for its
# turn: tests of many small matrices then take ten times as much of both cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def run_in_bash(example: Example) -> None:
    """Run the block as a user would, with this environment's `evidesk` first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed],
        cwd=example.namespace["folder"],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def check_commands(example: Example) -> None:
    """Each line must name a target of the Makefile, or a command of evidesk with its options."""
    for line in example.parsed.strip().splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M), line
        elif words[:1] == ["evidesk"]:
            _check_options(words[1:], line)
        else:
            assert words[0] in ("git", "cd", "pip", "export", "python3"), line


def _check_options(words: list[str], line: str) -> None:
    from evidesk.cli import main

    command: click.Command = main
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None, line
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    if command.name != "desk":
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a page's bash blocks run, beside the file that they speak of."""
    from evidesk import data

    place = tmp_path_factory.mktemp("docs")
    source = data.path("sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz")
    (place / "predictions.csv.gz").write_bytes(source.read_bytes())
    return place


@pytest.fixture(scope="module", autouse=False)
def in_root() -> Iterator[None]:
    """Python blocks run where the reader's checkout is."""
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)


pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("bash", run_in_bash),
        CodeBlockParser("sh", check_commands),
    ],
    patterns=["README.md", "docs/*.md"],
    fixtures=["folder", "in_root"],
).pytest()
