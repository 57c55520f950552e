"""What `evidesk demo` refuses; that it works is tried in the browser tests."""

import socket
from pathlib import Path

import pytest

from evidesk.desk.demo.serve import CannotServe, _clear, _free_address


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


def test_fresh_removes_a_demo(tmp_path: Path) -> None:
    (tmp_path / "desk.sqlite3").touch()
    _clear(tmp_path)
    assert not tmp_path.exists()
    _clear(tmp_path)


def test_fresh_never_removes_anything_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(CannotServe, match="left alone"):
        _clear(tmp_path)
    assert (tmp_path / "thesis.tex").exists()
