"""From a scientist's question to evidence, in a real browser, with the real predictions file."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ANSWERS = {
    "about": "Our glacier classifier is *good*, but how good? See:\n\n- 13,394 images\n- 20 folds",
    "audience": "My group, and the reviewers of our next paper.",
    "context": "A network was trained in 20 folds; we have quoted the best fold until now.",
    "data": "A CSV with the truth and the predictions, 80 kB.",
}


def test_from_inquiry_to_closed(visit, predictions: Path, tmp_path: Path) -> None:
    # Somebody without an account writes three fields.
    scientist = visit()
    page = scientist.page
    page.goto("/")
    page.get_by_role("link", name="Talk to us, please!").click()
    page.get_by_label("What would you like to do?").fill("Quote an accuracy with its error bar")
    page.get_by_label("Tell us a little more").fill("We have predictions of a glacier classifier.")
    page.get_by_label("Where can we reach you?").fill("elif@example.org")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you, it is on our desk.")).to_be_visible()
    inquiry = page.url.split("?")[0]

    # The office answers.
    office = visit("office").page
    office.goto("/")
    office.get_by_role("link", name=re.compile("Quote an accuracy")).click()
    office.get_by_label("Your answer").fill("Gladly. Make it a voucher and attach the table.")
    office.get_by_role("button", name="Answer").click()
    expect(office.get_by_text("Gladly. Make it a voucher")).to_be_visible()

    # The scientist signs in and makes it a voucher; the draft saves itself.
    scientist.sign_in("newcomer")
    page.goto(inquiry)
    expect(page.get_by_text("Gladly. Make it a voucher")).to_be_visible()
    page.get_by_role("button", name="Make it a voucher").click()
    reference = re.search(r"V-\d{4}-\d{4}", page.url)[0]
    expect(page.get_by_label("Title", exact=True)).to_have_value(
        "Quote an accuracy with its error bar"
    )
    page.get_by_label(re.compile("Exploration: find out")).check()
    page.get_by_label("Which team?").select_option(label="Matter (HZDR, Dresden)")
    for key, text in ANSWERS.items():
        page.locator(f"[name=answer_{key}]").fill(text)
    expect(page.locator("#saved")).to_contain_text("Saved at")
    page.wait_for_timeout(1500)  # the last keystroke's save
    page.goto("/")
    page.goto(f"/vouchers/{reference}/edit/")
    expect(page.locator("[name=answer_data]")).to_have_value(ANSWERS["data"])
    page.get_by_label("I agree to how the network works").check()
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("Waiting for triage").first).to_be_visible()

    # The lead offers it, the consultant accepts it.
    lead = visit("lead_matter").page
    lead.goto("/")
    lead.get_by_role("link", name=re.compile(reference)).click()
    lead.get_by_role("link", name="Offer to a consultant").click()
    lead.get_by_label("Consultant", exact=True).select_option(label="Jonas Tveit (Matter)")
    lead.get_by_label("A note with the offer").fill("This is what the accuracy kit is for.")
    lead.get_by_role("button", name="Offer to a consultant").click()
    expect(lead.get_by_text("Offered to a consultant").first).to_be_visible()

    consultant = visit("jonas").page
    consultant.goto(f"/vouchers/{reference}/")
    consultant.get_by_role("link", name="Accept and plan").click()
    consultant.get_by_label("I agree to how the network works").check()
    consultant.get_by_label("Length in days").fill("40")
    consultant.locator("[name=days]").evaluate("field => field.removeAttribute('max')")
    consultant.get_by_role("button", name="Accept and plan").click()
    expect(consultant.get_by_text("Exploration takes 1 to 14 days, not 40.")).to_be_visible()
    consultant.get_by_label("Length in days").fill("10")
    consultant.get_by_role("button", name="Accept and plan").click()
    expect(consultant.get_by_text("In progress").first).to_be_visible()

    # They talk; the scientist attaches the file.
    page.goto(f"/vouchers/{reference}/")
    page.get_by_label("Your message").fill("Here is **the table**.<script>alert(1)</script>")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".message strong", has_text="the table")).to_be_visible()
    page.get_by_label("File").set_input_files(predictions)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator("#files").get_by_text(predictions.name)).to_be_visible()

    # The consultant runs the kit from a form made of its parameters; progress is live.
    consultant.goto(f"/vouchers/{reference}/")
    consultant.get_by_role("link", name="Run a kit on it").click()
    consultant.get_by_role("link", name="Accuracy with its uncertainty").click()
    consultant.locator("[name=truth]").select_option("gtlabel")
    consultant.get_by_label("resnext50_s42", exact=True).check()
    consultant.locator("[name=fold]").select_option("fold")
    consultant.get_by_role("button", name="Run").click()
    expect(consultant.get_by_role("link", name="See the evidence")).to_be_visible(timeout=60_000)
    consultant.get_by_role("link", name="See the evidence").click()
    expect(consultant.get_by_role("heading", level=1)).to_contain_text("12,527 of 13,394")
    for figure in consultant.locator("figure img").all():
        assert figure.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    with consultant.expect_download() as download:
        consultant.get_by_role("link", name="Download the crate").click()
    crate = tmp_path / "evidence.zip"
    download.value.save_as(crate)
    evidesk("verify", str(crate))

    # And once more on another machine, pushed with a personal token.
    consultant.goto("/me/tokens/")
    consultant.get_by_label("What is it for?").fill("cluster")
    consultant.get_by_role("button", name="Make a token").click()
    token = consultant.locator("#new-token").inner_text()
    made = tmp_path / "made-elsewhere"
    evidesk(
        *("run", "accuracy", str(predictions), "--truth", "gtlabel"),
        *("--prediction", "vit_small_s42", "--out", str(made), "--quiet"),
    )
    push = ("push", str(made), "--voucher", reference, "--desk", visit().address)
    assert reference in evidesk(*push, EVIDESK_TOKEN=token)
    consultant.goto(f"/vouchers/{reference}/")
    expect(consultant.get_by_text("9,888 of 13,394").first).to_be_visible()

    # Report, feedback, closed.
    consultant.get_by_role("link", name="Write the report").click()
    consultant.get_by_label("Report", exact=True).fill("## Answer\n\nQuote **0.935**, not 0.96.")
    consultant.get_by_label(re.compile("12,527")).check()
    consultant.get_by_role("button", name="Write the report").click()
    expect(consultant.get_by_text("Report ready").first).to_be_visible()

    page.goto(f"/vouchers/{reference}/")
    expect(page.locator("#report .cited")).to_contain_text("12,527 of 13,394")
    page.get_by_role("link", name="Give feedback and close").click()
    page.get_by_label("5: excellent").check()
    page.get_by_label("What helped, what did not?").fill("The error bar settled our argument.")
    page.get_by_role("button", name="Give feedback and close").click()
    expect(page.get_by_text("This voucher is closed.")).to_be_visible()
    expect(page.get_by_text("5 of 5").first).to_be_visible()


def evidesk(*arguments: str, **environment: str) -> str:
    """Run the command line as a user would, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "evidesk", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_run_that_cannot_work_says_why_and_can_be_tried_again(visit, tmp_path: Path) -> None:
    table = tmp_path / "with-a-gap.csv"
    table.write_text("truth,model\n" + "1,1\n" * 50 + "2,\n")
    consultant = visit("jonas").page
    consultant.goto("/vouchers/?whose=mine&state=active")
    consultant.locator("a.row").first.click()
    consultant.get_by_label("File").set_input_files(table)
    consultant.get_by_role("button", name="Upload").click()
    consultant.locator("li", has_text="with-a-gap.csv").get_by_role(
        "link", name="Run a kit on it"
    ).click()
    consultant.get_by_role("link", name="Accuracy with its uncertainty").click()
    consultant.locator("[name=truth]").select_option("truth")
    consultant.get_by_label("model", exact=True).check()
    consultant.get_by_role("button", name="Run").click()
    expect(consultant.get_by_text("It did not work")).to_be_visible(timeout=60_000)
    expect(consultant.locator(".callout.bad")).to_contain_text("model")
    expect(consultant.get_by_role("link", name="Try again")).to_be_visible()


