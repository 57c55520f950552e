"""What the desk's tests share."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import translation

from evidesk.desk.people.models import Person
from tests.desk.network import Network, a_network
from tests.evidence.samples import an_evidence


@pytest.fixture
def network(db: Any) -> Network:
    return a_network()


@pytest.fixture(autouse=True)
def static(settings: Any) -> None:
    """The folder that the static files would be collected in; its absence is warned of."""
    settings.STATIC_ROOT.mkdir(exist_ok=True)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """A request leaves its language active in the thread; the next test begins without."""
    yield
    translation.deactivate()


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """An empty place for files."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.CHECKPOINT_ROOT = tmp_path / "checkpoints"
    return tmp_path / "files"


@pytest.fixture(scope="session")
def crate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zipped crate as it comes from elsewhere."""
    return an_evidence().write(tmp_path_factory.mktemp("crate") / "evidence.zip")


@pytest.fixture(scope="session")
def crates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirty crates that differ."""
    folder = tmp_path_factory.mktemp("crates")
    return [
        an_evidence(later=timedelta(hours=hour)).write(folder / f"{hour}.zip") for hour in range(30)
    ]


def signed_in(person: Person | None, **options: Any) -> Client:
    """A browser on the desk's own machine in which the person is signed in; nobody for None."""
    client = Client(HTTP_HOST="localhost", **options)
    if person is not None:
        client.force_login(person)
    return client


@pytest.fixture(scope="session")
def migrated(django_db_setup: None, django_db_blocker: Any) -> None:
    """A database with its tables, also where no test asks for one in the usual way."""
    with django_db_blocker.unblock():
        if not MigrationRecorder(connections["default"]).has_table():
            call_command("migrate", verbosity=0)


@pytest.fixture
def file_database(migrated: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[None]:
    """A migrated database as the desk has it, beside that of the other tests, so that threads
    really compete: a file, or a PostgreSQL database of its own.
    """
    copy = _copy_in_postgresql if connections["default"].vendor == "postgresql" else _copy_in_file
    with django_db_blocker.unblock(), copy(tmp_path):
        yield


@contextmanager
def _copy_in_file(folder: Path) -> Iterator[None]:
    memory = connections["default"]
    memory.ensure_connection()
    with _connected_to(str(folder / "desk.sqlite3")) as file:
        file.ensure_connection()
        memory.connection.backup(file.connection)
        yield


@contextmanager
def _copy_in_postgresql(folder: Path) -> Iterator[None]:
    tests = connections["default"]
    tests.close()  # nobody may look at what is copied
    model, name = tests.settings_dict["NAME"], f"{tests.settings_dict['NAME']}_copy"
    with tests._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{model}"')
    try:
        with _connected_to(name):
            yield
    finally:
        with tests._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _connected_to(name: str) -> Iterator[Any]:
    """Another database, in this thread and in those that are started."""
    before, options = connections["default"], connections.settings["default"]
    kept = options["NAME"]
    options["NAME"] = name
    connections["default"] = other = connections.create_connection("default")
    try:
        yield other
    finally:
        other.close()
        options["NAME"] = kept
        connections["default"] = before
