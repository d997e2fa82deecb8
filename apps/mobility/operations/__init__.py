"""Mobility: rides, from the question "where to?" to the drop-off."""

from apps.mobility.operations.alarm import (
    AlertClosed,
    NobodyToFear,
    acknowledge_alert,
    close_alert,
    raise_alert,
)
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
from apps.mobility.operations.sharing import RideOver, share_ride, stop_sharing
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
    "AlertClosed",
    "CannotServe",
    "NobodyToFear",
    "PlateTaken",
    "RideOver",
    "Stop",
    "accept_offer",
    "acknowledge_alert",
    "agree_to_driver",
    "ask_to_drive",
    "close_alert",
    "confirm_ride",
    "count_wrong_code",
    "go_on_shift",
    "leave_shift",
    "limit_to_papers",
    "note_end_of_shift",
    "note_step",
    "part_ways",
    "quote_trip",
    "raise_alert",
    "share_ride",
    "stop_offering",
    "stop_sharing",
    "trip_of",
    "write_ride",
]
