"""What is lost when the desk's processes are killed while people write: nothing acknowledged.

`python benchmarks/desk_kills.py` kills web server and workers 200 times, on SQLite and on a private
PostgreSQL, and writes docs/tables/desk_kills.md. A small version runs in
tests/desk/operations/test_robustness.py.
"""

import contextlib
import hashlib
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.desk.desks import ROOT, Desk, a_desk
from tests.postgres import cluster

TABLE = ROOT / "docs" / "tables" / "desk_kills.md"
KILLS = 200
#: Seconds that a busy machine may take to bring a server up.
PATIENCE = 600
#: Seconds from one run that a consultant starts to the next.
RUN_EVERY = 10.0


@dataclass
class Acknowledged:
    """What the desk said it has."""

    messages: list[str] = field(default_factory=list)
    inquiries: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(kind) for kind in vars(self).values())


@dataclass
class Processes:
    """The web server and two workers of a desk, which are killed and started again."""

    desk: Desk
    port: int
    silence: float
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, name: str) -> None:
        web = [
            *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--workers", "2", "--blocking-threads", "2"),
            *("--log-level", "critical", "tests.desk.unlimited:application"),
        ]
        self.running[name] = subprocess.Popen(
            [sys.executable, *(web if name == "web" else ["-c", _worker(self.silence)])],
            env=self.desk.environment, cwd=ROOT, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if name == "web":
            self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.running["web"].poll() is not None:
                raise ChildProcessError("The web server ended by itself.")
            with contextlib.suppress(requests.RequestException):
                if requests.get(self.address + "/health/", timeout=2).ok:
                    return
            time.sleep(0.05)
        raise TimeoutError("The web server did not come up.")

    def kill(self, name: str) -> None:
        """kill -9: the server with its children; of a worker only itself."""
        process = self.running.pop(name)
        if name == "web":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _worker(silence: float) -> str:
    """A worker whose death is noticed after so many seconds."""
    return f"""
from datetime import timedelta
import sys
import django
django.setup()
from evidesk.desk.runs import actions as runs
from evidesk.desk.watches import steps
from evidesk.desk.workers import actions, heart
runs.SILENCE = steps.SILENCE = actions.SILENCE = timedelta(seconds={silence})
heart.BEAT = {silence / 6}
from django.core.management import call_command
call_command("db_worker", "--interval=0.3", "--no-startup-delay", "-v0")
"""


def kills(desk: Desk, *, kills: int, silence: float = 60.0, seed: int = 0) -> dict[str, int]:
    """Kill web server and workers in turn while people write, start runs and give batches to a
    watch; count what was lost.

    `silence` is how many seconds a dead worker stays unnoticed.
    """
    voucher, attachment, watch = _prepare(desk)
    processes = Processes(desk, _free_port(), silence)
    told, stop = Acknowledged(), threading.Event()
    writers = [
        threading.Thread(
            target=_keep_on,
            args=(writer, _Browser(processes.address, persona), voucher, told, stop),
        )
        for writer, persona in WRITERS.items()
    ]
    for name in ("web", "worker-1", "worker-2"):
        processes.start(name)
    try:
        for writer in writers:
            writer.start()
        starter = desk.start(START.format(attachment=attachment, watch=watch, every=RUN_EVERY))
        assert starter.stdout is not None
        _note(told, starter.stdout.readline())
        generator = random.Random(seed)
        for number in range(kills):
            _until_more(told)
            time.sleep(generator.uniform(0, 0.5))
            name = "web" if number % 2 == 0 else generator.choice(["worker-1", "worker-2"])
            processes.kill(name)
            processes.start(name)
        _until_more(told)
        stop.set()
        said, _ = starter.communicate()
        for line in said.splitlines():
            _note(told, line)
        for writer in writers:
            writer.join(30)
        under_way = _wait_for_runs(desk, silence)
    finally:
        stop.set()
        for name in list(processes.running):
            processes.kill(name)
    return {"kills": kills, "acknowledged": len(told), "under way": under_way, **_lost(desk, told)}


def _free_port() -> int:
    """A port below those that the kernel gives to clients: one of them, knocking at the port of a
    server that was killed, could be given that very port, and keep it.
    """
    for port in range(20_000 + os.getpid() % 5_000, 30_000):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError("No port is free.")


def _note(told: Acknowledged, line: str) -> None:
    """What the one that starts runs and gives batches has said."""
    run, batch = map(int, line.split())
    told.runs.append(run)
    told.batches.append(batch)


def _prepare(desk: Desk) -> tuple[str, int, int]:
    """The address of a voucher at work, a file on it, and a watch."""
    desk.command("collectstatic", "--noinput", "-v0")
    said = desk.python(
        """
from evidesk.desk.watches.actions import begin_watch
from tests.desk.watches.conftest import rows
voucher = voucher_in(State.ACTIVE, network)
reference = an_attachment(voucher, network, rows(4000))
watch = begin_watch(voucher, network.author, name="Leaks", reference=reference, parameters={})
print(voucher.reference, an_attachment(voucher, network).pk, watch.pk)
"""
    )
    reference, attachment, watch = said.split()
    return f"/vouchers/{reference}/", int(attachment), int(watch)


def _until_more(told: Acknowledged, more: int = 3) -> None:
    """Wait until something new was acknowledged, so that each kill meets a desk at work."""
    enough, deadline = len(told) + more, time.monotonic() + PATIENCE
    while len(told) < enough:
        if time.monotonic() > deadline:
            raise TimeoutError("Nothing is acknowledged any more.")
        time.sleep(0.01)


class _Browser:
    """Signs in where it has to; only a redirect to where it should go acknowledges a form."""

    def __init__(self, address: str, persona: str = "") -> None:
        self.session = requests.Session()
        self.address, self.persona, self.knows_us = address, persona, False

    def send(
        self, path: str, leads_to: str, files: Any = None, **form: Any
    ) -> re.Match[str] | None:
        """Send a form once; what its redirect leads to if it was acknowledged, or None."""
        try:
            if not self.knows_us:
                self._sign_in()
            return self._post(path, leads_to, files, form)
        except requests.RequestException:
            return None

    def _sign_in(self) -> None:
        self.session.get(self.address + "/sign-in/", timeout=20)
        if self.persona and not self._post("/sign-in/as/", "/", None, {"persona": self.persona}):
            raise requests.RequestException
        self.knows_us = True

    def _post(self, path: str, leads_to: str, files: Any, form: Any) -> re.Match[str] | None:
        form = {"csrfmiddlewaretoken": self.session.cookies.get("csrftoken"), **form}
        response = self.session.post(
            self.address + path, data=form, files=files, timeout=20, allow_redirects=False
        )
        if response.status_code != 302:
            return None
        return re.match(leads_to, response.headers["Location"])


def _write_messages(browser: _Browser, voucher: str, told: Acknowledged, number: int) -> None:
    text = f"message {number}"
    if browser.send(f"{voucher}messages/", ".*#event", text=text):
        told.messages.append(text)


def _write_inquiries(browser: _Browser, voucher: str, told: Acknowledged, number: int) -> None:
    text = f"inquiry {number}"
    if browser.send("/talk/", "/inquiries/", subject=text, text=text, email="a@example.org"):
        told.inquiries.append(text)


def _write_files(browser: _Browser, voucher: str, told: Acknowledged, number: int) -> None:
    content = f"file {number}".encode()
    if browser.send(f"{voucher}files/", ".*#files", files={"file": ("f.txt", content)}):
        told.files.append(hashlib.sha256(content).hexdigest())


#: Starts runs, gives batches, and says so. It is not killed: a server that lives for seconds has no
#: time to load the kits.
START = """
import itertools, sys, threading
from evidesk.desk.vouchers.models import Attachment
from evidesk.desk.watches.actions import add_batch
from evidesk.desk.watches.models import Watch
from tests.desk.watches.conftest import rows
stop = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
file = Attachment.objects.get(pk={attachment})
for number in itertools.count(1):
    batch = add_batch(
        Watch.objects.get(pk={watch}), network.author,
        upload(rows(20, seed=number), f"{{number}}.csv"),
    )
    print(a_run(file.voucher, network, file).pk, batch.pk, flush=True)
    if stop.wait({every}):
        break
"""


Writer = Callable[[_Browser, str, Acknowledged, int], None]
WRITERS: dict[Writer, str] = {
    _write_messages: "ada.author",
    _write_inquiries: "",
    _write_files: "ada.author",
}


def _keep_on(
    writer: Writer, browser: _Browser, voucher: str, told: Acknowledged, stop: threading.Event
) -> None:
    for number in itertools.count():
        if stop.wait(0.02):
            return
        writer(browser, voucher, told, number)


def _wait_for_runs(desk: Desk, silence: float) -> int:
    """How many runs and batches are still under way after all workers had time to notice and to
    finish.
    """
    said = desk.python(
        f"""
import time
from evidesk.desk.runs.models import Run, UNDER_WAY
from evidesk.desk.watches.models import Batch
def under_way():
    batches = Batch.objects.filter(state="waiting")
    return Run.objects.filter(state__in=UNDER_WAY).count() + batches.count()
deadline = time.monotonic() + 4 * {silence} + 20 * under_way()
while under_way() and time.monotonic() < deadline:
    time.sleep(0.5)
print(under_way())
"""
    )
    return int(said)


def _lost(desk: Desk, told: Acknowledged) -> dict[str, int]:
    """How much of what was acknowledged is not there, or there twice; how the runs ended; and
    whether the watch stands where an undisturbed one would.
    """
    said = desk.python(
        f"""
import hashlib, json, tempfile
from collections import Counter
from pathlib import Path
from evidesk.desk.audit.queries import verify
from evidesk.desk.runs.models import Run, StoredEvidence
from evidesk.desk.watches.models import Batch, Watch
from evidesk.kits import load
from evidesk.kits.execution import execute, parse
from evidesk.kits.watch_state import read_saved
from tests.desk.watches.conftest import rows
told = json.loads({json.dumps(json.dumps(vars(told)))})
messages = Counter(Event.objects.filter(kind="message").values_list("text", flat=True))
inquiries = Counter(Inquiry.objects.values_list("subject", flat=True))
files = Counter(Attachment.objects.values_list("sha256", flat=True))
runs = dict(Run.objects.values_list("pk", "state"))
lost = sum(messages[one] == 0 for one in told["messages"])
lost += sum(inquiries[one] == 0 for one in told["inquiries"])
lost += sum(files[one] == 0 for one in told["files"])
lost += sum(one not in runs for one in told["runs"])
lost += sum(not Batch.objects.filter(pk=one).exists() for one in told["batches"])
for one in Attachment.objects.all():
    lost += hashlib.sha256(one.path.read_bytes()).hexdigest() != one.sha256
doubled = sum(n > 1 for n in (*messages.values(), *inquiries.values()))
done = Counter(StoredEvidence.objects.values_list("run", flat=True))
watch = Watch.objects.get()
taken = list(watch.batches.filter(state="taken").order_by("number"))
with tempfile.TemporaryDirectory() as folder:
    reference = Path(folder) / "reference.csv"
    reference.write_bytes(rows(4000))
    batches = []
    for batch in taken:
        batches.append(Path(folder) / batch.name)
        batches[-1].write_bytes(rows(20, seed=int(batch.name[:-4])))
    kit = load("watch")
    values = {{**watch.parameters, "reference": reference, "current": batches}}
    [state] = execute(kit, parse(kit, values), agent="nobody").files
undisturbed = read_saved(state.text).batches
stands = watch.log_e == undisturbed[-1].log_wealth and watch.rows == 20 * len(taken)
stands &= [one.number for one in taken] == list(range(1, len(taken) + 1))
stands &= [one.pk for one in taken] == sorted(one.pk for one in taken)
print(json.dumps({{
    "lost": lost,
    "twice": doubled + sum(n > 1 for n in done.values()),
    "runs": len(runs),
    "succeeded": sum(state == "succeeded" for state in runs.values()),
    "failed": sum(state == "failed" for state in runs.values()),
    "batches": Batch.objects.count(),
    "refused": Batch.objects.count() - len(taken),
    "watch": int(not stands),
    "chain": len(verify().problems),
}}))
"""
    )
    return dict(json.loads(said))


def rows(database: str, found: dict[str, int]) -> list[str]:
    """The table's rows for one database."""
    begin, writes = f"| {database} | {found['kills']} |", f"{found['acknowledged']:,}"
    runs = f"{found['runs']} ({found['failed']} say that they lost their worker)"
    return [
        f"{begin} acknowledged writes that are lost | {writes} | {found['lost']} |",
        f"{begin} acknowledged writes that are there twice | {writes} | {found['twice']} |",
        f"{begin} runs and batches that seem to go on for ever | {runs} | {found['under way']} |",
        f"{begin} watches that do not stand where an undisturbed one would | 1 of "
        f"{found['batches']} batches ({found['refused']} say that they lost their workers) | "
        f"{found['watch']} |",
        f"{begin} breaks of the audit chain | 1 | {found['chain']} |",
    ]


def main() -> None:
    lines = [
        "| database | kill -9 | what | of | wrong |",
        "| --- | ---: | --- | ---: | ---: |",
    ]
    with tempfile.TemporaryDirectory() as folder, cluster() as server:
        for name, address in (("SQLite", ""), ("PostgreSQL", server)):
            with a_desk(Path(folder) / name, address) as desk:
                found = kills(desk, kills=KILLS)
            print(name, found, flush=True)
            lines += rows(name, found)
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
