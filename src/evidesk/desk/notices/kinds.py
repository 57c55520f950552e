"""Who is told of what, as one table: kind, topic, who, text.

Everything that tells anybody anything reads this table: the listeners, the page of notices, mail,
the page of preferences, and the docs page made from it. Nobody is told of what they did themselves,
except about their account.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from evidesk.desk.vouchers.models import EventKind
from evidesk.desk.vouchers.workflow import BY_ACTION, Part


class Topic(TextChoices):
    """What a person can choose a way for."""

    TURN = "turn", _("It is your turn")
    PROGRESS = "progress", _("A voucher moves on")
    MESSAGE = "message", _("Somebody writes")
    WORK = "work", _("Files and evidence")
    INQUIRY = "inquiry", _("Inquiries")
    WAITING = "waiting", _("What waits for you, and deadlines of the next seven days")
    SECURITY = "security", _("Your account")


class Way(TextChoices):
    """How a person is told, beside the page of notices, which always tells."""

    NOW = "now", _("at once")
    DAILY = "daily", _("in the daily digest")
    NEVER = "never", _("no mail")


#: The ways that a topic can be told by; the first holds until the person chooses another.
WAYS: dict[Topic, tuple[Way, ...]] = {
    Topic.TURN: (Way.NOW, Way.DAILY, Way.NEVER),
    Topic.PROGRESS: (Way.NOW, Way.DAILY, Way.NEVER),
    Topic.MESSAGE: (Way.NOW, Way.DAILY, Way.NEVER),
    Topic.WORK: (Way.DAILY, Way.NOW, Way.NEVER),
    Topic.INQUIRY: (Way.NOW, Way.DAILY, Way.NEVER),
    Topic.WAITING: (Way.DAILY, Way.NEVER),
    Topic.SECURITY: (Way.NOW,),
}
#: Topics that leave no choice.
ALWAYS = tuple(topic for topic, ways in WAYS.items() if len(ways) == 1)


class Audience(StrEnum):
    """Who is told of what is no voucher's; the value completes "Told are ..."."""

    ANSWERING = "the leads and the office"
    ASKING = "whoever asked"
    OWNER = "the person themselves"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    kind : a `vouchers` event's kind, or one of this table's own.
    topic : what the person's preference is asked for; None if nobody is told.
    told : the parts of the voucher, before or after the step, or another audience.
    text : what happened; "%(actor)s" stands for who did it.
    meanwhile : parts that are told as well while no consultant works on the voucher.
    """

    kind: str
    topic: Topic | None
    told: tuple[Part | Audience, ...]
    text: str | Promise
    meanwhile: tuple[Part, ...] = ()


_PEOPLE = (Part.AUTHOR, Part.OFFERED, Part.CONSULTANT)

TABLE: tuple[Row, ...] = (
    Row("submit", Topic.TURN, (Part.TRIAGE,), _("%(actor)s submitted the voucher")),
    Row("return", Topic.TURN, (Part.AUTHOR,), _("%(actor)s has questions before work can begin")),
    Row("decline", Topic.PROGRESS, (Part.AUTHOR,), _("%(actor)s declined the voucher")),
    Row("offer", Topic.TURN, (Part.OFFERED,), _("%(actor)s offers the voucher to you")),
    Row("take-back", Topic.PROGRESS, (Part.OFFERED,), _("%(actor)s took the offer back")),
    Row("turn-down", Topic.TURN, (Part.TRIAGE,), _("%(actor)s turned the offer down")),
    Row(
        "accept", Topic.PROGRESS, (Part.AUTHOR, Part.TRIAGE),
        _("%(actor)s accepted and planned the work"),
    ),
    Row("plan", Topic.PROGRESS, (Part.AUTHOR,), _("%(actor)s changed the planned dates")),
    Row("extend", Topic.PROGRESS, (Part.AUTHOR,), _("%(actor)s extended the work")),
    Row("hand-over", Topic.TURN, (Part.AUTHOR, Part.TRIAGE), _("%(actor)s handed it over")),
    Row("expire", Topic.TURN, (Part.OFFERED, Part.TRIAGE), _("An offer has expired")),
    Row("visibility", Topic.PROGRESS, (Part.TRIAGE,), _("%(actor)s changed who may see it")),
    Row("report", Topic.TURN, (Part.AUTHOR,), _("%(actor)s handed in the report")),
    Row("close", Topic.PROGRESS, (Part.CONSULTANT, Part.TRIAGE), _("%(actor)s closed the voucher")),
    Row(
        "close-without-feedback", Topic.PROGRESS, (Part.AUTHOR, Part.CONSULTANT),
        _("%(actor)s closed the voucher without feedback"),
    ),
    Row(
        "withdraw", Topic.PROGRESS, (Part.OFFERED, Part.CONSULTANT, Part.TRIAGE),
        _("%(actor)s withdrew the voucher"),
    ),
    Row(EventKind.MESSAGE, Topic.MESSAGE, _PEOPLE, _("%(actor)s wrote"), (Part.TRIAGE,)),
    Row(EventKind.FILE, Topic.WORK, _PEOPLE, _("%(actor)s attached a file"), (Part.TRIAGE,)),
    Row(
        EventKind.EVIDENCE, Topic.WORK, (Part.AUTHOR, Part.CONSULTANT),
        _("%(actor)s added evidence"),
    ),
    Row(EventKind.STARTED, None, (), _("%(actor)s started the draft")),
    Row(EventKind.RUN, None, (), _("%(actor)s ran a kit")),
    Row(EventKind.RUN_CANCELLED, None, (), _("%(actor)s cancelled a run")),
    Row(EventKind.RUN_FAILED, None, (), _("%(actor)s had a failed run")),
    Row(EventKind.WATCH, None, (), _("%(actor)s began a watch")),
    Row(EventKind.WATCH_STOPPED, None, (), _("%(actor)s stopped a watch")),
    Row(EventKind.WATCH_RESUMED, None, (), _("%(actor)s went on with a watch")),
    Row(
        EventKind.WATCH_ALARM, Topic.TURN, (Part.AUTHOR, Part.CONSULTANT),
        _("A watch has raised the alarm"),
    ),
    Row("inquired", Topic.INQUIRY, (Audience.ANSWERING,), _("%(actor)s asks")),
    Row("inquiry-answered", Topic.INQUIRY, (Audience.ASKING,), _("%(actor)s answered")),
    Row(
        "reply-refused", Topic.MESSAGE, (Audience.OWNER,),
        _("Your e-mail was not taken into the conversation"),
    ),
    Row(
        "token-created", Topic.SECURITY, (Audience.OWNER,),
        _("An access token was made for your account"),
    ),
    Row(
        "calendar-created", Topic.SECURITY, (Audience.OWNER,),
        _("A calendar address was made for your account"),
    ),
)  # fmt: skip

BY_KIND = {row.kind: row for row in TABLE}


def as_markdown() -> str:
    """The table for the docs, which are English."""
    with translation.override("en"):
        return _as_markdown()


def _as_markdown() -> str:
    lines = ["| what happened | told are | topic | by mail, unless changed |", "| - | - | - | - |"]
    for row in TABLE:
        told = ", ".join(row.told)
        if row.meanwhile:
            told += f"; before anybody works on it also {', '.join(row.meanwhile)}"
        topic = row.topic.label if row.topic else "-"
        way = WAYS[row.topic][0].label if row.topic else "-"
        text = str(row.text) % {"actor": "somebody"}
        name = "" if row.kind in BY_ACTION or row.kind in EventKind.values else f" (`{row.kind}`)"
        lines.append(f"| {text}{name} | {told or 'nobody'} | {topic} | {way} |")
    return "\n".join(lines) + "\n"
