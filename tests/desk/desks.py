"""Whole desks in processes of their own, on whichever database the tests run."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.postgres import VARIABLE

#: Begins every script: Django is ready, and a network of people is at hand as `network`.
PRELUDE = """
import django
django.setup()
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import *
from tests.desk.network import *
from tests.desk.desks import the_network
network = the_network()
"""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Desk:
    """A migrated, empty desk."""

    data: Path
    environment: dict[str, str]

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `evidesk desk ...`."""
        done = subprocess.run(
            [sys.executable, "-m", "evidesk", "desk", *arguments],
            env=self.environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert not (check and done.returncode), done.stdout + done.stderr
        return done

    def start(self, script: str) -> subprocess.Popen[str]:
        """Start a Python script beside; it ends when its standard input is closed, if it cares."""
        return subprocess.Popen(
            [sys.executable, "-c", PRELUDE + script],
            env=self.environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def python(self, script: str) -> str:
        """Run a Python script and return what it printed."""
        process = self.start(script)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        return said

    def rows(self) -> str:
        """Everything in the database, as JSON."""
        return self.command("dumpdata").stdout

    def files(self) -> dict[str, bytes]:
        """Every file that the desk keeps."""
        root = self.data / "files"
        return {str(file.relative_to(root)): file.read_bytes() for file in root.glob("??/*")}


@contextmanager
def a_desk(data: Path, server: str = "") -> Iterator[Desk]:
    """A new desk in the folder: on SQLite, or in a new database of the PostgreSQL at `server`."""
    with _a_database(server) as url:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("EVIDESK_")}
        environment |= {
            "EVIDESK_DEMO": "1",
            "EVIDESK_DATA_DIR": str(data),
            # What is killed leaves its temporary files where the desk is.
            "TMPDIR": str(data / "tmp"),
            "EVIDESK_DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "evidesk.desk.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        desk = Desk(data, environment)
        (data / "tmp").mkdir(parents=True)
        desk.command("migrate", "--verbosity=0")
        yield desk


@contextmanager
def _a_database(server: str) -> Iterator[str]:
    """The address of a new database; none for SQLite."""
    if not server:
        yield ""
        return
    import psycopg

    _count.append(None)
    name = f"desk_{os.getpid()}_{len(_count)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


_count: list[None] = []


def the_network():  # type: ignore[no-untyped-def]
    """The small network, made at the first call."""
    from dataclasses import fields

    from evidesk.desk.people.models import Person, Unit
    from tests.desk.network import Network, a_network

    if not Person.objects.exists():
        return a_network()
    people = {person.subject.split(".")[0]: person for person in Person.objects.all()}
    keys = {
        "author": "ada", "stranger": "sam", "colleague": "cleo", "consultant": "cyra",
        "outsider": "otto", "lead": "lena", "lead_elsewhere": "lew", "office": "olga",
    }  # fmt: skip
    units = {unit.slug: unit for unit in Unit.objects.all()}
    found = units | {name: people[key] for name, key in keys.items()}
    return Network(**{field.name: found[field.name] for field in fields(Network)})


def server_of_the_tests() -> str:
    """The PostgreSQL that the tests run on; empty for SQLite."""
    return os.environ.get(VARIABLE, "")


Desks = Callable[[], Desk]
