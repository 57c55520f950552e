"""A browser's part in a log-in, between the desk in this process and a provider on loopback."""

from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client

from evidesk.desk.people.models import Person


def start(client: Client, path: str = "/sign-in/go/") -> Any:
    """Press the button; the desk's answer, which should send the browser to the provider."""
    return client.get(path)


def at_the_provider(away: Any) -> str:
    """Follow the desk's redirect; the address on the desk that the provider sends back to."""
    answer = requests.get(away.url, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert back.netloc == "localhost"
    return f"{back.path}?{back.query}"


def log_in(client: Client, path: str = "/sign-in/go/") -> Any:
    """The whole way; the desk's last answer."""
    away = start(client, path)
    return client.get(at_the_provider(away)) if away.status_code == 302 else away


def who(client: Client) -> Person | None:
    """Who is signed in."""
    key = client.session.get("_auth_user_id")
    return Person.objects.get(pk=key) if key else None
