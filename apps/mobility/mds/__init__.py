"""Rides in the words of the Mobility Data Specification 2.0.2.

The specification is the Open Mobility Foundation's (CC BY 4.0).
What is told to whom, and what the specification cannot say, stands in docs/mds.md.
"""

from apps.mobility.mds.vehicles import EVENTS_OF_STEP, TRANSITIONS, Illegal, Vehicle, follow

__all__ = ["EVENTS_OF_STEP", "TRANSITIONS", "Illegal", "Vehicle", "follow"]
