"""Mobility: rides, from the question "where to?" to the drop-off."""

from apps.mobility.operations.quoting import (
    NEAREST_RIDE_METRES,
    NEEDS,
    SEATS,
    VERTICAL,
    CannotServe,
    Stop,
    quote_trip,
    trip_of,
)
from apps.mobility.operations.riding import (
    CODE_TRIES,
    accept_offer,
    confirm_ride,
    count_wrong_code,
    note_step,
    write_ride,
)
from apps.mobility.operations.shifts import (
    go_on_shift,
    leave_shift,
    note_end_of_shift,
    stop_offering,
)

__all__ = [
    "CODE_TRIES",
    "NEAREST_RIDE_METRES",
    "NEEDS",
    "SEATS",
    "VERTICAL",
    "CannotServe",
    "Stop",
    "accept_offer",
    "confirm_ride",
    "count_wrong_code",
    "go_on_shift",
    "leave_shift",
    "note_end_of_shift",
    "note_step",
    "quote_trip",
    "stop_offering",
    "trip_of",
    "write_ride",
]
