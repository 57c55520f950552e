"""Notices, preferences, the calendar, and the office's view of mail."""

from hashlib import sha256

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from evidesk.desk.notices import actions, addresses, feed, queries, rules
from evidesk.desk.notices.forms import OutboxForm, WaysForm
from evidesk.desk.notices.kinds import ALWAYS
from evidesk.desk.notices.letters import place_of, shown_headers
from evidesk.desk.notices.models import Calendar, Mail, Reply, ReplyState
from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require

PAGE_SIZE = 40


@login_required
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    unread = "unread" in request.GET
    page = Paginator(queries.notices_for(person, unread=unread), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    groups = [
        (voucher, [(notice, place_of(notice)) for notice in members])
        for voucher, members in queries.grouped(person, page)
    ]
    return render(
        request,
        "notices/notices.html",
        {
            "page": page,
            "groups": groups,
            "only_unread": unread,
            "filters": "unread=1" if unread else "",
            "may_see_mail": rules.may_see_mail(person),
        },
    )


@login_required
@require_POST
def read(request: HttpRequest) -> HttpResponse:
    """Mark one notice as read, or all."""
    number = request.POST.get("notice", "")
    if number and not (number.isdecimal() and len(number) < 19):
        raise Http404
    actions.mark_read(person_of(request), ids=[int(number)] if number else None)
    return redirect("notices")


@login_required
@never_cache
def preferences(request: HttpRequest) -> HttpResponse:
    """How to be told, and the calendar's address, which is shown once."""
    person = person_of(request)
    form = WaysForm(person, request.POST if request.POST.get("what") == "ways" else None)
    address = None
    if request.method == "POST":
        match request.POST.get("what"):
            case "ways" if form.is_valid():
                actions.choose_ways(person, form.chosen())
                messages.success(request, _("Kept."))
                return redirect("notice-preferences")
            case "calendar":
                path = f"/calendar/{actions.new_calendar(person)}.ics"
                address = request.build_absolute_uri(path)
            case "end-calendar":
                actions.end_calendar(person)
                messages.success(request, _("The calendar's address is useless now."))
                return redirect("notice-preferences")
    return render(
        request,
        "notices/preferences.html",
        {
            "form": form,
            "always": ALWAYS,
            "calendar": Calendar.objects.filter(person=person).first(),
            "address": address,
            "is_written": rules.mail_is_written(),
        },
    )


@csrf_exempt  # the reader's mail program sends it, without cookies; the signed link is the proof
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """What a mail's unsubscribe link opens (RFC 8058): only POST changes anything, for there are
    programs that open every link of a mail.
    """
    try:
        uid, topics = addresses.read_unsubscribe_token(token)
    except addresses.BadAddress:
        raise Http404 from None
    person = get_object_or_404(Person, uid=uid, is_active=True)
    done = request.method == "POST"
    if done:
        actions.unsubscribe(person, topics)
    return render(request, "notices/unsubscribe.html", {"topics": topics, "done": done})


@require_safe
def calendar(request: HttpRequest, secret: str) -> HttpResponse:
    """The calendar, for whoever knows its secret."""
    person = actions.person_of_calendar(secret)
    if person is None:
        raise Http404
    content = feed.calendar_of(person)
    etag = quote_etag(sha256(content).hexdigest()[:32])
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = 'inline; filename="evidesk.ics"'
    response["Cache-Control"] = "private, no-cache"
    response["ETag"] = etag
    found = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(found, HttpResponse)
    return found


# The office's view


@login_required
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    require(rules.may_see_mail(person_of(request)))
    form = OutboxForm(request.GET)
    state = form.cleaned_data["state"] if form.is_valid() else ""
    page = Paginator(queries.mail_for_office(state), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "notices/outbox.html",
        {
            "form": form,
            "page": page,
            "filters": f"state={state}" if state else "",
            "counts": queries.mail_counts(),
        },
    )


@login_required
@require_safe
def mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """One mail as it goes, or went."""
    person = person_of(request)
    require(rules.may_see_mail(person))
    found = get_object_or_404(Mail.objects.select_related("person", "voucher"), pk=mail_id)
    return render(
        request,
        "notices/mail_page.html",
        {
            "mail": found,
            "headers": shown_headers(found),
            "may_retry": rules.may_retry(person, found),
            "may_cancel": rules.may_cancel(person, found),
        },
    )


@login_required
@require_POST
def retry(request: HttpRequest, mail_id: int) -> HttpResponse:
    require(rules.may_see_mail(person_of(request)))
    actions.retry(get_object_or_404(Mail, pk=mail_id), person_of(request))
    messages.success(request, _("The mail is tried again now."))
    return redirect("mail", mail_id)


@login_required
@require_POST
def cancel(request: HttpRequest, mail_id: int) -> HttpResponse:
    require(rules.may_see_mail(person_of(request)))
    actions.cancel(get_object_or_404(Mail, pk=mail_id), person_of(request))
    messages.success(request, _("The mail is cancelled; it will not be sent."))
    return redirect("mail", mail_id)


@login_required
@require_safe
def replies(request: HttpRequest) -> HttpResponse:
    """Mails that came and did not become messages."""
    require(rules.may_see_mail(person_of(request)))
    page = Paginator(queries.replies_for_office(), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "notices/replies.html", {"page": page, "filters": ""})


@login_required
@require_POST
def dismiss(request: HttpRequest, reply_id: int) -> HttpResponse:
    require(rules.may_see_mail(person_of(request)))
    reply = get_object_or_404(Reply, pk=reply_id, state=ReplyState.REFUSED)
    actions.dismiss(reply, person_of(request))
    messages.success(request, _("Off the list. The mailbox still has the mail."))
    return redirect("replies")
