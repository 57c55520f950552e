"""A tour of every page of the demo's desk: for each address, who sees most of it and where.

Whoever adds an address adds a stop here (or says in `NO_PAGE` why it is none); a test compares
the two with the desk's own list of addresses.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.core import signing
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Response

YEAR = timezone.localdate().year
#: What answers with something else than a page: files, fragments of pages, and a word.
NO_PAGE = {
    *("attachment", "calendar", "download-evidence", "export-vouchers", "figure"),
    *("health", "report-of-year-pdf", "run-status", "watch-status", "watch-path"),
    *("log-in", "log-in-done"),  # the demo has no provider
}


class Guide:
    """Opens pages of one desk as anybody of the demo, in one browser, signed in once each."""

    def __init__(self, browser: Browser, address: str, folder: Path) -> None:
        #: `folder` is where the desk keeps its data.
        self.browser, self.address, self.folder = browser, address, folder
        self._rooms: dict[str | None, BrowserContext] = {}
        self._found: dict[str, str] = {}

    def page(self, who: str | None) -> Page:
        """That persona's page; None is somebody who is not signed in."""
        if who not in self._rooms:
            self._rooms[who] = self.browser.new_context(base_url=self.address)
            page = self._rooms[who].new_page()
            page.set_default_timeout(15_000)
            if who:
                page.goto("/sign-in/")
                page.click(f"button[value={who}]")
                page.wait_for_url("**/")
        return self._rooms[who].pages[0]

    def find(self, who: str, where: str, link: str) -> str:
        """The address of the first such link on a page."""
        key = f"{who} {where} {link}"
        if key not in self._found:
            page = self.page(who)
            page.goto(where)
            self._found[key] = page.locator(link).first.get_attribute("href") or ""
        return self._found[key]

    def voucher(self, who: str, query: str) -> str:
        """The first voucher on somebody's list; its address ends with a slash."""
        address = self.find(who, f"/vouchers/?{query}", "a.row")
        return address.removesuffix("edit/")

    def once(self, name: str, make: Callable[[], str]) -> str:
        """What has to be made before it can be looked at, once."""
        if name not in self._found:
            self._found[name] = make()
        return self._found[name]

    def close(self) -> None:
        for room in self._rooms.values():
            room.close()


Where = str | Callable[[Guide], str]


@dataclass(frozen=True)
class Stop:
    """A page: its address's name, who looks, where; and what they do there before one looks."""

    name: str
    who: str | None
    where: Where
    do: Callable[[Page], None] | None = None
    #: What the page answers; None when it is what a form sent answers.
    status: int = 200
    note: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, f"as {self.who or 'nobody'}", self.note)))

    def open(self, guide: Guide) -> Page:
        """Go there; the page is there when this returns."""
        where = self.where if isinstance(self.where, str) else self.where(guide)
        page = guide.page(self.who)
        answer: Response | None = page.goto(where)
        assert answer is not None
        assert answer.status == self.status, (str(self), where, answer.status)
        assert answer.headers["content-type"].startswith("text/html"), where
        if self.do:
            self.do(page)
        return page


def _of(who: str, query: str, tail: str = "") -> Where:
    return lambda guide: guide.voucher(who, query) + tail


def _find(who: str, where: str, link: str) -> Where:
    return lambda guide: guide.find(who, where, link)


# Vouchers of the demo, by where they stand.
_DRAFT = "whose=mine&state=draft"
_THREE = "q=Three+networks&state="
_ACTIVE = "q=resonance&whose=mine&state=active"
_OF_BOTH = "whose=mine&state=active"  # Mara's, with Jonas


def _evidence(guide: Guide) -> str:
    return guide.find("jonas", guide.voucher("jonas", _THREE), "article.evidence a.button")


def _choose_kit(guide: Guide) -> str:
    """The page of kits for a table that a consultant has just uploaded."""

    def upload() -> str:
        page = guide.page("jonas")
        page.goto(guide.voucher("jonas", _ACTIVE))
        table = guide.folder / "labels.csv"
        table.write_text("truth,model\n" + "1,1\n" * 50 + "2,1\n")
        page.get_by_label("File").set_input_files(table)
        page.get_by_role("button", name="Upload").click()
        link = page.locator("li", has_text="labels.csv").get_by_role("link", name="Run a kit on it")
        return link.last.get_attribute("href") or ""

    return guide.once("choose-kit", upload)


def _kit(guide: Guide) -> str:
    return guide.find("jonas", _choose_kit(guide), "main .card a[href*=accuracy]")


