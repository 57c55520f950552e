"""Talking to a desk from a program."""

import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from evidesk.evidence import Evidence

#: How long to wait for the desk to begin its answer, in seconds.
_PATIENCE = 60


class DeskError(Exception):
    """The desk cannot be reached, or refused; the message says why and what to do."""


def push(crate: Path, *, voucher: str, desk: str, token: str) -> dict[str, Any]:
    """Send evidence to a voucher and return what the desk says of it.

    Parameters
    ----------
    crate : evidence as a folder or zip; it is verified before anything is sent.
    voucher : the voucher's reference, such as ``V-2026-0001``.
    desk : the desk's address, such as ``https://desk.example.org``.
    token : a personal access token.

    Raises
    ------
    evidesk.evidence.EvidenceError
        The crate is not intact.
    DeskError
        The desk cannot be reached, or refused the evidence.
    """
    if not desk.startswith(("https://", "http://")):
        raise DeskError(f"The desk's address must begin with https://, but is {desk!r}.")
    if not re.fullmatch("[!-~]+", token):
        raise DeskError(
            "This is no token: it has blanks or characters that no token has. Copy it once more."
        )
    url = f"{desk.rstrip('/')}/api/vouchers/{quote(voucher, safe='')}/evidence/"
    with tempfile.TemporaryDirectory() as folder:
        zipped = Evidence.read(crate).write(Path(folder) / "evidence.zip")
        with zipped.open("rb") as file:
            try:
                response = requests.post(
                    url,
                    files={"crate": ("evidence.zip", file, "application/zip")},
                    auth=_Bearer(token),
                    timeout=_PATIENCE,
                    allow_redirects=False,
                )
            except requests.RequestException as fault:
                raise DeskError(
                    f"The desk at {desk} does not answer ({type(fault).__name__}). "
                    "Is the address right (--desk or EVIDESK_DESK)?"
                ) from None
    answer = _answer(response)
    if response.status_code == 201 and "url" in answer:
        return answer
    raise DeskError(_why(response, answer, voucher, desk))


class _Bearer(requests.auth.AuthBase):
    """Sends the token, and keeps requests from putting a password of ~/.netrc in its place."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


def _answer(response: requests.Response) -> dict[str, Any]:
    """What the desk says; nothing if it is not a desk that speaks."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _why(response: requests.Response, answer: dict[str, Any], voucher: str, desk: str) -> str:
    if response.is_redirect:
        # The token goes nowhere but where its owner sends it.
        to = urlsplit(response.headers["Location"])
        if to.scheme == "https" and desk.startswith("http://"):
            return f"The desk at {desk} is reached by https only: use https://{to.netloc}"
        return f"{desk} sends on to another address. Is it the desk's own?"
    if response.status_code == 401:
        return (
            f"The desk at {desk} does not know this token. Make one on its page “Your tokens” "
            "and set EVIDESK_TOKEN."
        )
    if response.status_code == 404:
        return f"The desk at {desk} has no voucher {voucher} that you may see."
    detail = answer.get("detail") or f"it answered with status {response.status_code}"
    return f"The desk did not take the evidence: {detail}"
