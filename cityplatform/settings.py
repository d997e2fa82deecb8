"""Settings: one file, read from the environment.

`MODE` says what may exist: a demo (the default), a test, or production.  A demo finds what
its start wrote into `.data/env`, so that `manage.py` in another terminal needs nothing
exported.  Production reads only the environment and refuses to start on unsafe values.
"""

import atexit
import os
import secrets
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static
from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _
from kombu.entity import Queue

from cityplatform import production
from cityplatform.schedule import SCHEDULE

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("CITY_DATA_DIR") or BASE_DIR / ".data")

MODE = os.environ.get("MODE", "demo")
if MODE not in ("demo", "test", "production"):
    raise ImproperlyConfigured(f"MODE is {MODE!r}: demo, test or production")

ENV = dict(os.environ)
if MODE == "demo" and (DATA_DIR / "env").exists():
    lines = (DATA_DIR / "env").read_text().splitlines()
    ENV = dict(line.split("=", 1) for line in lines) | ENV
if MODE == "production" and (faults := production.faults(ENV)):
    raise ImproperlyConfigured("MODE=production refuses to start: " + "; ".join(faults))


def env(name: str, otherwise: str = "") -> str:
    return ENV.get(name) or otherwise


def env_list(name: str) -> list[str]:
    return [part.strip() for part in env(name).split(",") if part.strip()]


# What only a production that was checked above, or a start of the demo, sets.
SECRET_KEY = env("SECRET_KEY") or secrets.token_urlsafe(64)
SECRET_KEY_FALLBACKS = env_list("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "testserver"]
DEBUG = False

# --- apps, by floor ---------------------------------------------------------------------

INSTALLED_APPS = [
    "apps.bus",
    "apps.audit",
    "apps.parties",
    "apps.notifications",
    "apps.places",
    "apps.regulation",
    "apps.listings",
    "apps.dispatch",
    "apps.ledger",
    "apps.pricing",
    "apps.payments",
    "apps.orders",
    "apps.settlement",
    "apps.treasury",
    "apps.disputes",
    "apps.reviews",
    "apps.mobility",
    "apps.inspection",
    "apps.web",
    "apps.api",
    "apps.insight",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_htmx",
]
if MODE != "production":
    INSTALLED_APPS.append("cityplatform.simulation")

MIDDLEWARE = [
    "cityplatform.middleware.measure",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "cityplatform.middleware.loosen_for_officers",
    "cityplatform.middleware.name_the_door",
    "cityplatform.middleware.NameTheOrder",
    "apps.inspection.middleware.only_looking",
]
ROOT_URLCONF = "cityplatform.urls"
ASGI_APPLICATION = "cityplatform.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.web.context.shell",
            ]
        },
    }
]

# --- truth ------------------------------------------------------------------------------

# Migrations run as the owner of the tables, everything else as a role that owns none.
_URL = "DATABASE_OWNER_URL" if env("DATABASE_ROLE") == "owner" else "DATABASE_URL"
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        env(_URL, "postgres://city_app@%2Fnonexistent/city"), conn_health_checks=True
    )
}
if env("DATABASE_POOL"):
    # For web and worker, whose threads come and go.  Everybody else holds one connection.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": int(env("DATABASE_POOL")),
        "timeout": 10,
    }

    @atexit.register
    def _close_pool() -> None:
        """Let the pool's threads go; at the end of Python they would be waited for."""
        from django.db import connection

        connection.close_pool()  # type: ignore[attr-defined]


DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- engines ----------------------------------------------------------------------------

NATS_URL = env("NATS_URL")
# An osrm-routed elsewhere, `{city}` standing for the city; empty: OSRM in every process.
OSRM_URL = env("OSRM_URL")
VALKEY_URL = env("VALKEY_URL", "redis://127.0.0.1:6379")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [f"{VALKEY_URL}/0"], "prefix": "city"},
    }
}
CACHES = {
    "default": {
        "BACKEND": "cityplatform.cache.ForgivingCache",
        "LOCATION": f"{VALKEY_URL}/1",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}

CELERY_BROKER_URL = f"{VALKEY_URL}/0"
# kombu's own times would let a crashed worker's task wait for an hour.  The first must
# exceed the longest task and the longest countdown, or tasks run twice.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 15,
    "global_keyprefix": "work.",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ALWAYS_EAGER = env("CELERY_EAGER", "1" if MODE == "test" else "0") == "1"
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_TASK_DEFAULT_QUEUE = "city"
# What rings at a locked phone has a queue, and a process, of its own: it waits for nothing else.
CELERY_TASK_QUEUES = [Queue("city"), Queue("money"), Queue("news"), Queue("ring")]
CELERY_TASK_ROUTES = {
    "apps.payments.tasks.*": {"queue": "money"},
    "apps.settlement.tasks.*": {"queue": "money"},
    "apps.treasury.tasks.*": {"queue": "money"},
    "apps.disputes.tasks.*": {"queue": "money"},
    "apps.notifications.tasks.*": {"queue": "news"},
}
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "beat" / "schedule")

# --- money ------------------------------------------------------------------------------

