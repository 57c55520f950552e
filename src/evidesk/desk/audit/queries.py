"""Reading the chain, and finding out whether it is whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from evidesk.desk.audit.models import GENESIS, Entry, Head


def history(subject: str) -> QuerySet[Entry]:
    """What was done to the subject, the last first, with what is sealed and not erased."""
    return Entry.objects.filter(subject=subject).select_related("sealed").order_by("-number")


@dataclass(frozen=True)
class Verification:
    """What looking at the whole chain found.

    Attributes
    ----------
    entries, erased : how many links there are, and how many of the sealed texts were erased.
    head : the last link, as ``number:digest``. Kept elsewhere it shows later whether somebody who
        could write to the database made a new chain.
    problems : sentences; none if the chain is whole.
    """

    entries: int
    erased: int
    head: str
    problems: tuple[str, ...]


def verify(known_head: str = "", *, most: int = 20) -> Verification:
    """Recompute the whole chain.

    Parameters
    ----------
    known_head : a head from earlier, ``number:digest``, that must be in the chain.
    most : stop after so many problems.
    """
    problems: list[str] = []
    digest, number, erased, known = GENESIS, 0, 0, not known_head
    for entry in _entries():
        if len(problems) >= most:
            break
        number += 1
        if entry.number != number:
            problems.append(f"Entry {number} is missing: the next one is {entry.number}.")
            number = entry.number
        if entry.previous != digest:
            problems.append(f"Entry {entry.number} does not follow the entry before it.")
        if entry.expected_digest() != entry.digest:
            problems.append(f"Entry {entry.number} was changed: {entry.action} {entry.subject}.")
        sealed = getattr(entry, "sealed", None)
        if sealed is None:
            erased += bool(entry.seal)
        elif sealed.digest() != entry.seal:
            problems.append(f"The text that entry {entry.number} seals was changed.")
        digest = entry.digest
        known = known or f"{entry.number}:{entry.digest}" == known_head.strip()
    head = str(Head.objects.get())
    if not problems:
        if head != f"{number}:{digest}":
            problems.append(f"The chain ends at entry {number}, its head says {head}.")
        if not known:
            problems.append(f"The head {known_head} from earlier is not in the chain.")
    return Verification(number, erased, head, tuple(problems))


def _entries() -> Iterator[Entry]:
    return Entry.objects.select_related("sealed").order_by("number").iterator(chunk_size=2_000)
