"""Addresses of notices, mail and calendars."""

from django.urls import path

from evidesk.desk.notices import pages

urlpatterns = [
    path("notices/", pages.notices, name="notices"),
    path("notices/read/", pages.read, name="read-notices"),
    path("me/mail/", pages.preferences, name="notice-preferences"),
    path("unsubscribe/<str:token>/", pages.unsubscribe, name="unsubscribe"),
    path("calendar/<str:secret>.ics", pages.calendar, name="calendar"),
    path("mail/", pages.outbox, name="outbox"),
    path("mail/<int:mail_id>/", pages.mail, name="mail"),
    path("mail/<int:mail_id>/retry/", pages.retry, name="retry-mail"),
    path("mail/<int:mail_id>/cancel/", pages.cancel, name="cancel-mail"),
    path("mail/replies/", pages.replies, name="replies"),
    path("mail/replies/<int:reply_id>/dismiss/", pages.dismiss, name="dismiss-reply"),
]
