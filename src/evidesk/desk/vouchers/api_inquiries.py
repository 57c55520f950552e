"""Inquiries over HTTP."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Body as InBody
from ninja import Router, Schema
from ninja.pagination import paginate
from ninja.responses import Status

from evidesk.desk.people.queries import person_of
from evidesk.desk.rest.forms import checked, schema_of
from evidesk.desk.rest.paging import Pages
from evidesk.desk.vouchers import actions, forms, queries
from evidesk.desk.vouchers.models import Inquiry

router = Router(tags=["inquiries"])


class InquiryOut(Schema):
    """First contact; whoever knows its key may read it. `status` is open, answered or voucher."""

    key: str
    subject: str
    text: str
    created_at: datetime
    status: str
    answer: str
    answered_by: str | None
    answered_at: datetime | None
    voucher: str | None

    @staticmethod
    def resolve_answered_by(inquiry: Inquiry) -> str | None:
        return inquiry.answered_by.name if inquiry.answered_by else None

    @staticmethod
    def resolve_voucher(inquiry: Inquiry) -> str | None:
        return inquiry.voucher.reference if inquiry.voucher else None


@router.get(
    "inquiries/",
    response=list[InquiryOut],
    summary="Your inquiries; for those who answer, everybody's",
)
@paginate(Pages)
def inquiries(request: HttpRequest) -> Any:
    return queries.inquiries_for(person_of(request))


InquiryIn = schema_of(forms.InquiryForm)
AnswerIn = schema_of(forms.AnswerForm)


@router.post("inquiries/", response={201: InquiryOut}, summary="Talk to us, please!")
def inquire(
    request: HttpRequest,
    inquiry: InBody[InquiryIn],  # type: ignore[valid-type]
) -> Status[Inquiry]:
    data = checked(forms.InquiryForm(inquiry.model_dump()))  # type: ignore[attr-defined]
    return Status(201, actions.inquire(**data, person=person_of(request)))


def _by_key(key: str) -> Inquiry:
    rows = Inquiry.objects.select_related("person", "answered_by", "voucher")
    return get_object_or_404(rows, key=key)


@router.get("inquiries/{key}/", response=InquiryOut, summary="An inquiry, by its secret key")
def inquiry(request: HttpRequest, key: str) -> Inquiry:
    return _by_key(key)


@router.post("inquiries/{key}/answer/", response=InquiryOut, summary="Answer an inquiry, once")
def answer(
    request: HttpRequest,
    key: str,
    answer: InBody[AnswerIn],  # type: ignore[valid-type]
) -> Inquiry:
    found = _by_key(key)
    data = checked(forms.AnswerForm(answer.model_dump()))  # type: ignore[attr-defined]
    actions.answer_inquiry(found, person_of(request), data["answer"])
    return found
