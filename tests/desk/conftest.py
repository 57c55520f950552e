"""What the desk's tests share."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client

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


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """An empty place for files."""
    settings.MEDIA_ROOT = tmp_path / "files"
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


@pytest.fixture
def file_database(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[None]:
    """The migrated database as a file, as the desk has it, so that threads really compete."""
    with django_db_blocker.unblock():
        memory = connections["default"]
        memory.ensure_connection()
        options = connections.settings["default"]
        name = options["NAME"]
        options["NAME"] = str(tmp_path / "desk.sqlite3")
        file = connections.create_connection("default")
        file.ensure_connection()
        memory.connection.backup(file.connection)
        connections["default"] = file
        try:
            yield
        finally:
            file.close()
            options["NAME"] = name
            connections["default"] = memory
