"""Texts of the office that have versions: whatever refers to one keeps the one that it knew.

Like an app's actions: rule, new version and audit entry in one transaction.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people import rules as people_rules
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers.models import AgreementText, Questionnaire

QUESTIONS_SUBJECT = "questionnaire"
AGREEMENT_SUBJECT = "agreement"


def _conflict() -> Conflict:
    return Conflict(_("Somebody has made a new version in the meantime. Load the page again."))


@transaction.atomic
def publish_questions(
    by: Person, questions: Iterable[Mapping[str, str]], *, based_on: int
) -> Questionnaire:
    """The document's questions from now on; vouchers keep the version that they began with.

    A question is ``{"key", "prompt", "help"}``. The key of a question that stays must stay, for
    answers are kept by it; a new question has an empty one, and gets it from its prompt.
    """
    require(people_rules.may_edit_network(by))
    old = Questionnaire.objects.select_for_update().latest("version")
    if old.version != based_on:
        raise _conflict()
    new = _with_keys(questions)
    if not new:
        raise Refused(_("A document needs at least one question."))
    if new == old.questions:
        return old
    row: Questionnaire = _next_version(Questionnaire, old.version + 1, questions=new)
    facts = {"version": row.version, "questions": [old.questions, new]}
    audit.append("questionnaire.published", by.uid, QUESTIONS_SUBJECT, facts)
    return row


@transaction.atomic
def publish_agreement(by: Person, text: str, *, based_on: int) -> AgreementText:
    """What both sides agree to from now on; work keeps the version that it began with."""
    require(people_rules.may_edit_network(by))
    old = AgreementText.objects.select_for_update().latest("version")
    if old.version != based_on:
        raise _conflict()
    if text == old.text:
        return old
    row: AgreementText = _next_version(AgreementText, old.version + 1, text=text)
    facts = {"version": row.version, "text": [old.text, text]}
    audit.append("agreement.published", by.uid, AGREEMENT_SUBJECT, facts)
    return row


def _with_keys(questions: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """The questions that ask something, each with a key of its own."""
    asked = [q for q in questions if q["prompt"].strip()]
    taken = {q["key"] for q in asked}
    new = []
    for question in asked:
        key = question["key"]
        if not key:
            stem = slugify(question["prompt"])[:30].strip("-") or "question"
            key = next(k for k in _numbered(stem) if k not in taken)
            taken.add(key)
        new.append({"key": key, "prompt": question["prompt"].strip(), "help": question["help"]})
    return new


def _numbered(stem: str) -> Iterable[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _next_version(model: Any, version: int, **columns: Any) -> Any:
    """The row of the next version, which only one of two who publish at once can make."""
    try:
        with transaction.atomic():
            return model.objects.create(version=version, **columns)
    except IntegrityError:
        raise _conflict() from None
