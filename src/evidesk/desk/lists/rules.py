"""Who may take steps for many vouchers, and share a view."""

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person, Role, Unit
from evidesk.desk.people.rules import ALLOWED, Answer, refuse


def may_take_many(person: Person) -> Answer:
    """Steps for many vouchers are for those who look after a team's or the network's."""
    if not person.has_role(Role.LEAD, Role.OFFICE):
        return refuse(
            _("Only the leads and the office can do something with many vouchers at once.")
        )
    return ALLOWED


def may_share(person: Person, unit: Unit) -> Answer:
    """A view is shared with a unit by its leads and its office."""
    if not person.has_role(Role.LEAD, Role.OFFICE, unit_id=unit.pk):
        return refuse(
            _("Only leads and the office of %(unit)s can share a view with it.") % {"unit": unit}
        )
    return ALLOWED
