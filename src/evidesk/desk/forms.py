"""How every form of the desk is rendered, beside the templates in `templates/django/forms/`."""

from typing import Any

from django.forms import BoundField
from django.forms.renderers import TemplatesSetting


class DeskField(BoundField):
    """A field that takes the keyboard's focus if it is the first of its form that is wrong.

    Whoever sends a form that is refused lands where it has to be mended, without a script. What
    is wrong with a form as a whole takes the focus itself (`errors/list/ul.html`).
    """

    def build_widget_attrs(self, attrs: Any, widget: Any = None) -> dict[str, Any]:
        attributes: dict[str, Any] = super().build_widget_attrs(attrs, widget)
        if self._is_first_wrong():
            attributes["autofocus"] = True
        return attributes

    def _is_first_wrong(self) -> bool:
        if not self.errors or self.form.non_field_errors():
            return False
        return next(name for name in self.form.fields if name in self.form.errors) == self.name


class DeskRenderer(TemplatesSetting):
    """Django's own, from the desk's templates and with the desk's fields."""

    bound_field_class = DeskField
