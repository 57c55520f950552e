"""A small network, and vouchers brought into any state by what people do."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from evidesk.desk.people.models import Host, Member, Person, Persona, Role, Unit
from evidesk.desk.people.queries import DEMO_ISSUER
from evidesk.desk.people.rules import PRIVACY_VERSION
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.runs.models import Run, StoredEvidence
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import Attachment, Kind, State, Voucher

ANSWERS = {
    "about": "Which of our networks can we trust?",
    "audience": "My group.",
    "context": "Three networks are trained.",
    "data": "Predictions of 670 images.",
}
STARTS_ON = date(2026, 3, 2)
#: Two columns, eight cases, six of them right.
TABLE = b"truth,model\n" + b"a,a\nb,b\na,a\nb,b\na,a\nb,b\na,b\nb,a\n"


@dataclass(frozen=True)
class Network:
    """One person for each part; the voucher is the spoke's, and offered to the hub's consultant."""

    hub: Unit
    spoke: Unit
    author: Person
    stranger: Person
    colleague: Person
    consultant: Person
    outsider: Person
    lead: Person
    lead_elsewhere: Person
    office: Person

    def __getitem__(self, who: str) -> Person:
        person = getattr(self, who)
        return Person.objects.get(pk=person.pk)  # without what an earlier request cached


WHO = (
    "author",
    "stranger",
    "colleague",
    "consultant",
    "outsider",
    "lead",
    "lead_elsewhere",
    "office",
)


def person(name: str, unit: Unit | None = None, role: Role | None = None) -> Person:
    """Somebody, with a place in a unit if one is given."""
    key = name.lower().replace(" ", ".")
    somebody = Person.objects.create(
        issuer=DEMO_ISSUER,
        subject=key,
        name=name,
        email=f"{key}@example.org",
        home="KIT",
        consented_to=PRIVACY_VERSION,
        consented_at=timezone.now(),
    )
    if unit is not None:
        Member.objects.create(person=somebody, unit=unit, role=role)
    return somebody


def a_network() -> Network:
    """The hub, a spoke, and their people; the author is a persona of the demo."""
    hub = Unit.objects.create(
        slug="hub",
        name="Hub",
        host=Host.objects.create(name="HMGU"),
        city="Neuherberg",
        focus="All",
        is_hub=True,
    )
    spoke = Unit.objects.create(
        slug="spoke",
        name="Spoke",
        host=Host.objects.create(name="KIT"),
        city="Karlsruhe",
        state="BW",
        focus="Energy",
    )
    network = Network(
        hub=hub,
        spoke=spoke,
        author=person("Ada Author"),
        stranger=person("Sam Stranger"),
        colleague=person("Cleo Colleague", spoke, Role.CONSULTANT),
        consultant=person("Cyra Consultant", hub, Role.CONSULTANT),
        outsider=person("Otto Outsider", hub, Role.CONSULTANT),
        lead=person("Lena Lead", spoke, Role.LEAD),
        lead_elsewhere=person("Lew Elsewhere", hub, Role.LEAD),
        office=person("Olga Office", hub, Role.OFFICE),
    )
    Persona.objects.create(person=network.author, line="asks")
    return network


def a_draft(network: Network, title: str = "Trust") -> Voucher:
    """A complete draft."""
    voucher = actions.start_voucher(network.author)
    actions.save_draft(
        voucher,
        network.author,
        revision=0,
        title=title,
        kind=Kind.objects.get(slug="exploration"),
        unit=network.spoke,
        answers=ANSWERS,
    )
    voucher.refresh_from_db()
    return voucher


#: What leads to each state: the state before, and what is done then.
_LAST: dict[State, tuple[State, Callable[[Voucher, Network], Any]]] = {
    State.SUBMITTED: (State.DRAFT, lambda v, n: actions.submit(v, n.author)),
    State.RETURNED: (State.SUBMITTED, lambda v, n: actions.send_back(v, n.lead, "How many?")),
    State.OFFERED: (State.SUBMITTED, lambda v, n: actions.offer(v, n.lead, n.consultant)),
    State.ACTIVE: (State.OFFERED, lambda v, n: actions.accept(v, n.consultant, STARTS_ON, 10)),
    State.REPORTED: (
        State.ACTIVE,
        lambda v, n: run_actions.report(v, n.consultant, "It works."),
    ),
    State.CLOSED: (
        State.REPORTED,
        lambda v, n: actions.close(v, n.author, rating=5, feedback="Thanks!"),
    ),
    State.WITHDRAWN: (State.SUBMITTED, lambda v, n: actions.withdraw(v, n.author, "Solved.")),
    State.DECLINED: (State.SUBMITTED, lambda v, n: actions.decline(v, n.office, "Not ours.")),
}


def voucher_in(state: State, network: Network, title: str = "Trust") -> Voucher:
    """A voucher that people have brought into the state."""
    if state == State.DRAFT:
        return a_draft(network, title)
    before, act = _LAST[state]
    voucher = voucher_in(before, network, title)
    act(voucher, network)
    return fresh(voucher)


def fresh(voucher: Voucher) -> Voucher:
    """The voucher as another request would see it."""
    return Voucher.objects.get(pk=voucher.pk)


def upload(content: bytes = TABLE, name: str = "table.csv") -> SimpleUploadedFile:
    """A file as a form brings it."""
    return SimpleUploadedFile(name, content)


def an_attachment(voucher: Voucher, network: Network, content: bytes = TABLE) -> Attachment:
    """A file that the author gave to the voucher."""
    return actions.attach(voucher, network.author, upload(content))


def a_run(voucher: Voucher, network: Network, attachment: Attachment, **changes: Any) -> Run:
    """A run of the kit accuracy that waits for the worker."""
    parameters = {"truth": "truth", "prediction": ["model"], **changes}
    return run_actions.start_run(
        voucher, network.consultant, kit="accuracy", attachment=attachment, parameters=parameters
    )


def some_evidence(voucher: Voucher, network: Network, crate: Path) -> StoredEvidence:
    """Evidence that the consultant brought."""
    return run_actions.receive_evidence(voucher, network.consultant, crate)
