"""What runs do whenever a worker gives a sign of life."""

from typing import Any

from django.apps import AppConfig

from evidesk.desk.workers.signals import beat


def end_what_is_lost(**_: Any) -> None:
    """No run seems to go on for ever because its worker was killed."""
    from evidesk.desk.runs import actions

    actions.end_lost_runs()
    actions.end_forgotten_runs()
    actions.forget_old_checkpoints()
    actions.remove_forgotten_checkpoints()


class RunsConfig(AppConfig):
    """Kits, runs and evidence."""

    name = "evidesk.desk.runs"

    def ready(self) -> None:
        beat.connect(end_what_is_lost)
