"""Who may have which hook, and what it may tell."""

from django.utils.translation import gettext as _

from evidesk.desk.hooks.models import Hook
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.rules import may_triage_unit, parts
from evidesk.desk.vouchers.workflow import Part

#: How many hooks one person can have.
MOST = 10


def may_add(person: Person, unit: Unit | None) -> Answer:
    """Anybody for their own vouchers; a unit's leads and the office for a unit's."""
    if unit is not None and not may_triage_unit(person, unit.pk):
        return refuse(_("Only a lead of the unit or the office can have a hook for it."))
    if person.hooks.count() >= MOST:
        return refuse(_("You have %(most)d hooks already; remove one first.") % {"most": MOST})
    return ALLOWED


def may_change(person: Person, hook: Hook) -> Answer:
    """A hook is its owner's."""
    if hook.owner_id != person.pk:
        return refuse(_("Only its owner can change a hook."))
    return ALLOWED


def may_receive(hook: Hook, voucher: Voucher) -> bool:
    """Whether the hook may tell of the voucher, by what its owner is now."""
    if not hook.owner.is_active:
        return False
    if hook.unit_id is None:
        mine = {Part.AUTHOR, Part.OFFERED, Part.CONSULTANT}
        return bool(parts(hook.owner, voucher) & mine)
    return (
        voucher.submitted_at is not None
        and voucher.unit_id == hook.unit_id
        and may_triage_unit(hook.owner, hook.unit_id)
    )
