"""Vouchers and their documents over HTTP."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Body as InBody
from ninja import Field, Header, Router, Schema
from ninja.responses import Status

from evidesk.desk.people.queries import person_of
from evidesk.desk.people.rules import require
from evidesk.desk.rest.forms import NO_NUL, Body, checked, data_of, schema_of
from evidesk.desk.rest.gate import etag, require_match
from evidesk.desk.rest.problems import Invalid
from evidesk.desk.vouchers import actions, forms, queries, rules
from evidesk.desk.vouchers.models import AgreementText, Inquiry, Voucher
from evidesk.desk.vouchers.steps import save_draft

router = Router(tags=["vouchers"])


class VoucherOut(Schema):
    """A voucher as a row of a list."""

    reference: str
    title: str
    state: str
    kind: str | None
    unit: str
    author: str
    consultant: str | None
    created_at: datetime
    changed_at: datetime

    @staticmethod
    def resolve_kind(voucher: Voucher) -> str | None:
        return voucher.kind.slug if voucher.kind else None

    @staticmethod
    def resolve_unit(voucher: Voucher) -> str:
        return voucher.unit.slug

    @staticmethod
    def resolve_author(voucher: Voucher) -> str:
        return voucher.author.name

    @staticmethod
    def resolve_consultant(voucher: Voucher) -> str | None:
        return voucher.consultant.name if voucher.consultant else None


class VoucherDetail(VoucherOut):
    """A voucher with its document, its plan, its report, and what the caller could do now."""

    answers: dict[str, str]
    offered_to: str | None
    submitted_at: datetime | None
    ended_at: datetime | None
    starts_on: date | None
    days: int | None
    credit: str | None
    visibility: str
    summary: str
    ends_on: date | None
    report: str
    rating: int | None
    feedback: str
    tags: list[str]
    possible: list[str] = Field(description="The steps that you could take now.")

    @staticmethod
    def resolve_offered_to(voucher: Voucher) -> str | None:
        return voucher.offered_to.name if voucher.offered_to else None

    @staticmethod
    def resolve_tags(voucher: Voucher) -> list[str]:
        return [tag.name for tag in voucher.tags.all()]

    @staticmethod
    def resolve_possible(voucher: Voucher, context: Any) -> list[str]:
        person = person_of(context["request"])
        return [step.action for step in rules.possible(person, voucher)]


class StartIn(Body):
    """What a new voucher begins with."""

    inquiry: str = Field(
        "", max_length=40, pattern=NO_NUL, description="The key of an inquiry to begin with."
    )


@router.post(
    "vouchers/", response={201: VoucherDetail}, summary="Begin a draft, empty or from an inquiry"
)
def start(request: HttpRequest, begin: StartIn) -> Status[Voucher]:
    inquiry = get_object_or_404(Inquiry, key=begin.inquiry) if begin.inquiry else None
    return Status(201, actions.start_voucher(person_of(request), inquiry))


@router.get("vouchers/{reference}/", response=VoucherDetail, summary="One voucher")
def voucher(request: HttpRequest, reference: str) -> Voucher:
    return queries.voucher_for(person_of(request), reference)


class QuestionOut(Schema):
    """A question of the voucher document, with its answer."""

    key: str
    prompt: str
    help: str = ""
    answer: str


class DocumentOut(Schema):
    """The voucher document; send its `revision` back with what you change."""

    revision: int
    title: str
    kind: str | None
    field: str | None
    unit: str
    credit: str | None
    visibility: str
    summary: str
    questions: list[QuestionOut]
    agreement: str = Field(description="What whoever submits agrees to.")

    @staticmethod
    def resolve_kind(voucher: Voucher) -> str | None:
        return VoucherOut.resolve_kind(voucher)

    @staticmethod
    def resolve_unit(voucher: Voucher) -> str:
        return voucher.unit.slug

    @staticmethod
    def resolve_field(voucher: Voucher) -> str | None:
        return voucher.field.name if voucher.field else None

    @staticmethod
    def resolve_agreement(_voucher: Voucher) -> str:
        return AgreementText.objects.latest("version").text

    @staticmethod
    def resolve_questions(voucher: Voucher) -> list[dict[str, str]]:
        return voucher.answered()


def _tag(voucher: Voucher) -> str:
    return etag(f"{voucher.reference}.{voucher.revision}")


@router.get("vouchers/{reference}/document/", response=DocumentOut, summary="A voucher's document")
def document(request: HttpRequest, response: HttpResponse, reference: str) -> Voucher:
    found = queries.voucher_for(person_of(request), reference)
    response["ETag"] = _tag(found)
    return found


DocumentIn = schema_of(
    forms.DraftForm,
    name="DocumentIn",
    partial=True,
    without=("revision", "window", "agrees"),
    revision=(int, Field(ge=0, le=2**31 - 1, description="The one that your change is based on.")),
    answers=(
        dict[str, str],
        Field({}, description="By the question's key; what is left out stays as it is."),
    ),
)


@router.patch(
    "vouchers/{reference}/document/",
    response=DocumentOut,
    summary="Change a draft",
    description="What is left out stays as it is. If somebody has saved since the `revision` that "
    "you read, nothing is changed and the answer is 409 (or 412 for a stale `If-Match`).",
)
def change_document(
    request: HttpRequest,
    response: HttpResponse,
    reference: str,
    changes: InBody[DocumentIn],  # type: ignore[valid-type]
    if_match: str = Header("", alias="If-Match", description="The document's `ETag`."),  # type: ignore[type-arg]
) -> Voucher:
    person = person_of(request)
    voucher = queries.voucher_for(person, reference)
    require(rules.may_edit(person, voucher))
    require_match(request, _tag(voucher))
    given = changes.model_dump(exclude_unset=True)  # type: ignore[attr-defined]
    form = forms.DraftForm(voucher)
    data = {**form.initial, "window": "", **data_of(form, given)}
    for key, answer in given.get("answers", {}).items():
        if key not in form.question_keys:
            raise Invalid({f"answers.{key}": [_("There is no such question.")]})
        data[f"answer_{key}"] = answer
    form = forms.DraftForm(voucher, data)
    checked(form)
    save_draft(voucher, person, form)
    voucher = queries.voucher_for(person, reference)
    response["ETag"] = _tag(voucher)
    return voucher
