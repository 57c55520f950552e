"""How texts, sizes and states are written on pages."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from evidesk.desk.templatetags import evidesk as tags
from evidesk.desk.vouchers.models import Event

HARMLESS = {
    "p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip

ATTACKS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="x" onerror="alert(1)"//',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=20>x</text></a></svg>",
    "<math><mtext></p><style><!--</style><img title='--><img src onerror=alert(1)>'>",
    "<style>body{background:url(javascript:alert(1))}</style>",
    "<p style='position:fixed'>x</p>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=//evil.example><input name=csrfmiddlewaretoken></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<!-- --><script>alert(1)</script><!-- -->",
    "<!--><img src=x onerror=alert(1)>-->",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java&#x73;cript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](<java\nscript:alert(1)>)",
    "[x](\x01javascript:alert(1))",
    "[x](&#14;  javascript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](file:///etc/passwd)",
    "[x](%6Aavascript:alert(1))",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    '[x](https://a.example "onmouseover=alert(1)")',
    "[x](https://a.example/\"onmouseover='alert(1)')",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    "```\n<script>alert(1)</script>\n```",
    "```<script>alert(1)</script>\nx\n```",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "| a |\n|:-:|\n| x |",
    "> > > <details open ontoggle=alert(1)>",
    "<a href='https://a.example' target=_blank onclick=alert(1)>x</a>",
    "# <b onmouseover=alert(1)>x</b>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


class Reader(HTMLParser):
    """Notes each tag with its attributes, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def assert_nothing_active(html: str) -> None:
    read = Reader(html)
    assert read.comments == []
    for tag, attributes in read.tags:
        assert tag in HARMLESS
        allowed = {"a": {"href", "rel"}, "ol": {"start"}}.get(tag, set())
        assert attributes.keys() <= allowed | {"title", "lang"}
        href = attributes.get("href")
        if href is not None:
            # As browsers do: control characters and spaces do not count.
            scheme = urlsplit(re.sub(r"[\x00-\x20]", "", href)).scheme.lower()
            assert scheme in ("http", "https", "mailto", ""), href
            assert attributes["rel"] == "noopener noreferrer nofollow"


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_that_people_write_becomes_active(text: str) -> None:
    assert_nothing_active(tags.markdown(text))
    assert_nothing_active(tags.markdown(f"- > {text}\n\n1. {text}"))


PIECES = st.sampled_from([*ATTACKS, "<", ">", '"', "'", "`", "\n", "](", "[x](", "*", "&", "a"])


@given(st.lists(PIECES, max_size=8).map("".join))
def test_no_mixture_of_attacks_becomes_active(text: str) -> None:
    assert_nothing_active(tags.markdown(text))


def test_headings_begin_below_the_pages_own() -> None:
    html = tags.markdown("# One\n\n## Two\n\n### Three\n\n#### Four\n\n##### Five")
    assert [tag for tag, _ in Reader(html).tags] == ["h3", "h4", "h5", "h6", "h6"]
    assert [tag for tag, _ in Reader(tags.markdown("# One\n\n## Two", 2)).tags] == ["h2", "h3"]
    assert "<h1" not in tags.markdown("`<h1>` in code")


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("## Two", ["h3"]),
        ("##### Five\n\n# One", ["h3", "h3"]),
        ("## Two\n\n#### Four\n\n### Three\n\n## Two", ["h3", "h4", "h4", "h3"]),
    ],
)
def test_no_level_of_headings_is_left_out(text: str, levels: list[str]) -> None:
    assert [tag for tag, _ in Reader(tags.markdown(text)).tags] == levels


def test_tables_lists_and_links_stay() -> None:
    html = tags.markdown("| a | b |\n|---|---|\n| 1 | 2 |\n\n3. c\n\n<https://a.example>")
    assert "<td>1</td>" in html
    assert '<ol start="3">' in html
    assert 'href="https://a.example"' in html


