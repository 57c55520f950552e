"""Notices, mail to be sent and what came of it, digests, replies, and calendar addresses."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidesk.desk.notices.kinds import BY_KIND, Topic, Way
from evidesk.desk.people.models import Person
from evidesk.desk.vouchers.models import Event, Inquiry, Voucher


class Notice(models.Model):
    """Somebody is told of something. It stays on their page of notices, whatever mail they want."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40, help_text="A row of the table in kinds.py.")
    actor = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    voucher = models.ForeignKey(Voucher, models.CASCADE, null=True, related_name="notices")
    event = models.ForeignKey(Event, models.CASCADE, null=True, related_name="+")
    inquiry = models.ForeignKey(Inquiry, models.CASCADE, null=True, related_name="+")
    text = models.TextField(blank=True, help_text="What neither event nor inquiry says.")
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    in_digest = models.BooleanField(default=False, help_text="Waits for the next digest.")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["person", "-at", "-id"], name="notice_by_person"),
            models.Index(
                fields=["person"], condition=Q(read_at__isnull=True), name="notice_unread"
            ),
            models.Index(fields=["person"], condition=Q(in_digest=True), name="notice_for_digest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.person}"

    @property
    def sentence(self) -> str:
        """What happened, in the language that is active."""
        actor = " ".join(self.actor.name.split()) if self.actor else gettext("Somebody")
        return str(BY_KIND[self.kind].text) % {"actor": actor}

    @property
    def said(self) -> str:
        """What neither event nor inquiry says: a name, or why a reply was not taken."""
        return gettext(self.text) if self.kind == "reply-refused" else self.text


class Preference(models.Model):
    """How a person wants to be told of a topic; without one, the first of its ways holds."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="preferences")
    topic = models.CharField(max_length=20, choices=Topic)
    way = models.CharField(max_length=10, choices=Way)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "topic"], name="one_way_per_topic"),
            models.CheckConstraint(condition=Q(topic__in=Topic.values), name="topic_is_known"),
            models.CheckConstraint(condition=Q(way__in=Way.values), name="way_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.topic} {self.way}"


class MailState(models.TextChoices):
    """Where a mail stands; the labels are what the office reads."""

    QUEUED = "queued", _("Waiting")
    SENDING = "sending", _("Being sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Given up")
    CANCELLED = "cancelled", _("Cancelled")
    SHOWN = "shown", _("Only shown here")


#: A mail in one of these states can still go.
UNSENT = (MailState.QUEUED, MailState.SENDING)


class Mail(models.Model):
    """A mail, written in the transaction of what it tells; a worker sends it.

    While one sends it, `lease` is that sender's and holds until `lease_until`. Nobody else touches
    it before; afterwards the sender is taken to have died.
    """

    state = models.CharField(max_length=10, choices=MailState, default=MailState.QUEUED)
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="mails")
    address = models.CharField(max_length=254)
    topic = models.CharField(max_length=20, choices=Topic)
    voucher = models.ForeignKey(Voucher, models.CASCADE, null=True, related_name="mails")
    inquiry = models.ForeignKey(Inquiry, models.CASCADE, null=True, related_name="mails")
    notice = models.OneToOneField(Notice, models.CASCADE, null=True, related_name="mail")
    takes_replies = models.BooleanField(default=False)
    message_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField()

    created_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    lease = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_answer = models.TextField(blank=True, help_text="What the mail server said last.")

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["state", "due_at"], name="mail_by_state"),
            models.Index(fields=["-created_at", "-id"], name="mail_by_date"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=MailState.values), name="mail_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state=MailState.SENT, sent_at__isnull=False)
                | (~Q(state=MailState.SENT) & Q(sent_at__isnull=True)),
                name="sent_mail_has_date",
            ),
            models.CheckConstraint(
                condition=Q(state=MailState.SENDING, lease__isnull=False, lease_until__isnull=False)
                | (~Q(state=MailState.SENDING) & Q(lease__isnull=True, lease_until__isnull=True)),
                name="sending_mail_has_lease",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"


class DigestDay(models.Model):
    """A day on which digests are written; done once everybody had their turn."""

    day = models.DateField(unique=True)
    done_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.day.isoformat()


class Digest(models.Model):
    """The mail that told a person of their day; one a day, which the database sees to."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="digests")
    day = models.DateField()
    mail = models.OneToOneField(Mail, models.CASCADE, related_name="digest")
    listed = models.JSONField(help_text="What waited or was due, so that it is news only once.")

    class Meta:
        ordering = ["-day"]
        constraints = [models.UniqueConstraint(fields=["person", "day"], name="one_digest_a_day")]

    def __str__(self) -> str:
        return f"{self.person}, {self.day}"


class ReplyState(models.TextChoices):
    TAKEN = "taken", _("In the conversation")
    REFUSED = "refused", _("Not taken")
    DISMISSED = "dismissed", _("Dealt with")


class Reply(models.Model):
    """A mail that came to the desk, and what became of it. The mailbox itself keeps it too."""

    message_id = models.CharField(max_length=300, unique=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the mail as it came.")
    state = models.CharField(max_length=10, choices=ReplyState)
    at = models.DateTimeField(default=timezone.now)
    sender = models.CharField(max_length=254, blank=True)
    subject = models.CharField(max_length=250, blank=True)
    text = models.TextField(blank=True, help_text="What it says, unless the conversation has it.")
    reason = models.TextField(blank=True)
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="replies")
    voucher = models.ForeignKey(Voucher, models.CASCADE, null=True, related_name="replies")
    event = models.OneToOneField(Event, models.CASCADE, null=True, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]
        verbose_name_plural = "replies"
        indexes = [models.Index(fields=["state", "-at", "-id"], name="reply_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=ReplyState.TAKEN, event__isnull=False, reason="")
                | (
                    Q(state__in=[ReplyState.REFUSED, ReplyState.DISMISSED], event__isnull=True)
                    & ~Q(reason="")
                ),
                name="reply_taken_or_has_reason",
            )
        ]

    def __str__(self) -> str:
        return f"{self.sender}: {self.subject}"


class Calendar(models.Model):
    """A person's secret calendar address. Only its digest is kept; the text is shown once."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="calendar")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"calendar of {self.person}"
