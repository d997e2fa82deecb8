from collections.abc import Iterator

import pytest
from django.conf import settings as configured

from tests.notifications.receiver import PushServer


@pytest.fixture
def push_server() -> Iterator[PushServer]:
    with PushServer() as server:
        yield server


@pytest.fixture(autouse=True)
def own_key(tmp_path, settings) -> None:
    """Every test's city has a key of its own."""
    assert configured.MODE == "test"
    settings.PUSH_KEY_FILE = str(tmp_path / "keys" / "push.pem")
