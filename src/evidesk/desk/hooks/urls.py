"""Addresses of hooks."""

from django.urls import path

from evidesk.desk.hooks import pages

urlpatterns = [
    path("me/hooks/", pages.hooks, name="hooks"),
    path("me/hooks/<int:hook_id>/", pages.hook, name="hook"),
    path("me/hooks/<int:hook_id>/ping/", pages.ping, name="ping-hook"),
    path("me/hooks/<int:hook_id>/switch/", pages.switch, name="switch-hook"),
    path("me/hooks/<int:hook_id>/remove/", pages.remove, name="remove-hook"),
]
