"""What the tests of runs share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from evidesk.desk.runs import actions
from evidesk.desk.runs.models import Run
from evidesk.desk.vouchers.models import Attachment, State, Voucher
from tests.desk.network import (
    Network,
    an_attachment,
    voucher_in,
)
from tests.kits.trial import install


@pytest.fixture
def voucher(network: Network, media: Path) -> Voucher:
    return voucher_in(State.ACTIVE, network)


@pytest.fixture
def file(voucher: Voucher, network: Network) -> Attachment:
    return an_attachment(voucher, network)


@pytest.fixture
def trial(
    network: Network,
    voucher: Voucher,
    file: Attachment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Run]:
    """Starts runs of a kit that does what it is told."""
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", monkeypatch)

    def start(do: str) -> Run:
        return actions.start_run(
            voucher, network.consultant, kit="trial", attachment=file, parameters={"do": do}
        )

    return start
