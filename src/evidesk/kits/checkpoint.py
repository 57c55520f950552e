"""Where a kit notes how far it is, so that a run that was cut off can be gone on with: a folder.

It belongs to one run: the same kit, data, parameters and versions. Else what a later run went on
from would not be what its evidence says.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evidesk.kits.kit import KitError

#: What run the folder is of.
_RUN = "run.json"


def prepare(folder: Path, run: Mapping[str, Any], kept: Iterable[Path]) -> None:
    """Make the folder that run's, or see that it is.

    Parameters
    ----------
    run : what tells the run from others, as JSON values: its words, and under each what it is.
    kept : files that must not lie in the folder, for it is removed in the end.

    Raises
    ------
    KitError : it is of another run, or holds something else, or cannot be written to.
    """
    for path in kept:
        if path.resolve().is_relative_to(folder.resolve()):
            raise KitError(
                f"{path.name} would be removed together with the checkpoint {folder}. Give the "
                "checkpoint a folder of its own."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_ours(folder):
            if any(folder.iterdir()):
                raise KitError(
                    f"{folder} is not empty, and no checkpoint. Give the checkpoint a new folder."
                )
            _write(folder / _RUN, run)
        before = json.loads((folder / _RUN).read_bytes())
    except OSError as error:
        raise KitError(f"{folder} cannot be written to: {error.strerror or error}.") from error
    except ValueError:  # somebody has changed it
        before = {}
    if others := list(_others(before, json.loads(json.dumps(run)))):
        raise KitError(
            f"The checkpoint is of another run, which differs in {' and '.join(others)}. To begin "
            "anew, remove it or give another folder."
        )


def holds_some(folder: Path) -> bool:
    """Whether there is anything to go on from."""
    return _is_ours(folder) and any(
        path.name != _RUN and not path.name.startswith(".") for path in folder.iterdir()
    )


def remove(folder: Path) -> None:
    """Remove the folder, if it is a checkpoint's."""
    if _is_ours(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    return (folder / _RUN).is_file()


def _write(path: Path, document: Mapping[str, Any]) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as file:
        json.dump(document, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def _others(before: Any, now: Mapping[str, Any]) -> Iterable[str]:
    """What differs, in words: "versions (torch)"."""
    for name, value in now.items():
        old = before.get(name) if isinstance(before, dict) else None
        if old == value:
            continue
        if isinstance(value, dict) and isinstance(old, dict):
            parts = [part for part in (old | value) if old.get(part) != value.get(part)]
            yield f"{name} ({', '.join(parts)})"
        else:
            yield name
