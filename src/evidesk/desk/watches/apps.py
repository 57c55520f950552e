"""What watches do whenever a worker gives a sign of life."""

from typing import Any

from django.apps import AppConfig

from evidesk.desk.workers.signals import beat


def wake_what_sleeps(**_: Any) -> None:
    """No batch waits for ever because its worker was killed."""
    from evidesk.desk.watches import steps

    steps.wake()


class WatchesConfig(AppConfig):
    """Watching a stream against a file of a voucher."""

    name = "evidesk.desk.watches"

    def ready(self) -> None:
        beat.connect(wake_what_sleeps)
