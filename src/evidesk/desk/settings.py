"""Settings of the desk. Everything that differs between installations comes from `EVIDESK_*`.

The environment variables are described in `docs/settings.md`; a test compares the two.
"""

import os
import secrets
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from evidesk.desk.database import postgresql, sqlite
from evidesk.desk.mail_settings import mail_settings
from evidesk.desk.people.log_in import centres, entitlements


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, but is {text!r}.")
    return int(text)


def _words(name: str, default: str) -> list[str]:
    return os.environ.get(name, default).split()


def _homes(name: str) -> dict[str, str]:
    if not (text := os.environ.get(name, "")).strip():
        return centres.HELMHOLTZ
    try:
        return centres.parse(text)
    except ValueError as fault:
        raise ImproperlyConfigured(
            f"{name} must be * or like kit.edu=KIT, hzdr.de=HZDR, but has {str(fault)!r}."
        ) from None


def _groups(name: str) -> list[entitlements.Entitlement]:
    """Paths of groups, with commas, for they may hold spaces."""
    found = []
    for text in filter(None, map(str.strip, os.environ.get(name, "").split(","))):
        if (group := entitlements.parse_path(text)) is None:
            raise ImproperlyConfigured(
                f"{name} must hold groups like HIFIS:Consulting:role=lead, but has {text!r}."
            )
        found.append(group)
    return found


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


def _database(data_dir: Path) -> dict[str, Any]:
    """SQLite in the data folder, unless the environment names a PostgreSQL database."""
    if not (url := os.environ.get("EVIDESK_DATABASE_URL")):
        return sqlite(data_dir / "desk.sqlite3")
    password_file = os.environ.get("EVIDESK_DATABASE_PASSWORD_FILE")
    return postgresql(url, Path(password_file) if password_file else None)


