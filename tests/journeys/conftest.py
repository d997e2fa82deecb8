import shutil
from collections.abc import Iterator

import pytest

from cityplatform.installation import ROOT
from cityplatform.running import Platform
from tests.journeys.riding import City


@pytest.fixture(scope="session")
def city() -> Iterator[City]:
    """Every process of the demo with data and ports of its own, once for all journeys."""
    folder = ROOT / ".data" / "test" / "journeys"
    shutil.rmtree(folder, ignore_errors=True)
    # As a person starts it, because journeys kill the database, too.
    with Platform(folder, mode="demo") as platform:
        yield City(platform)
    shutil.rmtree(folder, ignore_errors=True)
