"""The pages of inquiries and vouchers."""

from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.vouchers import actions, forms, queries, rules
from evidesk.desk.vouchers.beside import beside
from evidesk.desk.vouchers.models import AgreementText, Inquiry, State, Voucher
from evidesk.desk.vouchers.queries import voucher_for
from evidesk.desk.vouchers.steps import FORMS, STEPS, form_for, save_draft
from evidesk.desk.vouchers.workflow import BY_ACTION, WAY

PAGE_SIZE = 25


# The first page and inquiries


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return render(request, "vouchers/welcome.html")
    person = person_of(request)
    waiting = queries.rows(queries.waiting_for(person).values_list("pk", flat=True)[:50])
    recent = queries.visible_to(person).exclude(pk__in=[voucher.pk for voucher in waiting])
    inquiries = queries.inquiries_for(person)
    if person.is_member:
        inquiries = inquiries.filter(answer="", voucher=None)
    return render(
        request,
        "vouchers/home.html",
        {
            "waiting": with_next_step(person, waiting),
            "recent": with_next_step(
                person, queries.rows(recent.values_list("pk", flat=True)[:10])
            ),
            "inquiries": inquiries[:10],
        },
    )


def with_next_step(person: Person, vouchers: list[Voucher]) -> list[tuple[Voucher, Any]]:
    """Each voucher with what it waits for the person to do."""
    return [(voucher, rules.next_step(person, voucher)) for voucher in vouchers]


def talk(request: HttpRequest) -> HttpResponse:
    person = request.user if isinstance(request.user, Person) else None
    initial = {"email": person.email} if person else {}
    form = forms.InquiryForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        inquiry = actions.inquire(**form.cleaned_data, person=person)
        return redirect(reverse("inquiry", args=[inquiry.key]) + "?new=1")
    return render(request, "vouchers/talk.html", {"form": form})


@login_required
@require_safe
def inquiries(request: HttpRequest) -> HttpResponse:
    found = Paginator(queries.inquiries_for(person_of(request)), PAGE_SIZE)
    page = found.get_page(request.GET.get("page"))
    return render(
        request,
        "vouchers/inquiries.html",
        {"page": page, "may_answer": rules.may_answer(person_of(request))},
    )


def inquiry(request: HttpRequest, key: str) -> HttpResponse:
    """Readable by whoever knows the key; answering needs a role."""
    found = get_object_or_404(
        Inquiry.objects.select_related("person", "answered_by", "voucher"), key=key
    )
    person = request.user if isinstance(request.user, Person) else None
    form = forms.AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if person is None:
            raise Refused(_("Sign in to answer an inquiry."))
        try:
            actions.answer_inquiry(found, person, form.cleaned_data["answer"])
        except Conflict as fault:
            form.add_error(None, str(fault))
        else:
            messages.success(request, _("Your answer is on the inquiry's page."))
            return redirect("inquiry", key)
    return render(
        request,
        "vouchers/inquiry.html",
        {
            "inquiry": found,
            "form": form,
            # Whoever was too late keeps the typed text.
            "may_answer": bool(person and rules.may_answer(person))
            and (form.is_bound or not found.answer),
            "may_start": bool(person and rules.may_start_from(person, found)),
            "is_new": "new" in request.GET,
            "address": request.build_absolute_uri(request.path),
        },
    )


# Drafts


@login_required
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Begin a draft, empty or from an inquiry."""
    key = request.POST.get("inquiry")
    inquiry = get_object_or_404(Inquiry, key=key) if key else None
    voucher = actions.start_voucher(person_of(request), inquiry)
    return redirect("edit-voucher", voucher.reference)


@login_required
def edit(request: HttpRequest, reference: str) -> HttpResponse:
    """The document's form. htmx saves it as it is typed; the buttons work without."""
    person = person_of(request)
    voucher = voucher_for(person, reference)
    answer = rules.may_edit(person, voucher)
    # To what htmx saves, the page beside the typed text is told why; a redirect would lose it.
    if not answer and not (request.htmx and request.POST):  # type: ignore[attr-defined]
        messages.info(request, answer.reason)
        return redirect("voucher", reference)
    form = forms.DraftForm(voucher, request.POST or None)
    if request.method == "POST":
        saved = form.is_valid() and _save_draft(voucher, person, form)
        if request.htmx:  # type: ignore[attr-defined]
            response = render(request, "vouchers/_saved.html", {"form": form, "saved": saved})
            return trigger_client_event(response, "draft-saved") if saved else response
        if saved and "submit" in request.POST and not form.not_agreed():
            try:
                actions.submit(voucher, person)
            except (Refused, Conflict) as fault:
                form.add_error(None, str(fault))
            else:
                done = _("%(reference)s is submitted. The team has it now.")
                messages.success(request, done % {"reference": reference})
                return redirect("voucher", reference)
        elif saved and "submit" not in request.POST:
            messages.success(request, _("Saved."))
            return redirect("voucher", reference)
    agreement = AgreementText.objects.latest("version")
    context = {"voucher": voucher, "form": form, "agreement": agreement}
    return render(request, "vouchers/edit.html", context)


def _save_draft(voucher: Voucher, person: Person, form: forms.DraftForm) -> bool:
    try:
        save_draft(voucher, person, form)
    except (Refused, Conflict) as fault:
        form.add_error(None, str(fault))
        return False
    voucher.refresh_from_db()
    return True


