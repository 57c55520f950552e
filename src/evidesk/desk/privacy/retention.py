"""What goes by itself after a time: each rule is a setting, and can be tried without effect."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction as database
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evidesk.desk.audit import actions as audit
from evidesk.desk.notices.actions import forget_mail
from evidesk.desk.notices.queries import settled_mail
from evidesk.desk.people import limits
from evidesk.desk.people.models import Person
from evidesk.desk.people.queries import DEMO_ISSUER
from evidesk.desk.people.rules import Refused
from evidesk.desk.privacy import actions
from evidesk.desk.rest import actions as once
from evidesk.desk.vouchers.models import ENDS, Attachment, Inquiry, State, Voucher
from evidesk.desk.watches.models import Watch


@dataclass(frozen=True)
class Rule:
    """What is erased so many days after something.

    Attributes
    ----------
    name : of the rule, for the audit chain.
    text : what is erased, for people.
    setting : the setting that says after how many days; 0 keeps it for ever.
    rows : what is due, given the last moment that is long enough ago.
    erase : erases one row.
    """

    name: str
    text: Any
    setting: str
    rows: Callable[[Any], QuerySet[Any]]
    erase: Callable[[Any], None]

    @property
    def days(self) -> int:
        return int(getattr(settings, self.setting))

    def due(self) -> QuerySet[Any] | None:
        """What is due now; None if the rule is switched off."""
        if not self.days:
            return None
        return self.rows(timezone.now() - timedelta(days=self.days))


def _people(before: Any) -> QuerySet[Person]:
    waiting = Voucher.objects.exclude(state__in=[State.DRAFT, *ENDS])
    return (
        Person.objects.filter(is_active=True, memberships=None)
        .exclude(issuer=DEMO_ISSUER)
        .filter(Q(last_login__lt=before))
        .exclude(pk__in=waiting.values("author"))
    )


def _files(before: Any) -> QuerySet[Attachment]:
    # What a watch that is in use compares with is needed as long as that.
    in_use = Watch.objects.filter(stopped_at=None, changed_at__gte=before)
    return (
        Attachment.objects.filter(voucher__ended_at__lt=before, erased_at=None)
        .exclude(pk__in=in_use.values("reference"))
        .select_related("voucher")
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "drafts",
        _("drafts that nobody has touched"),
        "RETAIN_DRAFT_DAYS",
        lambda before: Voucher.objects.filter(state=State.DRAFT, changed_at__lt=before),
        lambda voucher: actions.erase_drafts([voucher]),
    ),
    Rule(
        "inquiries",
        _("what was asked in inquiries, and by whom, after they were answered"),
        "RETAIN_INQUIRY_DAYS",
        lambda before: Inquiry.objects.filter(answered_at__lt=before, erased_at=None),
        lambda inquiry: actions.erase_inquiries([inquiry]),
    ),
    Rule(
        "files",
        _("uploaded files of vouchers that have ended; evidence stays"),
        "RETAIN_FILE_DAYS",
        _files,
        lambda attachment: actions.erase_files([attachment]),
    ),
    Rule(
        "mails",
        _("mails that the desk has sent"),
        "RETAIN_MAIL_DAYS",
        settled_mail,
        forget_mail,
    ),
    Rule(
        "people",
        _("scientists who have not signed in, with no voucher under way"),
        "RETAIN_PERSON_DAYS",
        _people,
        lambda person: actions.erase_person(person, None),
    ),
)


@dataclass(frozen=True)
class Due:
    """What a rule would erase now: how many, and the first of them."""

    rule: Rule
    count: int
    first: list[Any]


def dry_run(shown: int = 10) -> list[Due]:
    """What every rule would erase now."""
    found = []
    for rule in RULES:
        rows = rule.due()
        if rows is None:
            found.append(Due(rule, 0, []))
        else:
            found.append(Due(rule, rows.count(), list(rows[:shown])))
    return found


def apply() -> dict[str, int]:
    """Erase all that is due; returns how much by rule. Each piece is a transaction of its own."""
    done = {}
    limits.forget_old()
    once.forget_old()
    for rule in RULES:
        done[rule.name] = 0
        for row in rule.due() or ():
            try:
                with database.atomic():
                    rule.erase(row)
                    audit.append("retention.erased", None, f"{rule.name}:{row.pk}")
            except Refused:  # somebody needs it again since
                continue
            done[rule.name] += 1
    return done
