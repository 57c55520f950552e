"""Generated events as a file, from which kits read columns by name."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from evidesk.generate.dijets import Dijets
from evidesk.generate.features import COLUMNS


def check_suffix(path: Path) -> None:
    """Raise ValueError unless the file's name says what it is to be."""
    if path.suffix.lower() not in _WRITERS:
        raise ValueError(f"{path.name} must end in {' or '.join(_WRITERS)}")


def write(dijets: Dijets, path: Path) -> None:
    """Write the events and how they were made.

    An .npz file has the arrays ``x``, ``label``, ``columns`` and ``meta``, a text of JSON; a
    Parquet file has the columns and ``label``, and ``meta`` among its own metadata. The file
    appears when it is complete. The same events make the same .npz file, byte by byte.

    Raises
    ------
    ValueError : the name ends in neither .npz nor .parquet.
    OSError : the system refuses.
    """
    check_suffix(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _WRITERS[path.suffix.lower()](dijets, fresh)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def meta(dijets: Dijets) -> str:
    """How the events were made, as JSON."""
    runs = [
        {
            "process": run.process,
            "settings": run.settings,
            "cut_flow": asdict(run.cut_flow),
            "cross_section_pb": run.cross_section.value,
            "cross_section_error_pb": run.cross_section.error,
        }
        for run in dijets.runs
    ]
    return json.dumps({"seed": dijets.seed, "versions": dict(dijets.versions), "runs": runs})


def _npz(dijets: Dijets, path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(
            file,
            x=dijets.x,
            label=dijets.label,
            columns=np.array(COLUMNS),
            meta=np.array(meta(dijets)),
        )


def _parquet(dijets: Dijets, path: Path) -> None:
    import duckdb

    columns = (np.ascontiguousarray(column) for column in dijets.x.T)
    table = {**dict(zip(COLUMNS, columns, strict=True)), "label": dijets.label}
    with duckdb.connect() as connection:
        connection.register("dijets", table)
        connection.execute(
            "COPY dijets TO $path (FORMAT parquet, COMPRESSION zstd, KV_METADATA {meta: $meta})",
            {"path": str(path), "meta": meta(dijets)},
        )


_WRITERS: Mapping[str, Callable[[Dijets, Path], None]] = {".npz": _npz, ".parquet": _parquet}
