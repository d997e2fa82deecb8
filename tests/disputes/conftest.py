from tests.payments.conftest import bank, money_bank

__all__ = ["bank", "money_bank"]
