"""The list of vouchers: search, filters, kept views, steps for many, exports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.lists import actions, exports, forms, many, queries, rules
from evidesk.desk.lists.models import SavedView
from evidesk.desk.lists.words import marked, normal, parse, pattern, snippet
from evidesk.desk.people.models import Person, Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Refused, require
from evidesk.desk.vouchers.models import State, Voucher
from evidesk.desk.vouchers.pages import PAGE_SIZE, with_next_step
from evidesk.desk.vouchers.queries import for_list, rows
from evidesk.desk.vouchers.workflow import Transition

#: Of more hits than these the latest come first: of so many, how well they match says little, and
#: to find out takes longer than all the rest.
MOST_RANKED = 1000

# The list


class _Counted(Paginator[Any]):
    """Pages of something that is counted already."""

    def __init__(self, objects: Any, per_page: int, count: int) -> None:
        super().__init__(objects, per_page)
        self.count = count  # in place of a query


@dataclass(frozen=True)
class Row:
    """A voucher in the list: what it waits for the person to do, and where words were found."""

    voucher: Voucher
    step: Transition | None
    title: SafeString
    snippet: SafeString


@dataclass(frozen=True)
class Tab:
    """A state with how many vouchers are in it; the first tab stands for all."""

    label: Any
    count: int
    address: str
    is_current: bool


@login_required
@require_safe
def voucher_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    views = list(queries.views_for(person))
    if not request.GET:
        for view in views:
            if view.is_default and view.owner_id == person.pk and view.query:
                return redirect(f"{reverse('vouchers')}?{view.query}")
    form = forms.FilterForm(request.GET, person)
    chosen = form.set_fields()
    state = form.cleaned_data.pop("state", "")
    found = queries.wanted_by(person, form.cleaned_data)
    counts = queries.states_of(found)
    if state:
        found = found.filter(state=state)
    total = counts.get(state, 0) if state else sum(counts.values())
    of_too_many = bool(form.cleaned_data.get("q")) and total > MOST_RANKED
    if of_too_many and "sort" not in chosen:
        found = found.order_by(*queries.ORDERS["changed"])
    page = _Counted(found.values_list("pk", flat=True), PAGE_SIZE, total).get_page(
        request.GET.get("page")
    )
    address = urlencode(chosen)
    return render(
        request,
        "lists/list.html",
        {
            "form": form,
            "page": page,
            "rows": _rows(person, list(page), form.cleaned_data.get("q") or ""),
            "of_too_many": of_too_many,
            "tabs": _tabs(chosen, counts, state),
            "filters": address,
            "is_filtered": bool(chosen),
            "views": [(view, view.query == address) for view in views],
            "view_form": forms.ViewForm(person=person, units=form.units),
            "steps": many.STEPS_FOR_MANY if rules.may_take_many(person) else {},
            "all_selected": request.GET.get("select") == "all",
        },
    )


def _rows(person: Person, ids: Sequence[int], text: str) -> list[Row]:
    steps = with_next_step(person, rows(ids))
    wanted = pattern(parse(text).has) if text else None
    texts = queries.texts_of([voucher for voucher, _ in steps]) if wanted else {}
    return [
        Row(
            voucher,
            step,
            marked(normal(voucher.shown_title), wanted),
            snippet(texts.get(voucher.pk, ""), wanted),
        )
        for voucher, step in steps
    ]


def _tabs(chosen: dict[str, str], counts: dict[str, int], current: str) -> list[Tab]:
    """All, and each state that some voucher is in."""

    def address(state: str) -> str:
        # An address without any filter would open the person's default view.
        return urlencode({name: v for name, v in {**chosen, "state": state}.items() if v}) or (
            "state="
        )

    tabs = [Tab(_("All"), sum(counts.values()), address(""), not current)]
    return tabs + [
        Tab(state.label, counts.get(state, 0), address(state), state == current)
        for state in State
        if counts.get(state) or state == current
    ]


# Kept views


@login_required
def views(request: HttpRequest) -> HttpResponse:
    """One's kept views; a POST keeps a new one."""
    person = person_of(request)
    if request.method != "POST":
        return _views_page(request)
    filters = forms.FilterForm.of_address(request.POST.get("query", ""), person)
    form = forms.ViewForm(request.POST, person=person, units=filters.units)
    if not filters.is_valid():
        form.full_clean()
        form.add_error(None, _("One of the filters makes no sense, so the view is not kept."))
    if form.is_valid():
        try:
            actions.save_view(person, query=filters.address(), **form.values())
        except Refused as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, _("The view is kept."))
            return redirect(f"{reverse('vouchers')}?{filters.address() or 'state='}")
    return _views_page(request, new=form, query=filters.address(), status=422)


