"""What the desk's pages cost with 1,000 and 10,000 vouchers, and ColdFront's in the same run.

`python benchmarks/desk.py` writes docs/tables/desk_pages.md. Both are served by one granian worker
on loopback, from SQLite; `hey` asks for one page after the other. CPU is what the server's
processes used, user and system, a request; the number of queries is counted by the test client.
ColdFront (PyPI) has an environment of its own, made by `make bench`; without it only the desk is
measured.
"""

import csv
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "tables" / "desk_pages.md"
COLDFRONT = ROOT / ".venv" / "coldfront" / "bin" / "python"
SEED = ROOT / "benchmarks" / "coldfront" / "seed.py"
SIZES = (1_000, 10_000)
WARM_UPS, REQUESTS = 4, 40
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Page:
    """A page to ask for, by whom, and how many queries it needs."""

    name: str
    who: str
    address: str
    session: str
    queries: int


@dataclass(frozen=True)
class Cost:
    """Milliseconds: CPU a request, median and 95th percentile of the answer's time."""

    cpu: float
    p50: float
    p95: float


def main() -> None:
    if shutil.which("hey") is None:
        sys.exit("This benchmark needs hey (Debian: apt install hey).")
    peer = COLDFRONT.exists()
    if not peer:
        print("ColdFront is not there (make bench installs it): measuring the desk alone.")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        desk, coldfront = Path(folder, "desk"), Path(folder, "coldfront")
        desk.mkdir()
        coldfront.mkdir()
        begin_desk(desk)
        if peer:
            run_coldfront(coldfront, "-m", "coldfront", "initial_setup", "-f")
        for size in SIZES:
            grow(size)
            rows += measure("evidesk", size, serve_desk(), desk_pages())
            if peer:
                told = json.loads(run_coldfront(coldfront, str(SEED), str(size)).splitlines()[-1])
                pages = [
                    Page(name, "office", address, told["session"], queries)
                    for name, (address, queries) in told["pages"].items()
                ]
                rows += measure("ColdFront", size, serve_coldfront(coldfront), pages)
    head = "| records | desk | page | as | queries | CPU ms | p50 ms | p95 ms |"
    lines = [head, "| ---: | --- | --- | --- | ---: | ---: | ---: | ---: |", *rows]
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


# The desk


def begin_desk(folder: Path) -> None:
    """An empty desk with the demo in it, in this process and for its server."""
    os.environ |= {
        "EVIDESK_DEMO": "1",
        "EVIDESK_DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings",
    }
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from evidesk.desk.demo.load import load

    load()


def grow(size: int) -> None:
    """Copies of the demo's vouchers, with their events, until there are `size`."""
    from django.db import transaction

    from evidesk.desk.lists.actions import reindex
    from evidesk.desk.vouchers.models import Event, Voucher

    models = list(Voucher.objects.order_by("pk").prefetch_related("events")[:42])
    number = Voucher.objects.count()
    copies, events = [], []
    for model in islice(cycle(models), size - number):
        number += 1
        copy = Voucher(**{f.attname: getattr(model, f.attname) for f in model._meta.fields})
        copy.pk, copy.reference = None, f"V-2020-{number:05d}"
        copies.append(copy)
        events.append([(e.at, e.actor_id, e.kind, e.text, e.data) for e in model.events.all()])
    with transaction.atomic():
        for copy, told in zip(Voucher.objects.bulk_create(copies), events, strict=True):
            Event.objects.bulk_create(
                Event(voucher=copy, at=at, actor_id=actor, kind=kind, text=text, data=data)
                for at, actor, kind, text, data in told
            )
    reindex()


