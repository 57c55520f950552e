"""The configuration is looked at before every command."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """Checks, backup and restore."""

    name = "evidesk.desk.operations"

    def ready(self) -> None:
        from evidesk.desk.operations import checks

        checks.register()
