"""A synthetic city (合成データ) with a known true effect, for trying the tool and for testing it."""

from __future__ import annotations

from kdx_eval.synthetic_city.city import City, simulate_city, truth
from kdx_eval.synthetic_city.delivery import CityFiles, make_city
from kdx_eval.synthetic_city.design import CitySize, Mechanism
from kdx_eval.synthetic_city.scale import write_workload

__all__ = ["City", "CityFiles", "CitySize", "Mechanism", "make_city", "simulate_city", "truth", "write_workload"]
