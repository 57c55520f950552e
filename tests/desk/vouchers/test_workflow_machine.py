"""Ten thousand steps by people who try anything: the workflow's invariants hold after each."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from evidesk.desk.audit.models import Head
from evidesk.desk.audit.queries import verify
from evidesk.desk.people.models import Person
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import ENDS, State, Voucher
from evidesk.desk.vouchers.workflow import BY_ACTION, TRANSITIONS, Part, Transition
from tests.desk.network import ANSWERS, STARTS_ON, WHO, Network, a_draft, a_network, fresh

EXAMPLES, STEPS = 220, 50
Facts = dict[str, Any]

DO: dict[str, Callable[[Voucher, Any, Facts], object]] = {
    "submit": lambda v, p, f: actions.submit(v, p),
    "return": lambda v, p, f: actions.send_back(v, p, f["text"]),
    "decline": lambda v, p, f: actions.decline(v, p, f["text"]),
    "offer": lambda v, p, f: actions.offer(v, p, f["to"]),
    "hand-over": lambda v, p, f: actions.hand_over(v, p, f["unit"], f["text"]),
    "expire": lambda v, p, f: actions.transition(
        v, "expire", p, facts={"today": timezone.localdate()}, changes={"offered_to": None}
    ),
    "take-back": lambda v, p, f: actions.take_back(v, p),
    "turn-down": lambda v, p, f: actions.turn_down(v, p, f["text"]),
    "accept": lambda v, p, f: actions.accept(v, p, STARTS_ON, f["days"]),
    "plan": lambda v, p, f: actions.plan(v, p, STARTS_ON, f["days"]),
    "extend": lambda v, p, f: actions.extend(v, p, f["days"], f["text"]),
    "report": lambda v, p, f: run_actions.report(v, p, f["text"]),
    "close": lambda v, p, f: actions.close(v, p, rating=f["rating"]),
    "close-without-feedback": lambda v, p, f: actions.close_without_feedback(v, p),
    "withdraw": lambda v, p, f: actions.withdraw(v, p),
}


class Workflow(RuleBasedStateMachine):
    """One voucher after another; everybody tries everything, also on stale pages."""

    network: Network
    tried: Counter[str] = Counter()
    taken: Counter[str] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.begin()

    def begin(self) -> None:
        self.voucher = a_draft(self.network)
        self.stale = fresh(self.voucher)
        self.model = State.DRAFT
        self.events = self.voucher.events.count()

    def teardown(self) -> None:
        assert not verify().problems
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    @rule(
        action=st.sampled_from(sorted(DO)),
        who=st.sampled_from(WHO),
        is_stale=st.integers(0, 4).map(lambda n: n == 0),
        facts=st.fixed_dictionaries(
            {
                "text": st.sampled_from(["", " ", "Because.", "So.", "Thus."]),
                "to": st.sampled_from(WHO),
                "days": st.one_of(st.integers(1, 14), st.integers(-1, 400)),
                "rating": st.sampled_from([None, 1, 5]),
                "unit": st.sampled_from(["hub", "spoke"]),
            }
        ),
    )
    def anybody_tries_anything(self, action: str, who: str, is_stale: bool, facts: Facts) -> None:
        unit = getattr(self.network, facts["unit"])
        facts = {**facts, "to": self.network[facts["to"]], "unit": unit}
        seen = self.stale if is_stale else fresh(self.voucher)
        self.attempt(BY_ACTION[action], seen, self.network[who], facts)

    @rule(choice=st.integers(0, 11), days=st.integers(1, 14))
    def the_right_person_does_what_is_possible(self, choice: int, days: int) -> None:
        if self.model in ENDS:
            self.begin()
        voucher = fresh(self.voucher)
        longest = voucher.days == 14
        possible = [
            row
            for row in TRANSITIONS
            if self.model in row.sources
            and (row.action != "withdraw" or choice == 11)
            and not (row.action == "extend" and longest)
        ]
        row = possible[choice % len(possible)]
        is_ours = voucher.unit_id == self.network.spoke.pk
        if row.action == "expire":
            yesterday = timezone.localdate() - timedelta(days=1)
            Voucher.objects.filter(pk=voucher.pk).update(offered_until=yesterday)
            voucher = fresh(voucher)
        person = {
            Part.AUTHOR: voucher.author,
            Part.TRIAGE: self.network.lead if is_ours else self.network.lead_elsewhere,
            Part.OFFERED: voucher.offered_to,
            Part.CONSULTANT: voucher.consultant,
            Part.DESK: None,
        }[row.who[0]]
        most = {"plan": min(days, voucher.days or days), "extend": 14}
        facts = {
            "text": "Because.",
            "to": self.network.consultant,
            "days": most.get(row.action, days),
            "rating": 4,
            "unit": self.network.hub if is_ours else self.network.spoke,
        }
        taken = Workflow.taken.total()
        self.attempt(row, voucher, person and Person.objects.get(pk=person.pk), facts)
        assert Workflow.taken.total() == taken + 1 or row.action == "submit"  # perhaps incomplete

    def attempt(self, row: Transition, seen: Voucher, person: Person | None, facts: Facts) -> None:
        """Try a step; whether it can succeed, and where it leads then, the table alone says."""
        Workflow.tried[row.action] += 1
        before = Head.objects.get().number
        try:
            with transaction.atomic():
                DO[row.action](seen, person, facts)
        except (Refused, Conflict):
            assert Head.objects.get().number == before, "a refusal leaves no entry"
            return
        assert self.model in row.sources
        self.model = row.target
        self.events += 1
        Workflow.taken[row.action] += 1

    @rule(who=st.sampled_from(WHO), is_complete=st.booleans())
    def somebody_saves_the_document(self, who: str, is_complete: bool) -> None:
        Workflow.tried["save"] += 1
        voucher, person = fresh(self.voucher), self.network[who]
        try:
            actions.save_draft(
                voucher, person, revision=voucher.revision, title="Trust", kind=voucher.kind,
                unit=voucher.unit, answers=ANSWERS if is_complete else {},
            )  # fmt: skip
        except (Refused, Conflict):
            return
        assert person == self.network.author
        assert self.model in (State.DRAFT, State.RETURNED)

    @rule()
    def a_page_is_loaded(self) -> None:
        Workflow.tried["load"] += 1
        self.stale = fresh(self.voucher)

    @invariant()
    def the_voucher_is_where_the_table_leads_with_one_event_a_step(self) -> None:
        voucher = fresh(self.voucher)
        assert voucher.state == self.model
        assert voucher.events.count() == self.events

    @invariant()
    def nobody_works_on_their_own_voucher_or_longer_than_its_kind_allows(self) -> None:
        voucher = Voucher.objects.select_related("kind").get(pk=self.voucher.pk)
        assert voucher.author_id not in (voucher.consultant_id, voucher.offered_to_id)
        if voucher.days is not None:
            assert voucher.kind is not None
            assert voucher.kind.min_days <= voucher.days <= voucher.kind.max_days


@pytest.mark.slow
def test_ten_thousand_steps_break_no_invariant(db: None) -> None:
    Workflow.network = a_network()
    Workflow.tried, Workflow.taken = Counter(), Counter()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Workflow,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{Workflow.tried.total()} tried, {Workflow.taken.total()} taken: {Workflow.taken}")
    assert Workflow.tried.total() >= 10_000
    assert set(Workflow.taken) == set(BY_ACTION), "every step of the table was taken"
