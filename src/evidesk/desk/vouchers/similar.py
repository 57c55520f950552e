"""Which vouchers are alike: a library of all texts, kept in memory until one of them changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max

from evidesk.desk.people.models import Person, Skill
from evidesk.desk.vouchers.matching import Texts, nearest
from evidesk.desk.vouchers.models import Event, EventKind, Visibility, Voucher
from evidesk.desk.vouchers.queries import for_list, visible_to

#: Whatever changes a text of the library leaves one of these events.
_CHANGES = ("submit", EventKind.VISIBILITY)
#: Texts that are less alike than this have next to nothing in common.
LEAST = 0.05
#: How many similar vouchers are shown.
SHOWN = 5


@dataclass(frozen=True)
class Library:
    """All texts with the change counter at which they were read.

    `documents` and `summaries` tell the place of a voucher's document, or of its public title and
    summary, and `skills` that of a skill's words, each by the row's id.
    """

    counter: tuple[Any, ...]
    texts: Texts
    documents: dict[int, int]
    summaries: dict[int, int]
    skills: dict[int, int]

    def similar(
        self, text: str, places: dict[int, int], among: Iterable[int], most: int = SHOWN
    ) -> list[tuple[int, float]]:
        """(id, similarity) of the rows among these ids whose texts are most like this one."""
        similarities = self.texts.similarities(text)
        of_place = {places[pk]: pk for pk in among if pk in places}
        found = nearest(similarities, of_place, most=most, least=LEAST)
        return [(of_place[place], float(similarities[place])) for place in found]


_kept: dict[str, Library] = {}


def library() -> Library:
    """The library as of now; read anew only if a document, summary or skill has changed.

    Every process keeps its own. The counter is what the database says of the events that change
    texts, so all of them notice; one query for it, and one for the skills.
    """
    skills = list(Skill.objects.values_list("pk", "name", "words"))
    changes = Event.objects.filter(kind__in=_CHANGES).aggregate(Max("pk"), Count("pk"))
    counter = (changes["pk__max"], changes["pk__count"], tuple(skills))
    latest = _kept.get("latest")
    if latest is None or latest.counter != counter:
        latest = _kept["latest"] = _read(counter, skills)
    return latest


def _read(counter: tuple[Any, ...], skills: list[tuple[int, str, str]]) -> Library:
    texts: list[str] = []
    documents: dict[int, int] = {}
    summaries: dict[int, int] = {}
    rows = Voucher.objects.filter(submitted_at__isnull=False).values_list(
        "pk", "title", "answers", "visibility", "summary"
    )
    for pk, title, answers, visibility, summary in rows.order_by().iterator(2000):
        documents[pk] = len(texts)
        texts.append(text_of(title, answers))
        if visibility == Visibility.SUMMARY:
            summaries[pk] = len(texts)
            texts.append(f"{title} {summary}")
    places = {pk: len(texts) + number for number, (pk, _, _) in enumerate(skills)}
    texts += [f"{name} {words}" for _, name, words in skills]
    return Library(counter, Texts(texts), documents, summaries, places)


def text_of(title: str, answers: dict[str, str]) -> str:
    """What a voucher's document says; its title counts twice."""
    return " ".join([title, title, *answers.values()])


Similar = tuple[Voucher, float]


def for_scientist(voucher: Voucher) -> list[Similar]:
    """Other people's vouchers with a public summary that is like this document, best first.

    Only title and summary are compared, for only these did their authors make public.
    """
    books = library()
    public = Voucher.objects.filter(
        visibility=Visibility.SUMMARY, submitted_at__isnull=False
    ).exclude(author=voucher.author_id)
    among = public.values_list("pk", flat=True)
    found = books.similar(text_of(voucher.title, voucher.answers), books.summaries, among)
    return _with_rows(found)


def for_team(person: Person, voucher: Voucher) -> list[Similar]:
    """Vouchers that the person may see whose document is like this one, best first."""
    books = library()
    among = visible_to(person).exclude(pk=voucher.pk).values_list("pk", flat=True)
    found = books.similar(text_of(voucher.title, voucher.answers), books.documents, among)
    return _with_rows(found)


def _with_rows(found: list[tuple[int, float]]) -> list[Similar]:
    rows = for_list(Voucher.objects.all()).in_bulk([pk for pk, _ in found])
    return [(rows[pk], similarity) for pk, similarity in found if pk in rows]
