"""Addresses of the statistics and the yearly report."""

from django.urls import path

from evidesk.desk.office import pages

urlpatterns = [
    path("office/", pages.statistics, name="statistics"),
    path("office/rows/inquiries/", pages.inquiries, name="office-inquiries"),
    path("office/rows/<slug:figure>/", pages.rows, name="office-rows"),
    path("office/report/<int:year>/", pages.report, name="report-of-year"),
    path("office/report/<int:year>/pdf/", pages.report_pdf, name="report-of-year-pdf"),
]
