"""Who may watch, and give a watch its batches."""

from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Answer, refuse
from evidesk.desk.vouchers.rules import may_watch
from evidesk.desk.watches.models import Watch


def may_add_batch(person: Person, watch: Watch) -> Answer:
    """Whoever may watch the voucher, while the watch goes on."""
    if watch.fault:
        return refuse(_("This watch could not begin. Begin another one."))
    if watch.stopped_at is not None:
        return refuse(_("This watch is stopped. Let it go on first."))
    return may_watch(person, watch.voucher)


def may_stop(person: Person, watch: Watch) -> Answer:
    if watch.stopped_at is not None:
        return refuse(_("This watch is stopped already."))
    return may_watch(person, watch.voucher)


def may_resume(person: Person, watch: Watch) -> Answer:
    if watch.stopped_at is None:
        return refuse(_("This watch is not stopped."))
    if watch.fault:
        return refuse(_("This watch could not begin. Begin another one."))
    if watch.reference.erased_at is not None:
        return refuse(_("The file that it compares with was erased. Begin another watch."))
    return may_watch(person, watch.voucher)
