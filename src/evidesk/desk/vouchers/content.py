"""What an uploaded file really is, whatever its name says."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import puremagic
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidesk.desk.people.rules import ALLOWED, Answer, refuse

#: What begins like this runs on somebody's machine.
_PROGRAMS = {
    b"MZ": gettext_lazy("a Windows program"),
    b"\x7fELF": gettext_lazy("a Linux program"),
    b"\xfe\xed\xfa\xce": gettext_lazy("a macOS program"),
    b"\xfe\xed\xfa\xcf": gettext_lazy("a macOS program"),
    b"\xce\xfa\xed\xfe": gettext_lazy("a macOS program"),
    b"\xcf\xfa\xed\xfe": gettext_lazy("a macOS program"),
    b"\xca\xfe\xba\xbe": gettext_lazy("a Java or macOS program"),
    b"#!": gettext_lazy("a script"),
    b"L\x00\x00\x00\x01\x14\x02\x00": gettext_lazy("a Windows shortcut"),
}
#: Suffixes that say what a file begins with.
_BEGINS = {
    ".pdf": (b"%PDF",),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".gz": (b"\x1f\x8b",),
    ".zip": (b"PK",),
    ".npz": (b"PK",),
    ".xlsx": (b"PK",),
    ".docx": (b"PK",),
    ".npy": (b"\x93NUMPY",),
    ".parquet": (b"PAR1",),
    ".h5": (b"\x89HDF\r\n\x1a\n",),
    ".hdf5": (b"\x89HDF\r\n\x1a\n",),
}
#: Files that are text, in which a zero byte has no place.
_TEXTS = {".csv", ".tsv", ".json", ".jsonl", ".txt", ".md", ".yaml", ".yml", ".toml"}
#: UTF-16 has zero bytes, and says so.
_WIDE = (b"\xff\xfe", b"\xfe\xff")
HEAD_BYTES = 2**16


def may_keep(name: str, head: bytes) -> Answer:
    """Whether a file of that name may begin with these bytes (at most ``HEAD_BYTES``)."""
    for magic, what in _PROGRAMS.items():
        if head.startswith(magic):
            return refuse(
                _("%(name)s is %(what)s. Programs are not taken; send data and documents.")
                % {"name": name, "what": what}
            )
    suffix = Path(name).suffix.lower()
    expected = _BEGINS.get(suffix)
    if expected and not head.startswith(expected):
        return refuse(
            _("%(name)s is no %(suffix)s file inside%(really)s. Give it the suffix that fits.")
            % {"name": name, "suffix": suffix, "really": _looks_like(head)}
        )
    if suffix in _TEXTS and b"\0" in head and not head.startswith(_WIDE):
        return refuse(
            _("%(name)s is no text inside%(really)s. Give it the suffix that fits.")
            % {"name": name, "really": _looks_like(head)}
        )
    return ALLOWED


def _looks_like(head: bytes) -> str:
    """What the content looks like, to be said in a refusal; empty if nobody knows."""
    try:
        found = puremagic.from_string(head)
    except puremagic.PureError:
        return ""
    return f" ({found})" if found else ""


class ScannerDown(Exception):
    """The virus scanner does not answer."""


def virus_in(chunks: Iterator[bytes], scanner: str, *, seconds: float = 60) -> str:
    """The name of the virus that ClamAV finds; empty for none.

    Parameters
    ----------
    chunks : the file's content.
    scanner : where clamd listens: ``tcp://127.0.0.1:3310`` or ``unix:///run/clamav/clamd.ctl``.

    Raises
    ------
    ScannerDown : it does not answer, or not in clamd's words.
    """
    where = urlsplit(scanner)
    try:
        with _connected(where, seconds) as connection:
            connection.sendall(b"zINSTREAM\0")
            for chunk in chunks:
                connection.sendall(len(chunk).to_bytes(4, "big") + chunk)
            connection.sendall(bytes(4))
            answer = b""
            while not answer.endswith(b"\0") and (more := connection.recv(4096)):
                answer += more
    except OSError as fault:
        raise ScannerDown(f"{scanner}: {fault}") from fault
    text = answer.rstrip(b"\0").decode(errors="replace").removeprefix("stream: ")
    if text == "OK":
        return ""
    if text.endswith(" FOUND"):
        return text.removesuffix(" FOUND")
    raise ScannerDown(f"{scanner} answered {text[:200]!r}")


def _connected(where: Any, seconds: float) -> socket.socket:
    if where.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(seconds)
        connection.connect(where.path)
        return connection
    return socket.create_connection((where.hostname, where.port or 3310), timeout=seconds)
