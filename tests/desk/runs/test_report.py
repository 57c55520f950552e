"""The report, and the evidence that it rests on."""

from pathlib import Path

import pytest

from evidesk.desk.people.rules import Conflict, Refused
from evidesk.desk.runs import actions
from evidesk.desk.runs.models import RunState
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import (
    Network,
    a_run,
    some_evidence,
    voucher_in,
)


def test_a_report_rests_on_chosen_evidence_of_its_voucher(
    network: Network, voucher: Voucher, crates: list[Path]
) -> None:
    chosen, left = (some_evidence(voucher, network, crate) for crate in crates[:2])
    other = some_evidence(voucher_in(State.ACTIVE, network), network, crates[2])
    with pytest.raises(Refused, match="only on this voucher's own evidence"):
        actions.report(voucher, network.consultant, "It works.", [chosen, other])
    actions.report(voucher, network.consultant, "It works.", [chosen])
    assert str(chosen.citation) == f"cited: {chosen.question}"
    assert not hasattr(left, "citation")
    assert voucher.state == State.REPORTED


def test_no_report_while_a_run_is_under_way(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    consultant, address = signed_in(network.consultant), f"/vouchers/{voucher.reference}/report/"
    html = consultant.post(address, {"text": "It works."}).content.decode()
    assert "A run is still under way" in html
    actions.claim_run(run.pk)
    with pytest.raises(Refused, match="A run is still under way"):
        actions.report(voucher, network.consultant, "It works.")
    actions.end_run(run.pk, RunState.CANCELLED)
    actions.report(voucher, network.consultant, "It works.")


def test_the_reports_form_refuses_other_vouchers_evidence(
    network: Network, voucher: Voucher, crates: list[Path]
) -> None:
    some_evidence(voucher, network, crates[0])
    other = some_evidence(voucher_in(State.ACTIVE, network), network, crates[1])
    address = f"/vouchers/{voucher.reference}/report/"
    data = {"text": "It works.", "evidence": [other.pk]}
    html = signed_in(network.consultant).post(address, data).content.decode()
    assert "Select a valid choice" in html
    assert Voucher.objects.get(pk=voucher.pk).state == State.ACTIVE


def test_a_report_on_a_stale_page_cites_nothing(
    network: Network, voucher: Voucher, crate: Path
) -> None:
    evidence = some_evidence(voucher, network, crate)
    stale = Voucher.objects.get(pk=voucher.pk)
    voucher_actions.withdraw(voucher, network.author)
    with pytest.raises(Conflict):
        actions.report(stale, network.consultant, "It works.", [evidence])
    assert not hasattr(evidence, "citation")
