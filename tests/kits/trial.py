"""Kits for tests, installed the way that others' kits are: found by their entry point."""

import os
from pathlib import Path

import pytest

_KITS = '''
import os
import signal
import subprocess
import sys
import time
from typing import Literal

from pydantic import Field, field_validator, model_validator

from evidesk.evidence import Estimate, Evidence, Finding
from evidesk.kits import ColumnName, InputFile, Kit, KitError, Parameters


class TrialParameters(Parameters):
    file: InputFile = Field(title="File", description="Any file.")
    do: str = Field(default="end", title="What to do", description="How the run goes.")

    @field_validator("file")
    def no_secrets(cls, file):
        if file.stem == "secret":
            raise ValueError("Secrets are no data.")
        return file


def run(parameters, progress):
    progress(0.25, "Counting")
    BEHAVIOURS[parameters.do]()
    progress(0.75, "Writing")
    estimate = Estimate(0.5, 0.4, 0.6, 0.95, "wilson", 100)
    return Evidence("How many?", "Half of them.", (Finding("It is half.", estimate),))


def complain():
    raise KitError("Column 3 is missing.")


def chatter():
    print("a library prints")
    os.write(1, b"and C prints\\n")
    os.write(2, b"\\xff\\xfe not UTF-8\\n")


def eat():
    held = []
    while True:
        held.append(bytearray(2**24))


def spawn():
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", "orphan-of-trial"])
    time.sleep(600)


def die_loudly():
    os.write(2, b"\\xff terminate called after throwing an instance of 'std::bad_alloc'\\n")
    os._exit(134)


def ignore_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


BEHAVIOURS = {
    "end": lambda: None,
    "complain": complain,
    "chatter": chatter,
    "fail": lambda: 1 / 0,
    "sleep": lambda: time.sleep(600),
    "eat": eat,
    "spawn": spawn,
    "die": lambda: os._exit(3),
    "die loudly": die_loudly,
    "be killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "ignore sigterm": ignore_sigterm,
}

kit = Kit("trial", "A trial", "How many?", TrialParameters, run)


class EveryParameters(Parameters):
    """One parameter of every type that a form knows."""

    table: InputFile = Field(title="Table", description="The table.")
    one: ColumnName = Field(title="One column", description="Which one?")
    some: list[ColumnName] = Field(min_length=1, title="Some columns", description="Which?")
    perhaps: ColumnName | None = Field(default=None, title="Perhaps a column")
    given: ColumnName = Field(default="a", title="A column with a default")
    choice: Literal["left", "right"] = Field(default="right", title="A choice")
    maybe: Literal["up", "down"] | None = Field(default=None, title="Perhaps a choice")
    yes: bool = Field(default=True, title="Yes?")
    whole: int = Field(default=3, ge=1, le=9, title="A whole number")
    real: float | None = Field(default=None, gt=0, title="A number")
    text: str = Field(default="", title="Text")
    must: int

    @model_validator(mode="after")
    def agree(self):
        if self.one in self.some:
            raise ValueError("A column cannot be compared with itself.")
        return self


every = Kit("every", "Every type", "Does it fit?", EveryParameters, run)


class PairParameters(Parameters):
    first: InputFile = Field(title="First", description="One file.")
    second: InputFile = Field(title="Second", description="Another file.")
    third: InputFile | None = Field(default=None, title="Third", description="Perhaps another.")

    @model_validator(mode="after")
    def differ(self):
        if self.third == self.second:
            raise ValueError("Choose three files, not one twice.")
        return self


def add_up(parameters, progress):
    files = [parameters.first, parameters.second, parameters.third]
    lines = [len(file.read_text().splitlines()) for file in files if file]
    estimate = Estimate(0.5, 0.4, 0.6, 0.95, "wilson", 100)
    answer = f"{' and '.join(map(str, lines))} lines."
    return Evidence("How many?", answer, (Finding("It is half.", estimate),))


pair = Kit("pair", "Several files", "How many?", PairParameters, add_up)


def count(parameters, progress, checkpoint):
    """Gets to half of the way at first, and further from there on."""
    noted = checkpoint / "noted"
    begun = noted.exists()
    if not begun:
        noted.write_text("half")
    progress(0.5, "Counting on" if begun else "Counting")
    if parameters.do != "end" and (not begun or parameters.do == "complain"):
        BEHAVIOURS[parameters.do]()
    estimate = Estimate(0.5, 0.4, 0.6, 0.95, "wilson", 100)
    answer = "Half of them, in two goes." if begun else "Half of them."
    return Evidence("How many?", answer, (Finding("It is half.", estimate),))


patient = Kit("patient", "A long one", "How many?", TrialParameters, count, resumes=True)
'''


def install(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Install these kits for this process and the ones it starts."""
    (folder / "trial_kits.py").write_text(_KITS)
    info = folder / "trial_kits-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: trial-kits\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[evidesk.kits]\nevery = trial_kits:every\npair = trial_kits:pair\n"
        "patient = trial_kits:patient\ntrial = trial_kits:kit\n"
    )
    patch.syspath_prepend(str(folder))
    patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    patch.delitem(__import__("sys").modules, "trial_kits", raising=False)
