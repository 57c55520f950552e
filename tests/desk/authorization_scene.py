"""People of every sort around one voucher, for the table of who may do what."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.utils import timezone

from evidesk.desk.hooks.actions import add_hook
from evidesk.desk.hooks.models import EVENTS
from evidesk.desk.lists.models import SavedView
from evidesk.desk.notices import actions as notices
from evidesk.desk.notices.addresses import unsubscribe_token
from evidesk.desk.notices.models import Mail, MailState, Notice, Reply, ReplyState
from evidesk.desk.people.actions import create_token
from evidesk.desk.people.catalogue import version_of
from evidesk.desk.people.models import (
    Absence,
    ConflictOfInterest,
    Field,
    GroupRole,
    Host,
    Member,
    Person,
    Persona,
    Row,
    Skill,
    Unit,
)
from evidesk.desk.people.models import Scope as Scope
from evidesk.desk.runs import actions as runs
from evidesk.desk.runs.models import Run
from evidesk.desk.vouchers import actions, work
from evidesk.desk.vouchers.models import Kind, Questionnaire, State, Tag, Visibility, Voucher
from evidesk.desk.watches import actions as watches
from evidesk.desk.watches.models import Watch, WatchState
from evidesk.kits.checkpoint import prepare
from tests.desk.network import TABLE, person, upload

__all__ = ["PLACES", "TABLE", "Case", "Scene"]

STARTS_ON = date(2026, 3, 2)
#: Words that only this voucher has: in its title, and in all the rest of it.
TITLE, INNER = "Zaunkoenig", "Rohrdommel"
#: A word of another scientist's private voucher, which is the hub's.
OTHER = "Kernbeisser"

#: Everybody, with their places in units; None is nobody at all.
PLACES: dict[str, list[tuple[str, str]] | None] = {
    "nobody": None,
    "ended": [("spoke", "lead")],  # and shut out
    "newcomer": [],  # who has not agreed yet
    "stranger": [],
    "left": [],  # who was a lead of the spoke
    "author": [],
    "consultant": [("hub", "consultant")],
    "outsider": [("hub", "consultant")],
    "colleague": [("spoke", "consultant")],
    "lead": [("spoke", "lead")],
    "lead_elsewhere": [("hub", "lead")],
    "former": [("past", "consultant")],
    "former_lead": [("past", "lead")],
    "office": [("hub", "office")],
}


@dataclass(frozen=True)
class Case:
    """Somebody, and the voucher as it is."""

    who: str
    state: str
    visibility: str


class Scene:
    """A voucher of the spoke in a state, with one of everything around it."""

    def __init__(self, state: str, visibility: str, crate: Path, another: Path) -> None:
        self.state, self.visibility = state, visibility
        self.crate = another.read_bytes()
        units = {
            slug: Unit.objects.create(
                slug=slug, name=slug.title(), host=Host.objects.create(name=slug.upper()),
                city="Here", focus="All", is_hub=slug == "hub",
            )
            for slug in ("hub", "spoke", "past")
        }  # fmt: skip
        self.hub = units["hub"]
        self.people: dict[str, Person] = {}
        for name, places in PLACES.items():
            if places is None:
                continue
            self.people[name] = somebody = person(name.title().replace("_", " "))
            for slug, role in places:
                Member.objects.create(person=somebody, unit=units[slug], role=role)
        left = Member.objects.create(person=self.people["left"], unit=units["spoke"], role="lead")
        self.other = self._another_voucher(units["hub"])
        self.tag = Tag.objects.create(name="birds")
        self.voucher = self._voucher(units, crate)
        self.reference = self.voucher.reference
        self.file = self.voucher.attachments.first()
        self.file_id = self.file.pk if self.file else 0
        self.run_id = getattr(self.voucher.runs.first(), "pk", 0)
        self.watch_id = getattr(self.voucher.watches.filter(stopped_at=None).first(), "pk", 0)
        self.stopped_id = getattr(self.voucher.watches.exclude(pk=self.watch_id).first(), "pk", 0)
        self.evidence_id = getattr(self.voucher.evidence.first(), "pk", 0)
        self._rows(units)
        left.delete()
        Person.objects.filter(pk=self.people["ended"].pk).update(is_active=False)
        Person.objects.filter(pk=self.people["newcomer"].pk).update(consented_to="")
        self._belongings(self.people["author"], units["spoke"])

    def _voucher(self, units: dict[str, Unit], crate: Path) -> Voucher:
        """Asked of the unit `past`, handed over to the spoke, and brought to the state."""
        p = self.people
        voucher = actions.start_voucher(p["author"])
        is_draft = self.state == State.DRAFT
        answers = {one["key"]: f"{INNER} in the data." for one in voucher.answered()}
        actions.save_draft(
            voucher, p["author"], revision=0, title=f"{TITLE} and trust",
            kind=Kind.objects.get(slug="exploration"),
            unit=units["spoke" if is_draft else "past"], answers=answers,
            visibility=self.visibility, summary="Birds in short.",
        )  # fmt: skip
        voucher.refresh_from_db()
        if not is_draft:
            actions.submit(voucher, p["author"])
            actions.hand_over(voucher, p["office"], units["spoke"], "They know birds.")
            actions.attach(voucher, p["author"], upload(name=f"{INNER}.csv"))
            actions.write(voucher, p["author"], f"The {INNER} is shy.")
        if self.state not in (State.DRAFT, State.SUBMITTED):
            actions.offer(voucher, p["lead"], p["consultant"])
        if self.state in (State.ACTIVE, State.REPORTED, State.CLOSED):
            actions.accept(voucher, p["consultant"], STARTS_ON, 10)
            self._run_and_evidence(voucher, crate)
        if self.state in (State.REPORTED, State.CLOSED):
            runs.report(voucher, p["consultant"], f"The {INNER} sings.")
        if self.state == State.CLOSED:
            work.close(
                voucher, p["author"], rating=5, feedback="Thanks!",
                visibility=self.visibility, summary="Birds in short.",
            )  # fmt: skip
        return Voucher.objects.get(pk=voucher.pk)

    def _run_and_evidence(self, voucher: Voucher, crate: Path) -> None:
        who = self.people["consultant"]
        file = voucher.attachments.get()
        parameters = {"truth": "truth", "prediction": ["model"]}
        run = runs.start_run(voucher, who, kit="accuracy", attachment=file, parameters=parameters)
        if (self.state, self.visibility) != (State.ACTIVE, Visibility.PRIVATE):
            runs.cancel_run(run, who)
            self._leave_checkpoint(run)
        runs.receive_evidence(voucher, who, crate)
        for name in (f"{INNER} songs", "Nests"):
            watch = watches.begin_watch(
                voucher, who, name=name, reference=file, parameters={"column": ["truth"]}
            )
            drawn = '<svg xmlns="http://www.w3.org/2000/svg"/>'
            WatchState.objects.create(watch=watch, state=b"", figure=drawn, alt="A curve.")
        watches.stop_watch(watch, who)
        Watch.objects.filter(voucher=voucher).update(is_begun=True)

    def _leave_checkpoint(self, run: Run) -> None:
        """As if its kit had noted how far it was."""
        run.checkpoint = uuid4().hex
        Run.objects.filter(pk=run.pk).update(checkpoint=run.checkpoint)
        assert run.checkpoint_folder is not None
        prepare(run.checkpoint_folder, {}, [])
        (run.checkpoint_folder / "noted").touch()

    def _another_voucher(self, hub: Unit) -> Voucher:
        """Private, of the hub, and much like ours."""
        somebody = person("Olaf Other")
        voucher = actions.start_voucher(somebody)
        answers = {one["key"]: f"{INNER[:4]} {OTHER} in the data." for one in voucher.answered()}
        kind = Kind.objects.get(slug="exploration")
        actions.save_draft(
            voucher, somebody, revision=0, title=f"{OTHER} and trust", kind=kind, unit=hub,
            answers=answers, summary=f"{OTHER} in short.",
        )  # fmt: skip
        voucher.refresh_from_db()
        actions.submit(voucher, somebody)
        return voucher

    def _rows(self, units: dict[str, Unit]) -> None:
        """One of each of the office's catalogues, and one of each that is retired."""
        self.rows: dict[str, Row] = {
            "units": units["spoke"], "hosts": units["spoke"].host, "tags": self.tag,
            "kinds": Kind.objects.get(slug="exploration"),
            "fields": Field.objects.create(name="Ornithology"),
            "skills": Skill.objects.create(name="Patience"),
        }  # fmt: skip
        gone = {"retired_at": timezone.now()}
        self.retired_rows: dict[str, Row] = {
            "units": Unit.objects.create(
                slug="gone", name="Gone", host=units["hub"].host, city="Here", focus="All", **gone
            ),
            "hosts": Host.objects.create(name="GONE", **gone),
            "tags": Tag.objects.create(name="gone", **gone),
            "kinds": Kind.objects.create(
                slug="gone", name="Gone", purpose="None.", min_days=1, max_days=2, **gone
            ),
            "fields": Field.objects.create(name="Gone", **gone),
            "skills": Skill.objects.create(name="Gone", **gone),
        }

    def _belongings(self, author: Person, spoke: Unit) -> None:
        """What the author has, and what the office looks after."""
        self.inquiry = actions.inquire(
            subject="Hi", text="Hello", email="a@example.org", person=author
        )
        self.persona = Persona.objects.create(person=author, line="asks").person.subject
        self.token, _ = create_token(author, "laptop")
        self.hook_id = add_hook(author, url="https://example.org/", events=EVENTS).pk
        self.calendar = notices.new_calendar(author)
        self.unsubscribe = unsubscribe_token(str(author.uid), "message")
        self.view = SavedView.objects.create(owner=author, name="Active", query="state=active")
        self.notice = Notice.objects.filter(person=author, read_at=None).latest("pk")
        self.absence = Absence.objects.create(
            person=self.people["colleague"], first_day="2027-01-04", last_day="2027-01-05"
        )
        self.conflict = ConflictOfInterest.objects.create(
            person=self.people["colleague"], scientist=self.people["stranger"]
        )
        self.group = GroupRole.objects.create(group="HIFIS:Birds", unit=spoke, role="lead")
        self.mail = Mail.objects.create(
            state=MailState.QUEUED, person=author, address=author.email, topic="message",
            voucher=self.voucher, subject=TITLE, text=INNER, html="",
        )  # fmt: skip
        self.reply = Reply.objects.create(
            message_id="<1@example.org>", digest="0" * 64, state=ReplyState.REFUSED,
            reason="Who is this?",
        )  # fmt: skip
        self.expired, self.expired_text = create_token(author, "old", scope=Scope.WRITE)
        self.expired.expires_at = timezone.now() - timedelta(seconds=1)
        self.expired.save()

    @property
    def other_visibility(self) -> str:
        return str(
            Visibility.NETWORK if self.visibility == Visibility.PRIVATE else Visibility.PRIVATE
        )

    @property
    def tag_seen(self) -> str:
        return version_of(self.tag)

    @property
    def new_questions(self) -> dict[str, Any]:
        latest = Questionnaire.objects.latest("version")
        data: dict[str, Any] = {
            "form-TOTAL_FORMS": len(latest.questions) + 1,
            "form-INITIAL_FORMS": len(latest.questions),
            "based_on": latest.version,
        }
        for number, question in enumerate(latest.questions):
            for key in ("key", "prompt", "help"):
                data[f"form-{number}-{key}"] = question.get(key, "")
        data[f"form-{len(latest.questions)}-prompt"] = "Which birds?"
        return data

    def case(self, who: str) -> Case:
        return Case(who, self.state, self.visibility)
