"""`evidesk demo`: a desk with demo data, and its worker, in one command."""

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType

_HOST = "127.0.0.1"
#: Ctrl-C, `kill`, and the terminal's window closed.
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What tells a demo's folder from anybody else's.
_MARKER = "this-is-a-demo"
#: How long the server may take to answer for the first time, in seconds.
_PATIENCE = 60.0
#: How long a process may take to end by itself, in seconds.
_GRACE = 5.0


class CannotServe(Exception):
    """The demo cannot start; the message says why and what to do."""


class _Stop(Exception):
    """Somebody pressed Ctrl-C, or the system asked us to end."""


def serve(data: Path, *, port: int, fresh: bool) -> int:
    """Prepare the data, start web server and worker, and wait. Returns the exit status."""
    address, port = _free_address(port)
    _check_is_demo(data)
    if fresh and data.exists():
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / _MARKER).touch()
    os.environ |= {
        "EVIDESK_DEMO": "1",
        "EVIDESK_DATA_DIR": str(data),
        "EVIDESK_BASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings",
    }
    _prepare(data)
    processes: list[subprocess.Popen[bytes]] = []
    for number in _ENDINGS:
        signal.signal(number, _stop)
    try:
        # In sessions of their own, so that Ctrl-C reaches only us and we end them in order.
        web = [
            *("granian", "--interface", "wsgi", "--host", _HOST, "--port", str(port)),
            *("--workers", "1", "--blocking-threads", "4", "--log-level", "warning"),
            "evidesk.desk.wsgi:application",
        ]
        worker = ["django", "db_worker", "--interval", "0.3", "--no-startup-delay", "-v", "0"]
        processes += [
            subprocess.Popen([sys.executable, "-m", *command], start_new_session=True)
            for command in (web, worker)
        ]
        _wait_until_up(address, processes)
        _greet(address, data)
        return _watch(processes)
    except _Stop:
        print("\nEnding the desk and its worker ...", flush=True)
        return 0
    finally:
        for number in _ENDINGS:  # a second Ctrl-C must not leave anything behind
            signal.signal(number, signal.SIG_IGN)
        _end(processes)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stop


def _free_address(port: int) -> tuple[str, int]:
    """The address to serve at; 0 takes any free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            raise CannotServe(
                f"Port {port} is taken, perhaps by another demo. "
                f"End that one, or choose another with --port {port + 1} "
                f'(make demo DEMO="--port {port + 1}").'
            ) from None
        port = probe.getsockname()[1]
    return f"http://{_HOST}:{port}/", port


def _check_is_demo(data: Path) -> None:
    """Neither fill nor remove a folder that is something else, such as a real desk's."""
    if data.exists() and any(data.iterdir()) and not (data / _MARKER).exists():
        raise CannotServe(
            f"{data} holds something that is not a demo's, so it is left alone. "
            "Choose another folder with --data."
        )


def _prepare(data: Path) -> None:
    """Database, static files and demo data; quick when they are there already."""
    import django
    from django.core.management import call_command

    django.setup()
    from evidesk.desk.demo.load import is_loaded, load

    _say("Preparing the database")
    call_command("migrate", verbosity=0, interactive=False)
    stamp, digest = data / "static-version", _static_digest()
    if not stamp.exists() or stamp.read_text() != digest:
        _say("Collecting styles and scripts")
        call_command("collectstatic", verbosity=0, interactive=False)
        stamp.write_text(digest)
    if not is_loaded():
        _say("Filling in the demo: people, vouchers, and three real runs of the accuracy kit")
        load()


def _static_digest() -> str:
    """Changes when what is served changes."""
    from importlib.metadata import version

    own = Path(__file__).parents[1] / "static" / "evidesk"
    content = b"".join(file.read_bytes() for file in sorted(own.iterdir()))
    packages = " ".join(version(name) for name in ("django", "django-htmx", "django-ninja"))
    return hashlib.sha256(content + packages.encode()).hexdigest()


def _say(what: str) -> None:
    print(f"{what} ...", flush=True)


def _wait_until_up(address: str, processes: list[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + _PATIENCE
    # Not through a proxy: it could not reach this machine's loopback.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if any(process.poll() is not None for process in processes):
            raise CannotServe("The desk ended at once; its message is above.")
        try:
            with direct.open(address + "health/", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise CannotServe(f"The desk did not answer at {address} within {_PATIENCE:.0f} s.")


def _greet(address: str, data: Path) -> None:
    from evidesk.desk.people.queries import personas

    print(f"\n  The desk is open:  {address}\n\n  Sign in at {address}sign-in/ as one of:")
    for person in personas():
        print(f"    {person.name:<20} {person.persona.line}")
    print(
        f"\n  Its data are in {data} and stay there; --fresh starts anew (make demo DEMO=--fresh)."
    )
    print("  Ctrl-C ends the desk and its worker.", flush=True)


def _watch(processes: list[subprocess.Popen[bytes]]) -> int:
    """Wait until one of them ends, which none should."""
    while all(process.poll() is None for process in processes):
        time.sleep(0.3)
    print("The desk or its worker ended unexpectedly; ending the other.", file=sys.stderr)
    return 1


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """Ask twice (the worker finishes its task after the first time), then insist."""
    for ask in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        running = [process for process in processes if process.poll() is None]
        for process in running:
            process.send_signal(ask)
        deadline = time.monotonic() + _GRACE
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                continue
