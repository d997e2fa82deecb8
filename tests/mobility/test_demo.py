"""The demo's drivers have their papers, so that each of them can begin to drive."""

import pytest

from apps.kernel import clock
from apps.mobility import demo, operations
from apps.parties.models import Worker
from apps.places.demo import Demo
from apps.regulation.models import Paper
from tests.factories import CityFactory


@pytest.mark.django_db
def test_every_driver_of_the_demo_may_go_on_line(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    city, at = CityFactory(), clock.now()
    for _ in range(2):
        demo.seed(Demo(city=city, at=at, people_file=tmp_path / "people.json"))
    workers = Worker.objects.active()
    for worker in workers:
        operations.go_on_shift(worker_id=worker.pk, city_id=city.pk, by=worker.actor, at=at)
    assert Paper.objects.filter(state="ACCEPTED").count() == Paper.objects.count()
    assert Paper.objects.count() == 4 * workers.count() == 28
