"""Every page for everybody: axe-core in both themes, a phone's width, large letters, print."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import get_resolver
from playwright.sync_api import Browser, Page

from tests.browser.axe import violations
from tests.browser.tour import LAST, NO_PAGE, PROBLEMS, REFUSED, STOPS, Guide, Stop
from tests.desk.authorization import PAGES
from tests.desk.test_pages import names

pytestmark = [pytest.mark.browser, pytest.mark.slow]

DESKTOP = {"width": 1280, "height": 900}
#: CSS pixels of a window 1280 wide at 200 % and at 400 %.
ZOOMED = {200: {"width": 640, "height": 450}, 400: {"width": 320, "height": 256}}
#: What WCAG 1.4.12 wants a reader to be able to set.
SPACED = """
* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }
p { margin-bottom: 2em !important; }
"""
#: Whatever is cut off, or makes the page wider than its window.
CUT_OFF = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const cut = [...document.querySelectorAll("main *, header *, footer *")].filter(one => {
    const style = getComputedStyle(one);
    return one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 1
      && ["hidden", "clip"].includes(style.overflowX)
      && !one.closest(".visually-hidden, svg, input");
  });
  return [...(wide > 0 ? [`the page is ${wide} px too wide`] : []),
          ...cut.map(one => `cut off: ${one.outerHTML.slice(0, 120)}`)];
}"""


@pytest.fixture(scope="module")
def guide(chromium: Browser, desk: str, desk_folder: Path) -> Iterator[Guide]:
    guide = Guide(chromium, desk, desk_folder)
    yield guide
    guide.close()


def at_zoom(page: Page) -> list[str]:
    """What does not fit at 200 % and 400 %, and with the letters of WCAG 1.4.12 apart."""
    found = []
    for zoom, size in ZOOMED.items():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        found += [f"{zoom} %: {one}" for one in page.evaluate(CUT_OFF)]
    # What scrolls now has to be within the keyboard's reach, what is pressed within a finger's.
    found += violations(page, "light")
    page.evaluate(
        """rules => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(rules);
            document.adoptedStyleSheets = [sheet];
        }""",
        SPACED,
    )
    found += [f"spaced: {one}" for one in page.evaluate(CUT_OFF)]
    page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
    return found


def test_every_page_of_the_desk_is_on_the_tour() -> None:
    addresses = set(names(get_resolver().url_patterns))
    stops = {stop.name for stop in STOPS}
    assert stops <= addresses
    assert stops.isdisjoint(NO_PAGE)
    pages = {line.name for line in PAGES if "GET" in line.serves and line.serves["GET"].ok == 200}
    pages &= addresses
    assert pages - stops == NO_PAGE


@pytest.mark.parametrize("stop", STOPS + REFUSED + PROBLEMS + LAST, ids=str)
def test_axe_finds_nothing_and_nothing_is_cut_off(guide: Guide, stop: Stop) -> None:
    page = stop.open(guide)
    assert violations(page) + at_zoom(page) == []


#: A4 less the margins, in CSS pixels.
PAPER = {"width": 680, "height": 1010}
#: What is of no use on paper, and whatever is cut off there.
ON_PAPER = """() => {
  const useless = "nav, footer, .skip, .actions, .next, button, .button, input, select, textarea";
  const shown = one => one.checkVisibility() && one.getClientRects().length > 0;
  const found = [...document.querySelectorAll(useless)].filter(shown);
  const cut = [...document.querySelectorAll(".scroll, details")].filter(
    one => one.scrollWidth > one.clientWidth + 1);
  return [...found, ...cut].map(one => one.outerHTML.slice(0, 160));
}"""
PRINTED = [
    stop
    for stop in STOPS
    if stop.name in ("voucher", "evidence", "report-of-year", "statistics", "vouchers")
]


@pytest.mark.parametrize("stop", PRINTED, ids=str)
def test_paper_shows_the_content_whole_and_dark_on_white(guide: Guide, stop: Stop) -> None:
    page = stop.open(guide)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false })")
    page.set_viewport_size(PAPER)  # type: ignore[arg-type]
    page.emulate_media(media="print", color_scheme="dark")
    try:
        assert page.evaluate(ON_PAPER) == []
        colours = page.evaluate(
            "[document.body, document.querySelector('h1')].map(one => getComputedStyle(one))"
            ".map((style, i) => i ? style.color : style.backgroundColor)"
        )
        assert colours == ["rgb(255, 255, 255)", "rgb(24, 35, 38)"]
        tables = page.locator("main:not(:has(.evidence)) table")
        assert all(table.is_visible() for table in tables.all())
        assert page.pdf(format="A4").startswith(b"%PDF")
    finally:
        page.emulate_media(media="screen", color_scheme="light")
        page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]


def test_paper_tells_where_a_link_leads(guide: Guide) -> None:
    page = guide.page(None)
    page.goto("/talk/")
    page.emulate_media(media="print")
    found = page.evaluate(
        """() => {
            const link = document.createElement("a");
            link.href = "https://example.org/data";
            document.querySelector("main").append(link);
            return getComputedStyle(link, "::after").content;
        }"""
    )
    page.emulate_media(media="screen")
    assert "https://example.org/data" in found
