"""Who may do what with mail."""

from django.conf import settings
from django.utils.translation import gettext as _

from evidesk.desk.notices.kinds import WAYS, Topic, Way
from evidesk.desk.notices.models import Mail, MailState
from evidesk.desk.people.models import Person, Role
from evidesk.desk.people.rules import ALLOWED, Answer, refuse


def mail_is_sent() -> bool:
    """Whether mail leaves the desk: a server is set, and it is no demo."""
    return settings.MAIL.smtp is not None and not settings.DEMO


def mail_is_written() -> bool:
    """Whether mail is written at all; a demo's is only looked at."""
    return mail_is_sent() or settings.DEMO


def replies_are_taken() -> bool:
    """Whether an answer by e-mail becomes a message."""
    return settings.MAIL.inbox is not None and mail_is_sent()


def may_see_mail(person: Person) -> Answer:
    """The office looks after the desk's mail."""
    if not person.has_role(Role.OFFICE):
        return refuse(_("Only the office sees the desk's mail."))
    return ALLOWED


def may_retry(person: Person, mail: Mail) -> Answer:
    """A mail that waits, was given up or cancelled can be tried at once."""
    if not (allowed := may_see_mail(person)):
        return allowed
    if mail.state not in (MailState.QUEUED, MailState.FAILED, MailState.CANCELLED):
        return refuse(_("This mail is not one that can be tried again."))
    if not mail_is_sent():
        return refuse(_("This desk sends no mail (EVIDESK_SMTP_URL)."))
    return ALLOWED


def may_cancel(person: Person, mail: Mail) -> Answer:
    """A mail that waits can be stopped."""
    if not (allowed := may_see_mail(person)):
        return allowed
    if mail.state != MailState.QUEUED:
        return refuse(_("Only a mail that waits can be cancelled."))
    return ALLOWED


def may_choose(topic: Topic, way: Way) -> Answer:
    """Some topics have fewer ways: what concerns the account is always told at once."""
    if way not in WAYS[topic]:
        return refuse(
            _("“%(topic)s” cannot be told this way: %(way)s.")
            % {"topic": topic.label, "way": way.label}
        )
    return ALLOWED
