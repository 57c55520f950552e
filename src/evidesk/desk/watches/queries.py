"""Reads about watches that more than one place needs."""

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404

from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Voucher
from evidesk.desk.vouchers.queries import visible_to
from evidesk.desk.watches.models import BatchState, Watch


def watches() -> QuerySet[Watch]:
    """All watches, each with how many of its batches wait, as `waiting`."""
    waiting = Count("batches", Q(batches__state=BatchState.WAITING))
    return Watch.objects.select_related("voucher", "reference", "begun_by").annotate(
        waiting=waiting
    )


def watches_of(voucher: Voucher) -> QuerySet[Watch]:
    """The voucher's watches, the last one first."""
    return watches().filter(voucher=voucher)


def watch_for(person: Person, watch_id: int) -> Watch:
    """The watch; 404 if there is none or its voucher is not the person's to see."""
    return get_object_or_404(watches().filter(voucher__in=visible_to(person)), pk=watch_id)
