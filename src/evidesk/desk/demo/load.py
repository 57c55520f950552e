"""The demo's people and vouchers, brought to life through the desk's own actions.

Every step goes through the same rules as a click; only its date is moved back afterwards.
"""

import json
import tempfile
from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from evidesk import data as packaged
from evidesk import kits
from evidesk.desk.demo.history import add_history
from evidesk.desk.lists import actions as list_actions
from evidesk.desk.notices.digests import write_digest
from evidesk.desk.notices.models import Notice
from evidesk.desk.people import catalogue, staffing
from evidesk.desk.people import queries as people
from evidesk.desk.people.models import Field, Host, Member, Person, Persona, Role, Skill, Unit
from evidesk.desk.people.queries import DEMO_ISSUER
from evidesk.desk.people.rules import PRIVACY_VERSION
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.runs.models import StoredEvidence
from evidesk.desk.vouchers import actions, clock, effort, work
from evidesk.desk.vouchers.models import ENDS, Inquiry, Kind, Tag, Voucher
from evidesk.desk.vouchers.workflow import BY_ACTION
from evidesk.kits.execution import execute, parse

#: A view for each lead and for the office, shared with their unit.
VIEWS = {
    Role.LEAD: ("Offers that wait", "state=offered&sort=longest"),
    Role.OFFICE: ("Overdue", "sort=ends&overdue=on"),
}
#: What the demo's scientists attach.
ATTACHMENTS = {"imagenette": "sota_on_uncertainties/imagenette2_last_top1_per_image.csv.gz"}

#: How many weeks ahead the demo's consultants have planned.
WEEKS_BOOKED = 3
#: Notices older than so many days have been read.
DAYS_UNREAD = 4

Story = dict[str, Any]


def is_loaded() -> bool:
    """Whether the demo's people are there."""
    return Person.objects.filter(issuer=DEMO_ISSUER).exists()


def _read(name: str) -> Any:
    return json.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def load() -> None:
    """Fill an empty desk with the demo."""
    network, stories = _read("network.json"), _read("vouchers.json")
    loader = _Loader(timezone.now())
    with transaction.atomic():
        loader.add_network(network)
        add_history(loader.people, loader.units, loader.now)
        by_start = sorted(stories["vouchers"], key=lambda s: -s["steps"][0]["days_ago"])
        for inquiry in stories["inquiries"]:
            loader.add_inquiry(inquiry)
        for story in by_start:
            loader.add_voucher(story)
        loader.add_digests()
        loader.add_views()


