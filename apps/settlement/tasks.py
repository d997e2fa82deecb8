import logging
from typing import Any

from celery import shared_task
from django.core.exceptions import ImproperlyConfigured

from apps.kernel import clock
from apps.payments import gateway
from apps.payments import queries as payments
from apps.places.models import City
from apps.settlement import operations
from apps.settlement.models import Payee

logger = logging.getLogger(__name__)


@shared_task
def settle_all(**_: Any) -> None:
    """Settle the cities where it is night.  Runs every hour, settles each once a day."""
    open_payee_accounts()
    operations.settle_due(at=clock.now())


def open_payee_accounts() -> None:
    """Have the gateway open an account for each payee whose bank account an officer has named."""
    for city in City.objects.order_by("pk"):
        operations.ensure_payees(city)
    for payee in Payee.objects.exclude(bank_account="").filter(reference="").select_related("city"):
        try:
            reference = gateway.ours().open_account(
                name=f"{payee.name} {payee.bank_account[-4:]}",
                email="",
                country=payments.country(payee.city.currency),
                key=operations.key_of(payee),
            )
        except (gateway.GatewayDown, gateway.NotUnderstood, ImproperlyConfigured) as error:
            logger.warning("payee %s has no account yet: %s", payee.pk, error)
        else:
            operations.keep_reference(
                payee_id=payee.pk,
                bank_account=payee.bank_account,
                reference=reference,
                by=operations.SETTLEMENT,
                at=clock.now(),
            )
