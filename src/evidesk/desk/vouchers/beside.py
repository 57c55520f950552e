"""What stands beside a voucher's conversation on its page."""

from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone

from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import rules
from evidesk.desk.vouchers.clock import due_of
from evidesk.desk.vouchers.models import Voucher


def beside(person: Person, voucher: Voucher) -> dict[str, Any]:
    """For the page's template: tags, lineage as far as the person may see it, effort."""
    related = Q(follows=voucher)
    if voucher.follows_id is not None:
        related |= Q(pk=voucher.follows_id)
    lineage = Voucher.objects.filter(related).select_related("kind").order_by("pk")
    may_see_effort = rules.may_see_effort(person, voucher)
    booked = voucher.bookings.aggregate(Sum("hours"))["hours__sum"] if may_see_effort else None
    due = due_of(voucher, timezone.localdate()) if person.is_member else None
    return {
        "due": due,
        "tags": list(voucher.tags.all()),
        "may_tag": rules.may_tag(person, voucher),
        "lineage": [one for one in lineage if rules.may_see(person, one)],
        "may_follow_up": rules.may_follow_up(person, voucher),
        "watches": voucher.watches.all(),
        "may_watch": rules.may_watch(person, voucher),
        "may_set_visibility": rules.may_set_visibility(person, voucher),
        "may_see_effort": may_see_effort,
        "booked": booked or Decimal(0),
    }
