"""Sending to an address that was checked: no redirects, no proxies, little time."""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Any

from django.utils.translation import gettext as _

from evidesk.desk.hooks.addresses import Address, Forbidden, Target, parse, resolve

#: How long all of it may take, in seconds: the name, the connection, the answer.
PATIENCE = 10.0


class Undelivered(Exception):
    """It did not arrive; the message says why. `status` is the answer's, if there was one."""

    def __init__(self, why: str, status: int | None = None) -> None:
        super().__init__(why)
        self.status = status


class _Pinned(http.client.HTTPConnection):
    """Goes to the address that was checked, whatever the name means by now."""

    def __init__(self, target: Target, address: Address, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self.default_port = 443 if target.scheme == "https" else 80  # left out of the Host header
        self._where = (str(address), target.port)
        self._tls = ssl.create_default_context() if target.scheme == "https" else None
        self.is_late = False

    def connect(self) -> None:
        self.sock: Any = socket.create_connection(self._where, self.timeout)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(
                self.sock, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def give_up(self) -> None:
        """End it from another thread: a server that drips is cut off in the middle."""
        self.is_late = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    demo: bool = False,
    seconds: float = PATIENCE,
) -> int:
    """Send it and return the answer's status, from 200 to 299. What it says is not read.

    Raises
    ------
    Undelivered : with a sentence for the log.
    """
    try:
        target = parse(url, demo=demo)
        address = _resolve(target, seconds)
    except Forbidden as fault:
        raise Undelivered(str(fault)) from None
    connection = _Pinned(target, address, seconds)
    watch = threading.Timer(seconds, connection.give_up)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", target.path, body, dict(headers))
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as fault:
        if connection.is_late or isinstance(fault, TimeoutError):
            raise Undelivered(_late(seconds)) from None
        raise Undelivered(
            _("There was no answer (%(fault)s).") % {"fault": type(fault).__name__}
        ) from None
    finally:
        watch.cancel()
        connection.close()
    if connection.is_late:  # cut off among the headers, which looks like their end
        raise Undelivered(_late(seconds), status)
    if 300 <= status < 400:
        raise Undelivered(_("It sends on to elsewhere; give the final address."), status)
    if not 200 <= status < 300:
        raise Undelivered(_("The answer's status was %(status)d.") % {"status": status}, status)
    return status


def _resolve(target: Target, seconds: float) -> Address:
    """Ask for the name's addresses, which no timeout of the system's bounds."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(resolve, target).result(seconds)
    except TooLate:
        raise Undelivered(_late(seconds)) from None
    except (OSError, UnicodeError):
        raise Undelivered(_("%(host)s is not known.") % {"host": target.host}) from None
    finally:
        pool.shutdown(wait=False)


def _late(seconds: float) -> str:
    return _("There was no answer within %(seconds)d seconds.") % {"seconds": round(seconds)}
