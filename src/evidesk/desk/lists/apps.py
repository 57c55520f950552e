"""The index follows what is written, in the same transaction."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, post_save


class ListsConfig(AppConfig):
    """Listens to what changes the texts of vouchers."""

    name = "evidesk.desk.lists"

    def ready(self) -> None:
        from evidesk.desk.lists import actions
        from evidesk.desk.people.models import Person
        from evidesk.desk.vouchers import signals

        def on_event(*, event: Any, **_: Any) -> None:
            actions.index([event.voucher_id])

        def on_draft(*, voucher: Any, **_: Any) -> None:
            actions.index([voucher.pk])

        def on_answer(*, inquiry: Any, **_: Any) -> None:
            if inquiry.voucher_id is not None:
                actions.index([inquiry.voucher_id])

        def on_person(*, instance: Person, created: bool, **_: Any) -> None:
            if not created:
                actions.index_person(instance)

        def on_migrate(*, plan: Any, **_: Any) -> None:
            """Vouchers that were there before the index."""
            if any(step.app_label == self.label and not backwards for step, backwards in plan):
                actions.reindex()

        signals.recorded.connect(on_event, weak=False, dispatch_uid="lists.event")
        signals.draft_saved.connect(on_draft, weak=False, dispatch_uid="lists.draft")
        signals.inquiry_answered.connect(on_answer, weak=False, dispatch_uid="lists.answer")
        post_save.connect(on_person, Person, weak=False, dispatch_uid="lists.person")
        post_migrate.connect(on_migrate, self, weak=False, dispatch_uid="lists.migrate")
