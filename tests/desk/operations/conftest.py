"""Desks of their own for the tests of operations."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.desk.desks import Desk, Desks, a_desk, server_of_the_tests

collect_ignore = [] if server_of_the_tests() else ["test_postgresql.py"]


@pytest.fixture
def new_desk(tmp_path: Path) -> Iterator[Desks]:
    """Opens empty desks, on the database that the tests run on."""
    with ExitStack() as stack:
        number = iter(range(10))

        def open_one() -> Desk:
            data = tmp_path / f"desk-{next(number)}"
            return stack.enter_context(a_desk(data, server_of_the_tests()))

        yield open_one
