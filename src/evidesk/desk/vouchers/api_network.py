"""The office's rows and texts over HTTP: one operation for each catalogue, with its very form."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms as django_forms
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Body as InBody
from ninja import Field, Router, Schema
from ninja.responses import Status
from pydantic import create_model

from evidesk.desk.people import catalogue as actions
from evidesk.desk.people import rules
from evidesk.desk.people.models import Person, Row, Unit
from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import Body, checked, data_of, name_of, schema_of
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.vouchers import versions
from evidesk.desk.vouchers.catalogues import CATALOGUES, Catalogue, Deed, deeds
from evidesk.desk.vouchers.forms_network import AgreementForm, QuestionForm, QuestionFormSet
from evidesk.desk.vouchers.models import AgreementText, Questionnaire

router = Router(tags=["network"])


class ChangeOut(Schema):
    """What a field said before and after."""

    field: str
    before: Any
    after: Any


class DeedOut(Schema):
    """What somebody has done; `who` is null where nobody is known any more."""

    at: datetime
    who: str | None
    what: str
    changes: list[ChangeOut]

    @staticmethod
    def resolve_at(deed: Deed) -> datetime:
        return deed.entry.at

    @staticmethod
    def resolve_who(deed: Deed) -> str | None:
        return deed.who or None

    @staticmethod
    def resolve_changes(deed: Deed) -> list[dict[str, Any]]:
        return [
            {"field": field, "before": before, "after": after}
            for field, before, after in deed.changes
        ]


# Rows


class RowOut(Schema):
    """What all of the office's rows have: a retired one is offered to nobody any more."""

    id: int
    is_retired: bool


_Seen = (str, Field(pattern="^[0-9a-f]{64}$", description="The one that the row had when read."))


def _out(field: django_forms.Field) -> Any:
    """How a field of a row is answered: as its form takes it."""
    match field:
        case django_forms.ModelMultipleChoiceField():
            return list[str]
        case django_forms.ChoiceField():
            return str if field.required else str | None
        case django_forms.BooleanField():
            return bool
        case django_forms.IntegerField():
            return int
    return str


def _value(row: Row, name: str) -> Any:
    column = row._meta.get_field(name)
    value = getattr(row, name)
    if column.many_to_many:
        return [name_of(one) for one in value.all()]
    if column.is_relation:
        return name_of(value) if value else None
    return (value or None) if getattr(column, "choices", None) else value


