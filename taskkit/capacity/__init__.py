"""How much a stack can do: unit costs that were measured, what they add up to, and where it ends.

Pure: it asks nobody. `tests/scale` measures the costs and holds predictions against what it sees.
"""

from .costs import MEASURED, Cost, Costs, costs_of
from .plant import Load, Plant
from .prediction import Prediction, Wall, predict
from .queueing import Station, erlang_c, mean_wait_s, simulate
from .way import stations

__all__ = [
    "MEASURED",
    "Cost",
    "Costs",
    "Load",
    "Plant",
    "Prediction",
    "Station",
    "Wall",
    "costs_of",
    "erlang_c",
    "mean_wait_s",
    "predict",
    "simulate",
    "stations",
]
