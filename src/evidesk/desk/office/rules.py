"""Who may see the statistics, and of whom."""

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person, Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse


def may_see_statistics(person: Person) -> Answer:
    """The office, of all units; leads, of their own."""
    if person.has_role(Role.OFFICE, Role.LEAD):
        return ALLOWED
    return refuse(_("Statistics are for the office and the leads of the units."))


def unit_ids_to_see(person: Person) -> set[int] | None:
    """The units whose vouchers the person sees in the statistics; None for all."""
    if person.has_role(Role.OFFICE):
        return None
    return {unit for unit, role in person.roles if role == Role.LEAD}
