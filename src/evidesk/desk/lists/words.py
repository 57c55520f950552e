"""Words as the full text index knows them, what people ask for, and how a hit is shown.

Texts are cut into words here, not by the database: SQLite and PostgreSQL then find the same. No
stemmer is used, because documents are English and German, often both in one, and a stemmer for the
wrong language joins words that have nothing to do with each other. Instead a word of three letters
or more also finds the words that begin with it, as *network* finds *networks* and *Netzwerk*
finds *Netzwerke*.
"""

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice

from django.core.exceptions import ValidationError
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

#: Characters and words of what somebody asks for.
LONGEST = 200
MOST_WORDS = 16
#: From how many letters on a word also stands for those that begin with it.
PREFIX_FROM = 3
#: Characters of a snippet before and after its first match.
_BEFORE, _AFTER = 60, 160
#: Matches that are looked at to find the best place for a snippet.
_MOST_MATCHES = 200

# Letters that Unicode does not take apart into a plain one and a mark.
_PLAIN = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_QUOTES = str.maketrans(dict.fromkeys("„“”«»＂", '"'))
_PIECE = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)"?|(?P<chunk>[^\s"]+)')


def normal(text: str) -> str:
    """The text as it is kept: compatible characters joined, control characters as spaces."""
    joined = unicodedata.normalize("NFKC", text)
    return "".join(" " if unicodedata.category(c)[0] == "C" else c for c in joined)


def words(text: str) -> list[str]:
    """Its words: letters and digits, without case, accents and umlauts' dots."""
    if text.isascii():
        folded = text.lower()
    else:
        apart = unicodedata.normalize("NFKD", text.casefold()).translate(_PLAIN)
        folded = "".join(c for c in apart if unicodedata.category(c) != "Mn")
    return re.findall(r"[^\W_]+", folded)


@dataclass(frozen=True)
class Term:
    """Words that follow each other; with `goes_on`, the last of them may be longer."""

    words: tuple[str, ...]
    goes_on: bool

    def fts5(self) -> str:
        """For SQLite. A word holds only letters and digits, so nothing in it needs an escape."""
        return '"' + " ".join(self.words) + '"' + ("*" if self.goes_on else "")

    def tsquery(self) -> str:
        """For PostgreSQL."""
        quoted = [f"'{word}'" for word in self.words]
        return "(" + " <-> ".join(quoted) + (":*" if self.goes_on else "") + ")"


@dataclass(frozen=True)
class Match:
    """Terms that a voucher must have all of, or any of."""

    terms: tuple[Term, ...]
    all: bool = True

    def fts5(self) -> str:
        return (" AND " if self.all else " OR ").join(term.fts5() for term in self.terms)

    def tsquery(self) -> str:
        return (" & " if self.all else " | ").join(term.tsquery() for term in self.terms)


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for: every term of `has`, none of `has_not`."""

    has: tuple[Term, ...]
    has_not: tuple[Term, ...]

    def __bool__(self) -> bool:
        return bool(self.has or self.has_not)


def parse(text: str) -> Wanted:
    """What the text asks for.

    Words are all wanted; "words in quotes" exactly and in this order; -word not; wor* stands for
    whatever begins so, as a word of three letters or more does by itself. Everything else in the
    text only separates words.

    Raises
    ------
    ValidationError : it is longer than 200 characters or has more than 16 words.
    """
    if len(text) > LONGEST:
        raise ValidationError(_("Search with at most %d characters.") % LONGEST)
    has: list[Term] = []
    has_not: list[Term] = []
    for piece in _PIECE.finditer(text.translate(_QUOTES)):
        chunk = piece["chunk"]
        exactly = chunk is None
        said = piece["phrase"] if exactly else chunk
        found = tuple(words(said))
        if not found:
            continue
        goes_on = not exactly and (said.endswith("*") or len(found[-1]) >= PREFIX_FROM)
        unwanted = piece["minus"] if exactly else chunk.startswith("-")
        (has_not if unwanted else has).append(Term(found, goes_on))
    if sum(len(term.words) for term in has + has_not) > MOST_WORDS:
        raise ValidationError(_("Search for at most %d words.") % MOST_WORDS)
    return Wanted(tuple(has), tuple(has_not))


# Showing where it was found


def _variants() -> tuple[dict[str, str], dict[str, str]]:
    """Of each plain letter, the Latin letters that are folded to it; the same for pairs."""
    single: dict[str, str] = defaultdict(str)
    pairs: dict[str, str] = defaultdict(str)
    for code in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)):
        for plain in words(chr(code)):
            if plain != chr(code) and len(plain) <= 2:
                (single if len(plain) == 1 else pairs)[plain] += chr(code)
    return single, pairs


_SINGLE, _PAIRS = _variants()
_EDGE_BEFORE, _EDGE_AFTER, _GAP = r"(?<![^\W_])", r"(?![^\W_])", r"[\W_]+"


def _spelled(word: str) -> str:
    """A pattern of the word as it may have been before it was folded."""
    pattern, at = "", 0
    while at < len(word):
        letter, pair = word[at], word[at : at + 2]
        one = f"[{letter}{_SINGLE[letter]}]" if letter in _SINGLE else letter
        if pair in _PAIRS:
            other = f"[{pair[1]}{_SINGLE[pair[1]]}]" if pair[1] in _SINGLE else pair[1]
            one, at = f"(?:{one}{other}|[{_PAIRS[pair]}])", at + 1
        pattern, at = pattern + one, at + 1
    return pattern


def pattern(terms: tuple[Term, ...]) -> re.Pattern[str] | None:
    """Finds the terms in a text that :func:`normal` has made; group n is the n-th term."""
    if not terms:
        return None
    return re.compile(
        "|".join(
            "("
            + _EDGE_BEFORE
            + _GAP.join(map(_spelled, term.words))
            + (r"[^\W_]*" if term.goes_on else _EDGE_AFTER)
            + ")"
            for term in terms
        ),
        re.IGNORECASE,
    )


def marked(text: str, wanted: re.Pattern[str] | None) -> SafeString:
    """The text as HTML, escaped, with what was wanted in it marked."""
    html, last = "", 0
    for match in wanted.finditer(text) if wanted else ():
        html += conditional_escape(text[last : match.start()])
        html += f"<mark>{conditional_escape(match[0])}</mark>"
        last = match.end()
    return mark_safe(html + conditional_escape(text[last:]))  # noqa: S308 - just escaped


def snippet(text: str, wanted: re.Pattern[str] | None) -> SafeString:
    """Where the text has most of what was wanted, marked; empty if it has nothing of it."""
    matches = list(islice(wanted.finditer(text), _MOST_MATCHES)) if wanted else []
    if not wanted or not matches:
        return SafeString("")
    best, most = matches[0], 0
    for number, first in enumerate(matches):
        near = {
            match.lastindex
            for match in matches[number : number + 20]
            if match.end() <= first.start() + _AFTER
        }
        if len(near) > most:
            best, most = first, len(near)
        if most == wanted.groups:
            break
    start, end = max(0, best.start() - _BEFORE), min(len(text), best.start() + _AFTER)
    # Cut between words, where there is a space near enough.
    if start and (space := text.find(" ", start, best.start())) >= 0:
        start = space + 1
    if end < len(text) and best.end() < (space := text.rfind(" ", start, end)):
        end = space
    return SafeString(
        ("… " if start else "")
        + marked(text[start:end], wanted)
        + (" …" if end < len(text) else "")
    )
