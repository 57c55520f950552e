"""Background work: one attempt to deliver."""

import json
import time

from django.conf import settings
from django_tasks import task

from evidesk import __version__
from evidesk.desk.hooks import actions, transport
from evidesk.desk.hooks.signing import signature


@task()
def deliver(delivery_id: int) -> None:
    """Send a delivery to its hook, once; what comes of it is written down."""
    actions.sweep()
    delivery = actions.begin_attempt(delivery_id)
    if delivery is None:
        return
    body = json.dumps(delivery.payload, separators=(",", ":")).encode()
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"evidesk/{__version__}",
        "Evidesk-Event": delivery.event,
        "Evidesk-Delivery": str(delivery.uid),
        "Evidesk-Timestamp": str(timestamp),
        "Evidesk-Signature": signature(delivery.hook.secret, timestamp, body),
    }
    try:
        status = transport.post(delivery.hook.url, body, headers, demo=settings.DEMO)
    except transport.Undelivered as fault:
        actions.end_attempt(delivery, fault.status, str(fault))
    else:
        actions.end_attempt(delivery, status, "")
