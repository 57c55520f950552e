"""Listens to what happens to vouchers."""

from typing import Any

from django.apps import AppConfig


class HooksConfig(AppConfig):
    """The app of webhooks."""

    name = "evidesk.desk.hooks"

    def ready(self) -> None:
        from evidesk.desk.hooks.actions import note
        from evidesk.desk.vouchers.signals import recorded

        def listen(event: Any, **_: Any) -> None:
            note(event)

        recorded.connect(listen, dispatch_uid="hooks", weak=False)