@login_required
@require_POST
def view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Change or delete one of one's own views."""
    person = person_of(request)
    found = get_object_or_404(person.views, pk=view_id)
    if "delete" in request.POST:
        actions.delete_view(found, person)
        messages.success(request, _("The view is deleted."))
        return redirect("views")
    units = Unit.objects.filter(pk__in=person.unit_ids)
    form = forms.ViewForm(request.POST, person=person, units=units, view=found)
    if form.is_valid():
        try:
            actions.change_view(found, person, **form.values())
        except Refused as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, _("The view is changed."))
            return redirect("views")
    return _views_page(request, bound={found.pk: form}, status=422)


def _views_page(
    request: HttpRequest,
    *,
    new: forms.ViewForm | None = None,
    query: str = "",
    bound: dict[int, forms.ViewForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    visible = list(queries.views_for(person))
    units = list(Unit.objects.filter(pk__in=person.unit_ids))

    def form_of(view: SavedView) -> forms.ViewForm:
        known = (bound or {}).get(view.pk)
        return known or forms.ViewForm(person=person, units=units, view=view)

    return render(
        request,
        "lists/views.html",
        {
            "own": [(view, form_of(view)) for view in visible if view.owner_id == person.pk],
            "shared": [view for view in visible if view.owner_id != person.pk],
            "new": new,
            "query": query,
        },
        status=status,
    )


# A step for many


@login_required
def take_many(request: HttpRequest) -> HttpResponse:
    """Says what would happen to the chosen vouchers; a POST does it."""
    person = person_of(request)
    require(rules.may_take_many(person))
    sent = request.POST if request.method == "POST" else request.GET
    back = QueryDict(sent.get("back", "")).urlencode()
    step = many.STEPS_FOR_MANY.get(sent.get("action", ""))
    vouchers = many.chosen(person, sent.getlist("voucher"))
    if step is None or not vouchers:
        messages.error(request, _("Choose what to do, and at least one voucher."))
        return redirect(f"{reverse('vouchers')}?{back or 'state='}")
    form = step.form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        outcomes = many.take(step, person, vouchers, form.cleaned_data)
        # Kept for one look, so that loading the page again does nothing a second time.
        request.session["many"] = {
            "label": str(step.label),
            "back": back,
            "rows": [
                [one.voucher.reference, one.voucher.shown_title, one.reason]
                for one in sorted(outcomes, key=lambda one: bool(one.reason))
            ],
        }
        return redirect("many-done")
    answers = [(voucher, step.rule(person, voucher)) for voucher in vouchers]
    answers.sort(key=lambda pair: not pair[1])  # first those that it is possible for
    return render(
        request,
        "lists/many.html",
        {
            "step": step,
            "action": sent["action"],
            "answers": answers,
            "possible": sum(bool(answer) for _, answer in answers),
            "form": form,
            "back": back,
        },
        status=422 if form.errors else 200,
    )


@login_required
@require_safe
def many_done(request: HttpRequest) -> HttpResponse:
    """What became of each voucher of the last step for many."""
    told = request.session.get("many")
    if told is None:
        return redirect("vouchers")
    done = sum(not reason for *_, reason in told["rows"])
    return render(request, "lists/many_done.html", {**told, "done": done})


# Exports


@login_required
@require_safe
def export(request: HttpRequest, ending: str) -> FileResponse:
    """The filtered list as a file; only what the person may see, and noted in the audit chain."""
    person = person_of(request)
    form = forms.FilterForm(request.GET, person)
    filters = form.address()
    vouchers: QuerySet[Voucher] = for_list(queries.wanted_by(person, form.cleaned_data))
    options = {"bom": True} if ending == "csv" and request.GET.get("bom") else {}
    return exports.download(person, ending, vouchers, filters, **options)
