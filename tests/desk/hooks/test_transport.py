"""Sending to a real server: it goes where it was checked, follows nobody, and waits for nobody."""

import shutil
import socket
import ssl
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from evidesk.desk.hooks import addresses, transport
from evidesk.desk.hooks.transport import Undelivered, post
from tests.desk.hooks.receiver import drip, flood, garbage, receiver, status


def send(url: str, **options: Any) -> int:
    return post(url, b'{"a": 1}', {"Content-Type": "application/json"}, demo=True, **options)


@pytest.mark.parametrize("number", [200, 201, 204, 299])
def test_what_is_taken_is_delivered(number: int) -> None:
    with receiver(status(number)) as there:
        assert send(there.url) == number
    [(headers, body)] = there.came
    assert body == b'{"a": 1}'
    assert headers["Host"] == there.url.split("/")[2]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (status(301, Location="http://127.0.0.1:9/"), "sends on to elsewhere"),
        (status(302, Location="https://example.org/"), "sends on to elsewhere"),
        (status(307, Location="/again"), "sends on to elsewhere"),
        (status(400), "status was 400"),
        (status(500), "status was 500"),
        (garbage, "There was no answer"),
        (flood, "There was no answer"),
    ],
)
def test_anything_else_is_not(answer: Any, why: str) -> None:
    with receiver(answer) as there, pytest.raises(Undelivered, match=why):
        send(there.url)
    assert len(there.came) == 1, "nobody is followed or asked twice"


def test_a_server_that_drips_is_cut_off() -> None:
    with receiver(drip) as there, pytest.raises(Undelivered, match="within 1 seconds"):
        send(there.url, seconds=1)


def test_a_server_that_is_silent_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(Undelivered, match="within 1 seconds"):
            send(url, seconds=1)


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}/"
    with pytest.raises(Undelivered, match=r"no answer \(ConnectionRefusedError\)"):
        send(url)


def test_a_name_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Undelivered, match=r"nowhere\.example is not known"):
        send("https://nowhere.example/")


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(20))
    with pytest.raises(Undelivered, match="within 0 seconds"):
        send("https://example.org/", seconds=0.2)
    release.set()


def test_a_hostile_address_is_not_even_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", None)
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with pytest.raises(Undelivered, match="not a public one"):
        send("https://169.254.169.254/")


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiver(status(200)) as there:
        assert send(there.url) == 200


# A name that means something else the second time, and TLS


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for hook.example.org, with its key, signed by itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing (Debian's package `openssl`)")
    file = tmp_path_factory.mktemp("tls") / "hook.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=hook.example.org", "-addext", "subjectAltName=DNS:hook.example.org",
         "-keyout", str(file.with_suffix(".key")), "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip
    both = file.with_name("both.pem")
    both.write_text(file.read_text() + file.with_suffix(".key").read_text())
    return both


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The desk trusts that certificate, and takes 127.0.0.1 for public."""
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda: real(cafile=str(certificate)))
    monkeypatch.setattr(addresses, "is_public", lambda address: address.is_loopback)
    return certificate


def rebinding(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every name means 127.0.0.1 when it is asked for the first time, and 10.0.0.1 later."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: str, port: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            ip_address(host)
        except ValueError:
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return real(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_the_connection_goes_to_the_address_that_was_checked(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = rebinding(monkeypatch)
    with receiver(status(200), trusted) as there:
        url = there.url.replace("127.0.0.1", "hook.example.org")
        assert send(url) == 200
    assert asked == ["hook.example.org"]
    [(headers, _)] = there.came
    assert headers["Host"].startswith("hook.example.org:")


def test_a_certificate_for_another_name_is_refused(
    trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebinding(monkeypatch)
    with receiver(status(200), trusted) as there:
        url = there.url.replace("127.0.0.1", "other.example.org")
        with pytest.raises(Undelivered, match="SSLCertVerificationError"):
            send(url)
    assert there.came == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "is_public", lambda address: address.is_loopback)
    rebinding(monkeypatch)
    with receiver(status(200), certificate) as there:
        url = there.url.replace("127.0.0.1", "hook.example.org")
        with pytest.raises(Undelivered, match="SSLCertVerificationError"):
            send(url)
    assert there.came == []


def test_all_of_it_takes_ten_seconds_at_most() -> None:
    assert transport.PATIENCE == 10
