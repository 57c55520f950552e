"""The voucher's path with nothing but Tab, Enter, Space, arrows and letters."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: More presses of Tab than any page needs.
MANY = 200
IS_FOCUSED = "one => one === document.activeElement"
#: What is wrong with how the focused element shows itself; an empty list if nothing is.
SHOWN = """() => {
  const one = document.activeElement;
  if (one === document.body || one.id === "main") return [];
  const said = `${one.tagName} ${one.outerHTML.slice(0, 160)}`;
  const found = [];
  const style = getComputedStyle(one);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  if (!outlined && style.boxShadow === "none") found.push(`has no visible focus: ${said}`);
  const name = one.getAttribute("aria-label") || one.textContent.trim()
    || [...(one.labels ?? [])].map(label => label.textContent.trim()).join(" ");
  if (!name) found.push(`has no name: ${said}`);
  const seen = [...one.getClientRects()].some(box => {
    const [x, y] = [box.x + Math.min(box.width, innerWidth) / 2, box.y + box.height / 2];
    const hit = document.elementFromPoint(x, y);
    return hit !== null && (one.contains(hit) || hit.contains(one));
  });
  if (!seen) found.push(`is out of sight: ${said}`);
  return found;
}"""


class Keyboard:
    """Somebody without a mouse; each element they come by has to show that it has the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        assert (found := self.page.evaluate(SHOWN)) == [], found

    def tab_to(self, wanted: Locator, key: str = "Tab") -> None:
        """Press Tab until that element has the focus."""
        wanted.first.wait_for(state="attached")
        for _ in range(MANY):
            self.press(key)
            if wanted.first.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError(f"Tab does not lead to {wanted}.")

    def follow(self, name: str | re.Pattern[str]) -> None:
        self.tab_to(self.page.get_by_role("link", name=name))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def push(self, name: str) -> None:
        self.tab_to(self.page.get_by_role("button", name=name, exact=True))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def fill(self, label: str | re.Pattern[str], text: str) -> None:
        self.tab_to(self.page.get_by_label(label))
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def choose(self, label: str, text: str) -> None:
        """An option of a list, by its first letters."""
        self.tab_to(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(text)

    def tick(self, label: str | re.Pattern[str]) -> None:
        self.tab_to(self.page.get_by_label(label))
        self.page.keyboard.press("Space")

    def focused(self) -> Locator:
        return self.page.locator(":focus")

    def sign_in(self, name: str) -> None:
        self.page.goto("/sign-in/")
        self.tab_to(self.page.get_by_role("button", name=name))
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")


def at_keyboard(visitor: Visitor, name: str) -> Keyboard:
    keyboard = Keyboard(visitor.page)
    keyboard.sign_in(name)
    return keyboard


def test_a_voucher_goes_all_its_way_without_a_mouse(visit: Any) -> None:
    # An inquiry becomes a voucher.
    elif_ = at_keyboard(visit(), "Elif")
    page = elif_.page
    elif_.follow("Just talk to us")
    elif_.fill("What would you like to do?", "Count the crevasses")
    elif_.fill("Tell us a little more", "We have forty photographs of one glacier.")
    elif_.push("Send")
    expect(page.get_by_text("Thank you, it is on our desk.")).to_be_visible()
    elif_.push("Make it a voucher")
    reference = re.search(r"V-\d{4}-\d{4}", page.url)[0]  # type: ignore[index]

    # What it still lacks is said where the focus is.
    elif_.tick("I agree to how the network works")
    elif_.push("Submit")
    expect(elif_.focused()).to_have_class(re.compile("errorlist"))
    expect(elif_.focused()).to_contain_text("Please fill in first")

    elif_.tick(re.compile("Exploration: find out"))
    elif_.choose("Which team?", "Matter")
    for question in ("What is it about?", "Who is it for?", "What is the context?"):
        elif_.fill(question, "As said: crevasses.")
    elif_.fill("What data do you have?", "Forty photographs.")
    expect(page.locator("#saved")).to_contain_text("Saved at", timeout=15_000)
    # What is swapped in beside the form leaves the focus where it is.
    expect(page.get_by_label("What data do you have?")).to_be_focused()
    box = page.get_by_label("I agree to how the network works")
    elif_.tab_to(box)
    if not box.is_checked():
        page.keyboard.press("Space")
    elif_.push("Submit")
    expect(page.get_by_text("Waiting for triage").first).to_be_visible()

    # The lead offers it.
    lead = at_keyboard(visit(), "Henrike")
    lead.follow(re.compile(reference))
    lead.follow("Offer to a consultant")
    lead.choose("Consultant", "Jonas")
    lead.push("Offer to a consultant")
    expect(lead.page.get_by_text("Offered to a consultant").first).to_be_visible()

    # The consultant accepts it; a box that is not ticked is where the focus goes.
    jonas = at_keyboard(visit(), "Jonas")
    jonas.follow(re.compile(reference))
    jonas.follow("Accept and plan")
    days = jonas.page.get_by_label("Length in days")
    jonas.page.locator("main form").evaluate("form => { form.noValidate = true }")
    jonas.fill("Length in days", "4000")
    jonas.push("Accept and plan")
    assert jonas.focused().get_attribute("aria-invalid") == "true"
    described = (jonas.focused().get_attribute("aria-describedby") or "").split()
    assert any(jonas.page.locator(f"#{one}.errorlist").count() for one in described)
    jonas.tab_to(days, "Shift+Tab") if not days.evaluate(IS_FOCUSED) else None
    jonas.page.keyboard.press("Control+A")
    jonas.page.keyboard.type("10")
    jonas.tick("I agree to how the network works")
    jonas.push("Accept and plan")
    expect(jonas.page.get_by_text("In progress").first).to_be_visible()

    # They talk.
    page.goto(f"/vouchers/{reference}/")
    elif_.fill("Your message", "Here they are.")
    elif_.push("Send")
    expect(page.locator(".message", has_text="Here they are.")).to_be_visible()

    # Report, feedback, closed.
    jonas.page.goto("/")
    jonas.follow(re.compile(reference))
    jonas.follow("Write the report")
    jonas.fill("Report", "Twelve crevasses, 95 % interval 9 to 15.")
    jonas.push("Write the report")
    page.goto("/")
    elif_.follow(re.compile(reference))
    elif_.follow("Give feedback and close")
    elif_.tab_to(page.get_by_label("I would rather not say"))
    for _ in range(5):
        if page.get_by_label("5: excellent").is_checked():
            break
        elif_.press("ArrowDown")
    elif_.fill("What helped, what did not?", "The interval.")
    elif_.push("Give feedback and close")
    expect(page.get_by_text("This voucher is closed.")).to_be_visible()


#: Everything that Tab should come by, in order.
TABBABLE = """() => {
  const wanted = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  const groups = new Set();
  return [...document.querySelectorAll(wanted)].filter(one => {
    if (one.tabIndex < 0 || one.disabled || !one.checkVisibility()) return false;
    if (one.type !== "radio") return true;
    const group = `${one.name}`;  // one stop for all of them: the arrows choose
    const stop = one.form.querySelector(`[name="${CSS.escape(group)}"]:checked`) ?? one;
    if (groups.has(group) || stop !== one) return false;
    groups.add(group);
    return true;
  }).map((one, i) => { one.dataset.stop = i; return i; });
}"""
#: Figures that come only when they are looked at would move what has the focus.
LOAD_FIGURES = """() => Promise.all([...document.images].map(one => {
  one.loading = "eager";
  return one.decode();
}))"""
WHERE = "document.activeElement === document.body ? null : document.activeElement.dataset.stop"

PAGES = [
    ("Jonas", "/"),
    ("Jonas", "/vouchers/?q=resonance&state="),
    ("Henrike", "/vouchers/?state=submitted"),
    ("Henrike", "/inbox/"),
    ("Brigitte", "/office/"),
    ("Mara", "/me/mail/"),
]


@pytest.mark.parametrize(("name", "address"), PAGES)
def test_tab_comes_by_everything_in_order_and_is_never_trapped(
    visit: Any, name: str, address: str
) -> None:
    keyboard = at_keyboard(visit(), name)
    page = keyboard.page
    page.goto(address)
    if "resonance" in address:  # the voucher itself, which has more than the list
        page.goto(page.locator("a.row").first.get_attribute("href") or "")
        page.evaluate(LOAD_FIGURES)
    stops = [str(one) for one in page.evaluate(TABBABLE)]
    assert len(stops) > 10
    there: list[str | None] = []
    while len(there) < MANY:
        keyboard.press("Tab")
        if (stop := page.evaluate(WHERE)) != (there[-1] if there else None):  # a date has parts
            there.append(stop)
        if stop is None:
            break
    assert there == [*stops, None]
    back: list[str | None] = []
    while len(back) < MANY and (not back or back[-1] != "0"):
        keyboard.press("Shift+Tab")
        if (stop := page.evaluate(WHERE)) != (back[-1] if back else None):
            back.append(stop)
    assert back == stops[::-1]


def test_the_first_key_leads_past_the_head_of_the_page(visit: Any) -> None:
    keyboard = at_keyboard(visit(), "Jonas")
    page = keyboard.page
    page.goto("/vouchers/")
    keyboard.press("Tab")
    expect(keyboard.focused()).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    expect(keyboard.focused()).to_have_attribute("id", "main")
    keyboard.press("Tab")
    assert page.locator("main").evaluate("main => main.contains(document.activeElement)")
