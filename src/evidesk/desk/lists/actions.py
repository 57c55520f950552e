"""What is written here: the index, and the views that people keep."""

from collections.abc import Iterable

from django.db import IntegrityError, connection
from django.db import transaction as database
from django.db.models import Q
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.lists import rules
from evidesk.desk.lists.models import Document, SavedView
from evidesk.desk.lists.words import normal, words
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.rules import Refused, require
from evidesk.desk.vouchers.models import Event, Voucher

#: Bytes of UTF-8 that a document's column keeps of long texts, the last ones. PostgreSQL refuses a
#: tsvector of more than 1 MiB, and what nobody can index nobody could write either.
LONGEST_COLUMN = 150_000
_BATCH = 200
#: At every such voucher SQLite looks how large its tables are.
_ANALYSE_EVERY = 256


# The index


@database.atomic
def index(vouchers: Iterable[int]) -> int:
    """Write anew what the vouchers (their ids) can be found by; returns how many there were.

    Call it within the transaction that changes them.
    """
    found = (
        Voucher.objects.filter(pk__in=list(vouchers))
        .select_for_update(of=("self",))
        .select_related("author", "consultant", "offered_to", "inquiry")
        .prefetch_related("events", "attachments")
        .order_by("pk")
    )
    documents = [_document(voucher) for voucher in found]
    columns = [field.name for field in Document._meta.fields if not field.primary_key]
    Document.objects.bulk_create(
        documents, update_conflicts=True, unique_fields=["voucher"], update_fields=columns
    )
    if any(document.pk % _ANALYSE_EVERY == 0 for document in documents):
        _analyse()
    return len(documents)


def _analyse() -> None:
    """Tell SQLite's planner how large the tables have become; PostgreSQL sees to it by itself.

    Without it a list of one person's vouchers is put together from four indexes.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit=400")
            cursor.execute("ANALYZE")


def _document(voucher: Voucher) -> Document:
    asked = [*map(str, voucher.answers.values()), voucher.report, voucher.summary]
    said = []
    if inquiry := getattr(voucher, "inquiry", None):
        said += [inquiry.subject, inquiry.text, inquiry.answer]
    for event in voucher.events.all():
        said += [event.text, str(event.data.get("answer", ""))]
    files = [attachment.name for attachment in voucher.attachments.all()]
    people = {
        person.name
        for person in (voucher.author, voucher.consultant, voucher.offered_to)
        if person is not None
    }
    asked_text, said_text, file_text = (_kept(texts) for texts in (asked, said, files))
    return Document(
        voucher=voucher,
        title=_words([voucher.reference, voucher.title]),
        people=_lines(people),
        asked=_words([asked_text]),
        said=_words([said_text]),
        files=_words([file_text]),
        text=normal("\n".join(filter(None, [asked_text, said_text, file_text]))),
    )


def _kept(texts: Iterable[str]) -> str:
    joined = "\n".join(filter(None, texts))
    return joined.encode()[-LONGEST_COLUMN:].decode(errors="ignore")


def _words(texts: Iterable[str]) -> str:
    return _kept([" ".join(words("\n".join(texts)))])


def _lines(names: Iterable[str]) -> str:
    """Names between line ends, so that a whole one can be told from a part."""
    return "".join(f"\n{_words([name])}\n" for name in sorted(names))


def index_person(person: Person) -> int:
    """After a person's name has changed: the vouchers that are found by it."""
    stale = Voucher.objects.filter(
        Q(author=person) | Q(consultant=person) | Q(offered_to=person)
    ).exclude(document__people__contains=_lines([person.name]))
    return index(stale.values_list("pk", flat=True))


def forget_person(person: Person) -> None:
    """After somebody's name, texts and files were erased: so that nothing of them is found either.

    Their kept views go, too: a search can say a lot.
    """
    person.views.all().delete()
    index(
        Voucher.objects.filter(
            Q(author=person)
            | Q(consultant=person)
            | Q(offered_to=person)
            | Q(pk__in=Event.objects.filter(actor=person).values("voucher"))
        ).values_list("pk", flat=True)
    )


def reindex() -> int:
    """Write the index anew for every voucher; returns how many there are."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO lists_words(lists_words) VALUES ('rebuild')")
    every = list(Voucher.objects.order_by("pk").values_list("pk", flat=True))
    return sum(index(every[at : at + _BATCH]) for at in range(0, len(every), _BATCH))


# Saved views


@database.atomic
def save_view(
    owner: Person, name: str, query: str, *, unit: Unit | None = None, is_default: bool = False
) -> SavedView:
    """Keep a list's filters under a name; `unit` shares them with its members.

    `query` is an address that the filters' form has made (`forms.FilterForm.address`).
    """
    view = SavedView(owner=owner)
    _write(view, name, query, unit, is_default)
    audit.append(
        "view.saved",
        owner.uid,
        f"view:{view.pk}",
        {"shared": unit.slug if unit else ""},
        sealed={"name": name, "query": query},
    )
    return view


@database.atomic
def change_view(
    view: SavedView, by: Person, *, name: str, unit: Unit | None, is_default: bool
) -> None:
    """Rename one of one's own views, share it or not, and open the list with it or not."""
    _require_own(view, by)
    _write(view, name, view.query, unit, is_default)
    audit.append(
        "view.changed",
        by.uid,
        f"view:{view.pk}",
        {"shared": unit.slug if unit else ""},
        sealed={"name": name},
    )


def _write(view: SavedView, name: str, query: str, unit: Unit | None, is_default: bool) -> None:
    if unit is not None:
        require(rules.may_share(view.owner, unit))
    if is_default:
        view.owner.views.exclude(pk=view.pk).update(is_default=False)
    view.name, view.query, view.unit, view.is_default = name, query, unit, is_default
    try:
        with database.atomic():
            view.save()
    except IntegrityError:
        raise Refused(
            _("You have a view “%(name)s” already. Choose another name.") % {"name": name}
        ) from None


@database.atomic
def delete_view(view: SavedView, by: Person) -> None:
    """Forget one of one's own views."""
    _require_own(view, by)
    subject = f"view:{view.pk}"
    view.delete()
    audit.append("view.deleted", by.uid, subject)


def _require_own(view: SavedView, by: Person) -> None:
    if view.owner_id != by.pk:
        raise Refused(_("Only whoever keeps a view can change it."))


# Exports


@database.atomic
def note_export(person: Person, ending: str, query: str, count: int) -> None:
    """Note in the audit chain who took which vouchers away, and as what."""
    audit.append(
        "vouchers.exported",
        person.uid,
        "vouchers",
        {"format": ending, "count": count},
        sealed={"query": query},
    )
