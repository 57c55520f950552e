"""Addresses of kits, runs, evidence and the report."""

from django.urls import path

from evidesk.desk.runs import pages

urlpatterns = [
    path("kits/", pages.kit_list, name="kits"),
    path(
        "vouchers/<str:reference>/files/<int:attachment_id>/run/",
        pages.choose_kit,
        name="choose-kit",
    ),
    path(
        "vouchers/<str:reference>/files/<int:attachment_id>/run/<slug:kit>/",
        pages.start,
        name="start-run",
    ),
    path("vouchers/<str:reference>/report/", pages.report, name="report"),
    path("runs/<int:run_id>/", pages.run, name="run"),
    path("runs/<int:run_id>/status/", pages.run_status, name="run-status"),
    path("runs/<int:run_id>/cancel/", pages.cancel, name="cancel-run"),
    path("runs/<int:run_id>/go-on/", pages.go_on, name="go-on-run"),
    path("evidence/<int:evidence_id>/", pages.evidence, name="evidence"),
    path("evidence/<int:evidence_id>/figures/<str:name>.svg", pages.figure, name="figure"),
    path("evidence/<int:evidence_id>/download/", pages.download, name="download-evidence"),
]
