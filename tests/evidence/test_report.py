"""The report is one page that needs nothing else, and shows hostile text as text."""

import base64
import dataclasses
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from evidesk.evidence import Column, Evidence, Table, render, report
from evidesk.evidence.report import printed_rows, size_text

from .chromium import a_tab
from .samples import SVG, a_plotted_figure, a_provenance, a_table, an_estimate, an_evidence

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
ATTACK = '<script>alert(1)</script><img src=x onerror="alert(2)">'


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(evidence: Evidence) -> Page:
    return Page(report(evidence))


def test_the_report_tells_all_in_the_order_of_interest() -> None:
    evidence = an_evidence()
    text = " ".join(page(evidence).text.split())
    body = text[text.index("Question") :]
    order = [
        evidence.question,
        evidence.answer,
        "✓ supported The network is right more often than 9 times in 10.",
        "0.935 ± 0.019 95 %, normal, n=670",
        "? undecided The two networks differ.",
        "✗ refuted The loss is bounded.",
        evidence.warnings[0],
        "Accuracy <by> model",
        "Accuracy of each model",
        "Where this comes from",
        "Ada Lovelace",
        'predictions = ["a", "b"]',
        "sha256 " + "ab" * 32,
        "evidesk verify PATH",
    ]
    places = [body.index(sentence) for sentence in order]
    assert places == sorted(places)


def test_the_report_loads_nothing_and_runs_nothing() -> None:
    shown = page(dataclasses.replace(an_evidence(), figures=(a_plotted_figure(),)))
    tags = {tag for tag, _ in shown.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    policies = [m["content"] for m in shown.all("meta") if "http-equiv" in m]
    assert policies == [CSP]
    sources = [a[key] or "" for _, a in shown.elements for key in a if key in ("src", "srcset")]
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    links = [a["href"] or "" for a in shown.all("a")]
    assert all(re.fullmatch(r"(tables|figures)/[a-z]+\.csv", link) for link in links)
    assert not [key for _, a in shown.elements for key in a if key.startswith("on")]


def test_figures_are_embedded_with_their_alternative_text() -> None:
    (image,) = page(an_evidence()).all("img")
    assert image["alt"] == "A green bar."
    content = (image["src"] or "").partition("base64,")[2]
    assert base64.b64decode(content).decode() == SVG


def saying(text: str) -> Evidence:
    """Evidence that says the text wherever there is text."""
    provenance = dataclasses.replace(
        a_provenance(),
        kit=text,
        agent=text,
        commit=text,
        parameters={text: text},
        versions={text: text},
        inputs=(dataclasses.replace(a_provenance().inputs[0], name=text),),
    )
    table = Table("t", text, (Column(text, "text", text, text),), ((text,),))
    evidence = an_evidence()
    finding = dataclasses.replace(
        evidence.findings[0], sentence=text, estimate=an_estimate(unit=text, method=text)
    )
    figure = dataclasses.replace(evidence.figures[0], title=text, alt=text, data=table)
    return Evidence(text, text, (finding,), (table,), (figure,), (text,), provenance)


def test_hostile_text_is_shown_as_text() -> None:
    html = report(saying(ATTACK))
    assert "<script" not in html
    assert "onerror" not in {key for _, a in Page(html).elements for key in a}
    assert Page(html).text.count(ATTACK) >= 15


def test_the_shortest_evidence_has_no_empty_sections() -> None:
    provenance = dataclasses.replace(
        a_provenance(), parameters={}, inputs=(), versions={}, commit=None, random_state=None
    )
    text = page(Evidence("Q?", "A.", (), provenance=provenance)).text
    assert "nothing is random" in text
    for heading in ("Findings", "Figures", "Tables", "Before you", "Inputs", "Versions", "Commit"):
        assert heading not in text


def test_a_report_needs_provenance() -> None:
    with pytest.raises(ValueError, match="a report needs provenance"):
        report(dataclasses.replace(an_evidence(), provenance=None))


def a_long_table() -> Table:
    return Table(
        "long", "Long", (Column("i", "integer"),), tuple((i,) for i in range(1_000, 1_250))
    )


def test_of_a_long_table_the_report_shows_the_first_rows_and_says_so() -> None:
    shown = page(dataclasses.replace(an_evidence(), tables=(a_long_table(),))).text
    assert "The first 50 of 250 rows." in shown
    assert "1049" in shown
    assert "1050" not in shown


@pytest.mark.parametrize(
    ("cells", "printed"),
    [
        ([0.91, 0.935, None], ["0.910", "0.935", "–"]),
        ([1.0, 2.0], ["1", "2"]),
        ([-0.0, -0.5, -0.00001], ["0", "-0.5", "-1e-05"]),
        ([1 / 3, 12_345.6], ["0.3333", "12345.6000"]),
        ([0.0466667, 0.7854, 0.001], ["0.0467", "0.7854", "0.0010"]),
        ([-0.00538363, 0.0506006], ["-0.00538", "0.05060"]),
        ([1e-9, 0.5], ["1e-09", "0.5"]),
        ([0.000123456, 1.5], ["0.000123", "1.500000"]),
        ([float("inf"), 0.25], ["inf", "0.25"]),
    ],
)
def test_numbers_of_one_column_share_their_decimals(
    cells: list[float | None], printed: list[str]
) -> None:
    table = Table("t", "T", (Column("x", "number"),), tuple((cell,) for cell in cells))
    assert [row[0] for row in printed_rows(table)] == printed


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (999_400, "999 kB"), (999_600, "1 MB"),
     (2_345_678_901, "2.35 GB"), (5 * 10**12, "5 TB")],
)  # fmt: skip
def test_sizes_are_told_in_units_that_people_use(size: int, text: str) -> None:
    assert size_text(size) == text


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_report_fits_a_phone_and_a_desk(tmp_path: Path, width: int, scheme: str) -> None:
    evidence = dataclasses.replace(an_evidence(), figures=(a_plotted_figure(),))
    folder = evidence.write(tmp_path / "crate")
    with a_tab(viewport={"width": width, "height": 800}, color_scheme=scheme) as tab:
        complaints: list[str] = []
        requests: list[str] = []
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("request", lambda request: requests.append(request.url))
        tab.goto((folder / "report.html").as_uri())
        assert complaints == []
        assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("document.images[0].naturalWidth") > 0
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 24, 29)")


