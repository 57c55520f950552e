"""Addresses of inquiries and vouchers."""

from django.urls import path

from evidesk.desk.vouchers import pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("talk/", pages.talk, name="talk"),
    path("inquiries/", pages.inquiries, name="inquiries"),
    path("inquiries/<str:key>/", pages.inquiry, name="inquiry"),
    path("vouchers/new/", pages.start, name="new-voucher"),
    path("vouchers/<str:reference>/", pages.voucher, name="voucher"),
    path("vouchers/<str:reference>/edit/", pages.edit, name="edit-voucher"),
    path("vouchers/<str:reference>/messages/", pages.write, name="write"),
    path("vouchers/<str:reference>/files/", pages.attach, name="attach"),
    path(
        "vouchers/<str:reference>/files/<int:attachment_id>/", pages.attachment, name="attachment"
    ),
    path("vouchers/<str:reference>/do/<str:action>/", pages.step, name="step"),
]
