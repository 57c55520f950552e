"""Surrogates in files: tensors and JSON, nothing that could run.

One safetensors file holds the arrays, and in its header a JSON document. Reading it executes no
code of its writer, as unpickling would.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evidesk.methods.surrogates.extra import needs_torch_extra

Arrays = Mapping[str, npt.NDArray[Any]]

_KEY = "evidesk"


def write(path: str | os.PathLike[str], arrays: Arrays, document: Mapping[str, Any]) -> None:
    """Write arrays and a JSON document into one file, in one step: never half of it.

    Raises
    ------
    ImportError : safetensors is missing.
    OSError : the folder is missing or cannot be written to.
    """
    with needs_torch_extra():
        from safetensors.numpy import save

    target = Path(path)
    content = save(
        {name: np.ascontiguousarray(array) for name, array in arrays.items()},
        {_KEY: json.dumps(document, allow_nan=False)},
    )
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or a machine that goes down could leave an empty file
            file.close()
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read(path: str | os.PathLike[str]) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """The arrays and the document that `write` wrote.

    Raises
    ------
    ValueError : the file is something else.
    OSError : there is no such file.
    """
    with needs_torch_extra():
        from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            document = json.loads((file.metadata() or {})[_KEY])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is no file that evidesk wrote: {error}. Give the path that "
            "'save' was called with."
        ) from error
    return arrays, document
