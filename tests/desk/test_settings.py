"""Settings come from the environment, say what is wrong with it, and are all documented."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from evidesk.desk import settings as module

ROOT = Path(__file__).parents[2]


def settings(expression: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a new process and print the expression."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("EVIDESK_")}
    return subprocess.run(
        [sys.executable, "-c", f"from evidesk.desk import settings as s; print(({expression}))"],
        env=kept | environment, cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


def value(expression: str, folder: Path, **environment: str) -> str:
    done = settings(expression, folder, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_without_a_secret_key_the_desk_does_not_start(tmp_path: Path) -> None:
    done = settings("s.DEMO", tmp_path)
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
    done = settings("s", tmp_path, EVIDESK_SECRET_KEY="k", EVIDESK_RUN_MINUTES="an hour")
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


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    read = set(re.findall(r"EVIDESK_[A-Z_]+", Path(module.__file__).read_text()))
    page = (ROOT / "docs" / "settings.md").read_text()
    documented = set(re.findall(r"EVIDESK_[A-Z_]+", page))
    elsewhere = {"EVIDESK_DESK", "EVIDESK_TOKEN", "EVIDESK_REQUIRE_ALL"}
    assert read == documented - elsewhere


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
    done = settings("s", tmp_path, EVIDESK_SECRET_KEY="k", **{name: text})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} must" in done.stderr
