"""What of the configuration is wrong, in plain words: what the settings alone can tell.

Django asks these before every command. What needs the database is in `live_checks.py`.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core import checks
from django.core.checks import CheckMessage, Error, Warning
from django.db import connection

TAG = "evidesk"
#: File systems that lie on other machines, where SQLite's write-ahead log cannot work.
_REMOTE = re.compile(
    r"(nfs|cifs|smb|afs|9p|ceph|lustre|beegfs|gpfs|glusterfs|fuse\.(sshfs|glusterfs|s3fs|rclone))"
)
_SHORTEST_KEY = 50
_FEWEST_SIGNS = 10
Check = Callable[[], Iterator[CheckMessage]]


def register() -> None:
    """Have Django ask every check here."""
    for check in (data_folder, sqlite_is_on_this_machine, secret_key, hosts, static_files):
        checks.register(as_django_wants(check), TAG)


def as_django_wants(check: Check) -> Callable[..., list[CheckMessage]]:
    """The check as Django calls it."""

    def asked(**_: Any) -> list[CheckMessage]:
        return list(check())

    return asked


def data_folder() -> Iterator[CheckMessage]:
    """Everything but PostgreSQL's rows is kept in it."""
    folder = Path(settings.DATA_DIR)
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not there.is_dir():
        yield Error(
            f"The data folder {folder} cannot be: {there} is a file.",
            hint="Set EVIDESK_DATA_DIR to a folder.",
            id="evidesk.E001",
        )
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Error(
            f"Nothing can be written in the data folder: this user may not write in {there}.",
            hint="Give the folder to the user that the desk runs as, or set EVIDESK_DATA_DIR to "
            "another one.",
            id="evidesk.E002",
        )
    if not (settings.DEMO or Path(os.environ.get("EVIDESK_DATA_DIR", "var")).is_absolute()):
        yield Warning(
            f"The data folder depends on where a command is started; here it is {folder}.",
            hint="Set EVIDESK_DATA_DIR to a path that begins with a slash.",
            id="evidesk.W003",
        )


def sqlite_is_on_this_machine() -> Iterator[CheckMessage]:
    """Its write-ahead log lives in memory that processes of one machine share."""
    if connection.vendor != "sqlite":
        return
    kind = file_system_of(Path(settings.DATA_DIR), Path("/proc/mounts"))
    if _REMOTE.match(kind):
        yield Error(
            f"The SQLite database would be on a network file system ({kind}), where it gets "
            "damaged sooner or later.",
            hint="Set EVIDESK_DATA_DIR to a folder on this machine's own disk, or use PostgreSQL "
            "(EVIDESK_DATABASE_URL).",
            id="evidesk.E004",
        )


def file_system_of(path: Path, mounts: Path) -> str:
    """The kind of file system that the path is on, as the kernel names it; empty if unknown."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found, longest = "", -1
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        # The kernel writes a space as \040.
        folder = Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), place))
        # Of two on the same place the later one hides the earlier.
        if path.is_relative_to(folder) and len(folder.parts) >= longest:
            found, longest = kind, len(folder.parts)
    return found


def secret_key() -> Iterator[CheckMessage]:
    """Whoever knows it can sign in as anybody."""
    key = settings.SECRET_KEY
    if len(key) < _SHORTEST_KEY or len(set(key)) < _FEWEST_SIGNS or "insecure" in key:
        yield Warning(
            "The secret key can be guessed, and with it every session be forged.",
            hint="Set EVIDESK_SECRET_KEY to what this prints: "
            'python3 -c "import secrets; print(secrets.token_urlsafe(64))"',
            id="evidesk.W005",
        )


def hosts() -> Iterator[CheckMessage]:
    """The names that requests may ask for."""
    if settings.DEMO:
        return
    names = settings.ALLOWED_HOSTS
    if "*" in names:
        yield Warning(
            "The desk answers under any name, so that a forged link can carry somebody else's.",
            hint="Set EVIDESK_HOSTS to the desk's own name, such as desk.example.org.",
            id="evidesk.W006",
        )
    elif all(name in ("localhost", "127.0.0.1", "[::1]", "") for name in names):
        yield Warning(
            "The desk answers only to this machine: every other request gets “Bad Request”.",
            hint="Set EVIDESK_HOSTS to the desk's name, such as desk.example.org.",
            id="evidesk.W007",
        )
    wrong = [name for name in names if not re.fullmatch(r"\*|\.?[\w.-]+|\[[0-9a-fA-F:.]+\]", name)]
    if wrong:
        yield Error(
            f"{wrong[0]!r} in EVIDESK_HOSTS is no name of a host, so nobody can ask for it.",
            hint="Write names only, with commas: no https://, no port, no path.",
            id="evidesk.E008",
        )


def static_files() -> Iterator[CheckMessage]:
    """Styles and scripts are served from where `collectstatic` puts them."""
    if settings.STORAGES["staticfiles"]["BACKEND"].startswith("django."):
        return  # served from where they are
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.is_file():
        yield Warning(
            "Styles and scripts have not been collected; every page would fail.",
            hint="Run: evidesk desk collectstatic --noinput",
            id="evidesk.W009",
        )
        return
    collected = manifest.stat().st_mtime
    for finder in get_finders():
        for name, storage in finder.list([]):
            if name.startswith("evidesk/") and Path(storage.path(name)).stat().st_mtime > collected:
                yield Warning(
                    f"Styles and scripts are newer than those that were collected ({name}).",
                    hint="Run: evidesk desk collectstatic --noinput",
                    id="evidesk.W010",
                )
                return
