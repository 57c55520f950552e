"""Inquiries, vouchers and their timeline. The database itself refuses impossible states."""

import secrets
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.models import Field, Person, Unit
from evidesk.desk.vouchers.rows import AgreementText as AgreementText
from evidesk.desk.vouchers.rows import Kind as Kind
from evidesk.desk.vouchers.rows import Questionnaire as Questionnaire
from evidesk.desk.vouchers.rows import Tag as Tag


class State(models.TextChoices):
    """Where a voucher stands; the labels are what people read."""

    DRAFT = "draft", _("Draft")
    SUBMITTED = "submitted", _("Waiting for triage")
    RETURNED = "returned", _("Back with questions")
    OFFERED = "offered", _("Offered to a consultant")
    ACTIVE = "active", _("In progress")
    REPORTED = "reported", _("Report ready")
    CLOSED = "closed", _("Closed")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    DECLINED = "declined", _("Declined")


ENDS = (State.CLOSED, State.WITHDRAWN, State.DECLINED)
#: States in which people can write to each other and attach files.
OPEN = (State.SUBMITTED, State.RETURNED, State.OFFERED, State.ACTIVE, State.REPORTED)
STAFFED = (State.ACTIVE, State.REPORTED, State.CLOSED)


class Credit(models.TextChoices):
    """How a publication that uses the work names the network."""

    ACKNOWLEDGEMENT = "acknowledgement", _("Acknowledgement")
    AUTHORSHIP = "co-authorship", _("Co-authorship")


class Visibility(models.TextChoices):
    """Who may see a submitted voucher beside its people, its unit and the office."""

    PRIVATE = "private", _("Private: only its people, its team and the office")
    NETWORK = "network", _("Network: every member of the network may read it")
    SUMMARY = (
        "public-summary",
        _("Public summary: as before, and everybody may read its title and summary"),
    )


#: The columns that tell whether somebody may see a voucher (`queries.visible_to`).
_TELL_WHO_SEES = ["submitted_at", "unit", "author", "offered_to", "consultant", "visibility"]


