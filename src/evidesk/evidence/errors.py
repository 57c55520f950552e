"""The error that every fault of stored evidence is."""

__all__ = ["EvidenceError"]


class EvidenceError(Exception):
    """Evidence that cannot be written, or that is unreadable, changed or hostile.

    The message names the file and says what to do.
    """
