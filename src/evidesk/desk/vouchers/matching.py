"""Which texts are alike, and who fits which voucher: pure functions, without a database.

Texts are compared by the cosine of their TF-IDF vectors (Salton & Buckley 1988, "Term-weighting
approaches in automatic text retrieval"), with logarithmic term frequency. Words are cut to their
first six letters, which joins the forms of a word in English and German alike, compounds by their
first part.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.feature_extraction.text import TfidfVectorizer

_WORD = re.compile(r"[^\W\d_]{3,}")
#: Letters of a word that count.
_STEM = 6
#: Function words, English and German: they say nothing about a topic.
_STOP = frozenset(
    """
    about above after another nobody say says said see seen look looks looked get got give
    given know need needs take takes four ones quite done good goes going whether often never
    ever lot few again all also and any are because been before being below between both but
    can cannot could did does doing down during each few for from further had has have having
    her here hers him his how into its itself just let like make many may might more most much
    must not now off once one only other our ours out over own same she should some such than
    that the their them then there these they this those three through too two under until use
    used using very want was way well were what when where which while who whom why will with
    without would you your yours
    aber alle allem allen aller alles als also andere anderen auch auf aus bei bin bis bist
    damit dann das dass dein dem den denn der des dich die dies diese diesem diesen dieser
    dieses dir doch dort durch ein eine einem einen einer eines einige etwas euch euer für
    gegen gewesen habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem
    ihren ihrer immer ist jede jedem jeden jeder jedes jetzt kann kein keine keinem keinen
    keiner können könnte machen man manche mehr mein meine meinem meinen meiner mich mir mit
    muss nach nicht nichts noch nun nur oder ohne sehr sein seine seinem seinen seiner sich
    sie sind solche soll sollte sondern sonst über und uns unser unsere unserem unseren unter
    viel vom von vor war waren warum was weil welche wenn wer werde werden wie wieder will wir
    wird wirst wollen würde würden zum zur zwar zwischen
    """.split()  # noqa: SIM905 - a hundred lines otherwise
)


def stems(text: str) -> list[str]:
    """The words of a text that say what it is about, each cut to its first letters."""
    return [w[:_STEM] for w in _WORD.findall(text.lower()) if w not in _STOP]


class Texts:
    """Texts to which another one can be compared, each by its place in the sequence."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._vectorizer = TfidfVectorizer(
            analyzer=stems, sublinear_tf=True, dtype=np.float32, norm="l2"
        )
        # A last text of one word: scikit-learn refuses to learn from no words at all.
        self._matrix = self._vectorizer.fit_transform([*texts, "evidesk"])[:-1]
        self._terms = self._vectorizer.get_feature_names_out()

    def similarities(self, text: str) -> NDArray[np.float32]:
        """Cosine similarity of the text to each, shape (texts,), from 0 to 1."""
        vector = self._vectorizer.transform([text])
        product: Any = self._matrix @ vector.T
        return np.asarray(product.todense(), dtype=np.float32).ravel()

    def shared(self, text: str, place: int, most: int = 4) -> tuple[str, ...]:
        """The words of `text` that make it similar to the one in this place, the weightiest first,
        as they are written in `text`.
        """
        vector = self._vectorizer.transform([text])
        weights = vector.multiply(self._matrix[place]).tocoo()
        heaviest = sorted(zip(-weights.data, weights.col, strict=True))[:most]
        written: dict[str, str] = {}
        for word in _WORD.findall(text):
            written.setdefault(word.lower()[:_STEM], word.lower())
        return tuple(written[self._terms[column]] for _, column in heaviest)


def nearest(
    similarities: NDArray[np.float32], places: Iterable[int], *, most: int, least: float
) -> list[int]:
    """Of these places those with the highest similarities of at least `least`, highest first."""
    chosen = np.fromiter(places, dtype=np.intp)
    values = similarities[chosen]
    order = np.argsort(-values, kind="stable")[:most]
    return [int(chosen[i]) for i in order if values[i] >= least]


