"""Addresses of the list of vouchers; before those of one voucher, of which they take none."""

from django.urls import path, re_path

from evidesk.desk.lists import pages

urlpatterns = [
    path("vouchers/", pages.voucher_list, name="vouchers"),
    path("vouchers/views/", pages.views, name="views"),
    path("vouchers/views/<int:view_id>/", pages.view, name="view"),
    path("vouchers/many/", pages.take_many, name="many"),
    path("vouchers/many/done/", pages.many_done, name="many-done"),
    re_path(r"^vouchers/export\.(?P<ending>csv|xlsx)$", pages.export, name="export-vouchers"),
]
