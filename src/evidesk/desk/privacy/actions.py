"""Taking one's data along, being erased, and what goes by itself after a time."""

import json
import tempfile
import zipfile
from collections.abc import Iterable
from typing import IO

from django.db import transaction as database
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop

from evidesk.desk.audit import actions as audit
from evidesk.desk.lists import actions as lists
from evidesk.desk.notices import actions as notices
from evidesk.desk.people.models import ConflictOfInterest, Person, Profile
from evidesk.desk.people.rules import require
from evidesk.desk.privacy import queries, rules
from evidesk.desk.rest.models import Once
from evidesk.desk.runs import actions as runs
from evidesk.desk.runs.models import Run
from evidesk.desk.vouchers.models import (
    Attachment,
    Event,
    Inquiry,
    State,
    Visibility,
    Voucher,
)
from evidesk.desk.watches import actions as watches
from evidesk.desk.watches.content import drop_content
from evidesk.desk.watches.models import Batch

#: What an erased person is called from then on.
FORMER_MEMBER, FORMER_USER = "a former member", "a former user"
# What is kept instead of a name or subject, in English; a page may translate it for its reader.
_ERASED_FILE, _ERASED_INQUIRY = gettext_noop("erased file"), gettext_noop("An erased inquiry")


def export(person: Person) -> IO[bytes]:
    """A ZIP of all that the desk holds of the person: JSON, files, and the evidence they got.

    Returns an open temporary file at its beginning, which vanishes when it is closed.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    try:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            text = json.dumps(queries.data_of(person), indent=2, ensure_ascii=False)
            archive.writestr("data.json", text)
            for one in queries.files_of(person):
                archive.write(one.path, f"files/{one.voucher.reference}/{one.pk}-{one.name}")
            for stored in queries.evidence_for(person):
                archive.write(stored.path, f"evidence/{stored.file_name}", zipfile.ZIP_STORED)
        with database.atomic():
            audit.append("person.exported", person.uid, f"person:{person.uid}")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def erase_person(person: Person, by: Person | None) -> None:
    """Make the person unknown: identity, messages, files, inquiries and drafts are erased.

    The documents and reports of their vouchers stay as the network's record, without a name; so
    does the evidence. `by` is None if the retention rules do it.
    """
    with database.atomic():
        Person.objects.select_for_update().get(pk=person.pk)
        require(rules.may_erase(person))
        name = FORMER_MEMBER if person.is_member else FORMER_USER
        erase_drafts(Voucher.objects.filter(author=person, state=State.DRAFT))
        Event.objects.filter(actor=person).exclude(text="").update(
            text="", erased_at=timezone.now()
        )
        for event in Event.objects.filter(data__to=person.name):
            event.data["to"] = name
            event.save(update_fields=["data"])
        person.vouchers.exclude(feedback="").update(feedback="")
        person.vouchers.update(visibility=Visibility.PRIVATE, summary="")
        Profile.objects.filter(person=person).delete()
        person.absences.all().delete()
        ConflictOfInterest.objects.filter(Q(person=person) | Q(scientist=person)).delete()
        erase_files(Attachment.objects.filter(uploader=person, erased_at=None))
        watches.forget_names(Batch.objects.filter(uploader=person), _ERASED_FILE)
        erase_inquiries(person.inquiries.all())
        notices.forget_person(person)
        person.tokens.all().delete()
        person.hooks.all().delete()
        Once.objects.filter(person=person).delete()
        person.memberships.all().delete()
        person.sessions.all().delete()
        audit.erase_sealed(person.uid, person.name)
        audit.append("person.erased", by.uid if by else None, f"person:{person.uid}")
        Person.objects.filter(pk=person.pk).update(
            name=name,
            email="",
            home="",
            language="",
            issuer="erased",
            subject=str(person.uid),
            is_active=False,
            last_login=None,
            consented_to="",
            consented_at=None,
        )
        lists.forget_person(person)


def erase_files(attachments: Iterable[Attachment]) -> None:
    """Erase files from the disk and their names; that there was a file remains."""
    for one in attachments:
        Attachment.objects.filter(pk=one.pk).update(
            name=_ERASED_FILE, size=0, sha256="", erased_at=timezone.now()
        )
        Event.objects.filter(voucher=one.voucher_id, data__attachment=one.pk).update(
            data={"attachment": one.pk, "name": _ERASED_FILE}
        )
        lists.index([one.voucher_id])
        watches.forget_reference(one)
        runs.forget_checkpoints(
            Run.objects.filter(Q(attachment=one) | Q(further_files__attachment=one))
        )
        drop_content(one.sha256)


def erase_inquiries(inquiries: Iterable[Inquiry]) -> None:
    """Erase what was asked and by whom; that somebody asked and was answered remains."""
    for inquiry in inquiries:
        notices.forget_inquiry(inquiry)
        Inquiry.objects.filter(pk=inquiry.pk).update(
            subject=_ERASED_INQUIRY, text="", email="", erased_at=timezone.now()
        )
        if inquiry.voucher_id is not None:
            lists.index([inquiry.voucher_id])


def erase_drafts(drafts: Iterable[Voucher]) -> None:
    """Delete drafts that were never submitted, and hence have no files."""
    for voucher in drafts:
        Inquiry.objects.filter(voucher=voucher).update(voucher=None)
        Voucher.objects.filter(pk=voucher.pk, state=State.DRAFT).delete()
