"""What production may not do without, and what it may not have."""

from collections.abc import Mapping
from urllib.parse import urlsplit

NEEDED = (
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "NATS_URL",
    "VALKEY_URL",
    "SEAL_KEY_FILE",
    "EMAIL_HOST",
)


def faults(env: Mapping[str, str]) -> list[str]:
    """Say what is unset or unsafe, each in a few words.  Empty: production may start.

    An unset STRIPE_API_KEY is no fault: payments are refused then, never faked.
    """
    found = [f"{name} is unset" for name in NEEDED if not env.get(name)]
    if 0 < len(env.get("SECRET_KEY", "")) < 50:
        found.append("SECRET_KEY is shorter than 50 characters")
    if "*" in env.get("ALLOWED_HOSTS", "").split(","):
        found.append("ALLOWED_HOSTS names every host")
    key = env.get("STRIPE_API_KEY", "")
    if key and not key.startswith(("sk_live_", "rk_live_")):
        found.append("STRIPE_API_KEY is not a live key")
    if key and not env.get("STRIPE_WEBHOOK_SECRET"):
        found.append("STRIPE_WEBHOOK_SECRET is unset")
    if env.get("STRIPE_API_BASE"):
        found.append("STRIPE_API_BASE points away from Stripe")
    if urlsplit(env.get("DATABASE_URL", "")).username in ("city_owner", "postgres", "city"):
        found.append("DATABASE_URL uses a role that owns tables")
    if env.get("DEMO_PASSWORD"):
        found.append("DEMO_PASSWORD is set, and demo people may not exist")
    return found