class _Rows:
    """The operations of one catalogue, `rows/units/` for instance."""

    def __init__(self, what: str, catalogue: Catalogue) -> None:
        self.what, self.catalogue = what, catalogue
        self.model, self.form = catalogue.model, catalogue.form(new=True)
        name = self.model.__name__
        columns = {key: (_out(self.form.base_fields[key]), ...) for key in catalogue.fields}
        if self.model is Unit:
            columns["is_hub"] = (bool, ...)
        self.names = list(columns)
        self.Out = create_model(f"{name}Row", __base__=RowOut, **columns)  # type: ignore[call-overload]
        self.Detail = create_model(
            f"{name}RowDetail",
            __base__=self.Out,
            seen=(str, Field(description="Send it back with a change.")),
            history=(list[DeedOut], Field(description="The last first.")),
        )
        self.In = schema_of(self.form, name=f"{name}RowIn", without=("seen",))
        self.Change = schema_of(
            catalogue.form(new=False),
            name=f"{name}RowChange",
            partial=True,
            without=("seen",),
            seen=_Seen,
        )

    def shown(self, row: Row) -> dict[str, Any]:
        values = {name: _value(row, name) for name in self.names}
        return {"id": row.pk, "is_retired": row.is_retired, **values}

    def detail(self, row: Row) -> dict[str, Any]:
        return {
            **self.shown(row),
            "seen": actions.version_of(row),
            "history": deeds(actions.subject_of(row)),
        }

    def row(self, request: HttpRequest, pk: int) -> tuple[Row, Person]:
        """The row, and who asks: the office."""
        by = person_of(request)
        require(rules.may_edit_network(by))
        return get_object_or_404(self.model._default_manager, pk=pk), by

    def add_operations(self) -> None:
        """Add them to the router."""
        schema_in, schema_change = self.In, self.Change

        def rows(request: HttpRequest) -> Any:
            require(rules.may_edit_network(person_of(request)))
            columns = [self.model._meta.get_field(name) for name in self.names]
            one = [column.name for column in columns if column.many_to_one]
            many = [column.name for column in columns if column.many_to_many]
            found = self.model._default_manager.select_related(*one).prefetch_related(*many)
            # Stable: the model's order within those in use, and within the retired ones.
            return [self.shown(row) for row in sorted(found, key=lambda row: row.is_retired)]

        def add_row(request: HttpRequest, facts: InBody[schema_in]) -> Status[Any]:  # type: ignore[valid-type]
            by = person_of(request)
            require(rules.may_edit_network(by))
            form = self.form(data_of(self.form(), facts.model_dump(exclude_unset=True)))  # type: ignore[attr-defined]
            checked(form)
            row = form.save(commit=False)
            actions.add(row, by, form.many())
            return Status(201, self.detail(row))

        def row(request: HttpRequest, pk: int) -> Any:
            return self.detail(self.row(request, pk)[0])

        def change_row(
            request: HttpRequest,
            pk: int,
            changes: InBody[schema_change],  # type: ignore[valid-type]
        ) -> Any:
            found, by = self.row(request, pk)
            given = changes.model_dump(exclude_unset=True)  # type: ignore[attr-defined]
            make = self.catalogue.form(new=False)
            form = make(instance=found)
            form = make({**_kept(form, given), **data_of(form, given)}, instance=found)
            checked(form)
            changed = form.save(commit=False)
            actions.change(changed, by, seen=given["seen"], many=form.many())
            return self.detail(self.row(request, pk)[0])

        name = self.what
        at = f"rows/{name}/{{int:pk}}/"
        router.get(
            f"rows/{name}/",
            response=list[self.Out],  # type: ignore[name-defined]
            operation_id=f"rows_{name}",
            summary=f"The network's {name}, those in use first",
        )(rows)
        router.post(
            f"rows/{name}/",
            response={201: self.Detail},
            operation_id=f"add_to_{name}",
            summary=f"Add to the network's {name}",
        )(add_row)
        router.get(
            at,
            response=self.Detail,
            operation_id=f"row_of_{name}",
            summary=f"One of the network's {name}, with its history",
        )(row)
        router.patch(
            at,
            response=self.Detail,
            operation_id=f"change_in_{name}",
            summary=f"Change one of the network's {name}",
            description="What is left out stays as it is. If somebody has changed it since you "
            "read `seen`, nothing is changed and the answer is 409.",
        )(change_row)
        self._add_state("retire", "Offer it to nobody any more", actions.retire)
        self._add_state("restore", "Offer a retired one again", actions.bring_back)
        if self.model is Unit:
            self._add_state("make-hub", "Make the unit the hub", actions.make_hub)

    def _add_state(self, verb: str, summary: str, act: Callable[[Any, Person], None]) -> None:
        def set_state(request: HttpRequest, pk: int) -> Any:
            row, by = self.row(request, pk)
            act(row, by)
            return self.detail(row)

        router.post(
            f"rows/{self.what}/{{int:pk}}/{verb}/",
            response=self.Detail,
            operation_id=f"{verb.replace('-', '_')}_in_{self.what}",
            summary=summary,
        )(set_state)


def _kept(form: django_forms.ModelForm, given: dict[str, Any]) -> dict[str, Any]:  # type: ignore[type-arg]
    """What the form shows of the row, but for what is given anew."""
    return {
        name: [one.pk for one in value] if isinstance(value, list) else value
        for name, value in form.initial.items()
        if name not in given
    }


