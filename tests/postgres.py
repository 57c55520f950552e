"""A private PostgreSQL for the tests: `pytest -p tests.postgres tests/desk`.

The cluster lives in a temporary folder, listens on a Unix socket only, trusts whoever reaches that,
and ends with the tests. PostgreSQL refuses to run as root, so root starts it as `nobody`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

#: How the tests' settings, also in processes that the tests start, learn of the database.
VARIABLE = "EVIDESK_TEST_DATABASE_URL"
_USER = "evidesk"


class PostgresMissing(Exception):
    """There is no PostgreSQL that could be started here."""


def programs() -> Path:
    """The folder of the newest PostgreSQL's programs; Debian keeps them off the PATH."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found := shutil.which("initdb"):
        folders.append(Path(found).resolve().parent)
    if not folders:
        raise PostgresMissing("PostgreSQL is missing (Debian's package `postgresql`)")
    return max(folders, key=lambda folder: folder.parent.name.zfill(4))


@contextmanager
def cluster() -> Iterator[str]:
    """Start a cluster; gives the address of its empty database `evidesk`.

    It ends with this process, even if that is killed.
    """
    binaries = programs()
    # A socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="evidesk-postgres-", dir="/tmp"))
    as_somebody = _not_root(folder)

    def call(program: str, *arguments: str) -> None:
        subprocess.run(
            ["setpriv", *as_somebody, "--", str(binaries / program), *arguments],
            check=True, cwd=folder, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    data = str(folder / "data")
    socket = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
    try:
        call("initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig=QUIT", *as_somebody, "--"),
                    *(str(binaries / "postgres"), "-D", data, *socket, "-c", "max_connections=60"),
                ],
                cwd=folder, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            _wait_until_up(server, [str(binaries / "pg_isready"), "-q", "-h", str(folder)])
            call("createdb", "-h", str(folder), "-U", _USER, "evidesk")
            yield address(folder)
        finally:
            server.send_signal(signal.SIGQUIT)  # nobody needs what is in it
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_up(server: subprocess.Popen[bytes], ask: list[str]) -> None:
    while subprocess.run(ask, check=False).returncode:
        if server.poll() is not None:
            raise PostgresMissing(f"PostgreSQL ended at once (exit status {server.returncode}).")
        time.sleep(0.1)


def address(folder: Path, name: str = "evidesk") -> str:
    """The address of a database of the cluster whose socket lies in the folder."""
    return f"postgresql://{_USER}@{quote(str(folder), safe='')}/{name}"


def _not_root(folder: Path) -> list[str]:
    """If this is root, give the folder to `nobody`; returns what makes setpriv become nobody."""
    if os.getuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Generator[None]:
    """Before Django's settings are read; the processes of xdist inherit the variable."""
    if VARIABLE not in os.environ:
        running = cluster()
        os.environ[VARIABLE] = running.__enter__()
        _running.append(running)
    return (yield)


_running: list[object] = []


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    while _running:
        _running.pop().__exit__(None, None, None)  # type: ignore[attr-defined]