DEMO = os.environ.get("EVIDESK_DEMO", "0") == "1"
DATA_DIR = Path(os.environ.get("EVIDESK_DATA_DIR", "var")).absolute()
SECRET_KEY = _secret_key(DATA_DIR, DEMO)
DEBUG = False
ALLOWED_HOSTS = [
    host.strip() for host in os.environ.get("EVIDESK_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
]
MAX_UPLOAD_BYTES = _number("EVIDESK_MAX_UPLOAD_MB", 500) * 2**20
#: Where ClamAV's clamd listens, if uploads are to be scanned.
CLAMD = os.environ.get("EVIDESK_CLAMD", "")
RUN_SECONDS = _number("EVIDESK_RUN_MINUTES", 60) * 60
#: Whom to write to; shown on the privacy page, and to those who are not let in.
CONTACT = os.environ.get("EVIDESK_CONTACT", "")
# After so many days it is erased; 0 keeps it for ever.
RETAIN_DRAFT_DAYS = _number("EVIDESK_RETAIN_DRAFT_DAYS", 365)
RETAIN_INQUIRY_DAYS = _number("EVIDESK_RETAIN_INQUIRY_DAYS", 730)
RETAIN_FILE_DAYS = _number("EVIDESK_RETAIN_FILE_DAYS", 1825)
RETAIN_MAIL_DAYS = _number("EVIDESK_RETAIN_MAIL_DAYS", 180)
RETAIN_PERSON_DAYS = _number("EVIDESK_RETAIN_PERSON_DAYS", 1095)
RUN_MEMORY_BYTES = _number("EVIDESK_RUN_MEMORY_MB", 4096) * 2**20

MAIL = mail_settings(
    demo=DEMO,
    base_url=os.environ.get("EVIDESK_BASE_URL", ""),
    smtp_url=os.environ.get("EVIDESK_SMTP_URL", ""),
    mail_from=os.environ.get("EVIDESK_MAIL_FROM", ""),
    inbox_url=os.environ.get("EVIDESK_INBOX_URL", ""),
)
DIGEST_HOUR = _number("EVIDESK_MAIL_DIGEST_HOUR", 7)
if DIGEST_HOUR > 23:
    raise ImproperlyConfigured("EVIDESK_MAIL_DIGEST_HOUR must be an hour of the day, 0 to 23.")
# Log-in: docs/log_in.md
OIDC_ISSUER = os.environ.get("EVIDESK_OIDC_ISSUER", "").strip()
OIDC_CLIENT_ID = os.environ.get("EVIDESK_OIDC_CLIENT_ID", "").strip()
OIDC_CLIENT_SECRET = os.environ.get("EVIDESK_OIDC_CLIENT_SECRET", "").strip()
OIDC_NAME = os.environ.get("EVIDESK_OIDC_NAME", "Helmholtz AAI").strip()
OIDC_SCOPES = os.environ.get(
    "EVIDESK_OIDC_SCOPES",
    "openid profile email entitlements eduperson_entitlement eduperson_assurance "
    "voperson_external_affiliation org_domain acr",
)
OIDC_HOMES = _homes("EVIDESK_OIDC_HOMES")
OIDC_GROUP_NAMESPACES = _words(
    "EVIDESK_OIDC_GROUP_NAMESPACES", "urn:geant:helmholtz.de urn:geant:h-df.de"
)
OIDC_GROUP_AUTHORITY = os.environ.get("EVIDESK_OIDC_GROUP_AUTHORITY", "login.helmholtz.de").strip()
OIDC_REQUIRED_GROUPS = _groups("EVIDESK_OIDC_REQUIRED_GROUPS")
OIDC_ASSURANCE = frozenset(
    _words(
        "EVIDESK_OIDC_ASSURANCE",
        "https://refeds.org/assurance/profile/cappuccino "
        "https://refeds.org/assurance/profile/espresso",
    )
)
OIDC_MFA = _words("EVIDESK_OIDC_MFA", "https://refeds.org/profile/mfa")

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
    "evidesk.desk.workers",  # before django_tasks_db, whose command it extends
    "django_tasks_db",
    "ninja",
    "evidesk.desk",
    "django.forms",
    "evidesk.desk.audit",
    "evidesk.desk.people",
    "evidesk.desk.rest",
    "evidesk.desk.vouchers",
    "evidesk.desk.runs",
    "evidesk.desk.watches",
    "evidesk.desk.lists",
    "evidesk.desk.notices",
    "evidesk.desk.hooks",
    "evidesk.desk.privacy",
    "evidesk.desk.office",
    "evidesk.desk.operations",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "evidesk.desk.middleware.RefuseMethods",
    "evidesk.desk.middleware.LimitBody",
    "evidesk.desk.middleware.LimitRate",
    "evidesk.desk.middleware.OtherHeaders",
    "evidesk.desk.middleware.RefuseNull",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "evidesk.desk.people.languages.SpeakTheirLanguage",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "evidesk.desk.middleware.ExplainRefusal",
    "evidesk.desk.middleware.AskForConsent",
    "evidesk.desk.notices.middleware.SeenOnThePage",
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
                "evidesk.desk.notices.context.notices",
            ],
            "builtins": ["evidesk.desk.templatetags.evidesk"],
        },
    }
]

FORM_RENDERER = "evidesk.desk.forms.DeskRenderer"

DATABASES = {"default": _database(DATA_DIR)}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["evidesk.desk.people.backend.PersonBackend"]
LOGIN_URL = reverse_lazy("sign-in")
SESSION_ENGINE = "evidesk.desk.people.sessions"

MEDIA_ROOT = DATA_DIR / "files"
#: Where kits note how far their runs are; nothing in it is worth a backup.
CHECKPOINT_ROOT = DATA_DIR / "checkpoints"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LANGUAGE_CODE = "en"
#: Each is called what it calls itself.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
#: The catalog of what the apps share; each app has its own.
LOCALE_PATHS = [Path(__file__).parent / "locale"]
FORMAT_MODULE_PATH = "evidesk.desk.formats"
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
TIME_ZONE = "Europe/Berlin"
USE_TZ = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        # Only what a page of ours names by its nonce; not even other files of this site.
        "script-src": [NONCE],
        "style-src": [NONCE],
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
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
# A demo speaks plain HTTP on loopback; everything else speaks HTTPS only.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not DEMO
SECURE_SSL_REDIRECT = not DEMO
SECURE_HSTS_SECONDS = 0 if DEMO else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEMO
SECURE_PROXY_SSL_HEADER = None if DEMO else ("HTTP_X_FORWARDED_PROTO", "https")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
