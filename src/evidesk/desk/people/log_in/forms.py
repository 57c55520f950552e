"""Input from the office about groups."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidesk.desk.people.log_in import entitlements
from evidesk.desk.people.log_in.entitlements import Entitlement
from evidesk.desk.people.models import MAX_GROUP, MAX_GROUP_ROLE, Role, Unit


def read_group(text: str) -> Entitlement:
    """A group as people write it: its path with colons, or a whole entitlement.

    Raises
    ------
    ValidationError : it is neither, or another authority's.
    """
    text = text.strip()
    if text.startswith("urn:"):
        found = entitlements.parse(
            text,
            namespaces=settings.OIDC_GROUP_NAMESPACES,
            authority=settings.OIDC_GROUP_AUTHORITY,
        )
        if found is None:
            raise ValidationError(
                gettext("Only entitlements of the form %(form)s count here.")
                % {
                    "form": f"{settings.OIDC_GROUP_NAMESPACES[0]}:group:GROUP:role=ROLE"
                    f"#{settings.OIDC_GROUP_AUTHORITY}"
                }
            )
    else:
        found = entitlements.parse_path(text)
        if found is None:
            raise ValidationError(
                gettext("Write the group's path with colons, such as HIFIS:Consulting:role=lead.")
            )
    if len(found.group) > MAX_GROUP or len(found.role) > MAX_GROUP_ROLE:
        raise ValidationError(gettext("That is too long for a group's path."))
    return found


class GroupForm(forms.Form):
    """A group, and the place that it gives."""

    group = forms.CharField(
        label=_("Group"),
        max_length=entitlements.MAX_LENGTH,
        help_text=_(
            "Its path with colons, as the log-in's provider writes it, or the whole entitlement. "
            "A role within the group comes last: HIFIS:Consulting:role=lead."
        ),
    )
    role = forms.ChoiceField(label=_("Gives the role"), choices=Role)
    unit = forms.ModelChoiceField(Unit.objects.all(), label=_("In the unit"), empty_label=None)

    def clean_group(self) -> Any:
        return read_group(self.cleaned_data["group"])