class _Loader:
    """Remembers who and what has been added, by the keys of the stories."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.people: dict[str, Person] = {}
        self.units: dict[str, Unit] = {}
        self.inquiries: dict[str, Inquiry] = {}
        self.vouchers: dict[str, Voucher] = {}

    def at(self, days_ago: float) -> datetime:
        return self.now - timedelta(days=days_ago)

    def add_network(self, network: Story) -> None:
        hosts = {one["name"]: Host.objects.create(**one) for one in network["hosts"]}
        for unit in network["units"]:
            columns = {**unit, "host": hosts[unit["host"]]}
            fields = Field.objects.filter(name__in=columns.pop("fields"))
            self.units[unit["slug"]] = Unit.objects.create(**columns)
            self.units[unit["slug"]].fields.set(fields)
        for one in network["people"]:
            person = Person.objects.create(
                issuer=DEMO_ISSUER,
                subject=one["key"],
                name=one["name"],
                email=one["email"],
                home=one["home"],
                consented_to=PRIVACY_VERSION,
                consented_at=self.now,
            )
            self.people[one["key"]] = person
            for place in one["memberships"]:
                Member.objects.create(
                    person=person, unit=self.units[place["unit"]], role=place["role"]
                )
            if one["persona"]:
                Persona.objects.create(person=person, line=one["persona_line"])
        self.add_staffing(network)

    def add_staffing(self, network: Story) -> None:
        """What the members bring, as the office filled it in."""
        office = self.people["office"]
        skills = {skill.name: skill for skill in Skill.objects.all()}
        for one in network["people"]:
            if "hours" in one:
                person = self.people[one["key"]]
                staffing.set_hours(person, office, Decimal(one["hours"]))
                staffing.set_skills(person, office, [skills[name] for name in one["skills"]])
        for away in network["absences"]:
            person = self.people[away["person"]]
            first = timezone.localdate(self.now) + timedelta(days=away["from_days"])
            last = first + timedelta(days=away["days"] - 1)
            staffing.add_absence(person, person, first, last, away["reason"])
        for one in network["conflicts"]:
            person, scientist = self.people[one["person"]], self.people[one["scientist"]]
            staffing.declare_conflict(person, person, scientist)
        for name in network["tags"]:
            catalogue.add(Tag(name=name), office)

    def add_views(self) -> None:
        """What leads and the office would keep: the lists that they look at every week."""
        for place in Member.objects.filter(role__in=VIEWS).select_related("person", "unit"):
            name, query = VIEWS[Role(place.role)]
            list_actions.save_view(place.person, name, query, unit=place.unit)

    def add_inquiry(self, story: Story) -> None:
        person = self.people[story["person"]] if story["person"] else None
        inquiry = actions.inquire(
            subject=story["subject"], text=story["text"], email=story["email"], person=person
        )
        if answer := story["answer"]:
            actions.answer_inquiry(inquiry, self.people[answer["by"]], answer["text"])
        asked, answered = self.at(story["days_ago"]), None
        if answer:
            answered = self.at(answer["days_ago"])
        notices = Notice.objects.filter(inquiry=inquiry)
        self._date_back_notices(notices.filter(kind="inquired"), asked)
        self._date_back_notices(notices.filter(kind="inquiry-answered"), answered or asked)
        inquiry.mails.update(created_at=answered or asked)
        rows = Inquiry.objects.filter(pk=inquiry.pk)
        rows.update(created_at=asked, answered_at=answered)
        if story["becomes"]:
            self.inquiries[story["becomes"]] = inquiry

    def add_voucher(self, story: Story) -> None:
        steps = list(story["steps"])
        if evidence := story.get("evidence"):
            steps.append({**evidence, "action": "evidence"})
            steps.sort(key=lambda step: -step["days_ago"])
        author = self.people[story["author"]]
        if "follows" in story:
            voucher = work.follow_up(self.vouchers[story["follows"]], author)
        else:
            voucher = actions.start_voucher(author, self.inquiries.get(story["id"]))
        self.vouchers[story["id"]] = voucher
        self._date_back(voucher, self.at(steps[0]["days_ago"]), created=True)
        voucher_field = self.units[story["unit"]].fields.first()
        actions.save_draft(
            voucher,
            author,
            revision=0,
            title=story["title"],
            kind=Kind.objects.get(slug=story["kind"]),
            unit=self.units[story["unit"]],
            answers=story["answers"],
            field=voucher_field,
            credit=story.get("credit"),
        )
        voucher.refresh_from_db()
        for step in steps[1:]:
            at, before = self.at(step["days_ago"]), copy(voucher)
            STEPS[step["action"]](self, voucher, self.people[step["by"]], {**story, **step})
            self._date_back(voucher, at)
            action = step["action"].replace("_", "-")
            if action in BY_ACTION:
                clocks = clock.moved(before, action, BY_ACTION[action].target, at)
                Voucher.objects.filter(pk=voucher.pk).update(**clocks)
            voucher.refresh_from_db()
        # Saving the draft touched it today.
        Voucher.objects.filter(pk=voucher.pk).update(changed_at=self.at(steps[-1]["days_ago"]))

    def _date_back(self, voucher: Voucher, at: datetime, *, created: bool = False) -> None:
        """Move what has just happened to the voucher back to its date."""
        voucher.events.filter(at__gte=self.now).update(at=at)
        rows = Voucher.objects.filter(pk=voucher.pk)
        rows.update(changed_at=at)
        if created:
            rows.update(created_at=at)
        for moment in ("submitted_at", "responded_at", "author_agreed_at", "consultant_agreed_at"):
            rows.filter(**{f"{moment}__gte": self.now}).update(**{moment: at})
        rows.filter(ended_at__gte=self.now, state__in=ENDS).update(ended_at=at)
        voucher.attachments.filter(uploaded_at__gte=self.now).update(uploaded_at=at)
        StoredEvidence.objects.filter(voucher=voucher, added_at__gte=self.now).update(added_at=at)

        self._date_back_notices(voucher.notices.filter(at__gte=self.now), at)
        voucher.mails.filter(created_at__gte=self.now).update(created_at=at)

    def _date_back_notices(self, notices: QuerySet[Notice], at: datetime) -> None:
        """Everybody has looked at the desk last week, and not since."""
        if at < self.at(DAYS_UNREAD):
            notices.update(at=at, read_at=at, in_digest=False)
        else:
            notices.update(at=at)

    def add_digests(self) -> None:
        """What came this morning."""
        for person in Person.objects.all():
            write_digest(person, timezone.localdate(self.now))

    def accept(self, voucher: Voucher, by: Person, step: Story) -> None:
        starts_on = timezone.localdate(self.at(step["starts_days_ago"]))
        actions.accept(voucher, by, starts_on, step["days"])
        self._book_hours(voucher, by)

    def _book_hours(self, voucher: Voucher, by: Person) -> None:
        """What the consultant sets aside, week by week, until the near future."""
        assert voucher.kind is not None
        wanted = Decimal(8 if voucher.kind.slug == "exploration" else 4)
        assert voucher.ends_on is not None
        soon = timezone.localdate(self.now) + timedelta(weeks=WEEKS_BOOKED)
        until = min(soon, voucher.ends_on)
        mondays = [monday for monday in effort.bookable(voucher) if monday <= until]
        person = people.members().get(pk=by.pk)
        for week in effort.weeks_of([person], mondays)[person.pk]:
            if hours := min(wanted, max(week.free, Decimal(0))):
                effort.book(voucher, by, week.monday, hours)

    def attach(self, voucher: Voucher, by: Person, step: Story) -> None:
        path = packaged.path(ATTACHMENTS[step["file"]])
        actions.attach(voucher, by, _Upload(path))

    def add_evidence(self, voucher: Voucher, by: Person, step: Story) -> None:
        """Really run the kit on the file that the scientist attached."""
        kit = kits.load(step["kit"])
        attachment = voucher.attachments.get()
        path = packaged.path(ATTACHMENTS["imagenette"])
        assert attachment.name == path.name
        parameters = {"table": path, **{k: step[k] for k in ("truth", "prediction", "fold")}}
        evidence = execute(kit, parse(kit, parameters), agent=by.name)
        with tempfile.TemporaryDirectory() as folder:
            crate = evidence.write(Path(folder) / "evidence.zip")
            run_actions.receive_evidence(voucher, by, crate)

    def report(self, voucher: Voucher, by: Person, step: Story) -> None:
        run_actions.report(
            voucher, by, step["text"], StoredEvidence.objects.filter(voucher=voucher)
        )


class _Upload:
    """A packaged file, as the action `attach` wants it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self.size = path.stat().st_size

    def chunks(self) -> list[bytes]:
        return [self.path.read_bytes()]


STEPS: dict[str, Callable[[_Loader, Voucher, Person, Story], object]] = {
    "submit": lambda _, v, p, s: actions.submit(v, p),
    "return": lambda _, v, p, s: actions.send_back(v, p, s["questions"]),
    "decline": lambda _, v, p, s: actions.decline(v, p, s["reason"]),
    "offer": lambda self, v, p, s: actions.offer(v, p, self.people[s["to"]], s["note"]),
    "turn_down": lambda _, v, p, s: actions.turn_down(v, p, s["reason"]),
    "take_back": lambda _, v, p, s: actions.take_back(v, p, s["reason"]),
    "accept": _Loader.accept,
    "message": lambda _, v, p, s: actions.write(v, p, s["text"]),
    "attach": _Loader.attach,
    "evidence": _Loader.add_evidence,
    "report": _Loader.report,
    "extend": lambda _, v, p, s: actions.extend(v, p, s["days"], s["text"]),
    "close": lambda _, v, p, s: work.close(
        v,
        p,
        rating=s["rating"],
        feedback=s["text"],
        visibility=s["visibility"],
        summary=s["summary"],
    ),
    "withdraw": lambda _, v, p, s: actions.withdraw(v, p, s["reason"]),
}
