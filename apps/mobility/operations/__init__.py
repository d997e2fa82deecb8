"""Mobility: rides, from the question "where to?" to the drop-off."""

from apps.mobility.operations.joining import (
    PlateTaken,
    agree_to_driver,
    ask_to_drive,
    part_ways,
)
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
    limit_to_papers,
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
    "PlateTaken",
    "Stop",
    "accept_offer",
    "agree_to_driver",
    "ask_to_drive",
    "confirm_ride",
    "count_wrong_code",
    "go_on_shift",
    "leave_shift",
    "limit_to_papers",
    "note_end_of_shift",
    "note_step",
    "part_ways",
    "quote_trip",
    "stop_offering",
    "trip_of",
    "write_ride",
]
