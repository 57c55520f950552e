"""Settings of the desk. Everything that differs between installations comes from `EVIDESK_*`.

The environment variables are described in `docs/settings.md`; a test compares the two.
"""

import os
import secrets
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, but is {text!r}.")
    return int(text)


def _secret_key(data_dir: Path, demo: bool) -> str:
    """The key from the environment; a demo makes its own once and keeps it with its data."""
    if key := os.environ.get("EVIDESK_SECRET_KEY"):
        return key
    if not demo:
        raise ImproperlyConfigured(
            "Set EVIDESK_SECRET_KEY to a long random text (docs/settings.md)."
        )
    file = data_dir / "secret-key"
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)  # before there is anything to read in it
        file.write_text(secrets.token_urlsafe(64))
    return file.read_text()


DEMO = os.environ.get("EVIDESK_DEMO", "0") == "1"
DATA_DIR = Path(os.environ.get("EVIDESK_DATA_DIR", "var")).absolute()
SECRET_KEY = _secret_key(DATA_DIR, DEMO)
DEBUG = False
ALLOWED_HOSTS = [
    host.strip() for host in os.environ.get("EVIDESK_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
]
MAX_UPLOAD_BYTES = _number("EVIDESK_MAX_UPLOAD_MB", 500) * 2**20
RUN_SECONDS = _number("EVIDESK_RUN_MINUTES", 60) * 60
RUN_MEMORY_BYTES = _number("EVIDESK_RUN_MEMORY_MB", 4096) * 2**20

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "ninja",
    "evidesk.desk",
    "django.forms",
    "evidesk.desk.audit",
    "evidesk.desk.people",
    "evidesk.desk.vouchers",
    "evidesk.desk.runs",
    "evidesk.desk.lists",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "evidesk.desk.middleware.LimitBody",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evidesk.desk.middleware.ExplainRefusal",
]

ROOT_URLCONF = "evidesk.desk.urls"
WSGI_APPLICATION = "evidesk.desk.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "evidesk.desk.context.site",
            ],
            "builtins": ["evidesk.desk.templatetags.evidesk"],
        },
    }
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA_DIR / "desk.sqlite3",
        "OPTIONS": {
            # Writers queue at BEGIN instead of failing at their first write.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["evidesk.desk.people.backend.PersonBackend"]
LOGIN_URL = reverse_lazy("sign-in")

MEDIA_ROOT = DATA_DIR / "files"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = "en"
TIME_ZONE = "Europe/Berlin"
USE_TZ = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
CSRF_FAILURE_VIEW = "evidesk.desk.middleware.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 60 * 60
CSRF_COOKIE_HTTPONLY = True
# A demo speaks plain HTTP on loopback; everything else speaks HTTPS only.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not DEMO
SECURE_HSTS_SECONDS = 0 if DEMO else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEMO
SECURE_PROXY_SSL_HEADER = None if DEMO else ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
