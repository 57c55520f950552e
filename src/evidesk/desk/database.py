"""Where the desk keeps its rows: an SQLite file of its own, or a PostgreSQL database."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

#: What libpq calls the parts that have a place of their own in Django's settings.
_PLACES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
#: How long a process waits for a database that does not answer, in seconds.
_PATIENCE = 5
#: How long a connection is kept between requests, in seconds; each use asks whether it is alive.
_KEPT = 60
_EXAMPLE = "postgresql://evidesk@localhost/evidesk"


def sqlite(file: Path) -> dict[str, Any]:
    """Django's settings for a database in one file."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        # What a connection has read of the file stays in its memory.
        "CONN_MAX_AGE": _KEPT,
        "OPTIONS": {
            # Writers queue at BEGIN instead of failing at their first write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # FULL: what was acknowledged is on the disk, even if the power fails right then.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
            "PRAGMA cache_size=-16000;",
        },
    }


def postgresql(url: str, password_file: Path | None = None) -> dict[str, Any]:
    """Django's settings for `postgresql://USER:PASSWORD@HOST:PORT/NAME?sslmode=...`.

    The address is read by libpq's own parser, so everything that psql takes is taken here.
    `password_file` holds nothing but the password, and wins over one in the address.

    Raises
    ------
    ImproperlyConfigured : what is wrong; the message never quotes the address, which can hold
        the password.
    """
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError:
        raise ImproperlyConfigured(
            "EVIDESK_DATABASE_URL asks for PostgreSQL, whose driver is not installed. Install it "
            "with: pip install 'evidesk[postgres]'"
        ) from None
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured(
            f"EVIDESK_DATABASE_URL must begin with postgresql://, as in {_EXAMPLE}. "
            "Leave it away to use an SQLite file in EVIDESK_DATA_DIR."
        )
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        raise ImproperlyConfigured(
            f"EVIDESK_DATABASE_URL cannot be read. It should look like {_EXAMPLE}; in names and "
            "passwords write signs such as @ / : % as %40 %2F %3A %25."
        ) from None
    if not parts.get("dbname"):
        raise ImproperlyConfigured(
            f"EVIDESK_DATABASE_URL names no database; it is the last part of {_EXAMPLE}."
        )
    if password_file is not None:
        parts["password"] = _password(password_file)
    places = {place: str(parts.pop(name, "")) for name, place in _PLACES.items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **places,
        "CONN_MAX_AGE": _KEPT,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": _PATIENCE, "application_name": "evidesk", **parts},
    }


def _password(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        reason = getattr(fault, "strerror", None) or "it is no text"
        raise ImproperlyConfigured(
            f"EVIDESK_DATABASE_PASSWORD_FILE: {file} cannot be read ({reason})."
        ) from None
    if not password or "\n" in password:
        raise ImproperlyConfigured(
            f"EVIDESK_DATABASE_PASSWORD_FILE: {file} must hold the password on its only line."
        )
    return password