class Voucher(models.Model):
    """The request for collaboration, from draft to feedback."""

    reference = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=120, blank=True)
    kind = models.ForeignKey(Kind, models.PROTECT, null=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="vouchers")
    author = models.ForeignKey(Person, models.PROTECT, related_name="vouchers")
    field = models.ForeignKey(Field, models.PROTECT, null=True, related_name="vouchers")
    tags = models.ManyToManyField(Tag, related_name="vouchers")
    follows = models.ForeignKey("self", models.PROTECT, null=True, related_name="followers")
    visibility = models.CharField(max_length=20, choices=Visibility, default=Visibility.PRIVATE)
    summary = models.TextField(blank=True, help_text="For everybody, if it is public.")
    questionnaire = models.ForeignKey(Questionnaire, models.PROTECT)
    answers = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0, help_text="Counts saves of the draft.")
    window = models.CharField(
        max_length=40, blank=True, help_text="The browser window that saved the draft last."
    )

    state = models.CharField(max_length=20, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    submitted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    offered_to = models.ForeignKey(Person, models.PROTECT, null=True, related_name="offers")
    consultant = models.ForeignKey(
        Person, models.PROTECT, null=True, related_name="consulted_vouchers"
    )
    former_units = models.ManyToManyField(
        Unit, related_name="+", help_text="Units that handed it over; they still see it."
    )
    respond_by = models.DateField(null=True, help_text="When the first response is due.")
    responded_at = models.DateTimeField(null=True)
    decide_by = models.DateField(null=True, help_text="When the decision is due; see `clock`.")
    days_left = models.SmallIntegerField(
        null=True, help_text="Working days for the decision when the clock goes on."
    )
    offered_until = models.DateField(null=True, help_text="The last day to answer the offer.")
    starts_on = models.DateField(null=True)
    days = models.PositiveSmallIntegerField(null=True, help_text="Planned length in days.")

    credit = models.CharField(max_length=20, choices=Credit, default=Credit.ACKNOWLEDGEMENT)
    agreement = models.ForeignKey(
        AgreementText, models.PROTECT, null=True, help_text="The version that both agreed to."
    )
    author_agreed_at = models.DateTimeField(null=True)
    consultant_agreed_at = models.DateTimeField(null=True)

    report = models.TextField(blank=True)
    rating = models.PositiveSmallIntegerField(null=True)
    feedback = models.TextField(blank=True)

    class Meta:
        ordering = ["-changed_at", "-pk"]
        indexes = [
            # A list is paged and counted without reading the rows and their long texts.
            models.Index(fields=["-changed_at", "-id", *_TELL_WHO_SEES], name="voucher_by_change"),
            models.Index(fields=["state", *_TELL_WHO_SEES], name="voucher_for_counts"),
            models.Index(fields=["unit", "state"], name="voucher_by_unit_and_state"),
            models.Index(fields=["state", "decide_by"], name="voucher_by_state_and_due"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="state_is_known"),
            models.CheckConstraint(
                condition=Q(state=State.OFFERED, offered_to__isnull=False)
                | (~Q(state=State.OFFERED) & Q(offered_to__isnull=True)),
                name="offered_means_to_somebody",
            ),
            models.CheckConstraint(
                condition=Q(state=State.WITHDRAWN)
                | Q(
                    state__in=STAFFED,
                    consultant__isnull=False,
                    starts_on__isnull=False,
                    days__isnull=False,
                    days__gte=1,  # alone it is unknown for NULL, and CHECK lets the unknown pass
                )
                | (
                    ~Q(state__in=STAFFED)
                    & Q(consultant__isnull=True, starts_on__isnull=True, days__isnull=True)
                ),
                name="work_has_consultant_and_plan",
            ),
            models.CheckConstraint(
                condition=Q(state=State.WITHDRAWN)
                | Q(state=State.DRAFT, submitted_at__isnull=True)
                | (~Q(state=State.DRAFT) & Q(submitted_at__isnull=False, kind__isnull=False)),
                name="submitted_has_date_and_kind",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ENDS, ended_at__isnull=False)
                | (~Q(state__in=ENDS) & Q(ended_at__isnull=True)),
                name="ended_has_date",
            ),
            models.CheckConstraint(
                condition=(Q(state__in=[State.REPORTED, State.CLOSED]) & ~Q(report=""))
                | (~Q(state__in=[State.REPORTED, State.CLOSED]) & Q(report="")),
                name="reported_has_report",
            ),
            models.CheckConstraint(
                condition=Q(agreement__isnull=True, author_agreed_at__isnull=True)
                | Q(agreement__isnull=False, author_agreed_at__isnull=False),
                name="agreed_to_a_text",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=STAFFED, agreement__isnull=False, consultant_agreed_at__isnull=False
                )
                | ~Q(state__in=STAFFED),
                name="work_is_agreed_by_both",
            ),
            models.CheckConstraint(
                condition=~Q(visibility=Visibility.SUMMARY)
                | ~Q(summary="")
                | Q(state__in=[State.DRAFT, State.RETURNED, State.WITHDRAWN]),
                name="public_has_summary",
            ),
            models.CheckConstraint(
                condition=Q(credit__in=Credit.values, visibility__in=Visibility.values),
                name="credit_and_visibility_are_known",
            ),
            models.CheckConstraint(
                condition=Q(state=State.RETURNED) | Q(days_left__isnull=True),
                name="clock_stands_still_only_when_returned",
            ),
            models.CheckConstraint(
                condition=Q(state=State.OFFERED) | Q(offered_until__isnull=True),
                name="only_an_offer_expires",
            ),
            models.CheckConstraint(
                condition=Q(rating__isnull=True)
                | Q(state=State.CLOSED, rating__gte=1, rating__lte=5),
                name="rating_is_one_to_five_at_the_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}".strip()

    def get_state_display(self) -> str:  # type: ignore[no-redef]
        """The state's name; Django's own makes a table of all states' names for each call."""
        return str(State(self.state).label)

    @property
    def shown_title(self) -> str:
        """The title, or something to click on while there is none."""
        return self.title or gettext("Untitled draft")

    @property
    def ends_on(self) -> date | None:
        """The last planned day."""
        if self.starts_on is None or self.days is None:
            return None
        return self.starts_on + timedelta(days=self.days - 1)

    @property
    def is_overdue(self) -> bool:
        return (
            self.state == State.ACTIVE
            and self.ends_on is not None
            and self.ends_on < timezone.localdate()
        )

    def answered(self) -> list[dict[str, str]]:
        """The questions, each with its answer."""
        return [
            {**question, "answer": self.answers.get(question["key"], "")}
            for question in self.questionnaire.questions
        ]


class Booking(models.Model):
    """Hours that a consultant has set aside for a voucher in a week."""

    voucher = models.ForeignKey(Voucher, models.PROTECT, related_name="bookings")
    person = models.ForeignKey(Person, models.PROTECT, related_name="bookings")
    week = models.DateField(help_text="Its Monday.")
    hours = models.DecimalField(max_digits=3, decimal_places=1)
    reason = models.CharField(
        max_length=300, blank=True, help_text="Why it is more than the consultant has."
    )

    class Meta:
        ordering = ["week", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["voucher", "person", "week"], name="one_booking_a_week"
            ),
            models.CheckConstraint(
                condition=Q(hours__gt=0, hours__lte=60), name="booked_hours_fit_a_week"
            ),
        ]
        indexes = [models.Index(fields=["person", "week"], name="booking_by_person")]

    def __str__(self) -> str:
        return f"{self.voucher.reference}: {self.hours} h in the week of {self.week}"


