from apps.audit import operations
from apps.bus import operations as bus


@bus.subscribe(bus.EVERY_TOPIC, many=True)
def keep(events: list[bus.Told]) -> None:
    operations.keep(events=events)
