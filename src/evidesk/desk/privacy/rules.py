"""Who may be erased, and who sees what the retention rules would do."""

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Member, Person, Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.privacy import queries


def may_erase(person: Person) -> Answer:
    """Somebody can be erased once nobody waits for them and somebody else runs the office."""
    open_ones = queries.open_vouchers(person)
    if open_ones:
        names = ", ".join(voucher.reference for voucher in open_ones)
        return refuse(
            _("Some vouchers still need you: %(names)s. Withdraw, finish or hand over these first.")
            % {"names": names}
        )
    office = Member.objects.filter(role=Role.OFFICE)
    if person.has_role(Role.OFFICE) and not office.exclude(person=person).exists():
        return refuse(_("You are the whole office. Somebody else has to take it over first."))
    return ALLOWED


def may_see_retention(person: Person) -> Answer:
    """What goes when is the office's business."""
    if not person.has_role(Role.OFFICE):
        return refuse(_("Only the office sees what the retention rules would do."))
    return ALLOWED
