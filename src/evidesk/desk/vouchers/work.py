"""What people do with a voucher beside its workflow and its conversation: tags.

Like `actions`: rule, change and audit entry in one transaction.
"""

from collections.abc import Iterable

from django.db import transaction

from evidesk.desk.audit import actions as audit
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import require
from evidesk.desk.vouchers import rules
from evidesk.desk.vouchers.models import Tag, Voucher


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
