"""How the contents of files are kept: under their digest, for good, and under a harmless name."""

import hashlib
import os
import tempfile
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings

from evidesk.desk.vouchers.models import stored_path

#: Bytes of UTF-8 in a file's name; every file system takes as many.
_LONGEST_NAME = 150


def keep(chunks: Any, look: Callable[[Path], None] = lambda _path: None) -> tuple[str, int]:
    """Store content under its SHA-256, atomically and for good; returns (digest, size in bytes).

    `look` may look at the whole file before, and raise.
    """
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    handle, temporary = tempfile.mkstemp(dir=root, prefix="incoming-")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        look(Path(temporary))
        path = stored_path(digest.hexdigest())
        path.parent.mkdir(exist_ok=True)
        Path(temporary).replace(path)
        flush(path.parent)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest.hexdigest(), size


def flush(folder: Path) -> None:
    """Have the folder on the disk, so that no row outlives the file that it speaks of."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def harmless_name(name: str) -> str:
    """The file's own name without folders, control and direction-changing characters."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in base if unicodedata.category(c)[0] != "C").strip(" .")
    if len(kept.encode()) > _LONGEST_NAME:
        # The end tells what kind of file it is.
        suffix = "".join(Path(kept).suffixes[-2:])[-20:]
        room = _LONGEST_NAME - len(suffix.encode())
        kept = kept.removesuffix(suffix).encode()[:room].decode(errors="ignore") + suffix
    return kept or "file"