def _run(guide: Guide) -> str:
    """A run that is done."""

    def start() -> str:
        page = guide.page("jonas")
        page.goto(_kit(guide))
        page.locator("[name=truth]").select_option("truth")
        page.get_by_label("model", exact=True).check()
        page.get_by_role("button", name="Run").click()
        page.get_by_role("link", name="See the evidence").wait_for(timeout=60_000)
        return page.url

    return guide.once("run", start)


def _begin_watch(guide: Guide) -> str:
    _choose_kit(guide)  # uploads a file
    where = guide.voucher("jonas", _ACTIVE)
    return guide.find("jonas", f"{where}watches/", "main a.button")


def _watch(guide: Guide) -> str:
    """A watch that has taken a batch."""

    def start() -> str:
        page = guide.page("jonas")
        page.goto(_begin_watch(guide))
        page.locator("[name=name]").fill("The resonance finder")
        page.get_by_role("button", name="Begin the watch").click()
        page.get_by_text("Give the first batch").wait_for(timeout=60_000)
        table = guide.folder / "monday.csv"
        table.write_text("truth,model\n" + "1,1\n" * 9)
        page.get_by_label("File").set_input_files(table)
        page.get_by_role("button", name="Upload").click()
        page.locator("figure img").wait_for(timeout=60_000)
        return page.url.partition("#")[0]

    return guide.once("watch", start)


def _hook(guide: Guide) -> str:
    def add() -> str:
        page = guide.page("mara")
        page.goto("/me/hooks/")
        page.locator("[name=url]").fill("https://example.org/hook")
        page.locator("[name=events]").first.check()
        page.locator("main form .button").first.click()
        page.wait_for_load_state()
        return guide.find("mara", "/me/hooks/", "main a[href^='/me/hooks/']")

    return guide.once("hook", add)


def _unsubscribe(guide: Guide) -> str:
    """What only Jonas's mail knows."""
    member = guide.find("office", "/network/", "main a[href^='/network/members/']")
    key = (guide.folder / "secret-key").read_text()
    uid = member.split("/")[-2]
    token = signing.Signer(key=key, salt="evidesk.notices.unsubscribe").sign(f"{uid}.message")
    return f"/unsubscribe/{token}/"


def _close(guide: Guide) -> str:
    """The form that closes a voucher, once its consultant has reported."""

    def report() -> str:
        page = guide.page("jonas")
        page.goto(guide.voucher("mara", _OF_BOTH) + "report/")
        page.locator("textarea").fill("## Answer\n\nThey differ in two of nine features.")
        page.locator("main form button").first.click()
        page.wait_for_load_state()
        return guide.voucher("mara", _OF_BOTH) + "do/close/"

    return guide.once("close", report)


def _many(guide: Guide) -> str:
    page = guide.page("lead_matter")
    page.goto("/vouchers/?state=submitted")
    chosen = page.locator("input[name=voucher]").first.get_attribute("value")
    return f"/vouchers/many/?action=decline&voucher={chosen}&back=state%3Dsubmitted"


def _done_for_many(page: Page) -> None:
    """A message for one voucher, which the page then tells."""
    chosen = page.locator("input[name=voucher]").first.get_attribute("value")
    page.goto(f"/vouchers/many/?action=message&voucher={chosen}&back=")
    page.locator("textarea").fill("We look at this on Monday.")
    page.locator("main form .button").first.click()
    page.wait_for_url("**/done/**")


def _make_token(page: Page) -> None:
    page.locator("[name=name]").fill("laptop")
    page.get_by_role("button", name="Make a token").click()
    page.locator("#new-token").wait_for()


