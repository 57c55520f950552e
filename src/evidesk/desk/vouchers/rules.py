"""Who may do what with inquiries and vouchers."""

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person, Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.vouchers.models import ENDS, OPEN, Inquiry, State, Voucher
from evidesk.desk.vouchers.workflow import (
    BY_ACTION,
    NEXT_STEP,
    TRANSITIONS,
    WAITING,
    Part,
    Transition,
)


def parts(person: Person, voucher: Voucher) -> set[Part]:
    """The parts that the person plays for the voucher."""
    found = set()
    if voucher.author_id == person.pk:
        found.add(Part.AUTHOR)
    if voucher.offered_to_id == person.pk:
        found.add(Part.OFFERED)
    if voucher.consultant_id == person.pk:
        found.add(Part.CONSULTANT)
    if may_triage_unit(person, voucher.unit_id) and voucher.author_id != person.pk:
        found.add(Part.TRIAGE)
    return found


def may_triage_unit(person: Person, unit_id: int) -> bool:
    """A unit's leads, and the office for every unit."""
    return person.has_role(Role.OFFICE) or person.has_role(Role.LEAD, unit_id=unit_id)


def may_see(person: Person, voucher: Voucher) -> bool:
    """The author; the one it is offered to; its consultant; and, once submitted, its unit and the
    office. Whoever may not see a voucher is not told that it exists.
    """
    if parts(person, voucher) & {Part.AUTHOR, Part.OFFERED, Part.CONSULTANT}:
        return True
    if voucher.submitted_at is None:
        return False
    return person.has_role(Role.OFFICE) or voucher.unit_id in person.unit_ids


def may(person: Person, action: str, voucher: Voucher) -> Answer:
    """Whether the person may take this action of the workflow now."""
    transition = BY_ACTION[action]
    if voucher.state not in transition.sources:
        wanted = " or ".join(f"“{state.label}”" for state in transition.sources)
        return refuse(
            f"{voucher.reference} is “{State(voucher.state).label}”; "
            f"this is possible only from {wanted}."
        )
    if not parts(person, voucher).intersection(transition.who):
        return refuse(f"Only {' or '.join(transition.who)} can do this.")
    return ALLOWED


def possible(person: Person, voucher: Voucher) -> list[Transition]:
    """What the person could do now, in the order of the table."""
    return [t for t in TRANSITIONS if may(person, t.action, voucher)]


def next_step(person: Person, voucher: Voucher) -> Transition | None:
    """The one thing that the voucher waits for this person to do, if any."""
    for part in parts(person, voucher):
        if step := NEXT_STEP.get((State(voucher.state), part)):
            return BY_ACTION[step[0]]
    return None


def hint(person: Person, voucher: Voucher) -> str:
    """What the page tells the person about where the voucher stands."""
    state = State(voucher.state)
    for part in parts(person, voucher):
        if step := NEXT_STEP.get((state, part)):
            return step[1]
    return WAITING[state]


def may_edit(person: Person, voucher: Voucher) -> Answer:
    """The document can be edited by its author until it is submitted, and when it is returned."""
    if voucher.author_id != person.pk:
        return refuse("Only the scientist who asks can edit the document.")
    if voucher.state not in (State.DRAFT, State.RETURNED):
        return refuse("The document is submitted; it can be edited only if it comes back.")
    return ALLOWED


def may_write(person: Person, voucher: Voucher) -> Answer:
    """Messages and files: everyone with a part, from submission to the end."""
    if not parts(person, voucher):
        return refuse("Only the people of this voucher can write here.")
    if voucher.state in ENDS:
        return refuse(f"{voucher.reference} is over, so nothing can be added to it.")
    if voucher.state not in OPEN:
        return refuse("Messages and files are possible once the voucher is submitted.")
    return ALLOWED


def may_tag(person: Person, voucher: Voucher) -> Answer:
    """Tags are the team's: whoever triages the voucher, and its consultant."""
    if not parts(person, voucher) & {Part.TRIAGE, Part.CONSULTANT}:
        return refuse(_("Only the voucher's team can tag it."))
    return ALLOWED


def may_answer(person: Person) -> Answer:
    """Inquiries are answered by leads and the office, of any unit."""
    if not person.has_role(Role.LEAD, Role.OFFICE):
        return refuse("Inquiries are answered by the leads and the office.")
    return ALLOWED


def may_start_from(person: Person, inquiry: Inquiry) -> Answer:
    """An inquiry becomes a voucher once, by whoever wrote it; the first to sign in with its
    secret address is taken for its author if it was written without signing in.
    """
    if inquiry.voucher_id is not None:
        return refuse("This inquiry has become a voucher already.")
    if inquiry.person_id not in (None, person.pk):
        return refuse("Only whoever wrote the inquiry can turn it into a voucher.")
    if inquiry.person_id is None and person.is_member:
        return refuse("Please ask the scientist to turn their inquiry into a voucher themselves.")
    return ALLOWED
