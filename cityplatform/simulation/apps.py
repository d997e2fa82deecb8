from django.apps import AppConfig


class SimulationConfig(AppConfig):
    """Only so that `manage.py simulate` is found: it has no table and serves nothing."""

    name = "cityplatform.simulation"
    label = "simulation"
