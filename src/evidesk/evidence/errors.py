"""The error that every fault of stored evidence is."""

from evidesk.evidence.checks import printable

__all__ = ["EvidenceError"]

_LONGEST = 1_000  # characters


class EvidenceError(Exception):
    """Evidence that cannot be written, or that is unreadable, changed or hostile.

    The message names the file and says what to do. It can quote hostile evidence, so what a
    terminal would obey is replaced, and a message longer than 1,000 characters is cut.
    """

    def __init__(self, message: str) -> None:
        shown = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
        super().__init__(printable(shown))
