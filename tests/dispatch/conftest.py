import pytest

from tests.places.conftest import built_streets, la_serena_streets  # noqa: F401


@pytest.fixture
def no_streets(settings, tmp_path):
    """A city whose streets nobody has built: ways are straight lines."""
    settings.DATA_DIR = tmp_path / "data"
    settings.OSRM_URL = ""
