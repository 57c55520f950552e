"""Surrogates in files: tensors and JSON, nothing that could run.

One safetensors file holds the arrays, and in its header a JSON document. Reading it executes no
code of its writer, as unpickling would. A file whose name ends in ``.json`` holds the same as text,
for where only text can go.
"""

import base64
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
_TEXT, _CONTENT = ".json", "safetensors"


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
    if target.suffix == _TEXT:
        content = json.dumps({_CONTENT: base64.b64encode(content).decode()}).encode()
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
        from safetensors import SafetensorError
        from safetensors.numpy import load

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    content = Path(path).read_bytes()
    try:
        if Path(path).suffix == _TEXT:
            content = base64.b64decode(json.loads(content)[_CONTENT], validate=True)
        # `load` shares the memory of the content, which cannot be written to.
        arrays = {name: array.copy() for name, array in load(content).items()}
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        document = json.loads(header["__metadata__"][_KEY])
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{os.fspath(path)!r} is no file that evidesk wrote: {error}. Give the path that "
            "'save' was called with."
        ) from error
    return arrays, document
