"""The app, and its checks of the configuration."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "evidesk.desk.people"

    def ready(self) -> None:
        from evidesk.desk.people.log_in import checks  # noqa: F401 - registers them