def _open_all(page: Page) -> None:
    """Everything that is folded away is looked at, too."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


_UNIT = "main a[href*='/edit/units/']"

STOPS: list[Stop] = [
    Stop("home", None, "/"),
    Stop("home", "mara", "/"),
    Stop("home", "newcomer", "/"),
    Stop("home", "lead_matter", "/"),
    Stop("home", "office", "/", _open_all, note="with its menu open"),
    Stop("talk", None, "/talk/"),
    Stop("inquiries", "office", "/inquiries/"),
    Stop("inquiry", "office", _find("office", "/inquiries/", "a.row")),
    Stop("inquiry", None, _find("office", "/inquiries/", "a.row")),
    Stop("vouchers", "lead_matter", "/vouchers/?q=network&state=", _open_all),
    Stop("vouchers", "newcomer", "/vouchers/", note="without any"),
    Stop("vouchers", "mara", "/vouchers/?q=xyzzy", note="where none fits"),
    Stop("views", "lead_matter", "/vouchers/views/"),
    Stop("many", "lead_matter", _many),
    Stop("many-done", "lead_matter", "/vouchers/?state=submitted", _done_for_many),
    Stop("voucher", "jonas", _of("jonas", _THREE), _open_all, note="with evidence"),
    Stop("voucher", "mara", _of("mara", _THREE)),
    Stop("voucher", "lead_matter", _of("lead_matter", "state=submitted"), note="submitted"),
    Stop("voucher", "office", _of("office", "state=closed"), note="closed"),
    Stop("voucher", "office", _of("office", "state=declined"), note="declined"),
    Stop("edit-voucher", "mara", _of("mara", _DRAFT, "edit/"), _open_all),
    Stop("step", "mara", _of("mara", _DRAFT, "do/withdraw/")),
    Stop("step", "jonas", _of("jonas", "state=offered", "do/accept/"), _open_all),
    Stop("step", "jonas", _of("jonas", _ACTIVE, "do/extend/")),
    Stop("step", "lead_matter", _of("lead_matter", "state=submitted", "do/hand-over/")),
    Stop("step", "lead_matter", _of("lead_matter", "state=submitted", "do/decline/")),
    Stop("sign-in", None, "/sign-in/"),
    Stop("tokens", "jonas", "/me/tokens/", _make_token),
    Stop("tokens", "newcomer", "/me/tokens/", note="without any"),
    Stop("network", None, "/network/"),
    Stop("network", "office", "/network/", _open_all),
    Stop("privacy", None, "/privacy/"),
    Stop("consent", "mara", "/consent/"),
    Stop("my-data", "mara", "/me/data/", _open_all),
    Stop("tags", "lead_matter", _of("lead_matter", "state=submitted", "tags/")),
    Stop("inbox", "lead_matter", "/inbox/"),
    Stop("inbox", "office", "/inbox/", note="of all units"),
    Stop("proposals", "lead_matter", "/inbox/proposals/", _open_all),
    Stop("summaries", None, "/summaries/"),
    Stop("similar", "mara", _of("mara", _DRAFT, "similar/"), _open_all),
    Stop("offer", "lead_matter", _of("lead_matter", "state=submitted", "do/offer/"), _open_all),
    Stop("visibility", "mara", _of("mara", _OF_BOTH, "visibility/")),
    Stop("effort", "jonas", _of("jonas", _ACTIVE, "effort/")),
    Stop("agreement", None, "/agreement/1/"),
    Stop("edit-agreement", "office", "/network/edit/agreement/"),
    Stop("my-page", "jonas", "/network/members/me/", _open_all),
    Stop("member", "office", _find("office", "/network/", "main a[href^='/network/members/']")),
    Stop("catalogues", "office", "/network/edit/"),
    Stop("questions", "office", "/network/edit/questions/"),
    Stop("catalogue", "office", "/network/edit/units/"),
    Stop("add-row", "office", "/network/edit/units/new/"),
    Stop("edit-row", "office", _find("office", "/network/edit/units/", _UNIT)),
    Stop("statistics", "office", "/office/", _open_all),
    Stop("statistics", "lead_matter", "/office/"),
    Stop("office-rows", "office", "/office/rows/closure/"),
    Stop("office-inquiries", "office", "/office/rows/inquiries/"),
    Stop("report-of-year", "office", f"/office/report/{YEAR}/", _open_all),
    Stop("retention", "office", "/office/retention/"),
    Stop("own-sessions", "mara", "/me/sessions/"),
    Stop("groups", "office", "/groups/"),
    Stop("kits", None, "/kits/"),
    Stop("choose-kit", "jonas", _choose_kit),
    Stop("start-run", "jonas", _kit),
    Stop("run", "jonas", _run),
    Stop("watches", "jonas", _of("jonas", _ACTIVE, "watches/")),
    Stop("begin-watch", "jonas", _begin_watch),
    Stop("watch", "jonas", _watch),
    Stop("report", "jonas", _of("jonas", _ACTIVE, "report/")),
    Stop("evidence", "jonas", _evidence, _open_all),
    Stop("hooks", "mara", "/me/hooks/"),
    Stop("hook", "mara", _hook),
    Stop("notices", "lead_matter", "/notices/"),
    Stop("notices", "newcomer", "/notices/", note="without any"),
    Stop("notice-preferences", "mara", "/me/mail/"),
    Stop("unsubscribe", None, _unsubscribe),
    Stop("outbox", "office", "/mail/"),
    Stop("mail", "office", _find("office", "/mail/", "a.row")),
    Stop("replies", "office", "/mail/replies/"),
]


def _send_wrong(form: str = "main form", **texts: str) -> Callable[[Page], None]:
    """Send a form with these texts, past what the browser itself would refuse."""

    def send(page: Page) -> None:
        for name, text in texts.items():
            page.locator(f"{form} [name={name}]").first.fill(text)
        sent = page.locator(form).last
        sent.evaluate("form => { form.noValidate = true }")
        with page.expect_navigation():
            sent.locator("button").first.click()

    return send


#: Forms with what is wrong in them: the page must come back and say so.
REFUSED: list[Stop] = [
    Stop("talk", None, "/talk/", _send_wrong(email="nowhere"), note="refused"),
    Stop(
        "inquiry",
        "office",
        _find("office", "/inquiries/", "a.row:has(.inquiry-open)"),
        _send_wrong(),
        note="refused",
    ),
    Stop("edit-voucher", "mara", _of("mara", _DRAFT, "edit/"), _send_wrong(), note="refused"),
    Stop("voucher", "mara", _of("mara", _OF_BOTH), _send_wrong("#write"), note="refused message"),
    Stop("voucher", "mara", _of("mara", _OF_BOTH), _send_wrong(".upload"), note="refused file"),
    Stop(
        "step",
        "jonas",
        _of("jonas", "state=offered", "do/accept/"),
        _send_wrong(days="4000"),
        note="refused",
    ),
    Stop(
        "step",
        "lead_matter",
        _of("lead_matter", "state=submitted", "do/hand-over/"),
        _send_wrong(),
        note="refused",
    ),
    Stop(
        "offer",
        "lead_matter",
        _of("lead_matter", "state=submitted", "do/offer/"),
        _send_wrong("#offer"),
        note="refused",
    ),
    Stop("report", "jonas", _of("jonas", _ACTIVE, "report/"), _send_wrong(), note="refused"),
    Stop(
        "effort", "jonas", _of("jonas", _ACTIVE, "effort/"), _send_wrong(hours="-1"), note="refused"
    ),
    Stop("start-run", "jonas", _kit, _send_wrong(), note="refused"),
    Stop("begin-watch", "jonas", _begin_watch, _send_wrong(name=""), note="refused"),
    Stop("many", "lead_matter", _many, _send_wrong(), note="refused"),
    Stop("tokens", "jonas", "/me/tokens/", _send_wrong("main form.card"), note="refused"),
    Stop("hooks", "mara", "/me/hooks/", _send_wrong(url="nowhere"), note="refused"),
    Stop("groups", "office", "/groups/", _send_wrong(group="nowhere"), note="refused"),
    Stop("add-row", "office", "/network/edit/units/new/", _send_wrong(), note="refused"),
]


def _without_their_cookies(page: Page) -> None:
    """Send a message when signed out meanwhile, and come back signed in."""
    kept = page.context.cookies()
    page.context.clear_cookies()
    page.locator("#write textarea").fill("A long message, lost no more.")
    with page.expect_navigation():
        page.locator("#write button").click()
    page.context.add_cookies(kept)  # type: ignore[arg-type]


def _too_many_fields(page: Page) -> None:
    with page.expect_navigation():
        page.evaluate(
            """() => {
                const form = document.querySelector("main form");
                for (let i = 0; i < 1100; i++) {
                    const field = document.createElement("input");
                    field.name = `field${i}`;
                    form.append(field);
                }
                form.noValidate = true;
                form.submit();
            }"""
        )


#: What can be seen only when other stops have been left for good.
LAST: list[Stop] = [
    Stop("step", "mara", _close, note="to close"),
    Stop("step", "mara", _close, _send_wrong(), note="to close, refused"),
    Stop("voucher", "mara", _of("mara", _OF_BOTH), note="reported"),
]

#: Pages that say why there is nothing else to see.
PROBLEMS: list[Stop] = [
    Stop("404", None, "/nothing/", status=404),
    Stop("404", "mara", "/vouchers/V-2026-9999/", status=404),
    Stop("403", "mara", "/office/", status=403),
    Stop("405", "mara", _of("mara", _DRAFT, "messages/"), status=405),
    Stop("401", "mara", _of("mara", _OF_BOTH), _without_their_cookies),
    Stop("400", None, "/talk/", _too_many_fields),
]