# A voucher's own page


@login_required
@require_safe
def voucher(request: HttpRequest, reference: str) -> HttpResponse:
    return _voucher_page(request, voucher_for(person_of(request), reference), forms.MessageForm())


def _voucher_page(
    request: HttpRequest,
    voucher: Voucher,
    message_form: django_forms.Form,
    file_form: django_forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    next_step = rules.next_step(person, voucher)
    evidence = list(voucher.evidence.select_related("citation"))
    return render(
        request,
        "vouchers/voucher.html",
        {
            "voucher": voucher,
            "way": _way(voucher),
            "hint": rules.hint(person, voucher),
            "next_step": next_step,
            "next_url": next_step and _step_url(voucher, next_step.action),
            "other_steps": [
                step
                for step in rules.possible(person, voucher)
                if step != next_step and step.action != "turn-down"
            ],
            "entries": _entries(voucher, evidence),
            "evidence": evidence,
            "runs": voucher.runs.all(),
            "attachments": voucher.attachments.select_related("uploader").only(
                "voucher", "name", "size", "erased_at", "uploader__name"
            ),
            "may_write": rules.may_write(person, voucher),
            "may_edit": rules.may_edit(person, voucher),
            **beside(person, voucher),
            "is_working": voucher.consultant_id == person.pk and voucher.state == State.ACTIVE,
            "message_form": message_form,
            "file_form": file_form or forms.FileForm(),
        },
        status=status,
    )


def _way(voucher: Voucher) -> list[tuple[str, str]]:
    """The states of the good way, each with whether it is done, now or still to come."""
    # A voucher that came back with questions stands where it was submitted.
    state = State.SUBMITTED if voucher.state == State.RETURNED else State(voucher.state)
    now = WAY.index(state) if state in WAY else len(WAY)
    return [
        (
            str(State(voucher.state).label if index == now else step.label),
            "done" if index < now else "now" if index == now else "later",
        )
        for index, step in enumerate(WAY)
    ]


def _step_url(voucher: Voucher, action: str) -> str:
    """Where an action's form is: some have a page of their own."""
    if action == "submit":
        return reverse("edit-voucher", args=[voucher.reference])
    if action == "report":
        return reverse("report", args=[voucher.reference])
    if action == "offer":
        return reverse("offer", args=[voucher.reference])
    return reverse("step", args=[voucher.reference, action])


def _entries(voucher: Voucher, evidence: list[Any]) -> list[dict[str, Any]]:
    """The timeline's events, those about evidence with the evidence, a plan with its first day."""
    by_id = {one.pk: one for one in evidence}
    return [
        {
            "event": event,
            "evidence": by_id.get(event.data.get("evidence")),
            "starts_on": parse_date(event.data.get("starts_on") or ""),
        }
        for event in queries.timeline(voucher)
    ]


@login_required
@require_POST
def write(request: HttpRequest, reference: str) -> HttpResponse:
    voucher = voucher_for(person_of(request), reference)
    form = forms.MessageForm(request.POST)
    if not form.is_valid():
        return _voucher_page(request, voucher, form, status=422)
    try:
        event = actions.write(voucher, person_of(request), form.cleaned_data["text"])
    except (Refused, Conflict) as fault:
        form.add_error(None, str(fault))
        return _voucher_page(request, voucher, form, status=403)
    return redirect(reverse("voucher", args=[reference]) + f"#event-{event.pk}")


@login_required
@require_POST
def attach(request: HttpRequest, reference: str) -> HttpResponse:
    voucher = voucher_for(person_of(request), reference)
    form = forms.FileForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            actions.attach(voucher, person_of(request), form.cleaned_data["file"])
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            return redirect(reverse("voucher", args=[reference]) + "#files")
    return _voucher_page(request, voucher, forms.MessageForm(), form, status=422)


@login_required
@require_safe
def attachment(request: HttpRequest, reference: str, attachment_id: int) -> FileResponse:
    """The file itself, always as a download: nothing that people upload is shown inline."""
    voucher = voucher_for(person_of(request), reference)
    found = get_object_or_404(voucher.attachments, pk=attachment_id, erased_at=None)
    return FileResponse(
        found.path.open("rb"),
        as_attachment=True,
        filename=found.name,
        content_type="application/octet-stream",
    )


# Steps of the workflow: each action has a page with its form


@login_required
def step(request: HttpRequest, reference: str, action: str) -> HttpResponse:
    """Take one step of the workflow, after its form."""
    if action not in FORMS:
        raise Http404
    person = person_of(request)
    voucher = voucher_for(person, reference)
    answer = rules.may(person, action, voucher)
    if not answer:
        messages.error(request, answer.reason)
        return redirect("voucher", reference)
    data = request.POST if request.method == "POST" else None
    form = form_for(voucher, action, data)
    if data is not None and form.is_valid():
        try:
            STEPS[action](voucher, person, form.cleaned_data)
        except (Refused, Conflict) as fault:
            form.add_error(None, str(fault))
        else:
            done = _("%(reference)s is now “%(state)s”.")
            state = State(voucher.state).label
            messages.success(request, done % {"reference": reference, "state": state})
            if rules.may_see(person, voucher):
                return redirect("voucher", reference)
            return redirect("home")
    return render(
        request,
        "vouchers/step.html",
        {"voucher": voucher, "form": form, "step": BY_ACTION[action]},
    )
