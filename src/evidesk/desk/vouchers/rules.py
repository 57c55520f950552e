"""Who may do what with inquiries and vouchers."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person, Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.vouchers.models import (
    ENDS,
    OPEN,
    STAFFED,
    Inquiry,
    State,
    Visibility,
    Voucher,
)
from evidesk.desk.vouchers.workflow import (
    BY_ACTION,
    NEXT_STEP,
    TRANSITIONS,
    WAITING,
    Part,
    Transition,
)


def parts(person: Person | None, voucher: Voucher) -> set[Part]:
    """The parts that the person plays for the voucher; nobody is the desk itself."""
    if person is None:
        return {Part.DESK}
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
    office, the units that handed it over, and every member if the author wants so. Whoever may not
    see a voucher is not told that it exists.
    """
    if parts(person, voucher) & {Part.AUTHOR, Part.OFFERED, Part.CONSULTANT}:
        return True
    if voucher.submitted_at is None:
        return False
    if person.is_member and voucher.visibility != Visibility.PRIVATE:
        return True
    if person.has_role(Role.OFFICE) or voucher.unit_id in person.unit_ids:
        return True
    return voucher.former_units.filter(pk__in=person.unit_ids).exists()


def may(person: Person | None, action: str, voucher: Voucher) -> Answer:
    """Whether the person may take this action of the workflow now."""
    transition = BY_ACTION[action]
    if voucher.state not in transition.sources:
        return refuse(
            _("%(reference)s is “%(state)s”; this is possible only from %(wanted)s.")
            % {
                "reference": voucher.reference,
                "state": State(voucher.state).label,
                "wanted": _any_of(_("“%s”") % state.label for state in transition.sources),
            }
        )
    if not parts(person, voucher).intersection(transition.who):
        who = _any_of(part.label for part in transition.who)
        return refuse(_("Only %(who)s can do this.") % {"who": who})
    return ALLOWED


def _any_of(names: Iterable[str]) -> str:
    """The names as one phrase: any of them will do."""
    return _(" or ").join(names)


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
            return str(step[1])
    return str(WAITING[state])


def may_edit(person: Person, voucher: Voucher) -> Answer:
    """The document can be edited by its author until it is submitted, and when it is returned."""
    if voucher.author_id != person.pk:
        return refuse(_("Only the scientist who asks can edit the document."))
    if voucher.state not in (State.DRAFT, State.RETURNED):
        return refuse(_("The document is submitted; it can be edited only if it comes back."))
    return ALLOWED


def may_write(person: Person, voucher: Voucher) -> Answer:
    """Messages and files: everyone with a part, from submission to the end."""
    if not parts(person, voucher):
        return refuse(_("Only the people of this voucher can write here."))
    if voucher.state in ENDS:
        return refuse(
            _("%(reference)s is over, so nothing can be added to it.")
            % {"reference": voucher.reference}
        )
    if voucher.state not in OPEN:
        return refuse(_("Messages and files are possible once the voucher is submitted."))
    return ALLOWED


def may_set_visibility(person: Person, voucher: Voucher) -> Answer:
    """Who may see the voucher is its author's to decide, also when it is over."""
    if voucher.author_id != person.pk:
        return refuse(_("Only the scientist who asks can decide who may see it."))
    if voucher.submitted_at is None:
        return refuse(_("The voucher is not submitted yet; nobody else can see it."))
    return ALLOWED


def may_watch(person: Person, voucher: Voucher) -> Answer:
    """The scientist and the consultant, from the start of the work on, also when it is over: a
    model that came out of it is used for longer than the voucher lasts.
    """
    if not parts(person, voucher) & {Part.AUTHOR, Part.CONSULTANT}:
        return refuse(_("Only the voucher's scientist and its consultant can watch."))
    if voucher.state not in STAFFED:
        return refuse(_("A watch is possible once a consultant works on the voucher."))
    return ALLOWED


def may_follow_up(person: Person, voucher: Voucher) -> Answer:
    """What an exploration has found out can be continued, by who asked for it, when it is reported;
    once at a time, for a second click must not begin a second one.
    """
    kind = voucher.kind
    if voucher.author_id != person.pk:
        return refuse(_("Only the scientist who asked can continue it."))
    if voucher.state not in (State.REPORTED, State.CLOSED) or kind is None:
        return refuse(_("A voucher can be continued when there is a report."))
    if kind.follow_up_id is None:
        return refuse(_("A voucher of this kind is not continued by another one."))
    unfinished = voucher.followers.exclude(state__in=ENDS).first()
    if unfinished is not None:
        return refuse(
            _("%(reference)s continues it already.") % {"reference": unfinished.reference}
        )
    return ALLOWED


def may_see_effort(person: Person, voucher: Voucher) -> Answer:
    """Hours are the team's business: the consultant's, and that of whoever triages the voucher."""
    if not parts(person, voucher) & {Part.TRIAGE, Part.CONSULTANT}:
        return refuse(_("Only the voucher's team sees its hours."))
    if voucher.consultant_id is None:
        return refuse(_("There is nobody yet whose hours could be booked."))
    return ALLOWED


def may_book(person: Person, voucher: Voucher) -> Answer:
    """Hours are booked while the work is under way, or reported and not closed."""
    if voucher.state not in (State.ACTIVE, State.REPORTED):
        return refuse(_("Hours can be booked from the start of the work until it is closed."))
    return may_see_effort(person, voucher)


def may_triage(person: Person) -> Answer:
    """The inbox is for those who decide what happens with new vouchers."""
    if not person.has_role(Role.LEAD, Role.OFFICE):
        return refuse(_("The inbox is for the leads and the office."))
    return ALLOWED


def may_tag(person: Person, voucher: Voucher) -> Answer:
    """Tags are the team's: whoever triages the voucher, and its consultant."""
    if not parts(person, voucher) & {Part.TRIAGE, Part.CONSULTANT}:
        return refuse(_("Only the voucher's team can tag it."))
    return ALLOWED


def may_answer(person: Person) -> Answer:
    """Inquiries are answered by leads and the office, of any unit."""
    if not person.has_role(Role.LEAD, Role.OFFICE):
        return refuse(_("Inquiries are answered by the leads and the office."))
    return ALLOWED


def may_start_from(person: Person, inquiry: Inquiry) -> Answer:
    """An inquiry becomes a voucher once, by whoever wrote it; the first to sign in with its
    secret address is taken for its author if it was written without signing in.
    """
    if inquiry.voucher_id is not None:
        return refuse(_("This inquiry has become a voucher already."))
    if inquiry.person_id not in (None, person.pk):
        return refuse(_("Only whoever wrote the inquiry can turn it into a voucher."))
    if inquiry.person_id is None and person.is_member:
        return refuse(
            _("Please ask the scientist to turn their inquiry into a voucher themselves.")
        )
    return ALLOWED
