"""Backup and restore within one process: what is refused, and what is put back."""

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from evidesk.desk.operations import backup, databases, restore
from evidesk.desk.operations.databases import OperationFailed
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from tests.desk.network import Network, a_network, an_attachment, upload, voucher_in


@pytest.fixture
def desk(file_database: None, media: Path) -> Network:
    """A database that is really there, with people and a file."""
    network = a_network()
    an_attachment(voucher_in(State.ACTIVE, network), network)
    return network


def test_every_model_that_speaks_of_a_file_is_backed_up() -> None:
    found = {
        model
        for model in apps.get_models()
        if any(field.name == "sha256" for field in model._meta.fields)
    }
    assert found == set(backup.KEEPS_FILES)


def test_what_was_done_since_is_undone(desk: Network, tmp_path: Path, media: Path) -> None:
    file = tmp_path / "desk.tar"
    call_command("backup", file)
    people, files = Person.objects.count(), sorted(media.glob("??/*"))
    voucher = Voucher.objects.get()
    later = actions.attach(voucher, desk.author, upload(b"later"))
    files[0].write_bytes(b"damaged")
    with pytest.raises(CommandError, match="is not empty"):
        call_command("restore", file)
    assert Attachment.objects.count() == 2
    call_command("restore", file, "--overwrite")
    assert (Person.objects.count(), Attachment.objects.count()) == (people, 1)
    assert Attachment.objects.get().path.read_bytes() != b"damaged"
    assert later.path.exists(), "nothing is deleted; nobody speaks of it any more"
    assert list(media.glob("incoming*")) == []


def test_files_that_are_lost_or_damaged_are_told_and_the_rest_is_kept(
    desk: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voucher = Voucher.objects.get()
    lost = actions.attach(voucher, desk.author, upload(b"lost"))
    changed = actions.attach(voucher, desk.author, upload(b"changed"))
    lost.path.unlink()
    changed.path.write_bytes(b"otherwise")
    file = tmp_path / "desk.tar"
    with pytest.raises(CommandError, match="2 files that rows speak of were missing or damaged"):
        call_command("backup", file)
    call_command("restore", file, "--overwrite")
    assert "2 files" in capsys.readouterr().err
    assert Attachment.objects.count() == 3


def test_a_backup_is_there_whole_or_not_at_all(
    desk: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "backups" / "desk.tar"
    with pytest.raises(CommandError, match="could not be written"):
        call_command("backup", file)
    file.parent.mkdir()
    file.write_text("yesterday's")
    with pytest.raises(CommandError, match="exists"):
        call_command("backup", file)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_add_files", full)
    with pytest.raises(CommandError, match="No space left on device"):
        call_command("backup", file, "--overwrite")
    assert [each.name for each in file.parent.iterdir()] == ["desk.tar"]
    assert file.read_text() == "yesterday's"


def test_a_restore_that_fails_at_last_takes_its_files_away_again(
    desk: Network, tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "desk.tar"
    call_command("backup", file)
    path = Attachment.objects.get().path
    path.unlink()

    def fail(dump: Path) -> None:
        assert path.exists()
        raise OperationFailed("The lights went out.")

    monkeypatch.setattr(restore, "load", fail)
    with pytest.raises(CommandError, match="The lights went out"):
        call_command("restore", file, "--overwrite")
    assert not path.exists()
    assert list(media.glob("incoming*")) == []


def test_a_backup_of_a_newer_version_or_another_database_is_refused(
    desk: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "desk.tar"
    MigrationRecorder(connection).record_applied("vouchers", "9999_from_the_future")
    call_command("backup", file)
    with pytest.raises(CommandError, match="newer than this one"):
        call_command("restore", file, "--overwrite")
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    MigrationRecorder(connection).record_unapplied("vouchers", "9999_from_the_future")
    monkeypatch.setattr(restore, "connection", type("Other", (), {"vendor": other}))
    monkeypatch.setattr(restore, "_check_may_replace", lambda overwrite: None)
    with pytest.raises(OperationFailed, match="The backup is of a desk on"):
        restore.restore(file, overwrite=True)


def test_a_backup_of_an_older_version_says_that_migrations_wait(
    desk: Network, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "desk.tar"
    MigrationRecorder(connection).record_unapplied("workers", "0001_initial")
    call_command("backup", file)
    MigrationRecorder(connection).record_applied("workers", "0001_initial")
    call_command("restore", file, "--overwrite")
    assert "Run now: evidesk desk migrate" in capsys.readouterr().out


def test_without_the_clients_of_postgresql_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert databases._program("sh").endswith("/sh")
    with pytest.raises(OperationFailed, match="postgresql-client"):
        databases._program("pg_nothing")