# Who invoices the platform's fees.
PLATFORM_NAME = env("PLATFORM_NAME", "City platform")
PLATFORM_TAX_ID = env("PLATFORM_TAX_ID", "")
STRIPE_API_KEY = env("STRIPE_API_KEY")
STRIPE_API_BASE = env("STRIPE_API_BASE")
STRIPE_PUBLISHABLE_KEY = env("STRIPE_PUBLISHABLE_KEY")
STRIPE_WEBHOOK_SECRET = env("STRIPE_WEBHOOK_SECRET")
SANDBOX_CONTROL_PASSWORD = env("SANDBOX_CONTROL_PASSWORD")
# The password of the demo people.  Only a start of the demo sets it.
DEMO_PASSWORD = env("DEMO_PASSWORD") if MODE != "production" else ""
# The key that seals the logs lives outside the database.
SEAL_KEY_FILE = env("SEAL_KEY_FILE", str(DATA_DIR / "keys" / "seal.pem"))

# --- news for people --------------------------------------------------------------------

# The key by which push servers know this city (VAPID).  Production without it sends no push.
_OWN_KEY = "" if MODE == "production" else str(DATA_DIR / "keys" / "push.pem")
PUSH_KEY_FILE = env("PUSH_KEY_FILE", _OWN_KEY)
# Push servers stand on public addresses; tests bring their own, on this machine.
PUSH_TO_THIS_MACHINE = MODE == "test"

# --- people -----------------------------------------------------------------------------

AUTH_USER_MODEL = "parties.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "guardian.backends.ObjectPermissionBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if MODE == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ANONYMOUS_USER_NAME = None
ACCOUNT_ADAPTER = "apps.parties.adapter.AccountAdapter"
ACCOUNT_SIGNUP_FORM_CLASS = "apps.parties.forms.SignUp"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if MODE == "production" else "optional"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
MAILERS: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
}
if env("EMAIL_HOST"):
    MAILERS["default"] = {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "OPTIONS": {
            "host": env("EMAIL_HOST"),
            "port": int(env("EMAIL_PORT", "587")),
            "username": env("EMAIL_HOST_USER"),
            "password": env("EMAIL_HOST_PASSWORD"),
            "use_tls": env("EMAIL_USE_TLS", "1") == "1",
            # A mailbox that says nothing must not keep a worker.
            "timeout": 10,
        },
    }
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "city@localhost")
# Where people reach the pages, for the links in mails and for the way back from a payer's bank.
PUBLIC_URL = env("PUBLIC_URL") or env("WEB_URL") or f"https://{ALLOWED_HOSTS[0].lstrip('.')}"

# --- language and time ------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("es", _("Spanish"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# --- what a browser may do --------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:", "blob:"],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    # A form that adds a card leads on to the bank's own page.
    "form-action": [CSP.SELF, env("STRIPE_API_BASE") or "https://checkout.stripe.com"],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
}
SECURE_CSP_ADMIN = SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
if MODE == "production":
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = int(env("SECURE_HSTS_SECONDS", str(365 * 24 * 3600)))
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# What is larger as a whole is not even read; the next two are Django's own.
FILE_UPLOAD_HANDLERS = [
    "cityplatform.uploads.Limited",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_PERMISSIONS = 0o600

# --- files ------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env("STATIC_ROOT", str(DATA_DIR / "static")))
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
# Tests read the files where they stand; whoever serves pages collects them first.
_HASHED = env("STATIC_HASHED", "0" if MODE == "test" else "1") == "1"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "cityplatform.files.HashedFiles"
        if _HASHED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# --- API --------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.parties.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.kernel.asked.JSON"],
    "DEFAULT_SCHEMA_CLASS": "apps.kernel.describing.Schema",
    "DEFAULT_PAGINATION_CLASS": "apps.api.paging.Pages",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"anon": "60/min", "user": "600/min"},
    # The address says nothing of the form of the answer.
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "apps.api.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "cityplatform",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "ENUM_NAME_OVERRIDES": {
        "CaseAbout": "apps.regulation.models.CaseFile.About",
        "CaseKind": "apps.regulation.models.CaseKind",
        "CaseState": "apps.regulation.models.CaseFile.State",
        "CheckAnswer": "apps.mobility.models.SafetyCheck.Said",
        "ComplaintAbout": "apps.regulation.api_cases.ABOUT",
        "FavouriteKind": "apps.places.models.Favourite.Kind",
        "OrderState": "apps.orders.models.Order.State",
        "PaymentState": "apps.payments.models.Payment.State",
        "PayoutState": "apps.settlement.models.Payout.State",
    },
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- admin ------------------------------------------------------------------------------

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("City office"),
    "SITE_HEADER": _("City office"),
    "SITE_URL": "/",
    "DASHBOARD_CALLBACK": "apps.insight.views.dashboard",
    "STYLES": [lambda request: static("insight/office.css")],
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("img/mark.svg"),
        }
    ],
}

# --- what is measured -------------------------------------------------------------------

# Whoever reads /metrics shows this word.  Unset: there is no such address.
METRICS_TOKEN = env("METRICS_TOKEN")

# --- what the processes say -------------------------------------------------------------

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "cityplatform.logs.Line"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "stream": "ext://sys.stdout",
        }
    },
    "root": {"handlers": ["stdout"], "level": env("LOG_LEVEL", "INFO")},
    "loggers": {
        name: {"handlers": [], "propagate": True}
        for name in ("django", "django.server", "uvicorn", "uvicorn.access", "celery")
    }
    # They tell of every call; ours are told by those who make them.
    | {name: {"level": "WARNING"} for name in ("stripe", "httpx")},
}
