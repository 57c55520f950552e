"""Addresses of watches."""

from django.urls import path

from evidesk.desk.watches import pages

urlpatterns = [
    path("vouchers/<str:reference>/watches/", pages.watches, name="watches"),
    path(
        "vouchers/<str:reference>/files/<int:attachment_id>/watch/",
        pages.begin,
        name="begin-watch",
    ),
    path("watches/<int:watch_id>/", pages.watch, name="watch"),
    path("watches/<int:watch_id>/status/", pages.status, name="watch-status"),
    path("watches/<int:watch_id>/batches/", pages.add_batch, name="add-batch"),
    path("watches/<int:watch_id>/path.svg", pages.figure, name="watch-path"),
    path("watches/<int:watch_id>/stop/", pages.stop, name="stop-watch"),
    path("watches/<int:watch_id>/resume/", pages.resume, name="resume-watch"),
]
