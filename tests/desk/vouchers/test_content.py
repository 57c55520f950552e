"""Uploads are what their names say, are no programs, and hold no virus that ClamAV knows."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evidesk.desk.people.rules import Refused
from evidesk.desk.vouchers import actions, content
from evidesk.desk.vouchers.models import Attachment, State
from tests.desk.network import Network, upload, voucher_in

PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("table.csv", b"a,b\n1,2\n"),
        ("table.csv", "ä;ö\n".encode("utf-16")),
        ("table.csv.gz", b"\x1f\x8b\x08" + bytes(20)),
        ("plot.png", PNG),
        ("paper.pdf", b"%PDF-1.7\n"),
        ("data.npz", b"PK\x03\x04" + bytes(20)),
        ("data.parquet", b"PAR1" + bytes(20)),
        ("data.h5", b"\x89HDF\r\n\x1a\n" + bytes(20)),
        ("unknown", bytes(range(256))),
        ("notes.txt", b""),
    ],
)
def test_data_and_documents_are_taken(name: str, head: bytes) -> None:
    assert content.may_keep(name, head)


@pytest.mark.parametrize(
    ("name", "head", "why"),
    [
        ("table.csv", b"MZ\x90\x00", "a Windows program"),
        ("run", b"\x7fELF\x02", "a Linux program"),
        ("run.txt", b"#!/bin/sh\nrm -rf /", "a script"),
        ("App.class", b"\xca\xfe\xba\xbe", "a Java or macOS program"),
        ("data.lnk", b"L\x00\x00\x00\x01\x14\x02\x00", "a Windows shortcut"),
        ("plot.png", b"<script>alert(1)</script>", "no .png file inside"),
        ("paper.PDF", PNG, r"no .pdf file inside \(.png\)"),
        ("data.parquet", b"PK\x03\x04", "no .parquet file inside"),
        ("table.csv", b"a,b\n\0\0", "no text inside"),
        ("table.json", PNG, r"no text inside \(.png\)"),
        ("plot.jpg", b"", "no .jpg file inside. Give"),
    ],
)
def test_programs_and_disguises_are_refused(
    network: Network, media: Path, name: str, head: bytes, why: str
) -> None:
    voucher = voucher_in(State.ACTIVE, network)
    with pytest.raises(Refused, match=why):
        actions.attach(voucher, network.author, upload(head + b" " * (not head), name))
    assert not Attachment.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


class Clamd:
    """Speaks clamd's INSTREAM as the manual describes it, and finds one text."""

    def __init__(self, server: socket.socket, answer: bytes | None) -> None:
        self.server, self.answer, self.seen = server, answer, b""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        connection, _ = self.server.accept()
        with connection, connection.makefile("rb") as stream:
            assert stream.read(10) == b"zINSTREAM\0"
            while size := int.from_bytes(stream.read(4), "big"):
                self.seen += stream.read(size)
            found = b"stream: Eicar-Signature FOUND\0" if b"EICAR" in self.seen else b"stream: OK\0"
            connection.sendall(found if self.answer is None else self.answer)


@pytest.fixture(params=["tcp", "unix"])
def listening(request: Any, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A socket to listen at, and its address."""
    if request.param == "tcp":
        server = socket.create_server(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    else:
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(tmp_path / "s"))
        server.listen()
        address = f"unix://{tmp_path / 's'}"
    with server:
        yield server, address


@pytest.mark.parametrize("virus", [False, True])
def test_uploads_are_scanned(
    network: Network, media: Path, settings: Any, listening: Any, virus: bool
) -> None:
    server, settings.CLAMD = listening
    clamd = Clamd(server, None)
    voucher = voucher_in(State.ACTIVE, network)
    data = b"a,b\n" * 50_000 + b"EICAR" * virus
    if virus:
        with pytest.raises(Refused, match=r"found Eicar-Signature in table\.csv"):
            actions.attach(voucher, network.author, upload(data))
        assert not [path for path in media.rglob("*") if path.is_file()]
    else:
        actions.attach(voucher, network.author, upload(data))
    clamd.thread.join(5)
    assert clamd.seen == data


@pytest.mark.parametrize("answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"\xff\xfe"])
def test_without_a_scanner_that_answers_nothing_is_taken(
    network: Network, media: Path, settings: Any, listening: Any, answer: bytes
) -> None:
    server, settings.CLAMD = listening
    Clamd(server, answer)
    voucher = voucher_in(State.ACTIVE, network)
    with pytest.raises(Refused, match="cannot be checked for viruses"):
        actions.attach(voucher, network.author, upload())
    assert not Attachment.objects.exists()


def test_a_scanner_that_is_down_is_no_error_of_the_page(
    network: Network, media: Path, settings: Any
) -> None:
    settings.CLAMD = "tcp://127.0.0.1:1"
    voucher = voucher_in(State.ACTIVE, network)
    with pytest.raises(Refused, match="try again later"):
        actions.attach(voucher, network.author, upload())
