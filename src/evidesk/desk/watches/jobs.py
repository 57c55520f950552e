"""Background work: what a watch waits for, in a process of its own."""

import gzip
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop
from django_tasks import task

from evidesk.desk.runs.queries import under_its_name
from evidesk.desk.watches import steps
from evidesk.desk.watches.actions import KIT
from evidesk.desk.watches.models import WatchState
from evidesk.evidence import Evidence, EvidenceError
from evidesk.kits import Cancelled, KitError, silent
from evidesk.kits.isolation import Limits, RunFailed, run_isolated

#: Signs of life are written at most this often, in seconds.
_WRITE_EVERY = 2.0
_UNEXPECTED = gettext_noop(
    "The desk failed with an unexpected error. This is a fault of evidesk's, not of your data."
)


@task()
def work_on_watch(watch_id: int) -> None:
    """Begin the watch if it is new, and take the batches that wait, in their order."""
    while (step := steps.claim_step(watch_id)) is not None:
        try:
            _do(step)
        finally:
            # Before the next look: whoever came in vain meanwhile has left work that it will see.
            steps.release(watch_id)


def _do(step: steps.Step) -> None:
    with tempfile.TemporaryDirectory(prefix="evidesk-watch-") as folder:
        try:
            steps.keep(step, _evidence(step, Path(folder)))
        except Cancelled:
            pass  # it has stopped: the batch waits until it goes on
        except (RunFailed, EvidenceError, KitError) as fault:
            steps.refuse(step, str(fault))
        except Exception:
            steps.refuse(step, _UNEXPECTED)
            raise


def _evidence(step: steps.Step, folder: Path) -> Evidence:
    """What the kit finds, going on from where the watch stands."""
    written = 0.0

    def beat() -> None:
        nonlocal written
        if time.monotonic() - written >= _WRITE_EVERY:
            written = time.monotonic()
            if not steps.note_life(step):
                raise Cancelled

    crate = folder / "evidence.zip"
    files: dict[str, Any] = {}
    with ExitStack() as stack:
        files["reference"] = str(stack.enter_context(under_its_name(step.watch.reference)))
        if step.batch is not None:
            files["current"] = [str(stack.enter_context(under_its_name(step.batch)))]
            saved = WatchState.objects.get(watch=step.watch)
            state = folder / "state.json"
            state.write_bytes(gzip.decompress(saved.state))
            files["state"] = str(state)
        run_isolated(
            KIT,
            {**step.watch.parameters, **files},
            crate,
            agent=step.watch.begun_by.name,
            limits=Limits(settings.RUN_SECONDS, settings.RUN_MEMORY_BYTES),
            progress=silent,
            beat=beat,
        )
    return Evidence.read(crate)
