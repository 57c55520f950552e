"""What people do with watches; what the worker does is in `steps`."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError
from django.db import transaction as database
from django.utils import timezone
from django.utils.translation import gettext as _

from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused, require
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers import rules as voucher_rules
from evidesk.desk.vouchers.models import Attachment, EventKind, Voucher
from evidesk.desk.vouchers.uploads import Upload, take_in
from evidesk.desk.watches import rules
from evidesk.desk.watches.content import drop_content
from evidesk.desk.watches.models import Batch, BatchState, Watch, WatchState
from evidesk.kits import load
from evidesk.kits.execution import parse

KIT = "watch"
#: So many batches of a watch can wait: whoever sends more has a program that runs wild.
MOST_WAITING = 100


def begin_watch(
    voucher: Voucher, by: Person, *, name: str, reference: Attachment, parameters: dict[str, Any]
) -> Watch:
    """Watch whether what comes looks like this file of the voucher.

    Raises :class:`evidesk.kits.KitError` if the parameters are not the kit's.
    """
    from evidesk.desk.watches.jobs import work_on_watch

    require(voucher_rules.may_watch(by, voucher))
    if reference.voucher_id != voucher.pk:
        raise Refused(_("That file belongs to another voucher."))
    kit = load(KIT)
    files = set(kit.parameters.file_fields())
    own = {one: value for one, value in parameters.items() if one not in files}
    plain = parse(kit, {**own, "reference": reference.name}).model_dump(mode="json", exclude=files)
    with database.atomic():
        watch = Watch.objects.create(
            voucher=voucher, name=name, reference=reference, parameters=plain, begun_by=by
        )
        _tell(watch, EventKind.WATCH, by)
        work_on_watch.enqueue(watch_id=watch.pk)
    return watch


def add_batch(watch: Watch, by: Person, upload: Upload) -> Batch:
    """Give the watch the next rows of its stream; the worker takes them, or says why not."""
    from evidesk.desk.watches.jobs import work_on_watch

    require(rules.may_add_batch(by, watch))
    if watch.batches.filter(state=BatchState.WAITING).count() >= MOST_WAITING:
        raise Refused(
            _("%(count)d batches wait already. Give the next one when some of them are taken.")
            % {"count": MOST_WAITING}
        )
    name, sha256, size = take_in(upload)
    columns: dict[str, Any] = {"uploader": by, "name": name, "size": size, "sha256": sha256}
    try:
        with database.atomic():
            # Locked, so that it does not stop between the rule's look and the row.
            if not Watch.objects.select_for_update().filter(pk=watch.pk, stopped_at=None).exists():
                raise Conflict(_("This watch was stopped in the meantime."))
            batch = Batch.objects.create(watch=watch, **columns)
            work_on_watch.enqueue(watch_id=watch.pk)
    except IntegrityError:
        raise Conflict(
            _("This watch has exactly this batch already, so it is not taken twice.")
        ) from None
    return batch


def stop_watch(watch: Watch, by: Person) -> None:
    """Take no more batches; those that wait are taken when it goes on."""
    require(rules.may_stop(by, watch))
    with database.atomic():
        running = Watch.objects.filter(pk=watch.pk, stopped_at=None)
        if running.update(stopped_at=timezone.now(), changed_at=timezone.now()):
            _tell(watch, EventKind.WATCH_STOPPED, by)


def resume_watch(watch: Watch, by: Person) -> None:
    """Go on exactly where it stopped."""
    from evidesk.desk.watches.jobs import work_on_watch

    require(rules.may_resume(by, watch))
    with database.atomic():
        stopped = Watch.objects.filter(pk=watch.pk, stopped_at__isnull=False, fault="")
        if stopped.update(stopped_at=None, changed_at=timezone.now()):
            _tell(watch, EventKind.WATCH_RESUMED, by)
            work_on_watch.enqueue(watch_id=watch.pk)


def _tell(watch: Watch, kind: EventKind, by: Person) -> None:
    """Note it on the voucher's timeline."""
    # Locked, so that it does not move between this look and the record.
    voucher = Voucher.objects.select_for_update().get(pk=watch.voucher_id)
    voucher_actions.record(voucher, kind, by, watch=watch.pk, name=watch.name)


# Erasing


@database.atomic
def forget_reference(attachment: Attachment) -> None:
    """The file is erased, and with it what watches kept of its rows; the e-values stay."""
    now = timezone.now()
    watches = Watch.objects.filter(reference=attachment)
    WatchState.objects.filter(watch__in=watches).update(state=b"")
    watches.filter(stopped_at=None).update(stopped_at=now, changed_at=now)
    for batch in Batch.objects.filter(watch__in=watches, state=BatchState.WAITING):
        Batch.objects.filter(pk=batch.pk).update(
            state=BatchState.REFUSED,
            ended_at=now,
            fault=_("The file that the watch compares with was erased."),
        )
        drop_content(batch.sha256)


def forget_names(batches: Iterable[Batch], name: str) -> None:
    """Names of files can tell of somebody; that there was a batch remains."""
    Batch.objects.filter(pk__in=[one.pk for one in batches]).update(name=name)
