"""Complaints in the words and shapes of Stripe, so that the SDK raises its usual exceptions."""

from typing import Any

type Json = dict[str, Any]

NAMES = {
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "account": "account",
    "balance_transaction": "balance transaction",
    "transfer_reversal": "transfer reversal",
}


class StripeError(Exception):
    """One refusal: HTTP status and the body of `error`.

    `keep` says that what the request changed before it was refused stays, as the failed charge of
    a declined card does. `before` says that the request was turned away before it began, so that
    its idempotency key is still free.
    """

    def __init__(self, status: int, *, keep: bool = False, before: bool = False, **body: Any):
        super().__init__(body.get("message", ""))
        self.status = status
        self.keep = keep
        self.before = before
        self.body: Json = {name: value for name, value in body.items() if value is not None}
        if code := self.body.get("code"):
            self.body.setdefault(
                "doc_url", f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
            )


def invalid(
    message: str, *, param: str | None = None, code: str | None = None, **more: Any
) -> StripeError:
    """The request makes no sense in the present state."""
    return StripeError(
        400, type="invalid_request_error", message=message, param=param, code=code, **more
    )


def malformed(message: str, *, param: str | None = None, code: str | None = None) -> StripeError:
    """A parameter is unknown, missing or of the wrong shape; nothing was tried."""
    return invalid(message, param=param, code=code, before=True)


def missing(kind: str, identifier: str, *, param: str, status: int = 404) -> StripeError:
    """There is no such object, or it belongs to another account."""
    return StripeError(
        status,
        type="invalid_request_error",
        code="resource_missing",
        message=f"No such {NAMES.get(kind, kind)}: '{identifier}'",
        param=param,
    )


def unauthenticated(key: str) -> StripeError:
    """The API key is absent or is not this installation's."""
    if not key:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization "
            "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
    else:
        shown = f"{key[:8]}{'*' * 12}{key[-4:]}" if len(key) > 16 else "*" * len(key)
        message = f"Invalid API Key provided: {shown}"
    return StripeError(401, type="invalid_request_error", message=message, before=True)


def foreign_account(account: str) -> StripeError:
    """The Stripe-Account header names an account this platform does not have."""
    return StripeError(
        403,
        type="invalid_request_error",
        code="account_invalid",
        message=(
            f"The provided key does not have access to account '{account}' (or that account does "
            "not exist). Application access may have been revoked."
        ),
        before=True,
    )


def unknown_url(method: str, path: str) -> StripeError:
    """No such endpoint here."""
    return StripeError(
        404,
        type="invalid_request_error",
        message=f"Unrecognized request URL ({method}: {path}).",
        before=True,
    )


def key_reused(key: str) -> StripeError:
    """The idempotency key was first used with other parameters."""
    return StripeError(
        400,
        type="idempotency_error",
        message=(
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. Try using a key other than '{key}' if you meant to execute a "
            "different request."
        ),
        before=True,
    )


def key_in_use(key: str) -> StripeError:
    """The first request with this idempotency key is still being worked on."""
    return StripeError(
        409,
        type="invalid_request_error",
        code="idempotency_key_in_use",
        message=(
            "There is currently another in-progress request using this Idempotent Key (that "
            "probably means you submitted twice, and the other request is still going through): "
            f"{key}. Please try again later."
        ),
        before=True,
    )


def broken() -> StripeError:
    """Our fault; nothing was changed."""
    return StripeError(
        500,
        type="api_error",
        message="The sandbox failed on this request. Nothing was changed.",
        before=True,
    )
