"""Groups as the provider writes them, by AARC-G069 (and G002 before it).

    urn:geant:helmholtz.de:group:GROUP[:SUBGROUP ...][:role=ROLE]#login.helmholtz.de

A group counts only in exactly our namespace and from exactly our authority: whoever may write an
entitlement elsewhere must not be able to write one that counts here. Reading takes time linear in
the text, of which there is a limit.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

#: An entitlement's length at most; real ones have fewer than 200 characters.
MAX_LENGTH = 1000
_GROUP = ":group:"
_ROLE = "role="
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True)
class Entitlement:
    """Membership in a group: its path with colons, and the role within it, if one is told."""

    group: str
    role: str = ""

    def __str__(self) -> str:
        return f"{self.group}:{_ROLE}{self.role}" if self.role else self.group


def parse(text: str, *, namespaces: Sequence[str], authority: str) -> Entitlement | None:
    """The group that the entitlement tells of; None if it is somebody else's, or not well-formed.

    >>> parse("urn:geant:helmholtz.de:group:HIFIS:Consulting:role=lead#login.helmholtz.de",
    ...       namespaces=["urn:geant:helmholtz.de"], authority="login.helmholtz.de")
    Entitlement(group='HIFIS:Consulting', role='lead')
    """
    if len(text) > MAX_LENGTH:
        return None
    path, mark, source = text.partition("#")
    if not mark or source != authority:
        return None
    for namespace in namespaces:
        prefix = namespace + _GROUP
        if path.startswith(prefix):
            return parse_path(path[len(prefix) :])
    return None


def parse_path(path: str) -> Entitlement | None:
    """A group's path with its role, as the part of an entitlement behind `:group:`."""
    if len(path) > MAX_LENGTH or _BAD_ESCAPE.search(path):
        return None
    parts = [unquote(part, errors="replace") for part in path.split(":")]
    role = parts.pop().removeprefix(_ROLE) if parts[-1].startswith(_ROLE) else None
    named = parts if role is None else [*parts, role]
    if not parts or not all(map(_is_name, named)):
        return None
    return Entitlement(":".join(parts), role or "")


def _is_name(part: str) -> bool:
    """Whether it can be a group's or a role's name; what would blur their borders cannot."""
    return (
        bool(part)
        and part == part.strip()
        and part.isprintable()
        and "\ufffd" not in part
        and not part.startswith(_ROLE)
        and ":" not in part
        and "#" not in part
    )


def groups(
    texts: Iterable[str], *, namespaces: Sequence[str], authority: str
) -> frozenset[Entitlement]:
    """All of our groups among the entitlements; everything else is left out."""
    found = (parse(text, namespaces=namespaces, authority=authority) for text in texts)
    return frozenset(one for one in found if one is not None)
