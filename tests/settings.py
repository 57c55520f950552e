"""The desk's settings for the tests: a demo on a database and a folder of its own."""

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="evidesk-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)
os.environ |= {"EVIDESK_DEMO": "1", "EVIDESK_DATA_DIR": _folder}
# Never the database that somebody's shell names; tests.postgres says when it is PostgreSQL.
os.environ["EVIDESK_DATABASE_URL"] = os.environ.get("EVIDESK_TEST_DATABASE_URL", "")

from evidesk.desk.settings import *  # noqa: E402, F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# Jobs are kept, not run; tests that want a job done call it.
TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend", "QUEUES": []}}