@pytest.mark.browser
def test_a_long_answer_is_set_to_be_read_and_not_to_be_seen_from_afar(tmp_path: Path) -> None:
    def size(answer: str) -> float:
        evidence = dataclasses.replace(an_evidence(), answer=answer)
        page = evidence.write(tmp_path / "crate", overwrite=True) / "report.html"
        tab.goto(page.as_uri())
        style = "parseFloat(getComputedStyle(document.querySelector('.answer p + p')).fontSize)"
        return float(tab.evaluate(style))

    with a_tab(viewport={"width": 1280, "height": 800}) as tab:
        assert size("a " * 80) > 30
        assert size("a " * 80 + "b") < 20


def test_a_long_question_and_a_long_answer_are_marked_as_such() -> None:
    def marked(**changes: str) -> list[str]:
        divisions = page(dataclasses.replace(an_evidence(), **changes)).all("div")
        return [d["class"] or "" for d in divisions][:2]

    assert marked() == ["question", "answer"]
    assert marked(question="q" * 161, answer="a" * 160) == ["question long", "answer"]
    assert marked(answer="a" * 161) == ["question", "answer long"]


def in_terminal(evidence: Evidence, width: int = 80) -> str:
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123
    console.print(render(evidence))
    return console.export_text()


def test_the_terminal_shows_what_one_reads_first() -> None:
    text = in_terminal(an_evidence())
    for part in (
        an_evidence().question,
        an_evidence().answer,
        "✓ supported The network is right",
        "0.935 ± 0.019 (95 %, normal, n=670)",
        "? undecided",
        "! The normal approximation is poor & n is small.",
        "bars: Accuracy <by> model",
        "Accuracy of each model",
        "predictions.csv (12.3 kB, sha256 abababababab…)",
        "seed     42",
        "2026-03-04 09:30 UTC, 1.5 s",
    ):
        assert part in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.parametrize(
    "text", ["[red]x[/red]", "[/]", "[link=http://a.example]y[/link]", ":boom:"]
)
def test_the_terminal_takes_markup_literally(text: str) -> None:
    assert in_terminal(saying(text), width=400).count(text) >= 15


def test_the_terminal_shows_little_evidence_and_long_tables() -> None:
    text = in_terminal(Evidence("Q?", "A.", (), (a_long_table(),)))
    assert "and 210 more rows" in text
    assert "Where this comes from" not in text
    provenance = dataclasses.replace(a_provenance(), random_state=None, commit=None)
    text = in_terminal(Evidence("Q?", "A.", (), provenance=provenance))
    assert "seed" not in text
    assert "commit" not in text


def test_in_a_pipe_there_are_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=80).print(render(an_evidence()))
    assert "\x1b" not in capsys.readouterr().out


def test_a_table_prints_every_cell() -> None:
    assert len(printed_rows(a_table())) == len(a_table().rows)
    assert printed_rows(dataclasses.replace(a_table(), rows=())) == []