def test_a_moment_is_told_in_one_unit_with_the_exact_time_beside() -> None:
    html = tags.when(timezone.now() - timedelta(days=115))
    assert re.search(r">\d+\xa0months?\xa0ago<", html)
    assert re.search(r">\d+\xa0minutes? ago<", tags.when(timezone.now() - timedelta(minutes=5)))
    exact = tags.when(datetime(2026, 3, 4, 9, 30, tzinfo=UTC))
    assert 'title="4 March 2026, 10:30"' in exact


@pytest.mark.parametrize(
    ("away", "english", "german"),
    [
        (timedelta(days=-400), "1 year ago", "vor 1 Jahr"),
        (timedelta(days=-115), "3 months ago", "vor 3 Monaten"),
        (timedelta(days=-1, minutes=-1), "1 day ago", "vor 1 Tag"),
        (timedelta(hours=-3, minutes=-1), "3 hours ago", "vor 3 Stunden"),
        (timedelta(days=3, minutes=1), "3 days from now", "in 3 Tagen"),
        (timedelta(days=15), "2 weeks from now", "in 2 Wochen"),
    ],
)
def test_a_moment_is_told_as_each_language_does(away: timedelta, english: str, german: str) -> None:
    moment = timezone.now() + away
    assert f">{english}<" in tags.when(moment).replace("\xa0", " ")
    with translation.override("de"):
        assert f">{german}<" in tags.when(moment).replace("\xa0", " ")


@pytest.mark.parametrize(
    ("seconds", "english", "german"),
    [
        (20, "less than a minute left", "noch weniger als eine Minute"),
        (65, "about 1 minute left", "noch etwa 1 Minute"),
        (170, "about 3 minutes left", "noch etwa 3 Minuten"),
        (7_300, "about 2 hours left", "noch etwa 2 Stunden"),
        (260_000, "about 3 days left", "noch etwa 3 Tage"),
    ],
)
def test_the_time_left_is_told_as_each_language_does(
    seconds: float, english: str, german: str
) -> None:
    assert tags.left(seconds) == english
    with translation.override("de"):
        assert tags.left(seconds) == german


def test_who_was_offered_a_voucher_stands_within_the_sentence() -> None:
    event = Event(kind="offer", data={"to": "Mara Lind"})
    assert tags.happened(event) == "offered it to Mara Lind"
    with translation.override("de"):
        assert tags.happened(event) == "hat ihn Mara Lind angeboten"


@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        ("message", {}, "wrote"),
        ("submit", {}, "submitted the voucher"),
        ("offer", {"to": "Cyra"}, "offered it to Cyra"),
    ],
)
def test_an_event_reads_as_a_sentence(kind: str, data: dict[str, str], told: str) -> None:
    assert tags.happened(Event(kind=kind, data=data)) == told


def test_parameters_and_cells_are_written_for_people() -> None:
    assert tags.plain(["a", 2]) == "a, 2"
    assert tags.plain(0.95) == 0.95
    assert [tags.is_number(value) for value in (1, 0.5, "1", None)] == [True, True, False, False]
    assert [tags.cell(value) for value in (None, 7, 0.123456, 1.0, "x", float("inf"))] == [
        "–", "7", "0.1235", "1.000", "x", "inf"
    ]  # fmt: skip


def test_huge_and_tiny_numbers_are_written_by_their_powers() -> None:
    assert [tags.power(value) for value in (0.0, -0.05, 2.636, 3.9, -2.0)] == [
        "1.00", "0.89", "433", "7943", "0.01"
    ]  # fmt: skip
    assert tags.power(400.3) == "2.0 × 10<sup>400</sup>"
    assert tags.power(-5.5) == "3.2 × 10<sup>-6</sup>"
    with translation.override("de"):
        assert tags.power(-0.05) == "0,89"


def test_a_level_is_told_as_what_it_leaves_to_chance() -> None:
    assert [tags.as_risk(level) for level in (0.95, 0.9, 0.999)] == [5.0, 10.0, 0.1]
