"""Addresses about one's data."""

from django.urls import path

from evidesk.desk.privacy import pages

urlpatterns = [
    path("privacy/", pages.privacy, name="privacy"),
    path("consent/", pages.consent, name="consent"),
    path("me/data/", pages.my_data, name="my-data"),
    path("me/data/export/", pages.export, name="export-data"),
    path("office/retention/", pages.retention, name="retention"),
]
