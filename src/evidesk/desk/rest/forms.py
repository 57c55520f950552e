"""The pages' forms as the API's bodies: one schema from each, and the form itself decides."""

from datetime import date
from typing import Annotated, Any, Literal, cast

from django import forms
from django.conf import settings
from django.db.models import Model
from django.utils import translation
from ninja import Field, Schema
from pydantic import ConfigDict, create_model

from evidesk.desk.rest.problems import Invalid

#: Somewhere a character that shows, nowhere a zero byte.
_SOMETHING = "^[^\x00]*[^\\s\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff][^\x00]*$"
#: The pattern of a text that a database can keep.
NO_NUL = "^[^\x00]*$"
#: What a row is named by.
_Name = Annotated[str, Field(max_length=100, pattern=NO_NUL)]


class Body(Schema):
    """What is sent; a field too many is a mistake that somebody wants to know of."""

    model_config = ConfigDict(extra="forbid")


def schema_of(
    form: type[forms.Form | forms.ModelForm],  # type: ignore[type-arg]
    *,
    name: str = "",
    partial: bool = False,
    without: tuple[str, ...] = (),
    **more: Any,
) -> type[Body]:
    """The JSON body that a form takes.

    Parameters
    ----------
    form : its declared fields are the body's; rows are named by slug or name, else by id.
    partial : every field may be left out.
    without : fields that only a browser sends.
    more : further fields, as in `pydantic.create_model`.
    """
    # Made once, perhaps while somebody's page is served; the API's description is in English.
    with translation.override(settings.LANGUAGE_CODE):
        fields: dict[str, Any] = {
            key: _field(field, partial)
            for key, field in form.base_fields.items()
            if key not in without and not isinstance(field, forms.FileField)
        }
    title = name or form.__name__.removesuffix("Form") + "In"
    return create_model(title, __base__=Body, __doc__=None, **fields, **more)


def _field(field: forms.Field, partial: bool) -> tuple[Any, Any]:
    annotation, limits = _type(field)
    texts: dict[str, Any] = {
        "title": str(field.label or "") or None,
        "description": str(field.help_text or "") or None,
    }
    if field.required and not partial:
        return annotation, Field(..., **texts, **limits)
    if annotation in (str, bool) or getattr(annotation, "__origin__", None) is list:
        return annotation, Field(annotation(), **texts, **limits)
    return annotation | None, Field(None, **texts, **limits)


def _type(field: forms.Field) -> tuple[Any, dict[str, Any]]:
    """The type of a field's JSON, and its limits."""
    match field:
        case forms.ModelMultipleChoiceField():
            # More than anybody means, and as many as a database takes in one question.
            return (list[_Name] if _key(field) else list[int]), {"max_length": 1000}
        case forms.ModelChoiceField():
            return (_Name if _key(field) else int), {}
        case forms.MultipleChoiceField():
            return list[_one_of(_keys(field))], {}  # type: ignore[misc]
        case forms.TypedChoiceField():
            return _one_of([field.coerce(key) for key in _keys(field) if key]), {}
        case forms.ChoiceField():
            return _one_of(_keys(field)), {}
        case forms.BooleanField():
            if field.required:
                return Literal[True], {}
            return bool, {"strict": True}  # 0 and "no" are none
        case forms.IntegerField():  # a DecimalField is one, too
            number = float if isinstance(field, forms.DecimalField) else int
            low, high = cast("int | None", field.min_value), cast("int | None", field.max_value)
            # A limit that is a Decimal would be a text in the description.
            return number, {
                "ge": number(-(2**31) if low is None else low),
                "le": number(2**31 - 1 if high is None else high),
            }
        case forms.DateField():
            return date, {}
        case forms.EmailField():
            return str, {"max_length": 254, "json_schema_extra": {"format": "email"}}
        case forms.CharField():
            pattern = _SOMETHING if field.required else NO_NUL
            return str, {"max_length": field.max_length or 1000, "pattern": pattern}
    raise TypeError(f"The API does not know how to take a {type(field).__name__}.")


def _keys(field: forms.ChoiceField) -> list[str]:
    choices: Any = field.choices
    return [str(key) for key, _ in choices]


def _one_of(values: list[Any]) -> Any:
    return Literal[tuple(values)]


def _key(field: forms.ModelChoiceField) -> str:  # type: ignore[type-arg]
    """What a row is named by, if not by its id: a slug, or a name that is its own."""
    return _key_of(field.queryset.model)  # type: ignore[union-attr]


def _key_of(model: type[Model]) -> str:
    unique = {one.name for one in model._meta.get_fields() if getattr(one, "unique", False)}
    return next((name for name in ("slug", "name") if name in unique), "")


def name_of(row: Model) -> Any:
    """What a body names the row by."""
    return getattr(row, _key_of(type(row)) or "pk")


def data_of(form: forms.BaseForm, values: dict[str, Any]) -> dict[str, Any]:
    """The values as the form's fields take them: rows by what a page's `<select>` would send."""
    data = {key: value for key, value in values.items() if value is not None}
    for key, field in form.fields.items():
        if key not in data or not isinstance(field, forms.ModelChoiceField):
            continue
        if name := _key(field):
            assert field.queryset is not None  # a form in use has its rows
            is_list = isinstance(field, forms.ModelMultipleChoiceField)
            named = data[key] if is_list else [data[key]]
            rows = field.queryset.filter(**{f"{name}__in": named})
            numbers = dict(rows.values_list(name, "pk"))
            # No row has the number 0, so that the form itself refuses it.
            found = [numbers.get(one, 0) for one in named]
            data[key] = found if is_list else found[0]
    return data


def checked(form: forms.BaseForm) -> dict[str, Any]:
    """What the form makes of its data.

    Raises
    ------
    Invalid : with the form's own words, by field.
    """
    if form.is_valid():
        return form.cleaned_data
    raise Invalid(
        {
            "body" if field == "__all__" else field: [str(why) for why in errors]
            for field, errors in form.errors.items()
        }
    )
