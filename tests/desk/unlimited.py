"""The desk as a WSGI application in which one address may send as often as it likes."""

from evidesk.desk.wsgi import application

# isort: split
from evidesk.desk.middleware import RATES  # only now is Django ready

__all__ = ["application"]

RATES.clear()
