"""Background work about vouchers."""

from django.utils import timezone

from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import State, Voucher


def end_expired_offers() -> int:
    """End the offers whose last day is over, as the desk; returns how many.

    Safe to do at any time, by any number: an offer that is answered at the same moment stays so.
    """
    ended = 0
    expired = Voucher.objects.filter(
        state=State.OFFERED, offered_until__lt=timezone.localdate()
    ).select_related("unit", "author")
    for voucher in expired:
        try:
            actions.expire(voucher)
        except (Conflict, Refused):
            continue
        ended += 1
    return ended
