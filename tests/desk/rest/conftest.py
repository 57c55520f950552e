"""What the tests of the API share."""

from pathlib import Path

import pytest

from evidesk.desk.vouchers.models import State, Voucher
from tests.desk.network import Network, voucher_in


@pytest.fixture
def voucher(network: Network, media: Path) -> Voucher:
    return voucher_in(State.ACTIVE, network)
