"""Somebody's program."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.desk.network import Network
from tests.desk.test_api import with_token


class Program:
    """Sends JSON with the person's token, and expects a status."""

    def __init__(self, network: Network, who: str) -> None:
        self.client = with_token(network, who)

    def send(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        options = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = getattr(self.client, method)(f"/api/{path}", **options)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def get(self, path: str, status: int = 200) -> Any:
        return self.send("get", path, status=status)

    def post(self, path: str, body: Any = None, status: int = 200) -> Any:
        return self.send("post", path, body, status)

    def put(self, path: str, body: Any, status: int = 200) -> Any:
        return self.send("put", path, body, status)

    def patch(self, path: str, body: Any, status: int = 200) -> Any:
        return self.send("patch", path, body, status)

    def delete(self, path: str, status: int = 204) -> Any:
        return self.send("delete", path, status=status)

    def queries(self, path: str) -> int:
        """How many a reading takes, once the token is known to be in use."""
        self.get(path)
        with CaptureQueriesContext(connection) as captured:
            self.get(path)
        return len(captured)
