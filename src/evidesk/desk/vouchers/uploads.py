"""Files that people upload: looked into before they are kept."""

import logging
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils.translation import gettext as _

from evidesk.desk.people.rules import Refused, require
from evidesk.desk.vouchers import content
from evidesk.desk.vouchers.storage import harmless_name, keep

_log = logging.getLogger(__name__)


class Upload(Protocol):
    """What Django's uploaded files offer, as far as it is needed here."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    def chunks(self) -> Any: ...


def take_in(upload: Upload) -> tuple[str, str, int]:
    """Keep the upload's content; returns its harmless name, its SHA-256 and its size in bytes.

    Raises :class:`Refused` if it is empty, too large, or no file for us.
    """
    limit = settings.MAX_UPLOAD_BYTES
    if not upload.size:
        raise Refused(_("The file is empty."))
    if upload.size > limit:
        raise Refused(
            _(
                "The file is larger than %(size)d MB. Leave it where it is and run the kit "
                "there: `evidesk push` brings the evidence here."
            )
            % {"size": limit // 2**20}
        )
    name = harmless_name(upload.name or "file")
    sha256, size = keep(upload.chunks(), lambda path: _look_into(name, path))
    return name, sha256, size


def _look_into(name: str, path: Path) -> None:
    """Refuse what the content says is no file for us."""
    with path.open("rb") as file:
        require(content.may_keep(name, file.read(content.HEAD_BYTES)))
    if not settings.CLAMD:
        return
    with path.open("rb") as file:
        try:
            virus = content.virus_in(iter(lambda: file.read(2**16), b""), settings.CLAMD)
        except content.ScannerDown as fault:
            _log.warning("An upload was refused, for the virus scanner is down: %s", fault)
            raise Refused(
                _(
                    "Files cannot be checked for viruses at the moment, so none are taken. "
                    "Please try again later."
                )
            ) from None
    if virus:
        raise Refused(
            _("The virus scanner found %(virus)s in %(name)s. It was not kept.")
            % {"virus": virus, "name": name}
        )
