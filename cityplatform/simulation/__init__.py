"""People for a city: drivers who drive and riders who ask, over the public API and nothing else.

    from cityplatform.simulation import Options, Simulation, load

    simulation = Simulation(url, load(data / "crowd.json"), Options(drivers=6, rides=10, seed=7))
    summary = asyncio.run(simulation.run())
    simulation.records          # what the city acknowledged, ride by ride

Every person decides by a stream of chance of their own, `Random(f"{seed}/{name}")`, so the same
seed makes the same people want the same things; what comes of it is up to the city.

A vertical that comes later adds its people as one more `Population` (see `world.py`): a class
with a name, `live()`, which plays its people until `world.closing` is set and they are at rest,
and `says()`, its part of the line of progress.  It is added to `POPULATIONS` in `running.py`.
"""

from cityplatform.simulation.crowd import Crowd, Key, TooFew, load
from cityplatform.simulation.habits import Habits
from cityplatform.simulation.records import Record, Summary
from cityplatform.simulation.running import Options, Simulation, run

__all__ = [
    "Crowd",
    "Habits",
    "Key",
    "Options",
    "Record",
    "Simulation",
    "Summary",
    "TooFew",
    "load",
    "run",
]
