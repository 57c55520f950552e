"""What people type is cut into words, and nothing that they type means anything else."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.lists.words import LONGEST, Term, marked, normal, parse, pattern, snippet, words


def has(text: str) -> list[tuple[str, bool]]:
    return [(" ".join(term.words), term.goes_on) for term in parse(text).has]


def has_not(text: str) -> list[tuple[str, bool]]:
    return [(" ".join(term.words), term.goes_on) for term in parse(text).has_not]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Neural networks", ["neural", "networks"]),
        ("Jülich, Ångström & Łódź", ["julich", "angstrom", "lodz"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("Ｆｕｌｌ ﬁ ①", ["full", "fi", "1"]),
        ("e-mail a.b@c.de snake_case", ["e", "mail", "a", "b", "c", "de", "snake", "case"]),
        ("V-2026-0042", ["v", "2026", "0042"]),
        ("Протеин 日本 ΣΊΣΥΦΟΣ", ["протеин", "日本", "σισυφοσ"]),
        ("😀 -- ... \x00", []),
    ],
)
def test_a_text_is_cut_into_plain_words(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("network", [("network", True)], []),
        ("ai of", [("ai", False), ("of", False)], []),
        ("ai*", [("ai", True)], []),
        ('"test set"', [("test set", False)], []),
        ("„test set“ “and more”", [("test set", False), ("and more", False)], []),
        ('"never closed', [("never closed", False)], []),
        ('a"b"c', [("a", False), ("b", False), ("c", False)], []),
        ("-wind", [], [("wind", True)]),
        ('cells -"two words" -x', [("cells", True)], [("two words", False), ("x", False)]),
        ("V-2026-0042", [("v 2026 0042", True)], []),
        ("k-means", [("k means", True)], []),
        ('"" - -- -"" * "-" "*"', [], []),
        ("a OR b AND NOT c", [("a", False), ("or", False), ("b", False), ("and", True),
                              ("not", True), ("c", False)], []),
        ("NEAR(a b, 3)", [("near a", False), ("b", False), ("3", False)], []),
        ("title:x ^y {z}", [("title x", False), ("y", False), ("z", False)], []),
        ("'; DROP TABLE lists_words; --", [("drop", True), ("table", True),
                                           ("lists words", True)], []),
        ("a & b | !c <-> d:*", [(x, False) for x in "abc"] + [("d", True)], []),
        ("\x00a\x00b", [("a b", False)], []),
    ],
)  # fmt: skip
def test_quotes_minus_and_star_mean_something_and_all_else_separates(
    text: str, wanted: list[tuple[str, bool]], unwanted: list[tuple[str, bool]]
) -> None:
    assert (has(text), has_not(text)) == (wanted, unwanted)


def test_too_much_is_refused_with_the_limit() -> None:
    parse("x" * LONGEST)
    with pytest.raises(ValidationError, match="at most 200 characters"):
        parse("x" * (LONGEST + 1))
    parse("x " * 16)
    with pytest.raises(ValidationError, match="at most 16 words"):
        parse('x "' + "x " * 16)


@given(st.text(max_size=LONGEST))
def test_whatever_is_typed_the_database_is_asked_for_words_only(text: str) -> None:
    try:
        wanted = parse(text)
    except ValidationError:
        return
    for term in wanted.has + wanted.has_not:
        for word in term.words:
            assert word.isalnum() or all(c.isalnum() for c in word)
        assert term.fts5().count('"') == 2
        assert term.tsquery().count("'") == 2 * len(term.words)


@given(st.text(), st.text(max_size=LONGEST))
def test_marks_are_the_only_html(text: str, asked: str) -> None:
    try:
        terms = parse(asked).has
    except ValidationError:
        return
    for html in (marked(normal(text), pattern(terms)), snippet(normal(text), pattern(terms))):
        bare = html.replace("<mark>", "").replace("</mark>", "")
        assert not set(bare) & set("<>\"'")
        assert html.count("<mark>") == html.count("</mark>")


@pytest.mark.parametrize(
    ("text", "asked", "html"),
    [
        ("<b>Networks & co</b>", "network", "&lt;b&gt;<mark>Networks</mark> &amp; co&lt;/b&gt;"),
        ("In Jülich and Juli", "julich", "In <mark>Jülich</mark> and Juli"),
        ("Große Straße", "grosse strass", "<mark>Große</mark> <mark>Straße</mark>"),
        ("a set, the test-set", '"test set"', "a set, the <mark>test-set</mark>"),
        ("preset set", '"set"', "preset <mark>set</mark>"),
        ("nothing", "something", "nothing"),
    ],
)
def test_what_was_found_is_marked_as_it_is_written(text: str, asked: str, html: str) -> None:
    assert marked(normal(text), pattern(parse(asked).has)) == html


def test_a_snippet_is_cut_where_most_of_what_was_asked_is_together() -> None:
    filler = "lorem ipsum " * 30
    text = f"onset alone {filler} the onset of a wave {filler} end"
    shown = snippet(text, pattern(parse("wave onset").has))
    assert "the <mark>onset</mark> of a <mark>wave</mark>" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) < 300
    assert snippet(text, pattern(parse("earthquake").has)) == ""
    assert snippet(text, pattern(())) == ""


def test_a_snippet_of_one_endless_word_is_still_short() -> None:
    shown = snippet("x" * 300 + " hit" + "y" * 5000, pattern((Term(("hit",), True),)))
    assert "<mark>hit" in shown
    assert len(shown) < 400
