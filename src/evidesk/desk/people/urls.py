"""Addresses about people."""

from django.urls import path

from evidesk.desk.people import pages

urlpatterns = [
    path("sign-in/", pages.sign_in, name="sign-in"),
    path("sign-in/as/", pages.sign_in_as, name="sign-in-as"),
    path("sign-out/", pages.sign_out, name="sign-out"),
    path("me/tokens/", pages.tokens, name="tokens"),
    path("me/tokens/<int:token_id>/revoke/", pages.revoke_token, name="revoke-token"),
    path("network/", pages.network, name="network"),
]
