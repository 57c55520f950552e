"""What `evidesk demo` refuses; that it works is tried in the browser tests."""

import socket
from pathlib import Path

import pytest

from evidesk.desk.demo.serve import CannotServe, _check_is_demo, _free_address, serve


def test_a_taken_port_is_told_with_another_to_try() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotServe, match=f"--port {port + 1}"):
            _free_address(port)


def test_port_0_is_any_free_port() -> None:
    address, port = _free_address(0)
    assert address == f"http://127.0.0.1:{port}/"


def test_a_demos_own_folder_and_an_empty_one_are_taken(tmp_path: Path) -> None:
    _check_is_demo(tmp_path / "not-there")
    _check_is_demo(tmp_path)
    (tmp_path / "this-is-a-demo").touch()
    (tmp_path / "desk.sqlite3").touch()
    _check_is_demo(tmp_path)


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "desk.sqlite3").touch()  # of a real desk
    with pytest.raises(CannotServe, match="left alone"):
        serve(tmp_path, port=0, fresh=True)
    assert (tmp_path / "desk.sqlite3").exists()