def desk_pages() -> list[Page]:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from evidesk.desk.people.models import Person
    from evidesk.desk.vouchers.models import Voucher

    detail = Voucher.objects.filter(title__startswith="Three networks").earliest("pk").reference
    addresses = {
        "list, 25 rows": "/vouchers/?state=",
        "list, last page": "/vouchers/?state=&page=9999",
        "list, searched: network": "/vouchers/?q=network",
        "list, searched: the": "/vouchers/?q=the",
        "list, searched and filtered": "/vouchers/?q=earthquake+-noise&kind=exploration&sort=title",
        "first page": "/",
        "detail, with evidence": f"/vouchers/{detail}/",
    }
    pages = []
    for who in ("office", "jonas", "mara"):
        client = Client(SERVER_NAME="localhost")
        client.force_login(Person.objects.get(subject=who))
        shown = addresses
        if who == "office":
            shown = addresses | {
                "statistics": "/office/",
                "statistics of a unit": "/office/?unit=matter",
            }
        for name, address in shown.items():
            assert client.get(address).status_code == 200, address
            with CaptureQueriesContext(connection) as captured:
                client.get(address)
            session = client.cookies["sessionid"].value
            pages.append(Page(name, who, address, session, len(captured)))
    return pages


def serve_desk() -> tuple[list[str], dict[str, str], Path]:
    return [sys.executable, "evidesk.desk.wsgi:application"], {**os.environ}, ROOT


# ColdFront


def coldfront_environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EVIDESK_")}
    kept.pop("PYTHONPATH", None)
    return kept | {
        "DJANGO_SETTINGS_MODULE": "coldfront.config.settings",
        "DB_URL": f"sqlite:///{folder / 'coldfront.db'}",
        "SECRET_KEY": "of a benchmark",
        "TIME_ZONE": "Europe/Berlin",
    }


def run_coldfront(folder: Path, *arguments: str) -> str:
    if arguments[:2] == ("-m", "coldfront"):
        arguments = (str(COLDFRONT.with_name("coldfront")), *arguments[2:])
    done = subprocess.run(
        [str(COLDFRONT), *arguments],
        env=coldfront_environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def serve_coldfront(folder: Path) -> tuple[list[str], dict[str, str], Path]:
    command = [str(COLDFRONT), "coldfront.config.wsgi:application"]
    return command, coldfront_environment(folder), folder


# Measuring


def measure(
    desk: str, size: int, server: tuple[list[str], dict[str, str], Path], pages: list[Page]
) -> list[str]:
    """Rows of the table."""
    rows = []
    with served(*server) as (pid, address):
        for page in pages:
            ask(address, page, WARM_UPS)
            before = cpu_seconds(pid)
            times = ask(address, page, REQUESTS)
            cost = Cost(
                1e3 * (cpu_seconds(pid) - before) / REQUESTS,
                1e3 * statistics.median(times),
                1e3 * statistics.quantiles(times, n=20)[-1],
            )
            rows.append(
                f"| {size:,} | {desk} | {page.name} | {page.who} | {page.queries} | {cost.cpu:.1f} "
                f"| {cost.p50:.1f} | {cost.p95:.1f} |"
            )
            print(rows[-1], flush=True)
    return rows


@contextmanager
def served(
    command: list[str], environment: dict[str, str], folder: Path
) -> Iterator[tuple[int, str]]:
    """One granian worker; gives its process and address."""
    python, application = command
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
         "--workers", "1", "--no-log", application],
        env=environment, cwd=folder,
    )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield server.pid, f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def ask(address: str, page: Page, requests: int) -> list[float]:
    """Ask for the page one time after the other; returns how long each answer took, in seconds."""
    done = subprocess.run(
        ["hey", "-n", str(requests), "-c", "1", "-o", "csv",
         "-H", f"Cookie: sessionid={page.session}", address + page.address],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(answers) == requests, done.stderr
    assert {answer["status-code"] for answer in answers} == {"200"}, (page, answers[0])
    return [float(answer["response-time"]) for answer in answers]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all processes below it, ended ones too."""
    found, seconds = [pid], 0.0
    while found:
        one = Path("/proc", str(found.pop()))
        after_name = (one / "stat").read_text().rpartition(")")[2].split()
        seconds += sum(map(int, after_name[11:15])) / TICKS
        for task in (one / "task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return seconds


if __name__ == "__main__":
    main()
