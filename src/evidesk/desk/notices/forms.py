"""What people choose about being told."""

from django import forms
from django.utils.translation import gettext_lazy as _

from evidesk.desk.notices.kinds import WAYS, Topic, Way
from evidesk.desk.notices.models import MailState
from evidesk.desk.notices.queries import preferences_of
from evidesk.desk.people.models import Person


def _choice(topic: Topic) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=topic.label,
        choices=[(way.value, way.label) for way in Way if way in WAYS[topic]],
        widget=forms.RadioSelect,
    )


class WaysForm(forms.Form):
    """One choice for each topic that leaves one."""

    turn = _choice(Topic.TURN)
    progress = _choice(Topic.PROGRESS)
    message = _choice(Topic.MESSAGE)
    work = _choice(Topic.WORK)
    inquiry = _choice(Topic.INQUIRY)
    waiting = _choice(Topic.WAITING)

    def __init__(self, person: Person, data: object = None) -> None:
        super().__init__(data, initial=preferences_of(person))  # type: ignore[arg-type]

    def chosen(self) -> dict[Topic, Way]:
        """The ways, by topic."""
        return {Topic(name): Way(way) for name, way in self.cleaned_data.items()}


class OutboxForm(forms.Form):
    """Which mails the office wants to see."""

    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("All")), *MailState.choices]
    )
