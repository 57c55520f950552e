"""Ten thousand steps by people who try anything: the workflow's invariants hold after each."""

from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from evidesk.desk.audit.models import Head
from evidesk.desk.audit.queries import verify
from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.runs import actions as run_actions
from evidesk.desk.vouchers import actions
from evidesk.desk.vouchers.models import ENDS, Event, State, Voucher
from evidesk.desk.vouchers.workflow import BY_ACTION
from tests.desk.network import ANSWERS, STARTS_ON, WHO, Network, a_draft, a_network, fresh

EXAMPLES, STEPS = 280, 50
people = st.sampled_from(WHO)
texts = st.sampled_from(["", " ", "Because."])
days = st.integers(-1, 400)


class Workflow(RuleBasedStateMachine):
    """One voucher in a network; everybody tries everything, also with stale pages."""

    network: Network
    steps = 0
    taken: dict[str, int] = {}

    def __init__(self) -> None:
        super().__init__()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.voucher = a_draft(self.network)
        self.stale = fresh(self.voucher)
        self.model = State.DRAFT
        self.events = self.voucher.events.count()

    def teardown(self) -> None:
        assert not verify().problems
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)

    def attempt(self, action: str, who: str, stale: bool, act: Any) -> None:
        """Let somebody try a step; the table alone says where a success leads."""
        Workflow.steps += 1
        voucher = self.stale if stale else fresh(self.voucher)
        head = Head.objects.get().number
        try:
            with transaction.atomic():
                act(voucher, self.network[who])
        except (Refused, Conflict):
            assert Head.objects.get().number == head, "a refusal leaves no entry"
            return
        assert self.model in BY_ACTION[action].sources
        self.model = BY_ACTION[action].target
        self.events += 1
        Workflow.taken[action] = Workflow.taken.get(action, 0) + 1

    @rule(who=people, stale=st.booleans())
    def submit(self, who: str, stale: bool) -> None:
        self.attempt("submit", who, stale, actions.submit)

    @rule(who=people, stale=st.booleans(), text=texts)
    def send_back(self, who: str, stale: bool, text: str) -> None:
        self.attempt("return", who, stale, lambda v, p: actions.send_back(v, p, text))

    @rule(who=people, stale=st.booleans(), text=texts)
    def decline(self, who: str, stale: bool, text: str) -> None:
        self.attempt("decline", who, stale, lambda v, p: actions.decline(v, p, text))

    @rule(who=people, to=people, stale=st.booleans())
    def offer(self, who: str, to: str, stale: bool) -> None:
        to_whom = self.network[to]
        self.attempt("offer", who, stale, lambda v, p: actions.offer(v, p, to_whom))

    @rule(who=people, stale=st.booleans())
    def take_back(self, who: str, stale: bool) -> None:
        self.attempt("take-back", who, stale, actions.take_back)

    @rule(who=people, stale=st.booleans(), text=texts)
    def turn_down(self, who: str, stale: bool, text: str) -> None:
        self.attempt("turn-down", who, stale, lambda v, p: actions.turn_down(v, p, text))

    @rule(who=people, stale=st.booleans(), days=days)
    def accept(self, who: str, stale: bool, days: int) -> None:
        self.attempt("accept", who, stale, lambda v, p: actions.accept(v, p, STARTS_ON, days))

    @rule(who=people, stale=st.booleans(), days=days)
    def plan(self, who: str, stale: bool, days: int) -> None:
        self.attempt("plan", who, stale, lambda v, p: actions.plan(v, p, STARTS_ON, days))

    @rule(who=people, stale=st.booleans(), text=texts)
    def report(self, who: str, stale: bool, text: str) -> None:
        self.attempt("report", who, stale, lambda v, p: run_actions.report(v, p, text))

    @rule(who=people, stale=st.booleans(), rating=st.sampled_from([None, 1, 5]))
    def close(self, who: str, stale: bool, rating: int | None) -> None:
        self.attempt("close", who, stale, lambda v, p: actions.close(v, p, rating=rating))

    @rule(who=people, stale=st.booleans())
    def close_without_feedback(self, who: str, stale: bool) -> None:
        self.attempt("close-without-feedback", who, stale, actions.close_without_feedback)

    @rule(who=people, stale=st.booleans(), sure=st.integers(0, 9))
    def withdraw(self, who: str, stale: bool, sure: int) -> None:
        if sure == 0:  # seldom, for it is the end
            self.attempt("withdraw", who, stale, actions.withdraw)

    @rule(who=people, complete=st.booleans())
    def save(self, who: str, complete: bool) -> None:
        voucher, person = fresh(self.voucher), self.network[who]
        try:
            actions.save_draft(
                voucher, person, revision=voucher.revision, title="Trust", kind=voucher.kind,
                unit=voucher.unit, answers=ANSWERS if complete else {},
            )  # fmt: skip
        except (Refused, Conflict):
            return
        assert person == self.network.author
        assert self.model in (State.DRAFT, State.RETURNED)

    @rule()
    def load_the_page(self) -> None:
        self.stale = fresh(self.voucher)

    @rule()
    def begin_anew(self) -> None:
        """Another voucher once this one is over, so that the steps are not all refused."""
        if self.model in ENDS:
            self.voucher = a_draft(self.network)
            self.stale = fresh(self.voucher)
            self.model, self.events = State.DRAFT, self.voucher.events.count()

    @invariant()
    def the_voucher_is_where_the_table_leads(self) -> None:
        assert fresh(self.voucher).state == self.model

    @invariant()
    def every_step_that_was_taken_left_one_event(self) -> None:
        assert Event.objects.filter(voucher=self.voucher).count() == self.events

    @invariant()
    def nobody_works_on_their_own_voucher(self) -> None:
        voucher = Voucher.objects.select_related("consultant").get(pk=self.voucher.pk)
        assert voucher.author not in (voucher.consultant, voucher.offered_to)
        if voucher.consultant is not None:
            assert voucher.kind is not None
            assert voucher.days is not None
            assert voucher.kind.min_days <= voucher.days <= voucher.kind.max_days


@pytest.mark.slow
def test_ten_thousand_steps_break_no_invariant(
    db: None, record_property: Any, request: pytest.FixtureRequest
) -> None:
    assert connection.in_atomic_block, "every example is undone"
    Workflow.network = a_network()
    Workflow.steps, Workflow.taken = 0, {}
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Workflow,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    record_property("steps", Workflow.steps)
    record_property("taken", Workflow.taken)
    print(f"{Workflow.steps} steps tried, {sum(Workflow.taken.values())} taken: {Workflow.taken}")
    assert set(Workflow.taken) == set(BY_ACTION), "every step of the table was taken"
