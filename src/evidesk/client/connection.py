"""How a program talks to a desk: with its token, again where that helps, and to nobody else."""

import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import requests

from evidesk.client.answers import Json

#: How long to wait for a connection, and for the desk to begin its answer, in seconds.
PATIENCE = (10, 60)
#: How long to wait before what failed on the way is sent again, in seconds.
PAUSES = (0.5, 2.0, 8.0)
#: Answers of a desk, or of what stands before it, that is only busy or restarting.
AGAIN = (429, 502, 503, 504)


class DeskError(Exception):
    """The desk cannot be reached, or refused; the message says why and what to do.

    Attributes
    ----------
    status : of the answer; None if there was none.
    errors : what is wrong, by field, where fields are to blame.
    """

    def __init__(
        self, why: str, status: int | None = None, errors: dict[str, list[str]] | None = None
    ) -> None:
        super().__init__(why)
        self.status = status
        self.errors = errors or {}


class Connection:
    """Sends requests to a desk, and raises :class:`DeskError` for what it does not do."""

    def __init__(self, address: str, token: str) -> None:
        if not address.startswith(("https://", "http://")):
            raise DeskError(f"The desk's address must begin with https://, but is {address!r}.")
        if not re.fullmatch("[!-~]+", token):
            raise DeskError(
                "This is no token: it has blanks or characters that no token has. Copy it once "
                "more."
            )
        self.address = address.rstrip("/")
        self._session = requests.Session()
        self._session.auth = _Bearer(token)

    def get(self, path: str, **options: Any) -> Any:
        return _content(self._call("GET", path, **options))

    def send(self, method: str, path: str, body: Json | None = None) -> Json:
        return cast("Json", _content(self._call(method, path, json=body)))

    def upload(self, path: str, field: str, file: Path, name: str) -> Json:
        def open_file(stack: ExitStack) -> Json:
            opened = stack.enter_context(file.open("rb"))
            return {field: (name, opened, "application/octet-stream")}

        return cast("Json", _content(self._call("POST", path, open_files=open_file)))

    def pages(self, path: str, filters: Mapping[str, str] | None = None) -> Iterator[Any]:
        params = dict(filters or {})
        while True:
            page = self.get(path, params=params)
            yield from page["items"]
            if not page["next"]:
                return
            params["cursor"] = page["next"]

    def download(self, path: str, to: Path) -> Path:
        """Write the answer to a file, which is there only when it is whole."""
        with self._call("GET", path, stream=True) as response:
            part = to.with_name(f"{to.name}.part")
            try:
                with part.open("wb") as file:
                    for chunk in response.iter_content(2**16):
                        file.write(chunk)
                part.replace(to)
            except requests.RequestException as fault:
                raise DeskError(f"The download broke off ({type(fault).__name__}).") from None
            finally:
                part.unlink(missing_ok=True)
        return to

    def _call(
        self,
        method: str,
        path: str,
        *,
        open_files: Callable[[ExitStack], Json] | None = None,
        **options: Any,
    ) -> requests.Response:
        """The answer, if it is a good one; asks again where that helps and harms nobody."""
        # A change of a draft is harmless to repeat, for its revision fits only once; and a PUT.
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        pauses = iter(PAUSES)
        while True:
            pause = next(pauses, None)
            try:
                with ExitStack() as stack:
                    files = open_files(stack) if open_files else None
                    response = self._session.request(
                        method,
                        f"{self.address}/api/{path}",
                        files=files,
                        headers=headers,
                        timeout=PATIENCE,
                        allow_redirects=False,
                        **options,
                    )
            except requests.RequestException as fault:
                if pause is None:
                    raise DeskError(
                        f"The desk at {self.address} does not answer ({type(fault).__name__}). "
                        "Is the address right (--desk or EVIDESK_DESK)?"
                    ) from None
            else:
                if response.status_code not in AGAIN or pause is None:
                    break
                pause = _asked_for(response, pause)
            time.sleep(pause)
        if 200 <= response.status_code < 300:
            return response
        raise self._error(response)

    def _error(self, response: requests.Response) -> DeskError:
        status = response.status_code
        if response.is_redirect:
            # The token goes nowhere but where its owner sends it.
            to = urlsplit(response.headers["Location"])
            if to.scheme == "https" and self.address.startswith("http://"):
                why = (
                    f"The desk at {self.address} is reached by https only: use https://{to.netloc}"
                )
                return DeskError(why, status)
            why = f"{self.address} sends on to another address. Is it the desk's own?"
            return DeskError(why, status)
        if status == 401:
            return DeskError(
                f"The desk at {self.address} does not know this token. Make one on its page "
                "“Your tokens” and set EVIDESK_TOKEN.",
                status,
            )
        try:
            answer = response.json()
        except ValueError:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        detail = answer.get("detail") or f"it answered with status {status}"
        errors = answer.get("errors")
        errors = errors if isinstance(errors, dict) else {}
        for field, why_not in errors.items():
            detail = f"{detail} {field}: {' '.join(map(str, why_not))}"
        return DeskError(f"The desk did not do that: {detail}", status, errors)


class _Bearer(requests.auth.AuthBase):
    """Sends the token, and keeps requests from putting a password of ~/.netrc in its place."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def _content(response: requests.Response) -> Any:
    """What the desk says; something that is no desk may answer 200, too."""
    try:
        content = response.json()
    except ValueError:
        content = None
    if isinstance(content, dict | list):
        return content
    raise DeskError(
        f"What answers is no desk: it answered with status {response.status_code}, but not as one.",
        response.status_code,
    )


def _asked_for(response: requests.Response, pause: float) -> float:
    """How long the desk wants one to wait, up to a minute; else our own pause."""
    wanted = response.headers.get("Retry-After", "")
    return min(float(wanted), 60.0) if wanted.isdecimal() else pause
