"""Where the desk may send to: public addresses of the internet, and nothing else.

Whoever may name an address could otherwise have the desk knock on the doors of its own network. So
a name is resolved once, every address it has must be public, and the connection goes to an address
that was checked (`transport.py`), not to the name.
"""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

LONGEST_URL = 500
_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"({_LABEL}\.)*{_LABEL}\.?")
#: What a resolver may read as a number: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# The IANA registries of special-purpose addresses (RFC 6890 and its updates), and multicast.
_NOT_PUBLIC_4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
#: All global unicast there is; IPv4-mapped, NAT64, local and multicast addresses are elsewhere.
_GLOBAL_6 = IPv6Network("2000::/3")
# Teredo and other protocol assignments, documentation, and 6to4, which carries an IPv4 address.
_NOT_PUBLIC_6 = [
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]

Address = IPv4Address | IPv6Address


class Forbidden(Exception):
    """The desk does not send there; the message says why."""


@dataclass(frozen=True)
class Target:
    """Where to: `path` holds the query, too."""

    scheme: str
    host: str
    port: int
    path: str


def is_public(address: Address) -> bool:
    """Whether an address belongs to somebody on the internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return (
        address.scope_id is None
        and address in _GLOBAL_6
        and not any(address in network for network in _NOT_PUBLIC_6)
    )


def parse(url: str, *, demo: bool = False) -> Target:
    """The address in its parts.

    Parameters
    ----------
    url : begins with https://; in a demo also http:// to the demo's own machine.

    Raises
    ------
    Forbidden : it is no such address, or is written in a way that could be read as another one.
    """
    if len(url) > LONGEST_URL or not re.fullmatch(r"[!-~]+", url) or "\\" in url:
        raise Forbidden(_("This is no web address: blanks and other signs have to be %-encoded."))
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        raise Forbidden(_("This is no web address.")) from None
    local = demo and parts.scheme == "http"
    if parts.scheme != "https" and not local:
        raise Forbidden(_("The address has to begin with https://."))
    if "@" in parts.netloc or parts.fragment:
        raise Forbidden(_("The address has to be without a user's name, password or “#”."))
    if port == 0:
        raise Forbidden(_("There is no port 0."))
    literal = _literal(host, bracketed="[" in parts.netloc)
    if local:
        if not (host == "localhost" or (literal is not None and literal.is_loopback)):
            raise Forbidden(_("In the demo, http:// goes to its own machine only."))
    elif literal is not None and not is_public(literal):
        raise Forbidden(_("This address is not a public one."))
    path = parts.path or "/"
    if parts.query:
        path += f"?{parts.query}"
    return Target(parts.scheme, host, port or (80 if local else 443), path)


def _literal(host: str, *, bracketed: bool) -> Address | None:
    """The address that the host is, if it is one; raises Forbidden for what is neither that nor a
    name.
    """
    if bracketed:
        try:
            return IPv6Address(host)
        except ValueError:
            raise Forbidden(_("This is no IPv6 address.")) from None
    if not _NAME.fullmatch(host) or len(host) > 253:
        raise Forbidden(_("This is no host's name."))
    last = host.rstrip(".").rsplit(".", 1)[-1]
    if not _NUMBER.fullmatch(last):
        return None
    try:
        return IPv4Address(host)
    except ValueError:
        raise Forbidden(_("Write an IPv4 address as four decimal numbers.")) from None


def resolve(target: Target) -> Address:
    """The address to connect to, after every address of the name was checked.

    Raises
    ------
    Forbidden : one of them is not public (or, for http in a demo, not this machine).
    OSError : the name has no address.
    """
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = [ip_address(str(info[4][0])) for info in found]
    local = target.scheme == "http"
    for address in addresses:
        if not (address.is_loopback if local else is_public(address)):
            raise Forbidden(_("%(host)s has an address that is not public.") % vars(target))
    return addresses[0]
