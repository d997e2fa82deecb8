"""What a phone keeps of the shell, so that a page stands without a signal."""

import hashlib

from django.templatetags.static import static

FILES = (
    "css/tokens.css",
    "css/base.css",
    "css/layout.css",
    "css/forms.css",
    "css/parts.css",
    "css/feedback.css",
    "css/map.css",
    "web/home.css",
    "mobility/rides.css",
    "orders/receipt.css",
    "vendor/figtree/figtree-latin-wght-normal.woff2",
    "vendor/htmx/htmx.min.js",
    "js/app.js",
    "js/installed.js",
    "js/socket.js",
    "img/mark.svg",
)


def addresses() -> list[str]:
    """Where the files are: under names that change with what is in them."""
    return [static(name) for name in FILES]


def version(script: str) -> str:
    """Changes with the name of any file of the shell, and with the script that keeps them."""
    told = hashlib.sha256("\0".join([script, *addresses()]).encode())
    return told.hexdigest()[:12]
