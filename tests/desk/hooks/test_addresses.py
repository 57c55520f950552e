"""The desk sends to public addresses only, however another one is written."""

import socket
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.hooks.addresses import Forbidden, Target, is_public, parse, resolve

#: Ways to write an address that is not public, or none at all.
HOSTILE = [
    # plain
    "https://127.0.0.1/", "https://127.8.9.1/", "https://0.0.0.0/", "https://10.0.0.1/",
    "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://192.0.0.192/",
    "https://192.0.2.1/", "https://198.18.0.1/", "https://198.51.100.7/", "https://203.0.113.7/",
    "https://224.0.0.1/", "https://239.255.255.250/", "https://240.0.0.1/",
    "https://255.255.255.255/", "https://192.88.99.1/",
    # odd notations of 127.0.0.1 and 169.254.169.254
    "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0x7f.0.0.1/", "https://0x7f.1/", "https://0177.0.0.1/", "https://0177.1/",
    "https://017700000001/", "https://127.0.0.01/", "https://127.0.0.1./", "https://127.0.0.0x1/",
    "https://2852039166/", "https://0xa9fea9fe/", "https://169.254.43518/", "https://0/",
    "https://00000000/", "https://0x/", "https://256.256.256.256/", "https://1.2.3.4.5/",
    "https://example.1/", "https://example.0x7f/",
    # other digits and dots
    "https://１２７.０.０.１/", "https://①②⑦.⓪.⓪.①/", "https://127。0。0。1/",
    "https://ｌｏｃａｌｈｏｓｔ/", "https://exa\u00admple.org/", "https://münchen.de/",
    # IPv6
    "https://[::1]/", "https://[::]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:8.8.8.8]/",
    "https://[::ffff:0:127.0.0.1]/", "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b:1::a9fe:a9fe]/", "https://[2002:7f00:1::]/", "https://[2001::1]/",
    "https://[2001:0:53aa:64c:0:fbff:80ff:fffe]/", "https://[2001:db8::1]/",
    "https://[2001:10::1]/", "https://[3fff::1]/", "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[fec0::1]/",
    "https://[fc00::1]/", "https://[fd12:3456:789a::1]/", "https://[ff02::1]/",
    "https://[100::1]/", "https://[5f00::1]/", "https://[127.0.0.1]/", "https://[::1/",
    "https://[v1.x]/",
    # other schemes
    "http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/",
    "javascript:alert(1)", "data:text/plain,x", "//example.org/", "example.org", "", "https://",
    "https:///etc/passwd", "https:example.org", "dict://127.0.0.1:11211/",
    # who is meant
    "https://example.org@127.0.0.1/", "https://127.0.0.1@example.org/", "https://a:b@example.org/",
    "https://@example.org/", "https://example.org#@127.0.0.1/", "https://example.org/#x",
    "https://example.org\\@127.0.0.1/", "https://127.0.0.1\\.example.org/",
    "https://exam ple.org/", "https://example.org/a b", "https://example.org/\r\nHost: x",
    "https://example.org/\t", " https://example.org/", "https://example.org/\0",
    "https://example.org%00.example.com/", "https://%31%32%37.0.0.1/", "https://exa_mple.org/",
    "https://-example.org/", "https://example-.org/", "https://example..org/", "https://.org/",
    "https://.", "https://..", "https://*/", "https://" + "a" * 64 + ".org/",
    "https://" + "a." * 130 + "org/", "https://example.org/" + "x" * 500,
    # ports
    "https://example.org:0/", "https://example.org:65536/", "https://example.org:-1/",
    "https://example.org:x/", "https://example.org:１/",
]  # fmt: skip

#: What a demo may be told to send to by http.
LOOPBACK = {"https://[::1]/", "https://[0:0:0:0:0:0:0:1]/"}


@pytest.mark.parametrize("url", HOSTILE)
def test_an_address_that_could_be_the_desks_own_network_is_refused(url: str) -> None:
    with pytest.raises(Forbidden):
        parse(url)


@pytest.mark.parametrize("url", [url for url in HOSTILE if url not in LOOPBACK])
def test_a_demo_allows_no_more_than_its_own_machine(url: str) -> None:
    with pytest.raises(Forbidden):
        parse(url, demo=True)
    if url.startswith("https://") and "127" not in url:
        with pytest.raises(Forbidden):
            parse(url.replace("https://", "http://"), demo=True)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://example.org", Target("https", "example.org", 443, "/")),
        ("https://EXAMPLE.org:8443/a?b=c", Target("https", "example.org", 8443, "/a?b=c")),
        ("https://xn--mnchen-3ya.de/", Target("https", "xn--mnchen-3ya.de", 443, "/")),
        ("https://8.8.8.8/", Target("https", "8.8.8.8", 443, "/")),
        ("https://[2606:4700::1111]/", Target("https", "2606:4700::1111", 443, "/")),
        ("https://1and1.org/", Target("https", "1and1.org", 443, "/")),
    ],
)
def test_a_public_address_is_taken_apart(url: str, target: Target) -> None:
    assert parse(url) == parse(url, demo=True) == target


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/x", "http://localhost:8080/", "http://[::1]:8080/"]
)
def test_http_goes_to_the_demos_own_machine_in_a_demo_only(url: str) -> None:
    assert parse(url, demo=True).scheme == "http"
    with pytest.raises(Forbidden, match="https://"):
        parse(url)


# Names


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Every name means these addresses; returns who was asked for, as it happens."""
    asked: list[str] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",), ("10.1.2.3",), ("169.254.169.254",), ("::1",), ("::ffff:10.0.0.1",),
        ("fe80::1%2",), ("8.8.8.8", "192.168.0.1"), ("2606:4700::1111", "fd00::1"),
    ],
)  # fmt: skip
def test_a_name_is_refused_if_one_of_its_addresses_is_not_public(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    names(monkeypatch, *addresses)
    with pytest.raises(Forbidden, match=r"rebind\.example\.org has an address that is not public"):
        resolve(parse("https://rebind.example.org/"))


def test_a_public_name_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = names(monkeypatch, "8.8.8.8", "2606:4700::1111")
    assert str(resolve(parse("https://example.org/"))) == "8.8.8.8"
    assert asked == ["example.org"]


def test_in_a_demo_localhost_has_to_be_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "8.8.8.8")
    with pytest.raises(Forbidden):
        resolve(parse("http://localhost/", demo=True))


# Every address


@given(st.ip_addresses())
def test_what_python_knows_as_not_global_is_not_public(address: Any) -> None:
    if is_public(address):
        kinds = ("private", "loopback", "link_local", "multicast", "reserved", "unspecified")
        assert address.is_global
        assert not any(getattr(address, f"is_{kind}") for kind in kinds)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:", "64:ff9b::", "::", "::ffff:0:"]))
def test_an_ipv4_address_inside_an_ipv6_one_is_not_public(address: Any, prefix: str) -> None:
    assert not is_public(ip_address(f"{prefix}{address}"))


@given(st.text())
def test_whatever_is_typed_is_an_address_or_is_refused(text: str) -> None:
    for url in (text, f"https://{text}", f"https://{text}/", f"http://127.0.0.1{text}"):
        try:
            target = parse(url, demo=True)
        except Forbidden:
            continue
        assert target.scheme in ("http", "https")
        assert target.path.startswith("/")
        assert 0 < target.port < 65536