def test_a_draft_that_cannot_be_saved_says_so_and_is_saved_later(visit) -> None:
    scientist = visit("mara")
    page = scientist.page
    page.goto("/vouchers/?whose=mine&state=draft")
    page.locator("a.row").first.click()
    saved = page.locator("#saved")
    page.context.set_offline(True)
    page.get_by_label("What data do you have?").press_sequentially("Forty scans.")
    expect(saved).to_contain_text("No connection to the desk. Your text is still here")
    page.context.set_offline(False)
    page.get_by_label("What data do you have?").press_sequentially(" Two of them with ice.")
    expect(saved).to_contain_text("Saved at")
    page.reload()
    expect(page.get_by_label("What data do you have?")).to_have_value(
        "Forty scans. Two of them with ice."
    )
    scientist.complaints.clear()  # the browser's own, about the lost connection


def test_saving_by_hand_while_it_is_saved_by_itself_is_no_conflict(visit) -> None:
    page = visit("mara").page
    page.goto("/vouchers/?whose=mine&state=draft")
    page.locator("a.row").first.click()
    page.route("**/edit/", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.get_by_label("Title", exact=True).fill("Ice, and again ice")
    page.get_by_label("Title", exact=True).press("Tab")
    page.get_by_role("button", name="Save and look").click()
    expect(page.get_by_role("heading", name="Ice, and again ice")).to_be_visible()
    page.unroute_all(behavior="ignoreErrors")


PAGES = [
    *("/", "/vouchers/", "/inquiries/", "/kits/", "/network/", "/talk/", "/privacy/"),
    *("/me/tokens/", "/me/sessions/", "/me/hooks/", "/me/data/"),
]


@pytest.mark.parametrize(("scheme", "locale"), [("light", "en-GB"), ("dark", "de-DE")])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_scrolls_sideways(visit, scheme: str, locale: str, width: int) -> None:
    view = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    reader = visit("jonas", **view, locale=locale).page
    reader.goto("/vouchers/?q=Three+networks&whose=mine")
    voucher = reader.locator("a.row").first.get_attribute("href")
    reader.goto(voucher)
    evidence = reader.locator("article.evidence .actions a").first.get_attribute("href")
    for path in [*PAGES, voucher, evidence]:
        reader.goto(path)
        assert reader.evaluate("document.documentElement.lang") == locale[:2]
        assert reader.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_the_language_is_switched_without_scripts(visit) -> None:
    reader = visit(None, java_script_enabled=False, locale="en-GB").page
    reader.goto("/kits/?a=b")
    reader.get_by_role("button", name="Deutsch").click()
    expect(reader).to_have_url(re.compile(r"/kits/\?a=b$"))
    expect(reader.get_by_role("link", name="Sprechen Sie mit uns")).to_be_visible()
    reader.get_by_role("button", name="English").click()
    expect(reader.get_by_role("link", name="Talk to us")).to_be_visible()
