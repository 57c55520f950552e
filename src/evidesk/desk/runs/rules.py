"""Who may run kits and add evidence."""

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import ALLOWED, Answer, refuse
from evidesk.desk.runs.models import Run
from evidesk.desk.vouchers.models import State, Voucher
from evidesk.desk.vouchers.rules import parts
from evidesk.desk.vouchers.workflow import Part


def may_add_evidence(person: Person, voucher: Voucher) -> Answer:
    """Runs and pushed crates: the voucher's consultant, while the work is in progress."""
    if Part.CONSULTANT not in parts(person, voucher):
        return refuse(_("Only the voucher's consultant can run kits and add evidence."))
    if voucher.state != State.ACTIVE:
        return refuse(_("Kits can be run and evidence added only while the work is in progress."))
    return ALLOWED


def may_go_on(person: Person, run: Run) -> Answer:
    """The voucher's consultant, if the run was cut off and left something to go on from."""
    if not run.can_go_on:
        return refuse(_("This run has left nothing to go on from. Run it again."))
    return may_add_evidence(person, run.voucher)


def may_cancel(person: Person, run: Run) -> Answer:
    """The voucher's consultant, while there is something to cancel."""
    if not run.is_under_way:
        return refuse(_("This run is over."))
    if Part.CONSULTANT not in parts(person, run.voucher):
        return refuse(_("Only the voucher's consultant can cancel a run."))
    return ALLOWED
