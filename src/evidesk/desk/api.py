"""The desk over HTTP and JSON: what the pages do, for programs with a personal token.

Only this module joins the apps' routers; the rules and actions are the same as the pages'. An app
adds its own: a `router` in its `api.py`, named in `ROUTERS`.
"""

from evidesk.desk.hooks.api import router as hooks
from evidesk.desk.lists.api import router as vouchers
from evidesk.desk.lists.api_many import router as many
from evidesk.desk.lists.api_views import router as views
from evidesk.desk.notices.api import router as notices
from evidesk.desk.notices.api_mail import router as mail
from evidesk.desk.office.api import router as office
from evidesk.desk.people.api import router as people
from evidesk.desk.people.api_oneself import router as oneself
from evidesk.desk.privacy.api import router as privacy
from evidesk.desk.privacy.api_retention import router as retention
from evidesk.desk.rest.api import new_api
from evidesk.desk.runs.api import router as runs
from evidesk.desk.vouchers.api_beside import router as beside
from evidesk.desk.vouchers.api_groups import router as groups
from evidesk.desk.vouchers.api_inquiries import router as inquiries
from evidesk.desk.vouchers.api_members import router as members
from evidesk.desk.vouchers.api_network import router as network
from evidesk.desk.vouchers.api_steps import router as steps
from evidesk.desk.vouchers.api_talk import router as talk
from evidesk.desk.vouchers.api_triage import router as triage
from evidesk.desk.watches.api import router as watches

ROUTERS = (
    *(people, oneself, notices, mail, hooks, privacy),
    *(inquiries, vouchers, views, many, steps, talk, beside, triage, runs, watches),
    *(members, network, groups, office, retention),
)

api = new_api()
for router in ROUTERS:
    api.add_router("", router)
