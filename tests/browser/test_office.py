"""The statistics and the report in a real browser: their policy, their width, their keys."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_office_reads_its_figures(visit: Any, width: int, theme: str) -> None:
    office = visit("office", viewport={"width": width, "height": 844}, color_scheme=theme)
    office.page.click("text=Statistics")
    office.page.wait_for_url("**/office/")
    assert office.page.locator("svg.chart[role=img]").count() >= 10
    assert office.page.evaluate("document.documentElement.scrollWidth") <= width
    office.page.select_option("select[name=unit]", label="Matter")
    office.page.select_option("select[name=period]", value="12-months")
    office.page.click("button:has-text('Show')")
    assert "unit=matter" in office.page.url
    office.page.locator(".figures-now a").first.click()
    assert office.page.locator("tbody tr").count() > 0
    office.page.goto("/office/report/2026/")
    assert office.page.locator("h1").inner_text() == "The network in 2026"
    assert office.page.evaluate("document.documentElement.scrollWidth") <= width
