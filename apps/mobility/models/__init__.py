from apps.mobility.models.foreign import ForeignEvent, ForeignPoint, ForeignTrip, ForeignVehicle
from apps.mobility.models.lost import LostItem, LostStep
from apps.mobility.models.rides import (
    SHARED_AFTER_RIDE,
    Alert,
    Ride,
    SafetyCheck,
    SafetyRules,
    ShareLink,
    Vehicle,
    VehicleEvent,
)

__all__ = [
    "SHARED_AFTER_RIDE",
    "Alert",
    "ForeignEvent",
    "ForeignPoint",
    "ForeignTrip",
    "ForeignVehicle",
    "LostItem",
    "LostStep",
    "Ride",
    "SafetyCheck",
    "SafetyRules",
    "ShareLink",
    "Vehicle",
    "VehicleEvent",
]
