"""Listening to what happens in the apps before this one."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_save


class NoticesConfig(AppConfig):
    name = "evidesk.desk.notices"

    def ready(self) -> None:
        from evidesk.desk.notices import actions
        from evidesk.desk.people.models import Token
        from evidesk.desk.vouchers import signals

        def recorded(event: Any, **_: Any) -> None:
            actions.tell_of_event(event)

        def inquired(inquiry: Any, **_: Any) -> None:
            actions.tell_of_inquiry(inquiry)

        def answered(inquiry: Any, **_: Any) -> None:
            actions.tell_of_answer(inquiry)

        def token_saved(instance: Any, created: bool, **_: Any) -> None:
            if created:
                actions.tell_of_token(instance)

        for signal, listener, sender in (
            (signals.recorded, recorded, None),
            (signals.inquired, inquired, None),
            (signals.inquiry_answered, answered, None),
            (post_save, token_saved, Token),
        ):
            name = f"notices.{listener.__name__}"
            # The listeners live no longer than this function unless they are held.
            signal.connect(listener, sender=sender, weak=False, dispatch_uid=name)
