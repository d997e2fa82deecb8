"""How Stripe is asked: one client, and whether asking again helps when it does not answer."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from apps.payments.gateway.protocol import GatewayDown, NotUnderstood

TIMEOUT = 10  # seconds for one answer
RETRIES = 1  # inside one call; the attempt's own back-off does the rest

logger = logging.getLogger(__name__)


class Asking:
    """Stripe, through its own SDK; `base` sends it to a server that speaks Stripe's wire format."""

    def __init__(self, key: str, base: str = "") -> None:
        self.base = base
        self.stripe = stripe.StripeClient(
            key,
            base_addresses={"api": base} if base else None,
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the SDK raises into whether asking again helps."""
    try:
        yield
    except stripe.AuthenticationError as error:
        # Not this payment's fault, and gone for all of them when the key is put right.
        logger.error("the gateway does not know our key: %s", error)
        raise GatewayDown("the gateway does not know our key") from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise GatewayDown(str(error)) from error
    except (stripe.InvalidRequestError, stripe.IdempotencyError, stripe.PermissionError) as error:
        raise NotUnderstood(str(error)) from error
    except stripe.CardError as error:
        raise NotUnderstood(str(error)) from error
    except stripe.APIError as error:
        # 5xx, an answer that is none, or 409 while the same question is still being answered.
        raise GatewayDown(str(error)) from error


def attempt_of(metadata: Any) -> str:
    """The key of the attempt that made a thing, as we wrote it there."""
    return str(metadata["attempt"]) if metadata and "attempt" in metadata else ""