for _what, _catalogue in CATALOGUES.items():
    _Rows(_what, _catalogue).add_operations()


# The document's questions


class AskedOut(Schema):
    """A question of the voucher document; answers are kept by its key."""

    key: str
    prompt: str
    help: str = ""


class QuestionsOut(Schema):
    """A version of the questions; vouchers keep the one that they began with."""

    version: int
    questions: list[AskedOut]


QuestionIn = schema_of(QuestionForm)


class QuestionsIn(Body):
    """All questions of the new version, in their order."""

    based_on: int = Field(ge=0, le=2**31 - 1, description="The version that you read.")
    questions: list[QuestionIn] = Field(  # type: ignore[valid-type]
        max_length=30,
        description="One that stays keeps its key; a new one has an empty one, and gets its own.",
    )


@router.get("questions/", response=QuestionsOut, summary="What the voucher document asks")
def questions(request: HttpRequest) -> Questionnaire:
    require(rules.may_edit_network(person_of(request)))
    return Questionnaire.objects.latest("version")


@router.post(
    "questions/",
    response={201: QuestionsOut},
    summary="Publish a new version of the questions",
    description="If there is a newer one than `based_on`, nothing is changed: the answer is 409.",
)
def publish_questions(request: HttpRequest, new: QuestionsIn) -> Status[Questionnaire]:
    by = person_of(request)
    require(rules.may_edit_network(by))
    data = {"form-TOTAL_FORMS": str(len(new.questions)), "form-INITIAL_FORMS": "0"}
    for number, question in enumerate(new.questions):
        for name, text in question.model_dump().items():  # type: ignore[attr-defined]
            data[f"form-{number}-{name}"] = text
    formset = QuestionFormSet(data)
    if not formset.is_valid():
        errors = {
            f"questions.{number}.{field}": [str(why) for why in whys]
            for number, form in enumerate(formset.forms)
            for field, whys in form.errors.items()
        }
        if formset.non_form_errors():
            errors["questions"] = [str(why) for why in formset.non_form_errors()]
        raise Invalid(errors)
    published = versions.publish_questions(by, formset.asked(), based_on=new.based_on)
    return Status(201, published)


@router.get(
    "questions/history/",
    response=list[DeedOut],
    summary="How the questions came to be what they are",
)
def questions_history(request: HttpRequest) -> Any:
    require(rules.may_edit_network(person_of(request)))
    return deeds(versions.QUESTIONS_SUBJECT)


# The agreement


class AgreementOut(Schema):
    """A version of what scientist and consultant agree to, as Markdown."""

    version: int
    text: str


AgreementIn = schema_of(AgreementForm)


@router.get("agreement/", response=AgreementOut, summary="What both sides agree to now", auth=None)
def agreement(request: HttpRequest) -> AgreementText:
    return AgreementText.objects.latest("version")


@router.post(
    "agreement/",
    response={201: AgreementOut},
    summary="Publish a new version of the agreement",
    description="If there is a newer one than `based_on`, nothing is changed: the answer is 409.",
)
def publish_agreement(
    request: HttpRequest,
    new: InBody[AgreementIn],  # type: ignore[valid-type]
) -> Status[AgreementText]:
    by = person_of(request)
    require(rules.may_edit_network(by))
    data = checked(AgreementForm(new.model_dump()))  # type: ignore[attr-defined]
    return Status(201, versions.publish_agreement(by, **data))


@router.get(
    "agreement/history/",
    response=list[DeedOut],
    summary="How the agreement came to be what it is",
)
def agreement_history(request: HttpRequest) -> Any:
    require(rules.may_edit_network(person_of(request)))
    return deeds(versions.AGREEMENT_SUBJECT)


@router.get(
    "agreement/{int:version}/",
    response=AgreementOut,
    summary="A version of the agreement",
    auth=None,
)
def agreement_version(request: HttpRequest, version: int) -> AgreementText:
    return get_object_or_404(AgreementText, version=version)
