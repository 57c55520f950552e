"""Talking to a desk from a program.

`Desk(address, token)` has a method for what the API can do; what it answers are plain dictionaries,
whose keys are named by the types in :mod:`evidesk.client.answers`. Lists are iterators that fetch
page after page.
"""

import hmac
import re
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

from evidesk.client.answers import (
    Batch,
    Document,
    Effort,
    Event,
    File,
    Inquiry,
    Json,
    Moved,
    Run,
    Stored,
    Voucher,
    VoucherRow,
    Watch,
)
from evidesk.client.connection import Connection, DeskError
from evidesk.evidence import Evidence

__all__ = ["Desk", "DeskError", "is_from_desk", "push"]


class Desk(Connection):
    """A desk, as the owner of a token sees it. Every method can raise :class:`DeskError`.

    What fails on the way is sent again a few times. Nothing happens twice for it: whatever changes
    something is sent with a key under which the desk does it once.

    Parameters
    ----------
    address : the desk's address, such as ``https://desk.example.org``.
    token : a personal access token, from its page “Your tokens”.
    """

    # People and the network

    def me(self) -> Json:
        """Whose token this is, their roles, and what the token may do."""
        return cast("Json", self.get("me/"))

    def units(self) -> list[Json]:
        """The network's units with their members, whose `id` an offer needs."""
        return cast("list[Json]", self.get("units/"))

    def export(self, to: Path) -> Path:
        """All that the desk holds of the token's owner, as a ZIP."""
        return self.download("me/export/", to)

    # Inquiries

    def inquiries(self) -> Iterator[Inquiry]:
        """One's own inquiries; for those who answer, everybody's."""
        return cast("Iterator[Inquiry]", self.pages("inquiries/"))

    def inquiry(self, key: str) -> Inquiry:
        """An inquiry, by its secret key."""
        return cast("Inquiry", self.get(f"inquiries/{_part(key)}/"))

    def inquire(self, subject: str, text: str, email: str) -> Inquiry:
        """Say hello."""
        said = {"subject": subject, "text": text, "email": email}
        return cast("Inquiry", self.send("POST", "inquiries/", said))

    def answer(self, key: str, answer: str) -> Inquiry:
        """Answer an inquiry, once."""
        said = {"answer": answer}
        return cast("Inquiry", self.send("POST", f"inquiries/{_part(key)}/answer/", said))

    # Vouchers

    def vouchers(
        self,
        *,
        q: str = "",
        state: str = "",
        unit: str = "",
        whose: Literal["", "waiting", "mine"] = "",
    ) -> Iterator[VoucherRow]:
        """The vouchers that one may see, the last made first, filtered as on the desk's page."""
        filters = {"q": q, "state": state, "unit": unit, "whose": whose}
        return cast("Iterator[VoucherRow]", self.pages("vouchers/", filters))

    def voucher(self, reference: str) -> Voucher:
        """One voucher, by its reference, such as ``V-2026-0001``."""
        return cast("Voucher", self.get(_at(reference)))

    def start(self, inquiry: str = "") -> Voucher:
        """Begin a draft, empty or from the inquiry of this key."""
        return cast("Voucher", self.send("POST", "vouchers/", {"inquiry": inquiry}))

    def document(self, reference: str) -> Document:
        """What the voucher says, question by question."""
        return cast("Document", self.get(_at(reference, "document/")))

    def change_document(self, reference: str, revision: int, **changes: Any) -> Document:
        """Change a draft: `title`, `kind`, `unit`, `answers`; what is left out stays as it is.

        `revision` is the document's that the change is based on; if somebody has saved since, the
        desk refuses with status 409.
        """
        return cast(
            "Document",
            self.send("PATCH", _at(reference, "document/"), {"revision": revision, **changes}),
        )

    def step(self, reference: str, action: str, **facts: Any) -> Moved:
        """Take a step of the workflow, such as ``step("V-2026-0001", "decline", text="...")``."""
        path = _at(reference, f"steps/{_part(action)}/")
        return cast("Moved", self.send("POST", path, facts or None))

    def timeline(self, reference: str) -> Iterator[Event]:
        """What happened to the voucher, first things first."""
        return cast("Iterator[Event]", self.pages(_at(reference, "timeline/")))

    def write(self, reference: str, text: str) -> Event:
        """Write a message (Markdown)."""
        return cast("Event", self.send("POST", _at(reference, "messages/"), {"text": text}))

    def files(self, reference: str) -> Iterator[File]:
        """The voucher's files."""
        return cast("Iterator[File]", self.pages(_at(reference, "files/")))

    def attach(self, reference: str, path: Path) -> File:
        """Give a file to the voucher."""
        return cast("File", self.upload(_at(reference, "files/"), "file", path, path.name))

    def download_file(self, reference: str, file_id: int, to: Path) -> Path:
        """Fetch a file of the voucher."""
        return self.download(_at(reference, f"files/{file_id}/"), to)

    # Tags and hours

    def tags(self, reference: str, tags: Iterable[str] | None = None) -> list[str]:
        """The voucher's tags; if some are given, it has these from now on, and no others."""
        path = _at(reference, "tags/")
        told = self.get(path) if tags is None else self.send("PUT", path, {"tags": [*tags]})
        return cast("list[str]", told["tags"])

    def effort(self, reference: str) -> Effort:
        """The consultant's weeks, and what of them is booked for the voucher."""
        return cast("Effort", self.get(_at(reference, "effort/")))

    def book(self, reference: str, week: date | str, hours: float, reason: str = "") -> Effort:
        """Book hours of the week of this Monday, in place of those booked before; 0 frees them.

        More than there are need a `reason`.
        """
        booking = {"week": str(week), "hours": hours, "reason": reason}
        return cast("Effort", self.send("POST", _at(reference, "effort/"), booking))

    # Runs and evidence

    def kits(self) -> list[Json]:
        """The kits that the desk can run, each with the JSON schema of its parameters."""
        return cast("list[Json]", self.get("kits/"))

    def start_run(self, reference: str, kit: str, file_id: int, **parameters: Any) -> Run:
        """Run a kit on a file of the voucher, in the desk's worker."""
        wanted = {"kit": kit, "file": file_id, "parameters": parameters}
        return cast("Run", self.send("POST", _at(reference, "runs/"), wanted))

    def runs(self, reference: str) -> Iterator[Run]:
        """The voucher's runs, the last first."""
        return cast("Iterator[Run]", self.pages(_at(reference, "runs/")))

    def run(self, run_id: int) -> Run:
        """How far a run is."""
        return cast("Run", self.get(f"runs/{run_id}/"))

    def cancel_run(self, run_id: int) -> Run:
        """Ask for a run to end."""
        return cast("Run", self.send("POST", f"runs/{run_id}/cancel/"))

    def go_on_run(self, run_id: int) -> Run:
        """Go on, by a new run, from where one was cut off."""
        return cast("Run", self.send("POST", f"runs/{run_id}/go-on/"))

    def evidence(self, reference: str) -> Iterator[Stored]:
        """The voucher's evidence."""
        return cast("Iterator[Stored]", self.pages(_at(reference, "evidence/")))

    def evidence_detail(self, evidence_id: int) -> Json:
        """What evidence says: findings, figures, tables, warnings."""
        return cast("Json", self.get(f"evidence/{evidence_id}/"))

    def download_evidence(self, evidence_id: int, to: Path) -> Path:
        """Fetch evidence as a zipped crate; `Evidence.read` verifies it."""
        return self.download(f"evidence/{evidence_id}/download/", to)

    def push(self, reference: str, crate: Path) -> Stored:
        """Send evidence, a folder or zip, after it was verified here.

        Raises :class:`evidesk.evidence.EvidenceError` if it is not intact.
        """
        with tempfile.TemporaryDirectory() as folder:
            zipped = Evidence.read(crate).write(Path(folder) / "evidence.zip")
            try:
                path = _at(reference, "evidence/")
                stored = self.upload(path, "crate", zipped, "evidence.zip")
            except DeskError as fault:
                if fault.status != 404:
                    raise
                why = f"The desk at {self.address} has no voucher {reference} that you may see."
                raise DeskError(why, 404) from None
        if "url" not in stored:
            raise DeskError("What answers is no desk: it answered with status 201, but not as one.")
        return cast("Stored", stored)

    # Watches

    def watches(self, reference: str) -> Iterator[Watch]:
        """The voucher's watches, the last one first."""
        return cast("Iterator[Watch]", self.pages(_at(reference, "watches/")))

    def begin_watch(self, reference: str, name: str, file_id: int, **parameters: Any) -> Watch:
        """Watch whether what comes looks like a file of the voucher."""
        wanted = {"name": name, "file": file_id, "parameters": parameters}
        return cast("Watch", self.send("POST", _at(reference, "watches/"), wanted))

    def watch(self, watch_id: int) -> Watch:
        """Where a watch stands."""
        return cast("Watch", self.get(f"watches/{watch_id}/"))

    def batches(self, watch_id: int) -> Iterator[Batch]:
        """The batches of a watch, the first one first."""
        return cast("Iterator[Batch]", self.pages(f"watches/{watch_id}/batches/"))

    def add_batch(self, watch_id: int, path: Path) -> Batch:
        """Give a watch its next batch, a table; the desk refuses one that it has already (409)."""
        return cast("Batch", self.upload(f"watches/{watch_id}/batches/", "file", path, path.name))

    def stop_watch(self, watch_id: int) -> Watch:
        """Take no batches until it goes on."""
        return cast("Watch", self.send("POST", f"watches/{watch_id}/stop/"))

    def resume_watch(self, watch_id: int) -> Watch:
        """Go on exactly where it stopped."""
        return cast("Watch", self.send("POST", f"watches/{watch_id}/resume/"))

    # Webhooks

    def hooks(self) -> Iterator[Json]:
        """One's webhooks; they are made on the desk's page."""
        return self.pages("hooks/")

    def deliveries(self, hook_id: int) -> Iterator[Json]:
        """What a webhook was told, and how that went."""
        return self.pages(f"hooks/{hook_id}/deliveries/")


