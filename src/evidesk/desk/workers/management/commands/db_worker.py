"""`evidesk desk db_worker`: django-tasks-db's worker, with signs of life.

It takes the place of the original command, so that no worker can run without them: jobs of a
process that nobody hears of are taken over.
"""

from typing import Any

from django_tasks_db.management.commands import db_worker

from evidesk.desk.workers.heart import beating


class Command(db_worker.Command):
    """Do the desk's background work: runs of kits, mail, and regular duties."""

    help = __doc__

    def handle(self, *, worker_id: str, **options: Any) -> None:
        with beating(worker_id):
            super().handle(worker_id=worker_id, **options)
