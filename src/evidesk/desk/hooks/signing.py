"""How a receiver knows that the desk sent it: HMAC-SHA256 over time and body."""

import hmac


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The header `Evidesk-Signature`; `timestamp` (Unix seconds) is `Evidesk-Timestamp`."""
    signed = f"{timestamp}.".encode() + body
    return "v1=" + hmac.digest(secret.encode(), signed, "sha256").hex()
