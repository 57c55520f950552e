"""The pages of runs: the form that starts one, and how one goes."""

from typing import Any

from evidesk.desk.runs import actions
from evidesk.desk.runs.models import Run, RunState
from evidesk.desk.vouchers import actions as voucher_actions
from evidesk.desk.vouchers.models import Attachment, Voucher
from tests.desk.conftest import signed_in
from tests.desk.network import (
    TABLE,
    Network,
    a_run,
    upload,
)


def test_the_status_renews_itself_until_the_run_is_over(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    run = a_run(voucher, network, file)
    consultant, address = signed_in(network.consultant), f"/runs/{run.pk}/"
    assert (
        f'hx-get="{address}status/" hx-trigger="every 1s"'
        in consultant.get(address).content.decode()
    )
    response = consultant.get(f"{address}status/")
    assert "<html" not in response.content.decode()
    assert "no-store" in response["Cache-Control"], "going back must not show the bare fragment"
    assert "HX-Refresh" not in response
    actions.claim_run(run.pk)
    actions.note_progress(run.pk, done=0.42, message="Counting")
    told = consultant.get(f"{address}status/").content.decode()
    assert "42 % Counting" in told
    assert "left" not in told
    actions.note_progress(run.pk, done=0.43, message="Counting", seconds_left=170.0)
    assert (
        "43 % Counting · about 3 minutes left"
        in consultant.get(f"{address}status/").content.decode()
    )
    assert "Cancel</button>" in consultant.get(address).content.decode()
    assert "Cancel</button>" not in signed_in(network.author).get(address).content.decode()
    run.refresh_from_db()
    assert run.seconds >= 0
    actions.cancel_run(run, network.consultant)
    assert "Cancelling" in consultant.get(f"{address}status/").content.decode()
    actions.end_run(run.pk, RunState.CANCELLED)
    assert consultant.get(f"{address}status/")["HX-Refresh"] == "true"
    run.refresh_from_db()
    assert run.seconds_left is None
    assert "hx-trigger" not in consultant.get(address).content.decode()


def test_the_form_of_a_file_that_is_no_table_leads_back_with_the_reason(
    network: Network, voucher: Voucher
) -> None:
    file = voucher_actions.attach(voucher, network.author, upload(b"%PDF", "paper.pdf"))
    address = f"/vouchers/{voucher.reference}/files/{file.pk}/run/accuracy/"
    response = signed_in(network.consultant).get(address, follow=True)
    assert response.redirect_chain[0][0].endswith("#files")
    assert "the name of a table must end in .csv" in response.content.decode()


def test_a_form_that_does_not_fit_starts_nothing(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    address = f"/vouchers/{voucher.reference}/files/{file.pk}/run/accuracy/"
    html = signed_in(network.consultant).post(address, {"level": "2"}).content.decode()
    assert "This field is required" in html
    assert not Run.objects.exists()


def test_a_kit_may_refuse_a_file_by_its_name(
    network: Network, voucher: Voucher, trial: Any
) -> None:
    file = voucher_actions.attach(voucher, network.author, upload(TABLE, "secret.csv"))
    address = f"/vouchers/{voucher.reference}/files/{file.pk}/run/trial/"
    html = signed_in(network.consultant).post(address, {"do": "end"}).content.decode()
    assert "Secrets are no data" in html
    assert not Run.objects.exists()


def test_with_several_kits_one_is_chosen_first(
    network: Network, voucher: Voucher, file: Attachment, trial: Any
) -> None:
    address = f"/vouchers/{voucher.reference}/files/{file.pk}/run/"
    html = signed_in(network.consultant).get(address).content.decode()
    assert f'href="{address}trial/"' in html
    assert f'href="{address}accuracy/"' in html


def test_the_form_names_what_the_first_of_several_files_is(
    network: Network, voucher: Voucher, file: Attachment
) -> None:
    consultant = signed_in(network.consultant)
    address = f"/vouchers/{voucher.reference}/files/{file.pk}/run"
    of_two = consultant.get(f"{address}/shift/").content.decode()
    assert f'Reference table: <strong class="break">{file.name}</strong>' in of_two
    of_one = consultant.get(f"{address}/accuracy/").content.decode()
    assert f'On the file <strong class="break">{file.name}</strong>' in of_one
