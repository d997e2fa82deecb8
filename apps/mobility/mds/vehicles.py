"""The life of a vehicle in the words of MDS 2.0 passenger services.

Source: Mobility Data Specification 2.0.2, modes/passenger-services (Open Mobility Foundation,
CC BY 4.0): eight vehicle states and the transitions between them that are permitted.
"""

from enum import StrEnum


class Vehicle(StrEnum):
    REMOVED = "removed"
    AVAILABLE = "available"
    NON_OPERATIONAL = "non_operational"
    RESERVED = "reserved"
    ON_TRIP = "on_trip"
    STOPPED = "stopped"
    NON_CONTACTABLE = "non_contactable"
    ELSEWHERE = "elsewhere"


V = Vehicle
_CANCELLATIONS = ("driver_cancellation", "passenger_cancellation", "provider_cancellation")

# (state, event) -> the states that may follow
TRANSITIONS: dict[tuple[Vehicle, str], frozenset[Vehicle]] = {
    (V.REMOVED, "maintenance_end"): frozenset({V.NON_OPERATIONAL}),
    (V.REMOVED, "recommissioned"): frozenset({V.NON_OPERATIONAL}),
    (V.NON_OPERATIONAL, "service_start"): frozenset({V.AVAILABLE}),
    (V.NON_OPERATIONAL, "maintenance"): frozenset({V.NON_OPERATIONAL}),
    (V.NON_OPERATIONAL, "maintenance_end"): frozenset({V.NON_OPERATIONAL}),
    (V.NON_OPERATIONAL, "maintenance_pick_up"): frozenset({V.REMOVED}),
    (V.NON_OPERATIONAL, "decommissioned"): frozenset({V.REMOVED}),
    (V.NON_OPERATIONAL, "trip_leave_jurisdiction"): frozenset({V.ELSEWHERE}),
    (V.AVAILABLE, "reservation_start"): frozenset({V.RESERVED}),
    (V.AVAILABLE, "service_end"): frozenset({V.NON_OPERATIONAL}),
    (V.AVAILABLE, "trip_leave_jurisdiction"): frozenset({V.ELSEWHERE}),
    (V.RESERVED, "reservation_stop"): frozenset({V.STOPPED}),
    (V.RESERVED, "trip_leave_jurisdiction"): frozenset({V.ELSEWHERE}),
    (V.STOPPED, "trip_start"): frozenset({V.ON_TRIP}),
    (V.STOPPED, "trip_resume"): frozenset({V.ON_TRIP}),
    (V.STOPPED, "trip_end"): frozenset({V.AVAILABLE}),
    (V.ON_TRIP, "trip_stop"): frozenset({V.STOPPED}),
    (V.ON_TRIP, "trip_leave_jurisdiction"): frozenset({V.ELSEWHERE}),
    (V.ELSEWHERE, "trip_enter_jurisdiction"): frozenset(
        {V.AVAILABLE, V.NON_OPERATIONAL, V.ON_TRIP, V.RESERVED}
    ),
    (V.NON_CONTACTABLE, "comms_restored"): frozenset(V) - {V.NON_CONTACTABLE},
}
TRANSITIONS |= {
    (state, event): frozenset({V.AVAILABLE})
    for state in (V.RESERVED, V.STOPPED)
    for event in _CANCELLATIONS
}
TRANSITIONS |= {
    (state, "comms_lost"): frozenset({V.NON_CONTACTABLE})
    for state in V
    if state != V.NON_CONTACTABLE
}


class Illegal(ValueError):
    """No vehicle goes from this state by this event."""


def follow(state: Vehicle, event: str, to: Vehicle | None = None) -> Vehicle:
    """The state after an event; `to` says which where the specification leaves a choice.

    Raises `Illegal`.
    """
    after = TRANSITIONS.get((state, event), frozenset())
    if to is None and len(after) == 1:
        return next(iter(after))
    if to in after:
        return to
    raise Illegal(f"{event} from {state}" + (f" to {to}" if to else ""))


# What a step of a ride means for the vehicle.
EVENTS_OF_STEP: dict[str, tuple[str, ...]] = {
    "assign": ("reservation_start",),
    "arrive": ("reservation_stop",),
    "board": ("trip_start",),
    "reach_stop": ("trip_stop",),
    "go_on": ("trip_resume",),
    "drop_off": ("trip_stop", "trip_end"),
    "end_at_stop": ("trip_end",),
    "give_back": ("driver_cancellation",),
    "no_show": ("driver_cancellation",),
    "cancel": ("passenger_cancellation",),
    "call_off": ("provider_cancellation",),
}