class Counter(models.Model):
    """Hands out the numbers in references; one row a year, locked while it counts."""

    year = models.PositiveSmallIntegerField(unique=True)
    last = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class EventKind(models.TextChoices):
    """What an event tells of, beside the workflow's actions."""

    STARTED = "started", _("started the draft")
    MESSAGE = "message", _("wrote")
    FILE = "file", _("attached a file")
    RUN = "run", _("ran a kit")
    RUN_CANCELLED = "run-cancelled", _("cancelled a run of the kit")
    RUN_FAILED = "run-failed", _("had a failed run of the kit")
    EVIDENCE = "evidence", _("added evidence")
    VISIBILITY = "visibility", _("changed who may see it")
    WATCH = "watch", _("began the watch")
    WATCH_STOPPED = "watch-stopped", _("stopped the watch")
    WATCH_RESUMED = "watch-resumed", _("went on with the watch")
    WATCH_ALARM = "watch-alarm", _("raised the alarm of the watch")


class Event(models.Model):
    """One entry of a voucher's timeline. Written with what it tells of, and never changed but by
    whoever has a right to be erased.
    """

    voucher = models.ForeignKey(Voucher, models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=30, help_text="An action of the workflow or an EventKind.")
    text = models.TextField(blank=True, help_text="What the actor wrote, Markdown.")
    data = models.JSONField(default=dict, help_text="Facts of the event, such as the new state.")
    erased_at = models.DateTimeField(null=True, help_text="When its text was erased.")

    class Meta:
        ordering = ["at", "pk"]
        indexes = [
            # It has all that the statistics ask of events, so that they read no row of these.
            models.Index(fields=["voucher", "at", "actor", "kind"], name="events_of_voucher"),
            models.Index(fields=["kind"], name="event_by_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.voucher.reference}: {self.kind}"


def stored_path(sha256: str) -> Path:
    """Where a file of this content lies; content-addressed, so nothing is stored twice."""
    return Path(settings.MEDIA_ROOT) / sha256[:2] / sha256


class Attachment(models.Model):
    """A file that somebody gave to a voucher."""

    voucher = models.ForeignKey(Voucher, models.CASCADE, related_name="attachments")
    uploader = models.ForeignKey(Person, models.PROTECT, related_name="+")
    name = models.CharField(max_length=150)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["uploaded_at", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        return stored_path(self.sha256)


def new_key() -> str:
    """An address that cannot be guessed."""
    return secrets.token_urlsafe(24)


class Inquiry(models.Model):
    """First contact: a few lines. Whoever knows its key may read it."""

    key = models.CharField(max_length=40, unique=True, default=new_key, editable=False)
    subject = models.CharField(max_length=120)
    text = models.TextField(max_length=5000)
    email = models.EmailField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="inquiries")
    created_at = models.DateTimeField(default=timezone.now)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    voucher = models.OneToOneField(Voucher, models.PROTECT, null=True, related_name="inquiry")
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "inquiries"
        constraints = [
            models.CheckConstraint(
                condition=Q(answer="", answered_by__isnull=True, answered_at__isnull=True)
                | (~Q(answer="") & Q(answered_by__isnull=False, answered_at__isnull=False)),
                name="answered_by_somebody_at_some_time",
            ),
            models.CheckConstraint(
                condition=Q(voucher__isnull=True) | Q(person__isnull=False),
                name="inquiry_with_voucher_has_person",
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def status(self) -> str:
        """One word for lists: open, answered or voucher."""
        if self.voucher_id is not None:
            return "voucher"
        return "answered" if self.answer else "open"


def event_data(**facts: Any) -> dict[str, Any]:
    """Facts of an event, without the empty ones."""
    return {name: value for name, value in facts.items() if value not in (None, "")}
