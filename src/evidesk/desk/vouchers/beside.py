"""What stands beside a voucher's conversation on its page."""

from typing import Any

from evidesk.desk.people.models import Person
from evidesk.desk.vouchers import rules
from evidesk.desk.vouchers.models import Voucher


def beside(person: Person, voucher: Voucher) -> dict[str, Any]:
    """For the page's template: tags."""
    return {"tags": list(voucher.tags.all()), "may_tag": rules.may_tag(person, voucher)}
