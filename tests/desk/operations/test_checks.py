"""A bad configuration is told in plain words, with what to do."""

import os
import shutil
from collections import namedtuple
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from evidesk.desk.operations import checks, live_checks
from evidesk.desk.vouchers.models import Event, State
from evidesk.desk.workers.actions import check_in
from tests.desk.desks import Desks
from tests.desk.network import Network, voucher_in
from tests.desk.workers.test_workers import a_job

GOOD_KEY = "".join(chr(65 + n % 50) for n in range(64))


def ids(found: Any) -> list[str]:
    """The numbers of what was found; each has words and a hint."""
    messages: list[CheckMessage] = list(found)
    assert all(message.msg and message.hint for message in messages)
    return [str(message.id).removeprefix("evidesk.") for message in messages]


@pytest.fixture
def real(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Settings of a desk that is no demo, and nothing wrong with it."""
    settings.DEMO = False
    settings.DATA_DIR = tmp_path
    settings.SECRET_KEY = GOOD_KEY
    settings.ALLOWED_HOSTS = ["desk.example.org"]
    monkeypatch.setenv("EVIDESK_DATA_DIR", str(tmp_path))
    return settings


def test_a_good_configuration_is_left_in_peace(real: Any) -> None:
    for check in (checks.data_folder, checks.secret_key, checks.hosts, checks.static_files):
        assert ids(check()) == []
    assert ids(checks.sqlite_is_on_this_machine()) == []


def test_a_data_folder_that_cannot_be_is_named(real: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    real.DATA_DIR = tmp_path / "file" / "below"
    assert ids(checks.data_folder()) == ["E001"]


def test_a_data_folder_that_cannot_be_written_is_named(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert ids(checks.data_folder()) == ["E002"]


def test_a_data_folder_that_moves_with_the_shell_is_warned_of(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVIDESK_DATA_DIR", "var")
    assert ids(checks.data_folder()) == ["W003"]
    monkeypatch.delenv("EVIDESK_DATA_DIR")
    assert ids(checks.data_folder()) == ["W003"]


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/my\\040disk xfs rw 0 0
//nas/share /mnt/nas cifs rw 0 0
me@host: /mnt/ssh fuse.sshfs rw 0 0
first /mnt/twice ext4 rw 0 0
second /mnt/twice nfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/evidesk", "ext4"),
        ("/home/ada/desk", "nfs4"),
        ("/home/my disk/desk", "xfs"),
        ("/homestead", "ext4"),
        ("/mnt/nas", "cifs"),
        ("/mnt/ssh/desk", "fuse.sshfs"),
        ("/mnt/twice/desk", "nfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount(
    path: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real: Any
) -> None:
    (tmp_path / "mounts").write_text(MOUNTS)
    assert checks.file_system_of(Path(path), tmp_path / "mounts") == kind
    assert checks.file_system_of(Path(path), tmp_path / "none") == ""
    monkeypatch.setattr(checks, "file_system_of", lambda *_: kind)
    expected = ["E004"] if connection.vendor == "sqlite" and kind not in ("ext4", "xfs") else []
    assert ids(checks.sqlite_is_on_this_machine()) == expected


@pytest.mark.parametrize("key", ["short", "a" * 100, "django-insecure-" + GOOD_KEY])
def test_a_secret_key_that_can_be_guessed_is_warned_of(real: Any, key: str) -> None:
    real.SECRET_KEY = key
    assert ids(checks.secret_key()) == ["W005"]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["*"], ["W006"]),
        (["localhost", "127.0.0.1", "[::1]"], ["W007"]),
        (["https://desk.example.org"], ["E008"]),
        (["desk.example.org:443"], ["E008"]),
        ([""], ["W007", "E008"]),
        ([".example.org", "192.0.2.1", "[2001:db8::1]"], []),
    ],
)
def test_names_under_which_nobody_or_everybody_reaches_the_desk_are_told(
    real: Any, hosts: list[str], expected: list[str]
) -> None:
    real.ALLOWED_HOSTS = hosts
    assert ids(checks.hosts()) == expected
    real.DEMO = True
    assert ids(checks.hosts()) == []


def test_static_files_that_are_missing_or_old_are_told(real: Any, tmp_path: Path) -> None:
    real.STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.Whatever"}}
    real.STATIC_ROOT = tmp_path
    assert ids(checks.static_files()) == ["W009"]
    manifest = tmp_path / "staticfiles.json"
    manifest.touch()
    assert ids(checks.static_files()) == []
    os.utime(manifest, (0, 0))
    assert ids(checks.static_files()) == ["W010"]


# Live


def test_a_database_that_cannot_be_reached_is_told_with_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused\n")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    (message,) = live_checks.database()
    assert message.msg == "The database cannot be reached: connection refused"
    assert message.id == "evidesk.E011"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the database says, changed."""
    changed: dict[str, str] = (
        {} if connection.vendor == "postgresql" else {"PRAGMA journal_mode": "wal"}
    )
    ask = live_checks._ask
    monkeypatch.setattr(live_checks, "_ask", lambda sql: changed.get(sql) or ask(sql))
    return changed


def test_a_database_without_what_the_desk_needs_is_told(db: None, answers: dict[str, str]) -> None:
    check_in("one")
    assert ids(live_checks.database()) == []
    answers |= {
        "PRAGMA journal_mode": "delete",
        "SHOW server_encoding": "LATIN1",
        "SHOW transaction_read_only": "on",
    }
    expected = ["W012"] if connection.vendor == "sqlite" else ["E013", "E014"]
    assert ids(live_checks.database()) == expected


def test_a_database_of_another_version_is_told(db: None, answers: dict[str, str]) -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_applied("vouchers", "9999_from_the_future")
    recorder.record_applied("other", "0001_of_an_app_that_is_not_ours")
    assert ids(live_checks.database()) == ["E016"]
    recorder.record_unapplied("vouchers", "9999_from_the_future")
    recorder.record_unapplied("workers", "0001_initial")
    assert ids(live_checks.database()) == ["E015"]


def test_jobs_that_wait_for_no_worker_are_told(db: None, answers: dict[str, str]) -> None:
    assert ids(live_checks.database()) == ["I018"]
    a_job(status="READY")
    assert ids(live_checks.database()) == ["W017"]
    check_in("one")
    assert ids(live_checks.database()) == []


def test_a_clock_that_is_wrong_is_told(
    network: Network, answers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check_in("one")
    voucher_in(State.SUBMITTED, network)
    assert ids(live_checks.database()) == []
    Event.objects.update(at=timezone.now() + timedelta(hours=1))
    assert ids(live_checks.database()) == ["W020"]
    Event.objects.update(at=timezone.now())
    before = timezone.now() - timedelta(seconds=30)
    monkeypatch.setattr(live_checks.timezone, "now", lambda: before)
    expected = ["W020"] if connection.vendor == "sqlite" else ["W019", "W020"]
    assert ids(live_checks.database()) == expected


def test_a_disk_that_is_nearly_full_is_told(
    real: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usage = namedtuple("usage", "total used free")
    real.DATA_DIR = tmp_path / "not" / "yet"
    for free, expected in ((10 * 2**30, []), (2**30, ["W021"])):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(0, 0, free))
        assert ids(live_checks.disk()) == expected


def test_the_command_explains_everything_at_once_and_other_commands_do_not(
    new_desk: Desks, tmp_path: Path
) -> None:
    desk = new_desk()
    desk.environment.update(EVIDESK_DEMO="0", EVIDESK_SECRET_KEY="short", EVIDESK_HOSTS="localhost")
    said = desk.command("check").stderr
    for words in ("can be guessed", "only to this machine", "collectstatic", "No worker"):
        assert words in said
    assert "No worker" not in desk.command("showmigrations", "people").stderr
    desk.environment["EVIDESK_DATABASE_URL"] = "postgresql://desk:hush@127.0.0.1:9/desk"
    done = desk.command("check", check=False)
    assert done.returncode == 1
    assert "The database cannot be reached" in done.stderr
    assert "hush" not in done.stderr
