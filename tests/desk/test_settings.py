"""Settings come from the environment, say what is wrong with it, and are all documented."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from evidesk.desk import database
from evidesk.desk import settings as module

ROOT = Path(__file__).parents[2]


def load(expression: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a new process and print the expression."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("EVIDESK_")}
    return subprocess.run(
        [sys.executable, "-c", f"from evidesk.desk import settings as s; print(({expression}))"],
        env=kept | environment, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


def value(expression: str, folder: Path, **environment: str) -> str:
    done = load(expression, folder, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_a_secret_key_the_desk_does_not_start(tmp_path: Path) -> None:
    done = load("s.DEMO", tmp_path)
    assert done.returncode == 1
    assert "ImproperlyConfigured: Set EVIDESK_SECRET_KEY to a long random text" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["many", "", "-1", "1.5", "1e3"])
@pytest.mark.parametrize(
    "name", ["EVIDESK_MAX_UPLOAD_MB", "EVIDESK_RUN_MINUTES", "EVIDESK_RUN_MEMORY_MB"]
)
def test_a_number_that_is_none_is_named(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(module.ImproperlyConfigured) as fault:
        module._number(name, 1)
    assert str(fault.value) == f"{name} must be a whole number, but is {text!r}."


def test_a_bad_number_stops_the_desk(tmp_path: Path) -> None:
    done = load("s", tmp_path, EVIDESK_SECRET_KEY="k", EVIDESK_RUN_MINUTES="an hour")
    assert "EVIDESK_RUN_MINUTES must be a whole number, but is 'an hour'" in done.stderr


def test_what_the_environment_says_is_done(tmp_path: Path) -> None:
    told = value(
        "s.SECRET_KEY, s.MAX_UPLOAD_BYTES, s.RUN_SECONDS, s.RUN_MEMORY_BYTES, s.ALLOWED_HOSTS, "
        "str(s.MEDIA_ROOT), s.DEMO, s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE, s.DEBUG",
        tmp_path,
        EVIDESK_SECRET_KEY="long and random",
        EVIDESK_MAX_UPLOAD_MB="2",
        EVIDESK_RUN_MINUTES="3",
        EVIDESK_RUN_MEMORY_MB="4",
        EVIDESK_HOSTS="desk.example.org, www.example.org",
        EVIDESK_DATA_DIR=str(tmp_path / "data"),
    )
    assert told == str(
        (
            "long and random", 2 * 2**20, 180, 4 * 2**20, ["desk.example.org", "www.example.org"],
            str(tmp_path / "data" / "files"), False, True, True, False,
        )
    )  # fmt: skip


def test_a_demo_makes_its_own_key_and_keeps_it_for_itself(tmp_path: Path) -> None:
    demo = {"EVIDESK_DEMO": "1", "EVIDESK_DATA_DIR": str(tmp_path / "demo")}
    first = value("s.SECRET_KEY", tmp_path, **demo)
    assert len(first) > 50
    assert value("s.SECRET_KEY", tmp_path, **demo) == first
    assert (tmp_path / "demo" / "secret-key").stat().st_mode & 0o777 == 0o600
    assert value("s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS", tmp_path, **demo) == "(False, 0)"


POSTGRES = "postgresql://desk:hush%40home@db.example.org:5433/network?sslmode=require"


def test_postgresql_is_used_where_the_environment_names_it(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("in the file\n")
    told = value(
        "s.DATABASES['default']",
        tmp_path,
        EVIDESK_SECRET_KEY="k",
        EVIDESK_DATABASE_URL=POSTGRES,
        EVIDESK_DATABASE_PASSWORD_FILE=str(tmp_path / "password"),
    )
    assert told == str(database.postgresql(POSTGRES, tmp_path / "password"))
    found = database.postgresql(POSTGRES)
    assert [found[place] for place in ("NAME", "USER", "PASSWORD", "HOST", "PORT")] == [
        "network", "desk", "hush@home", "db.example.org", "5433",
    ]  # fmt: skip
    assert found["OPTIONS"]["sslmode"] == "require"
    assert database.postgresql(POSTGRES, tmp_path / "password")["PASSWORD"] == "in the file"
    kept = value("s.DATABASES['default']['ENGINE']", tmp_path, EVIDESK_SECRET_KEY="k")
    assert kept == "django.db.backends.sqlite3"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://desk:hush@db/desk", "must begin with postgresql://"),
        ("sqlite:///desk.sqlite3", "must begin with postgresql://"),
        ("postgresql://desk:hush@db", "names no database"),
        ("postgresql://desk:hush@db/desk?color=blue", "cannot be read"),
        ("postgresql://desk:hush%zz@db/desk", "cannot be read"),
        ("postgresql://[::1", "cannot be read"),
    ],
)
def test_an_address_that_is_none_is_explained_without_its_password(url: str, words: str) -> None:
    with pytest.raises(module.ImproperlyConfigured, match=re.escape(words)) as fault:
        database.postgresql(url)
    assert "hush" not in str(fault.value)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"two\nlines\n", b"\xff"])
def test_a_password_file_that_holds_no_password_is_named(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(module.ImproperlyConfigured, match="EVIDESK_DATABASE_PASSWORD_FILE") as told:
        database.postgresql(POSTGRES, file)
    assert str(file) in str(told.value)


def test_without_its_driver_postgresql_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(module.ImproperlyConfigured, match=r"evidesk\[postgres\]"):
        database.postgresql(POSTGRES)


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    sources = Path(module.__file__).parents[1].rglob("*.py")
    read = {
        name for file in sources for name in re.findall(r'"(EVIDESK_[A-Z_]+)"', file.read_text())
    }
    page = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"EVIDESK_[A-Z_]+", page))
    assert read == documented
    example = (ROOT / "docs" / "production.md").read_text()
    assert set(re.findall(r"EVIDESK_[A-Z_]+", example)) <= documented


def test_the_units_of_the_docs_start_commands_that_exist(settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}
    page = (ROOT / "docs" / "production.md").read_text()
    starts = re.findall(r"^ExecStart=/opt/evidesk/bin/(.+)$", page, re.M)
    assert len(starts) == 4
    granian = subprocess.run(
        [sys.executable, "-m", "granian", "--help"], capture_output=True, text=True, check=True
    ).stdout
    for start in starts:
        program, *words = start.split()
        if program == "granian":
            assert all(word in granian for word in words if word.startswith("--")), start
        else:
            assert (program, words[0]) == ("evidesk", "desk")
            command = load_command_class(get_commands()[words[1]], words[1])
            parser = command.create_parser("evidesk desk", words[1])
            parser.parse_args(words[2:])  # exits if it does not know one


def test_homes_and_groups_come_from_the_environment(tmp_path: Path) -> None:
    told = value(
        "s.OIDC_HOMES, s.OIDC_GROUP_NAMESPACES, list(map(str, s.OIDC_REQUIRED_GROUPS)), s.OIDC_MFA",
        tmp_path,
        EVIDESK_SECRET_KEY="k",
        EVIDESK_OIDC_HOMES="kit.edu=KIT, hzdr.de=HZDR",
        EVIDESK_OIDC_GROUP_NAMESPACES="urn:geant:example.org",
        EVIDESK_OIDC_REQUIRED_GROUPS="Helmholtz member, VO:role=member,",
        EVIDESK_OIDC_MFA="",
    )
    assert told == str(
        (
            {"kit.edu": "KIT", "hzdr.de": "HZDR"},
            ["urn:geant:example.org"],
            ["Helmholtz member", "VO:role=member"],
            [],
        )
    )
    default = value("s.OIDC_HOMES['kit.edu'], s.OIDC_ISSUER", tmp_path, EVIDESK_SECRET_KEY="k")
    assert default == "('KIT', '')"


@pytest.mark.parametrize(
    ("name", "text"),
    [("EVIDESK_OIDC_HOMES", "kit.edu"), ("EVIDESK_OIDC_REQUIRED_GROUPS", "A, B::C")],
)
def test_a_list_that_cannot_be_read_stops_the_desk(name: str, text: str, tmp_path: Path) -> None:
    done = load("s", tmp_path, EVIDESK_SECRET_KEY="k", **{name: text})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} must" in done.stderr
