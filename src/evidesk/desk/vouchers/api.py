"""Vouchers over HTTP."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema
from ninja.pagination import LimitOffsetPagination, paginate

from evidesk.desk.people.queries import person_of
from evidesk.desk.vouchers import queries
from evidesk.desk.vouchers.models import Voucher

router = Router(tags=["vouchers"])


class Pieces(LimitOffsetPagination):
    """A list in pieces, counted no further than every database can count."""

    class Input(Schema):
        limit: int = Field(100, ge=1, le=1000)
        offset: int = Field(0, ge=0, le=2**31 - 1)


class VoucherOut(Schema):
    """A voucher as a row of a list."""

    reference: str
    title: str
    state: str
    kind: str | None
    unit: str
    author: str
    consultant: str | None
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
    """A voucher with its document."""

    answers: dict[str, str]
    report: str


@router.get("vouchers/", response=list[VoucherOut], summary="Vouchers you may see")
@paginate(Pieces)
def vouchers(request: HttpRequest) -> Any:
    return queries.for_list(queries.visible_to(person_of(request)))


@router.get("vouchers/{reference}/", response=VoucherDetail, summary="One voucher")
def voucher(request: HttpRequest, reference: str) -> Voucher:
    return queries.voucher_for(person_of(request), reference)
