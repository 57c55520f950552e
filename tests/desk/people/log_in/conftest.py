"""A provider of our own, and the desk that is configured for it."""

from collections.abc import Iterator
from typing import Any

import pytest

from evidesk.desk.people.log_in import actions
from evidesk.desk.people.log_in import provider as providers
from evidesk.desk.people.log_in.entitlements import parse_path
from evidesk.desk.people.models import GroupRole, Role, Unit
from tests.oidc.provider import CLIENT_ID, CLIENT_SECRET, Provider


@pytest.fixture
def provider(db: Any, settings: Any) -> Iterator[Provider]:
    with Provider() as one:
        settings.OIDC_ISSUER = one.issuer
        settings.OIDC_CLIENT_ID = CLIENT_ID
        settings.OIDC_CLIENT_SECRET = CLIENT_SECRET
        settings.CONTACT = "office@example.org"
        providers.of.cache_clear()
        yield one
        assert one.mistakes == []
    providers.of.cache_clear()


def give(group: str, unit: Unit, role: Role) -> GroupRole:
    """A row of the table of groups."""
    found = parse_path(group)
    assert found is not None
    return actions.add_group(None, found, unit, role)
