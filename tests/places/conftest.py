from pathlib import Path

import pytest
from django.conf import settings

from apps.places import loading
from apps.places.demo import la_serena
from apps.places.management.commands.load_demo_city import demo_extract


@pytest.fixture(scope="session")
def la_serena_streets() -> Path:
    """The demo city's streets in force, built once and kept for the next run."""
    extract = demo_extract(Path(settings.DATA_DIR))
    loading.activate(la_serena.SLUG, loading.build(extract, la_serena.SLUG))
    return extract


@pytest.fixture
def own_data(settings, tmp_path) -> Path:
    """A folder for cities that only this test knows."""
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR
