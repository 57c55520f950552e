"""Having hooks, and telling them: a delivery is written in the transaction of its event."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction as database
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from evidesk.desk.audit import actions as audit
from evidesk.desk.hooks import rules
from evidesk.desk.hooks.addresses import Forbidden, parse
from evidesk.desk.hooks.models import EVENTS, PING, Delivery, DeliveryState, Hook
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.rules import Refused, require
from evidesk.desk.vouchers.actions import PLAIN
from evidesk.desk.vouchers.models import Event, Voucher

#: How often it is tried: after 1, 5, 25, 125 and 625 minutes again, so for 13 hours.
ATTEMPTS = 6
#: Nobody else takes a delivery for so long after somebody began to send it.
LEASE = timedelta(minutes=2)
#: A delivery that is due for so long has lost its job.
STALE = timedelta(minutes=10)
# Kept in English; the page translates it for whoever reads it.
_NOT_THEIRS = gettext_noop("Its owner may not see the voucher any more.")
_BY_OWNER = gettext_noop("You switched it off.")
#: How long the log is kept.
KEPT = timedelta(days=30)


@database.atomic
def add_hook(by: Person, *, url: str, events: Iterable[str], unit: Unit | None = None) -> Hook:
    """Have an address told of events; raises :class:`Refused` for one that is not public."""
    require(rules.may_add(by, unit))
    try:
        parse(url, demo=settings.DEMO)
    except Forbidden as fault:
        raise Refused(str(fault)) from None
    chosen = [event for event in EVENTS if event in set(events)]
    hook = Hook.objects.create(owner=by, unit=unit, url=url, events=chosen)
    facts = {"unit": unit.slug if unit else "", "events": chosen}
    audit.append("hook.added", by.uid, f"hook:{hook.pk}", facts, sealed={"url": url})
    return hook


@database.atomic
def remove_hook(hook: Hook, by: Person) -> None:
    """It is told nothing any more, and its log is gone."""
    require(rules.may_change(by, hook))
    audit.append("hook.removed", by.uid, f"hook:{hook.pk}")
    hook.delete()


@database.atomic
def switch_on(hook: Hook, by: Person) -> None:
    """Tell it of what happens from now on, after it was switched off."""
    require(rules.may_change(by, hook))
    if Hook.objects.filter(pk=hook.pk, disabled_at__isnull=False).update(
        disabled_at=None, disabled_because=""
    ):
        audit.append("hook.on", by.uid, f"hook:{hook.pk}")


@database.atomic
def switch_off(hook: Hook, by: Person | None, reason: str = _BY_OWNER) -> None:
    """Tell it nothing until somebody switches it on; what waits is dropped."""
    if by is not None:
        require(rules.may_change(by, hook))
    now = timezone.now()
    if Hook.objects.filter(pk=hook.pk, disabled_at=None).update(
        disabled_at=now, disabled_because=reason
    ):
        hook.deliveries.filter(state=DeliveryState.WAITING).update(
            state=DeliveryState.FAILED,
            ended_at=now,
            fault=gettext_noop("The hook was switched off."),
        )
        audit.append("hook.off", by.uid if by else None, f"hook:{hook.pk}", {"by_owner": bool(by)})


@database.atomic
def ping(hook: Hook, by: Person) -> Delivery:
    """Send something, to see whether it arrives."""
    require(rules.may_change(by, hook))
    if hook.disabled_at is not None:
        raise Refused(_("The hook is switched off. Switch it on first."))
    return _add(hook, PING, None, {})


def note(event: Event) -> None:
    """Write the deliveries of what has just happened; within its transaction."""
    kind = f"voucher.{event.kind}"
    # As it is now; the event's own object may be what it was before.
    voucher = Voucher.objects.select_related("unit").get(pk=event.voucher_id)
    people = [voucher.author_id, voucher.offered_to_id, voucher.consultant_id]
    mine = Q(unit=None, owner__in=[pk for pk in people if pk])
    hooks = Hook.objects.filter(mine | Q(unit=voucher.unit_id), disabled_at=None)
    for hook in hooks.select_related("owner"):
        if kind in hook.events and rules.may_receive(hook, voucher):
            _add(hook, kind, voucher, {k: v for k, v in event.data.items() if k in PLAIN})


def _add(hook: Hook, event: str, voucher: Voucher | None, facts: dict[str, Any]) -> Delivery:
    """A delivery, with its job. It tells what happened, not what was written: who wants to know
    more asks the API, which knows who may read it.
    """
    from evidesk.desk.hooks.jobs import deliver

    delivery = Delivery(hook=hook, voucher=voucher, event=event)
    delivery.payload = {
        "id": str(delivery.uid),
        "event": event,
        "at": delivery.created_at.isoformat(),
        "facts": facts,
    }
    if voucher is not None:
        delivery.payload["voucher"] = {
            "reference": voucher.reference,
            "state": voucher.state,
            "unit": voucher.unit.slug,
            "api": f"/api/vouchers/{voucher.reference}/",
        }
    delivery.save(force_insert=True)
    deliver.enqueue(delivery_id=delivery.pk)
    return delivery


# What the worker does. Each is a conditional update: two workers never send the same at once.


def begin_attempt(delivery_id: int) -> Delivery | None:
    """Take a delivery that is due; None if it is over, not due, or must not be told any more."""
    now = timezone.now()
    rows = Delivery.objects.filter(pk=delivery_id, state=DeliveryState.WAITING, next_at__lte=now)
    if not rows.update(attempts=F("attempts") + 1, next_at=now + LEASE):
        return None
    delivery = Delivery.objects.select_related("hook__owner", "voucher").get(pk=delivery_id)
    if delivery.voucher is not None and not rules.may_receive(delivery.hook, delivery.voucher):
        _end(delivery, DeliveryState.FAILED, None, _NOT_THEIRS)
        return None
    return delivery


@database.atomic
def end_attempt(delivery: Delivery, status: int | None, fault: str) -> None:
    """It arrived (no `fault`), or it is tried again later, or it is given up."""
    from evidesk.desk.hooks.jobs import deliver

    if not fault:
        if _end(delivery, DeliveryState.DELIVERED, status, ""):
            Hook.objects.filter(pk=delivery.hook_id).update(succeeded_at=timezone.now())
        return
    if delivery.attempts >= ATTEMPTS:
        if _end(delivery, DeliveryState.FAILED, status, fault):
            _give_up_if_dead(delivery, fault)
        return
    next_at = timezone.now() + timedelta(minutes=5 ** (delivery.attempts - 1))
    if _mine(delivery).update(next_at=next_at, status=status, fault=fault[:300]):
        deliver.using(run_after=next_at).enqueue(delivery_id=delivery.pk)


def _mine(delivery: Delivery) -> Any:
    """The delivery, if nobody has taken it since."""
    return Delivery.objects.filter(
        pk=delivery.pk, state=DeliveryState.WAITING, attempts=delivery.attempts
    )


def _end(delivery: Delivery, state: DeliveryState, status: int | None, fault: str) -> int:
    return int(
        _mine(delivery).update(
            state=state, ended_at=timezone.now(), status=status, fault=fault[:300]
        )
    )


def _give_up_if_dead(delivery: Delivery, fault: str) -> None:
    """Switch the hook off if nothing has arrived since the delivery was first tried."""
    hook = Hook.objects.get(pk=delivery.hook_id)
    if hook.succeeded_at is None or hook.succeeded_at < delivery.created_at:
        reason = _("Nothing arrived for %(tries)d tries in a row. The last time: %(fault)s")
        switch_off(hook, None, (reason % {"tries": ATTEMPTS, "fault": fault})[:300])


def sweep() -> None:
    """Give deliveries a job whose worker was killed, and forget the old log."""
    from evidesk.desk.hooks.jobs import deliver

    now = timezone.now()
    stale = Delivery.objects.filter(state=DeliveryState.WAITING, next_at__lt=now - STALE)
    for pk in list(stale.values_list("pk", flat=True)[:100]):
        with database.atomic():
            stale.filter(pk=pk).update(next_at=now)
            deliver.enqueue(delivery_id=pk)
    Delivery.objects.filter(ended_at__lt=now - KEPT).delete()