@dataclass(frozen=True)
class Sign:
    """One sign that somebody knows the topic: a skill, or a voucher they worked on.

    Attributes
    ----------
    similarity : of the document to its text.
    place : where its text is among those that were compared; -1 for none.
    name, words : what it is called, and the words in common; empty until somebody wants to know.
    """

    similarity: float
    place: int = -1
    name: str = ""
    words: tuple[str, ...] = ()


NO_SIGN = Sign(0.0)


def strongest(similarities: NDArray[np.float32], places: NDArray[np.intp], least: float) -> Sign:
    """The sign with the highest similarity of at least `least` among these places."""
    if places.size == 0:
        return NO_SIGN
    place = int(places[similarities[places].argmax()])
    similarity = float(similarities[place])
    return Sign(similarity, place) if similarity >= least else NO_SIGN


@dataclass(frozen=True)
class Candidate:
    """A possible consultant for one voucher.

    Attributes
    ----------
    key : whatever tells one person from another.
    skill, past : the strongest sign of each sort.
    free_hours : hours that are free in the weeks that count.
    conflicts : reasons, each a sentence, why it should not be this person.
    place : where they work, for people to read.
    """

    key: int
    name: str
    skill: Sign
    past: Sign
    free_hours: float
    conflicts: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class Match:
    """How well a candidate fits: `score` is affinity times capacity, and 0 in a conflict."""

    candidate: Candidate
    affinity: float
    capacity: float
    score: float


def affinity(skill: Sign, past: Sign) -> float:
    """Either sign is enough: 1 - (1 - skill) (1 - past), as of two independent chances."""
    return 1 - (1 - skill.similarity) * (1 - past.similarity)


def capacity(free_hours: float, needed_hours: float) -> float:
    """The share of the needed hours that is free, from 0 to 1."""
    return min(1.0, max(0.0, free_hours) / needed_hours)


def match(candidate: Candidate, needed_hours: float) -> Match:
    """The candidate's factors and their product."""
    fits = affinity(candidate.skill, candidate.past)
    free = capacity(candidate.free_hours, needed_hours)
    return Match(candidate, fits, free, 0.0 if candidate.conflicts else fits * free)


def rank(candidates: Iterable[Candidate], needed_hours: float) -> list[Match]:
    """The best first; whoever has a conflict last; the same score by name."""
    matches = [match(one, needed_hours) for one in candidates]
    return sorted(matches, key=lambda m: (bool(m.candidate.conflicts), -m.score, m.candidate.name))


def assign(
    candidates: Mapping[int, Sequence[Candidate]], needed_hours: Mapping[int, float]
) -> dict[int, Match]:
    """The assignment of vouchers to consultants with the greatest sum of scores.

    Parameters
    ----------
    candidates : for each voucher who could take it, the same people for each.
    needed_hours : for each voucher the hours that it takes in the weeks that count.

    Returns
    -------
    for each voucher that somebody can take, the match; its capacity is what is left when those
    before it in the same person's hands are served.

    Notes
    -----
    Everybody has a slot for each time that the longest of the vouchers' hours begins to fit; a
    later slot finds fewer hours free. Solved exactly by the Hungarian method's successor in
    :func:`scipy.optimize.linear_sum_assignment` (Crouse 2016).
    """
    vouchers = list(candidates)
    if not vouchers:
        return {}
    longest = max(needed_hours[voucher] for voucher in vouchers)
    slots = [
        (place, number)
        for place, one in enumerate(candidates[vouchers[0]])
        for number in range(min(len(vouchers), int(np.ceil(max(0.0, one.free_hours) / longest))))
    ]
    table = [
        [
            _in_slot(candidates[voucher][place], number * longest, needed_hours[voucher])
            for place, number in slots
        ]
        for voucher in vouchers
    ]
    scores = np.array([[m.score for m in row] for row in table]).reshape(len(vouchers), len(slots))
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return {
        vouchers[row]: table[row][column]
        for row, column in zip(rows, columns, strict=True)
        if table[row][column].score > 0
    }


def _in_slot(candidate: Candidate, taken_hours: float, needed_hours: float) -> Match:
    left = max(0.0, candidate.free_hours - taken_hours)
    return match(replace(candidate, free_hours=left), needed_hours)
