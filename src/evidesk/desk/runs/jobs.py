"""Background work: a kit's run, in a process of its own."""

import tempfile
import time
import traceback
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop
from django_tasks import task

from evidesk.desk.runs import actions
from evidesk.desk.runs.models import Run, RunState
from evidesk.desk.runs.queries import under_its_name
from evidesk.evidence import EvidenceError, printable
from evidesk.kits import Cancelled, KitError, Remaining, load
from evidesk.kits.isolation import Limits, RunFailed, run_isolated

#: Progress is written at most this often, in seconds, so that it costs nothing.
_WRITE_EVERY = 0.5


@task()
def execute_run(run_id: int) -> None:
    """Run a kit and keep its evidence, or say why there is none."""
    actions.end_lost_runs()
    if not actions.claim_run(run_id):
        return
    run = Run.objects.select_related("voucher__author", "attachment", "started_by").get(pk=run_id)
    with tempfile.TemporaryDirectory(prefix="evidesk-run-") as folder:
        try:
            crate = _work(run, Path(folder))
            actions.keep_result(run, crate)
        except Cancelled:
            pass
        except (RunFailed, EvidenceError, KitError) as fault:
            actions.end_run(
                run_id,
                RunState.FAILED,
                fault=str(fault),
                details=getattr(fault, "details", ""),
                cut_off=getattr(fault, "cut_off", False),
            )
        except Exception:
            actions.end_run(
                run_id,
                RunState.FAILED,
                fault=gettext_noop(
                    "The desk failed with an unexpected error. This is a fault of evidesk's, not "
                    "of your data."
                ),
                details=traceback.format_exc(),
            )
            raise
        except BaseException:
            # The worker is told to stop: the run must not seem to go on.
            fault_text = gettext_noop("The worker was stopped. Run it again.")
            actions.end_run(run_id, RunState.FAILED, fault=fault_text)
            raise
    # Here only a cancelled run is still running.
    actions.end_run(run_id, RunState.CANCELLED)


def _work(run: Run, folder: Path) -> Path:
    """Run the kit below `folder`, telling the database how it goes; returns the crate."""
    model = load(run.kit).parameters
    latest = {"done": 0.0, "message": "Starting"}
    remaining = Remaining()
    written = 0.0

    def progress(done: float, message: str) -> None:
        remaining.note(done)
        latest.update(done=done, message=printable(message)[:200])

    def beat() -> None:
        nonlocal written
        if time.monotonic() - written >= _WRITE_EVERY:
            written = time.monotonic()
            if not actions.note_progress(run.pk, **latest, seconds_left=remaining.seconds):
                raise Cancelled

    crate = folder / "evidence.zip"
    attachments = {model.file_fields()[0]: [run.attachment]}
    for further in run.further_files.select_related("attachment"):
        attachments.setdefault(further.parameter, []).append(further.attachment)
    with ExitStack() as stack:
        files: dict[str, Any] = {}
        for name, given in attachments.items():
            paths = [str(stack.enter_context(under_its_name(one))) for one in given]
            files[name] = paths if model.takes_many(name) else paths[0]
        run_isolated(
            run.kit,
            {**run.parameters, **files},
            crate,
            agent=run.started_by.name,
            limits=Limits(settings.RUN_SECONDS, settings.RUN_MEMORY_BYTES),
            progress=progress,
            beat=beat,
            checkpoint=run.checkpoint_folder,
        )
    return crate
