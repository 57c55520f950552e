"""The network's past in the demo: three years of finished vouchers, so that statistics have a say.

They are generated: their texts are combined from a few, and their dates and outcomes drawn with a
fixed seed. The vouchers of `vouchers.json` tell the stories; these are only counted.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.utils import timezone

from evidesk.desk.people.models import Person, Role, Unit
from evidesk.desk.vouchers.models import (
    AgreementText,
    Event,
    Kind,
    Questionnaire,
    State,
    Voucher,
)

#: How many are submitted in each quarter of 91 days, the earliest first; with the told vouchers
#: they are some 250 in three years, as in the network that is the model.
PER_QUARTER = (9, 11, 14, 12, 16, 15, 18, 17, 19, 20, 17, 12)
#: Nothing of the past is younger than that, so that every one of it can be over.
YOUNGEST_DAYS = 45

OBJECTS = {
    "health": ["cell images", "CT scans", "single-cell data", "proteomes", "cohort records"],
    "energy": ["battery curves", "grid loads", "plasma discharges", "wind forecasts", "heat pumps"],
    "information": [
        "neuron recordings",
        "cluster logs",
        "source code",
        "synthetic data",
        "sensors",
    ],
    "earth": ["sea-floor pictures", "tide gauges", "satellite rain", "plankton", "seismograms"],
    "matter": ["diffraction frames", "detector hits", "jets", "spectra", "accelerator signals"],
    "aerospace": ["radar scenes", "flight data", "cloud masks", "traffic counts", "engine noise"],
}
TASKS = [
    "Find anomalies in {}",
    "Segment {} with few labels",
    "A faster surrogate for {}",
    "Denoise {} without losing the signal",
    "How uncertain are predictions from {}?",
    "Compare two models on {}",
    "Train on {} at scale",
    "A first classifier for {}",
]
UNITS = ("health", "energy", "information", "earth", "matter", "aerospace")
#: Their share of the work, and how fast each unit answers (median days).
SHARES, PACES = (5, 3, 4, 3, 5, 3), (1.6, 2.6, 1.9, 3.4, 1.4, 2.2)


class _Told(NamedTuple):
    at: datetime
    kind: str
    actor: Person
    text: str = ""
    data: dict[str, Any] = {}


def add_history(people: Mapping[str, Person], units: Mapping[str, Unit], now: datetime) -> None:
    """Add the past; the people's memberships must be there."""
    rng = random.Random(20_260_101)  # noqa: S311 - not a secret
    kinds = {kind.slug: kind for kind in Kind.objects.all()}
    questions = Questionnaire.objects.latest("version")
    agreement = AgreementText.objects.latest("version")
    authors = [one for one in people.values() if not one.is_member and one.subject != "newcomer"]
    teams = {
        slug: {
            role: [one for one in people.values() if one.has_role(role, unit_id=unit.pk)]
            for role in (Role.LEAD, Role.CONSULTANT)
        }
        for slug, unit in units.items()
    }
    days = sorted(
        (
            YOUNGEST_DAYS + 91 * (len(PER_QUARTER) - 1 - quarter) + rng.uniform(0, 91)
            for quarter, n in enumerate(PER_QUARTER)
            for _ in range(n)
        ),
        reverse=True,
    )
    answers = {one["key"]: "From the archive; see the report." for one in questions.questions}
    vouchers, timelines, numbers = [], [], dict[int, int]()
    for ago in days:
        slug = rng.choices(UNITS, SHARES)[0]
        start = now - timedelta(days=ago)
        told: list[_Told] = []
        while not told or told[-1].at >= now:  # drawn anew until it is over
            voucher = Voucher(
                title=rng.choice(TASKS).format(rng.choice(OBJECTS[slug])),
                kind=kinds["exploration" if rng.random() < 0.55 else "implementation"],
                unit=units[slug],
                author=rng.choice(authors),
                questionnaire=questions,
                answers=answers,
                agreement=agreement,
                created_at=start,
            )
            told = _tell(voucher, teams[slug], PACES[UNITS.index(slug)], rng)
        year = timezone.localtime(start).year
        numbers[year] = numbers.get(year, 0) + 1
        voucher.reference = f"A-{year}-{numbers[year]:04d}"
        voucher.changed_at = told[-1].at
        vouchers.append(voucher)
        timelines.append(told)
    Voucher.objects.bulk_create(vouchers)
    Event.objects.bulk_create(
        Event(voucher=voucher, **event._asdict())
        for voucher, told in zip(vouchers, timelines, strict=True)
        for event in told
    )


def _tell(
    voucher: Voucher, team: Mapping[Role, list[Person]], pace: float, rng: random.Random
) -> list[_Told]:
    """Bring the voucher to its end; returns what happened, first things first."""
    (lead, *_), author = team[Role.LEAD], voucher.author
    at = voucher.created_at + timedelta(days=rng.uniform(0.05, 2))
    voucher.submitted_at = voucher.author_agreed_at = at
    told = [_Told(voucher.created_at, "started", author), _submitted(at, author)]
    if rng.random() < 0.04:
        return _end(voucher, told, "withdraw", State.WITHDRAWN, author, at + _days(rng, 5))
    # The first word: log-normal, a tail of holidays included.
    at += timedelta(days=pace * rng.lognormvariate(0, 0.75))
    if rng.random() < 0.13:
        text = "We have nobody for this at the moment; your own computing centre may help."
        return _end(voucher, told, "decline", State.DECLINED, lead, at, text)
    if rng.random() < 0.2:
        told.append(_Told(at, "return", lead, "How much data is there?", {"state": State.RETURNED}))
        at += _days(rng, 4)
        told.append(_submitted(at, author))
        at += _days(rng, 2)
    consultant = rng.choice(team[Role.CONSULTANT])
    told.append(_Told(at, "offer", lead, data={"state": State.OFFERED, "to": consultant.name}))
    at += _days(rng, 2)
    is_short = voucher.kind is not None and voucher.kind.slug == "exploration"
    voucher.consultant = consultant
    voucher.starts_on = timezone.localdate(at + _days(rng, 6))
    voucher.days = rng.choice([3, 5, 7, 10, 14] if is_short else [30, 45, 60, 90, 120])
    plan = {"starts_on": voucher.starts_on.isoformat(), "days": voucher.days}
    voucher.consultant_agreed_at = at
    told.append(_Told(at, "accept", consultant, data={"state": State.ACTIVE, **plan}))
    at += timedelta(days=6 + voucher.days * rng.lognormvariate(0.15, 0.35))
    voucher.report = "The work is done; data, code and report are with the scientist."
    told.append(_Told(at, "report", consultant, data={"state": State.REPORTED}))
    at += _days(rng, 9)
    if rng.random() < 0.3:
        return _end(voucher, told, "close-without-feedback", State.CLOSED, lead, at)
    voucher.rating = rng.choices([5, 4, 3, 2], [52, 32, 12, 4])[0]
    return _end(voucher, told, "close", State.CLOSED, author, at, data={"rating": voucher.rating})


def _submitted(at: datetime, author: Person) -> _Told:
    return _Told(at, "submit", author, data={"state": State.SUBMITTED})


def _days(rng: random.Random, mean: float) -> timedelta:
    return timedelta(days=rng.expovariate(1 / mean))


def _end(
    voucher: Voucher,
    told: list[_Told],
    kind: str,
    state: State,
    actor: Person,
    at: datetime,
    text: str = "",
    data: Mapping[str, Any] = {},
) -> list[_Told]:
    voucher.state, voucher.ended_at = state, at
    return [*told, _Told(at, kind, actor, text, {"state": state, **data})]
