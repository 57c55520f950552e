"""Addresses about people."""

from django.urls import path

from evidesk.desk.people import pages
from evidesk.desk.people.log_in import pages as log_in

urlpatterns = [
    path("sign-in/", pages.sign_in, name="sign-in"),
    path("sign-in/as/", pages.sign_in_as, name="sign-in-as"),
    path("sign-out/", pages.sign_out, name="sign-out"),
    path("signed-out/", pages.signed_out, name="signed-out"),
    path("sign-in/go/", log_in.begin, name="log-in"),
    path("sign-in/done/", log_in.done, name="log-in-done"),
    path("language/", pages.set_language, name="set-language"),
    path("me/sessions/", log_in.own_sessions, name="own-sessions"),
    path("me/sessions/end-others/", log_in.end_other_sessions, name="end-other-sessions"),
    path("me/sessions/<str:public_id>/end/", log_in.end_session, name="end-session"),
    path("groups/", log_in.groups, name="groups"),
    path("groups/<int:row_id>/remove/", log_in.remove_group, name="remove-group"),
    path("me/tokens/", pages.tokens, name="tokens"),
    path("me/tokens/<int:token_id>/revoke/", pages.revoke_token, name="revoke-token"),
    path("network/", pages.network, name="network"),
]
