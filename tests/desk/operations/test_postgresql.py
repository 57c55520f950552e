"""What only PostgreSQL can do wrong; collected where the tests run on it."""

from pathlib import Path

from tests.desk.desks import Desks


def test_a_restore_that_fails_in_the_middle_changes_nothing(
    new_desk: Desks, tmp_path: Path
) -> None:
    """The dump's own data break one of its constraints, after everything was dropped."""
    busy = new_desk()
    busy.python(
        """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute(
        "CREATE FUNCTION holds() RETURNS boolean LANGUAGE sql AS 'SELECT true FROM vouchers_kind';"
        "CREATE TABLE aaa (id integer CHECK (holds())); INSERT INTO aaa VALUES (1)"
    )
"""
    )
    busy.command("backup", str(tmp_path / "desk.tar"))
    other = new_desk()
    other.python("voucher_in(State.ACTIVE, network)")
    rows = other.rows()
    done = other.command("restore", str(tmp_path / "desk.tar"), "--overwrite", check=False)
    assert "psql failed, and nothing was changed" in done.stderr
    assert other.rows() == rows
    assert other.files() == {}
