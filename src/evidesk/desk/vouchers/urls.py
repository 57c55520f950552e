"""Addresses of inquiries and vouchers."""

from django.urls import path

from evidesk.desk.vouchers import pages, pages_members, pages_network, pages_triage, pages_work

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
    path("vouchers/<str:reference>/tags/", pages_work.tags, name="tags"),
    path("vouchers/<str:reference>/visibility/", pages_work.visibility, name="visibility"),
    path("vouchers/<str:reference>/effort/", pages_work.effort, name="effort"),
    path("vouchers/<str:reference>/follow-up/", pages_work.follow_up, name="follow-up"),
    path("agreement/<int:version>/", pages_network.agreement, name="agreement"),
    path("inbox/", pages_triage.inbox, name="inbox"),
    path("inbox/proposals/", pages_triage.proposals, name="proposals"),
    path("summaries/", pages_triage.summaries, name="summaries"),
    path("vouchers/<str:reference>/similar/", pages_triage.similar_past, name="similar"),
    path("vouchers/<str:reference>/do/offer/", pages_triage.offer, name="offer"),
    path("vouchers/<str:reference>/do/<str:action>/", pages.step, name="step"),
    path("network/members/me/", pages_members.my_page, name="my-page"),
    path("network/members/<uuid:uid>/", pages_members.member, name="member"),
    path("network/edit/", pages_network.catalogues, name="catalogues"),
    path("network/edit/questions/", pages_network.questions, name="questions"),
    path("network/edit/agreement/", pages_network.edit_agreement, name="edit-agreement"),
    path("network/edit/<slug:what>/", pages_network.catalogue, name="catalogue"),
    path("network/edit/<slug:what>/new/", pages_network.add_row, name="add-row"),
    path("network/edit/<slug:what>/<int:pk>/", pages_network.edit_row, name="edit-row"),
    path("network/edit/<slug:what>/<int:pk>/state/", pages_network.retire_row, name="retire-row"),
]
