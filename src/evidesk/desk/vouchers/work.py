"""What people do with a voucher beside its workflow and its conversation: tags, who may see it,
and continuing it.

Like `actions`: rule, change and audit entry in one transaction.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Refused, require
from evidesk.desk.vouchers import actions, rules
from evidesk.desk.vouchers.models import EventKind, Questionnaire, Tag, Visibility, Voucher


@transaction.atomic
def set_tags(voucher: Voucher, by: Person, tags: Iterable[Tag]) -> None:
    """Mark it with words to find it again by."""
    require(rules.may_tag(by, voucher))
    Voucher.objects.select_for_update().get(pk=voucher.pk)
    before = sorted(tag.name for tag in voucher.tags.all())
    voucher.tags.set(tags)
    after = sorted(tag.name for tag in voucher.tags.all())
    if before != after:
        audit.append(
            "voucher.tags", by.uid, f"voucher:{voucher.reference}", {"tags": [before, after]}
        )


@transaction.atomic
def set_visibility(voucher: Voucher, by: Person, visibility: str, summary: str) -> None:
    """The scientist decides who may see the voucher, and what everybody may read of it."""
    require(rules.may_set_visibility(by, voucher))
    if visibility == Visibility.SUMMARY and not summary.strip():
        raise Refused(_("Please write the summary that everybody may read."))
    if (visibility, summary) == (voucher.visibility, voucher.summary):
        return
    Voucher.objects.filter(pk=voucher.pk).update(visibility=visibility, summary=summary)
    actions.record(voucher, EventKind.VISIBILITY, by, visibility=visibility, summary=summary)
    voucher.refresh_from_db()


@transaction.atomic
def close(
    voucher: Voucher,
    by: Person,
    *,
    rating: int | None,
    feedback: str,
    visibility: str,
    summary: str,
) -> None:
    """The scientist says how it was and, now that there is a result, who may see it; for an empty
    `visibility` that stays as it is.
    """
    actions.close(voucher, by, rating=rating, feedback=feedback)
    if visibility:
        set_visibility(voucher, by, visibility, summary)


@transaction.atomic
def follow_up(voucher: Voucher, by: Person) -> Voucher:
    """A new draft that continues a reported voucher, with its document and of the kind that
    follows; who reads one finds the other.
    """
    voucher = Voucher.objects.select_for_update().get(pk=voucher.pk)
    require(rules.may_follow_up(by, voucher))
    assert voucher.kind is not None  # the rule has asked
    keys = {question["key"] for question in Questionnaire.objects.latest("version").questions}
    begun = {
        "follows": voucher,
        "kind": voucher.kind.follow_up,
        "title": voucher.title,
        "unit": voucher.unit,
        "field": voucher.field,
        "credit": voucher.credit,
        "answers": {key: text for key, text in voucher.answers.items() if key in keys},
    }
    return actions.start_voucher(by, begun=begun)