def push(crate: Path, *, voucher: str, desk: str, token: str) -> Stored:
    """Send evidence to a voucher and return what the desk says of it.

    Parameters
    ----------
    crate : evidence as a folder or zip; it is verified before anything is sent.
    voucher : the voucher's reference, such as ``V-2026-0001``.
    desk : the desk's address, such as ``https://desk.example.org``.
    token : a personal access token whose scope is ``evidence`` or ``write``.

    Raises
    ------
    evidesk.evidence.EvidenceError
        The crate is not intact.
    DeskError
        The desk cannot be reached, or refused the evidence.
    """
    return Desk(desk, token).push(voucher, crate)


def is_from_desk(
    secret: str, headers: Mapping[str, str], body: bytes, *, within: float = 300.0
) -> bool:
    """Whether a webhook's delivery was sent by the desk that has this secret, just now.

    Parameters
    ----------
    secret : the webhook's, ``whsec_...``.
    headers : of the request; those that begin with ``Evidesk-`` are needed.
    body : of the request, as it came.
    within : seconds that it may be old or ahead, against whoever sends an old one again.
    """
    found = {name.lower(): value for name, value in headers.items()}
    timestamp = found.get("evidesk-timestamp", "")
    if not re.fullmatch("[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > within:
        return False
    expected = hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()
    given = found.get("evidesk-signature", "")
    return hmac.compare_digest(f"v1={expected}".encode(), given.encode(errors="replace"))


def _part(text: str) -> str:
    """The text as one part of an address, whatever it holds."""
    return quote(text, safe="")


def _at(reference: str, rest: str = "") -> str:
    return f"vouchers/{_part(reference)}/{rest}"
