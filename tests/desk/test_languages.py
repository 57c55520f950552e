"""The desk speaks every language whole: no text is unmarked, untranslated, or out of date.

What is missing is found with the gettext programs (Debian: gettext), by `make messages`' own steps
on a copy.
"""

import gettext
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import override_settings
from django.utils import translation
from django.utils.translation import trans_real

from evidesk.desk.people.forms import TokenForm
from evidesk.desk.rest.forms import schema_of
from tests.desk.conftest import signed_in
from tests.desk.network import Network
from tests.desk.unmarked import is_format, unmarked_in_python, unmarked_in_template

DESK = Path(settings.LOCALE_PATHS[0]).parent
LANGUAGES = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
CATALOGS = sorted(file.relative_to(DESK) for file in DESK.glob("**/locale/*/LC_MESSAGES/django.po"))
#: What is written in English on purpose: what only programs or whoever runs the desk reads.
FOR_OPERATORS = {"demo", "operations", "workers", "audit", "formats"}


def done(file: Path) -> bool:
    """Whether the file belongs to what is translated, and is read by people."""
    first = file.relative_to(DESK).parts[0]
    return first not in FOR_OPERATORS and "management" not in file.parts


# The catalogs


@pytest.fixture(scope="module")
def renewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the desk, whose catalogs were brought up to date with its texts."""
    if shutil.which("xgettext") is None:
        pytest.skip("gettext is missing (Debian's package `gettext`)")
    copy = tmp_path_factory.mktemp("messages") / "desk"
    unwanted = shutil.ignore_patterns("__pycache__", "static", "*.json", "*.mo")
    shutil.copytree(DESK, copy, ignore=unwanted)
    with pytest.MonkeyPatch.context() as patch, override_settings(LOCALE_PATHS=[]):
        patch.chdir(copy)
        call_command("makemessages", locale=LANGUAGES, add_location="file", verbosity=0)
    return copy


def gettext_says(*command: str | Path) -> str:
    ran = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_app_has_its_catalog_in_every_language() -> None:
    apps = {file.parts[0] for file in CATALOGS}
    translated = {
        "people",
        "vouchers",
        "runs",
        "watches",
        "lists",
        "notices",
        "hooks",
        "office",
        "privacy",
        "rest",
    }
    assert apps == {"locale"} | translated
    for app in apps - {"locale"}:
        for code in LANGUAGES:
            assert Path(app, "locale", code, "LC_MESSAGES", "django.po") in CATALOGS


@pytest.mark.parametrize("kind", ["untranslated", "only-fuzzy", "only-obsolete"])
@pytest.mark.parametrize("catalog", CATALOGS, ids=str)
def test_a_catalog_has_every_text_translated_and_no_other(
    catalog: Path, kind: str, renewed: Path
) -> None:
    """Else: `make messages`, and translate what is new."""
    assert gettext_says("msgattrib", "--no-wrap", f"--{kind}", renewed / catalog) == ""


def test_no_text_is_left_over_for_an_app_without_catalog(renewed: Path) -> None:
    made = {file.relative_to(renewed) for file in renewed.glob("**/django.po")}
    assert made == set(CATALOGS)


@pytest.mark.parametrize("catalog", CATALOGS, ids=str)
def test_translations_have_the_same_placeholders_and_all_their_plurals(
    catalog: Path, renewed: Path, tmp_path: Path
) -> None:
    gettext_says(
        *("msgfmt", "--check-format", "--check-domain"),
        *("-o", tmp_path / "checked.mo", DESK / catalog),
    )
    for text, translated in compiled(tmp_path / "checked.mo").items():
        original = text[0] if isinstance(text, tuple) else text
        original = original.rpartition("\x04")[2]
        if isinstance(text, tuple):  # a singular may say "one" without its number
            assert placeholders(translated) <= placeholders(original) | {
                "%(count)s",
                "%(tries)s",
                "%(n)s",
            }
        else:
            assert placeholders(translated) == placeholders(original), original
        assert tags(translated) == tags(original), original


@pytest.mark.parametrize("catalog", CATALOGS, ids=str)
def test_what_was_compiled_is_what_was_translated(
    catalog: Path, renewed: Path, tmp_path: Path
) -> None:
    """Else: `make messages`."""
    gettext_says("msgfmt", "-o", tmp_path / "anew.mo", DESK / catalog)
    assert compiled(DESK / catalog.with_suffix(".mo")) == compiled(tmp_path / "anew.mo")


@pytest.mark.parametrize("catalog", CATALOGS, ids=str)
def test_no_catalog_speaks_over_another_or_over_django(catalog: Path) -> None:
    """All are one catalog in the end: the same words with two meanings need a `context`."""
    code = catalog.parts[-3]
    together = trans_real.translation(code)
    django = Path(trans_real.__file__).parents[2] / "conf/locale" / code / "LC_MESSAGES/django.mo"
    of_django = compiled(django)
    for text, translated in compiled(DESK / catalog.with_suffix(".mo")).items():
        assert together._catalog[text] == translated, text
        assert of_django.get(text, translated) == translated, text


def compiled(file: Path) -> dict[Any, str]:
    """Translations by text, or by (text, number of the plural); without the header."""
    with file.open("rb") as opened:
        found: dict[Any, str] = dict(gettext.GNUTranslations(opened)._catalog)  # type: ignore[attr-defined]
    del found[""]
    return found


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]|%[sd](?![\w-])|\{\w*\}", text))


def tags(text: str) -> list[str]:
    return sorted(re.findall(r"</?\w+[^>]*>", text))


# Texts that nobody has marked


TEMPLATES = sorted(
    file
    for file in DESK.glob("**/templates/**/*.*")
    if done(file) and file.suffix in (".html", ".txt")
)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: str(file.relative_to(DESK)))
def test_every_text_of_a_template_is_marked(template: Path) -> None:
    assert list(unmarked_in_template(template.read_text())) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: str(file.relative_to(DESK)))
def test_dates_in_templates_are_written_as_the_language_does(template: Path) -> None:
    written = re.findall(r"""\|(?:date|time):"([^"]*)\"""", template.read_text())
    assert [one for one in written if not is_format(one) and one != "c"] == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        "<p>{% if a %}Yes{% else %}{% translate 'no' %}{% endif %}</p>",
        '<img alt="A mark">',
        '<button aria-label="Close {{ what }}">×</button>',
        '<input type="submit" value="Send">',
        '{{ name|default:"No name" }}',
        '{% include "_a.html" with title="All of it" %}',
        "{% blocktranslate %}Yes{% endblocktranslate %} and no",
    ],
)
def test_an_unmarked_text_of_a_template_is_found(source: str) -> None:
    assert list(unmarked_in_template(source))


@pytest.mark.parametrize(
    "source",
    [
        "<p>{% translate 'Hello' %} · {{ name }} 2</p>",
        '<p title="{% translate "Hello" %}" class="big one">evidesk</p>',
        "<script>var a</script><code>evidesk push</code>",
        "{% comment %}why{% endcomment %}{# why #}",
        "{% blocktranslate count n=1 %}one day{% plural %}{{ n }} days{% endblocktranslate %}",
        '{{ at|date:"SHORT_DATE_FORMAT" }}{{ a|default:_("No name") }}{{ b|default:"–" }}',
        '<input type="hidden" value="yes">',
    ],
)
def test_what_needs_no_mark_in_a_template_is_left_alone(source: str) -> None:
    assert list(unmarked_in_template(source)) == []


#: Modules whose sentences only programs, or whoever runs the desk, read.
FOR_PROGRAMS = {"settings.py", "mail_settings.py", "people/log_in/checks.py", "rest/api.py"}
MODULES = sorted(
    file
    for file in DESK.glob("**/*.py")
    if done(file)
    and "migrations" not in file.parts
    and str(file.relative_to(DESK)) not in FOR_PROGRAMS
)


@pytest.mark.parametrize("module", MODULES, ids=lambda file: str(file.relative_to(DESK)))
def test_every_text_of_a_module_is_marked(module: Path) -> None:
    assert list(unmarked_in_python(module.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        'refuse("Not you.")',
        'refuse(f"Not {person}.")',
        'raise Refused("Not " + name)',
        'messages.success(request, "Done.")',
        'form.add_error(None, "That is wrong.")',
        'forms.CharField(label="Name")',
        'forms.TextInput(attrs={"placeholder": "for instance"})',
        'class Way(models.TextChoices):\n    MAIL = "mail", "By mail"',
        'class Way(models.TextChoices):\n    MAIL = "mail"',
        "from django.utils.translation import gettext_lazy as _\nA = _('%d days') % 3",
        'WAITING = {1: "The team reads it."}',
    ],
)
def test_an_unmarked_text_of_a_module_is_found(source: str) -> None:
    assert list(unmarked_in_python(source))


@pytest.mark.parametrize(
    "source",
    [
        'refuse(_("Not you."))',
        'refuse(_("Not %(name)s.") % {"name": person})',
        'form.add_error("word", str(fault))',
        'logger.warning("It ended.")',
        'ValidationError(_("No."), code="gone")',
        '"""What it is."""\nraise ValueError("The order is wrong.")',
        'Field("", description="What is sent.")',
        'class Way(models.TextChoices):\n    MAIL = "mail", _("By mail")',
        "from django.utils.translation import gettext_lazy as _\ndef a(n): return _('%d') % n",
    ],
)
def test_what_needs_no_mark_in_a_module_is_left_alone(source: str) -> None:
    assert list(unmarked_in_python(source)) == []


# What a reader sees


#: What stands around every page, in English.
AROUND = ("Skip to the content", "Sign out", "Your data", "Privacy<", "Inquiries", "made up")


@pytest.mark.parametrize(
    ("address", "german"),
    [
        ("/privacy/", "Was dieser Desk über Sie speichert"),
        ("/me/data/", "Daten mitnehmen"),
        ("/me/tokens/", "Token erstellen"),
        ("/me/sessions/", "Die Browser, mit denen Sie angemeldet sind"),
        ("/me/hooks/", "Webhook hinzufügen"),
        ("/network/", "Netzwerk bearbeiten"),
        ("/groups/", "Gruppe hinzufügen"),
        ("/office/retention/", "Von dieser Seite aus wird nichts gelöscht"),
        ("/sign-in/", "Wählen Sie, wer Sie sein möchten"),
        ("/consent/", "Sie haben am"),
        ("/nowhere/", "Hier ist nichts"),
    ],
)
def test_a_page_is_german_for_whoever_asks_for_german(
    address: str, german: str, network: Network
) -> None:
    browser = signed_in(network.office, HTTP_ACCEPT_LANGUAGE="de")
    page = browser.get(address).content.decode()
    assert '<html lang="de">' in page
    assert german in page
    assert [text for text in AROUND if text in page] == []


def test_refusals_and_faults_are_german_too(network: Network) -> None:
    browser = signed_in(network.stranger, HTTP_ACCEPT_LANGUAGE="de", enforce_csrf_checks=True)
    assert "Das ist nicht möglich" in browser.get("/office/retention/").content.decode()
    assert "Dieses Formular war zu alt" in browser.post("/sign-out/").content.decode()
    browser = signed_in(network.stranger, HTTP_ACCEPT_LANGUAGE="de")
    assert "Hier gibt es nichts zu sehen" in browser.get("/sign-out/").content.decode()
    program = browser.get("/api/me/")
    assert program.json() == {
        "detail": "Senden Sie ein gültiges Token: Erstellen Sie eins auf der Seite „Ihre Token“."
    }


@pytest.mark.parametrize(
    ("name", "german"),
    [("400", "Das ist nicht zu verstehen"), ("500", "Etwas ist schiefgegangen")],
)
def test_what_is_shown_when_nothing_else_works_is_german_too(name: str, german: str) -> None:
    with translation.override("de"):
        assert german in render_to_string(f"{name}.html")


def test_the_apis_description_is_english_whoever_asks_first() -> None:
    with translation.override("de"):
        properties = schema_of(TokenForm).model_json_schema()["properties"]
    assert properties["scope"]["title"] == "What may it do?"
