"""HTTP to the provider: everything within one deadline, answers of limited size, no redirects.

The timeouts of `requests` count from one byte to the next, so that a server can drip for ever. Here
each request runs in a thread of its own, whose connection is cut when the deadline has passed.
"""

import io
import json
import queue
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import pool_classes_by_scheme

from evidesk.desk.people.log_in.faults import Distrusted, Silent, Unreachable
from evidesk.desk.people.rules import is_loopback

#: All requests of one page together, in seconds.
PATIENCE = 4.5
#: An answer's size at most: room for 2,000 entitlements.
MAX_BYTES = 512 * 1024


class Deadline:
    """When the provider must have answered."""

    def __init__(self, seconds: float | None = None) -> None:
        self._ends = time.monotonic() + (PATIENCE if seconds is None else seconds)

    def remaining(self) -> float:
        """Seconds left.

        Raises
        ------
        Silent : none is left.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise Silent("the provider did not answer in time")
        return left


class _Adapter(HTTPAdapter):
    """Sends for one log-in; its connections are cut when the deadline passes."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._sockets: list[socket.socket] = []
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self._watch(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        self._watch(manager)
        return manager

    def _watch(self, manager: Any) -> None:
        """Have the pools' connections note their sockets."""
        manager.pool_classes_by_scheme = {
            scheme: _remembering(pool, self._sockets)
            for scheme, pool in pool_classes_by_scheme.items()
        }

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        options |= {"stream": True, "timeout": self.deadline.remaining()}
        answers: queue.SimpleQueue[requests.Response | Exception] = queue.SimpleQueue()

        def talk() -> None:
            try:
                response = super(_Adapter, self).send(request, **options)
                # As it comes: nothing compressed was asked for, so that nothing can inflate.
                body = response.raw.read(MAX_BYTES + 1, decode_content=False)
                response.close()
                response.raw = io.BytesIO(body)
                answers.put(response)
            except Exception as fault:  # it belongs to the thread that waits
                answers.put(fault)

        threading.Thread(target=talk, daemon=True).start()
        try:
            answer = answers.get(timeout=self.deadline.remaining())
        except queue.Empty:
            self._hang_up()
            raise Silent("the provider did not answer in time") from None
        if isinstance(answer, requests.RequestException | HTTPError | OSError):
            raise Silent(f"no answer from the provider: {type(answer).__name__}") from answer
        if isinstance(answer, Exception):
            raise Distrusted(f"no HTTP from the provider: {type(answer).__name__}") from answer
        if 300 <= answer.status_code < 400:
            raise Distrusted(f"the provider redirects {request.url!r}")
        if len(answer.content) > MAX_BYTES:
            raise Distrusted(f"the answer from {request.url!r} is too large")
        return answer

    def _hang_up(self) -> None:
        for one in self._sockets:
            try:
                # Not the method of an SSL socket, which would leave the reading thread behind.
                socket.socket.shutdown(one, socket.SHUT_RDWR)
            except OSError:
                continue


def _remembering(pool: Any, sockets: list[socket.socket]) -> Any:
    """The pool's class, with connections that note their sockets."""

    class Connection(pool.ConnectionCls):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            sockets.append(self.sock)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def equip(session: requests.Session, deadline: Deadline, url: str) -> requests.Session:
    """Make the session speak to a provider at the URL, within the deadline."""
    session.trust_env = not is_loopback(
        urlsplit(url).hostname or ""
    )  # no proxy reaches our loopback
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity"})
    session.cookies.clear()
    for prefix in ("https://", "http://"):
        session.mount(prefix, _Adapter(deadline))
    return session


def get_json(session: requests.Session, url: str, **options: Any) -> dict[str, Any]:
    """The object at the URL.

    Raises
    ------
    Unreachable : there is no answer in time, or one of 500 and above.
    Distrusted : the answer is a refusal, or no JSON object.
    """
    try:
        response = session.get(url, allow_redirects=False, **options)
    except (requests.RequestException, ValueError) as fault:  # as for an address that is none
        raise Distrusted(f"{url!r} cannot be asked: {type(fault).__name__}") from fault
    return read_json(response)


def read_json(response: requests.Response) -> dict[str, Any]:
    """The response's object; raises as :func:`get_json` does."""
    if response.status_code >= 500:
        raise Unreachable(f"{response.url!r} answers {response.status_code}")
    if response.status_code != 200:
        raise Distrusted(f"{response.url!r} answers {response.status_code}")
    try:
        found = json.loads(response.content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise Distrusted(f"{response.url!r} answers no JSON") from fault
    if not isinstance(found, dict):
        raise Distrusted(f"{response.url!r} answers no JSON object")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
