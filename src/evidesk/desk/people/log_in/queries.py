"""Which roles a person's groups give."""

from evidesk.desk.people.log_in.claims import Claims
from evidesk.desk.people.log_in.entitlements import Entitlement
from evidesk.desk.people.log_in.rules import is_in
from evidesk.desk.people.models import GroupRole


def granted(claims: Claims) -> list[GroupRole]:
    """The rows of the table of groups that the person's groups fulfil."""
    names = {one.group for one in claims.groups}
    rows = GroupRole.objects.select_related("unit")
    return [
        row
        for row in rows
        if row.group in names and is_in(claims.groups, Entitlement(row.group, row.group_role))
    ]
