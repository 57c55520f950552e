"""Running a kit in a process of its own, under limits, with live progress.

The desk's worker uses this. The child (`python -m evidesk.kits.isolation`) gets one line of JSON
on its standard input and answers with lines of JSON; it ends by itself when its parent is gone,
because that closes its standard input.
"""

import contextlib
import json
import os
import queue
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evidesk.evidence import EvidenceError
from evidesk.kits.execution import execute, parse
from evidesk.kits.kit import KitError, Progress, load

#: How long a process that was asked to end may take before it is killed, in seconds.
_GRACE = 5.0
#: How often the parent looks whether it should stop, in seconds.
_BEAT = 0.5


class RunFailed(Exception):
    """The run left no evidence. The message is for the user; `details` are for whoever mends it.

    `cut_off` is true if the run did not come to its own end: the same run may get on another time.
    """

    def __init__(self, message: str, details: str = "", *, cut_off: bool = False) -> None:
        super().__init__(message)
        self.details = details
        self.cut_off = cut_off


@dataclass(frozen=True)
class Limits:
    """What a run may use: wall time in seconds, and memory in bytes."""

    seconds: float
    memory_bytes: int


def run_isolated(
    kit: str,
    parameters: dict[str, Any],
    out: Path,
    *,
    agent: str,
    limits: Limits,
    progress: Progress,
    beat: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
) -> None:
    """Run a kit in a new process and leave its evidence at `out`.

    Parameters
    ----------
    kit, parameters : the kit's name and its parameters as plain JSON values.
    out : where the evidence goes: a folder, or a file that ends in `.zip`.
    progress : told of the child's progress; it or `beat` may raise :class:`Cancelled`.
    beat : called at least every half second while the child runs.
    checkpoint : as `execute` takes it.

    Raises
    ------
    RunFailed
        Wrong input, a limit reached, or an error; the message says which.
    Cancelled
        `progress` or `beat` asked for it; the child is gone then.
    """
    task = {
        "kit": kit,
        "parameters": parameters,
        "out": str(out),
        "agent": agent,
        "memory_bytes": limits.memory_bytes,
        "checkpoint": None if checkpoint is None else str(checkpoint),
    }
    # What libraries say in their last moment may be no UTF-8.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "evidesk.kits.isolation"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        try:
            _follow(child, task, limits, progress, beat, errors)
        finally:
            _end(child)


def _follow(
    child: subprocess.Popen[str],
    task: dict[str, Any],
    limits: Limits,
    progress: Progress,
    beat: Callable[[], None],
    errors: IO[str],
) -> None:
    """Pass the child's words on until its last one."""
    assert child.stdin is not None
    assert child.stdout is not None
    deadline = time.monotonic() + limits.seconds
    words: queue.Queue[str | None] = queue.Queue()

    def listen(pipe: IO[str]) -> None:
        for line in pipe:
            words.put(line)
        words.put(None)

    threading.Thread(target=listen, args=(child.stdout,), daemon=True).start()
    try:
        child.stdin.write(json.dumps(task) + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        pass  # it died at once; the end of its output says so below
    while True:
        beat()
        if time.monotonic() > deadline:
            raise RunFailed(
                "The run was ended because it took longer than "
                f"{round(limits.seconds / 60, 2):g} minutes. Run the kit on a larger machine and "
                "bring the evidence with `evidesk push`.",
                cut_off=True,
            )
        try:
            line = words.get(timeout=_BEAT)
        except queue.Empty:
            continue
        if line is None:
            raise RunFailed(*_epitaph(child.wait(), limits, errors), cut_off=True)
        word = json.loads(line)
        if "done" in word:
            progress(word["done"], word["message"])
        elif "fault" in word:
            raise RunFailed(word["fault"], word.get("details", ""))
        else:
            return


def _epitaph(status: int, limits: Limits, errors: IO[str]) -> tuple[str, str]:
    """What to say of a child that ended without a last word."""
    errors.seek(0)
    details = errors.read()[-4000:]
    # The kernel kills what exhausts the machine; libraries die loudly at the limit.
    if status == -signal.SIGKILL or "MemoryError" in details or "bad_alloc" in details:
        return _too_large(limits.memory_bytes), details
    return f"The run ended unexpectedly (exit status {status}).", details


def _too_large(memory_bytes: int) -> str:
    return (
        f"The run needed more memory than its limit of {memory_bytes // 2**20} MB. Run the kit on "
        "a larger machine and bring the evidence with `evidesk push`."
    )


def _end(child: subprocess.Popen[str]) -> None:
    """Make sure that the child and all it started are gone."""
    for ask in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, ask)
        except ProcessLookupError:
            break
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            continue
    child.wait()
    for pipe in filter(None, (child.stdin, child.stdout)):
        with contextlib.suppress(BrokenPipeError):
            pipe.close()


def main() -> None:
    """The child's side."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not mix with our words
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    memory = task["memory_bytes"]
    _, granted = resource.getrlimit(resource.RLIMIT_DATA)
    if granted != resource.RLIM_INFINITY:
        memory = min(memory, granted)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

    def say(**word: Any) -> None:
        out.write(json.dumps(word) + "\n")

    try:
        kit = load(task["kit"])
        evidence = execute(
            kit,
            parse(kit, task["parameters"]),
            agent=task["agent"],
            progress=lambda done, message: say(done=done, message=message),
            checkpoint=None if task["checkpoint"] is None else Path(task["checkpoint"]),
        )
        evidence.write(Path(task["out"]))
    except (KitError, EvidenceError) as fault:
        say(fault=str(fault))
    except MemoryError:
        say(fault=_too_large(memory))
    except Exception:
        say(
            fault="The kit failed with an unexpected error. This is a fault of evidesk's, not of "
            "your data; the consultants' office can see the details.",
            details=traceback.format_exc(),
        )
    else:
        say(ended=True)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)  # pragma: no cover - at once, so that nothing can note it


if __name__ == "__main__":
    main()
