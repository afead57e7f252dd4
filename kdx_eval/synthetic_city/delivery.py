"""Writing a city to disk, with its truth beside the data and never inside."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from kdx_eval.errors import OutputError
from kdx_eval.plan import freeze_plan
from kdx_eval.synthetic_city.city import City, simulate_city, truth
from kdx_eval.synthetic_city.delivery_full import write_full
from kdx_eval.synthetic_city.delivery_minimal import write_minimal
from kdx_eval.synthetic_city.design import EVALUATED, CitySize, Mechanism


@dataclass(frozen=True, slots=True, kw_only=True)
class CityFiles:
    """Where a written city lies: the data folder, and truth.json (with truth_effects.csv beside it)."""

    data: Path
    truth: Path


def make_city(
    out: Path,
    *,
    minimal: bool = False,
    seed: int = 2025,
    size: CitySize | None = None,
    mechanism: Mechanism | None = None,
) -> CityFiles:
    """Simulate the city of ``seed`` and write its delivery to ``out/data`` and its truth to ``out``.

    The full and the minimal delivery of one seed describe the same city; the same seed gives the same bytes.

    Raises
    ------
    OutputError
        When ``out/data`` exists and holds files: an older city is never mixed with a new one.
    """
    out = Path(out)
    data = out / "data"
    if data.exists() and any(data.iterdir()):
        raise OutputError("出力先にすでにファイルがあります", place=str(data), hint="空のフォルダを指定してください")
    city = simulate_city(size=size, mechanism=mechanism, seed=seed)
    planted = [] if minimal else write_full(city, data)
    if minimal:
        write_minimal(city, data)
    else:
        # The city asked its questions before the evaluated year began, as the tool advises.
        freeze_plan(data / "plan.yaml", on=EVALUATED.first.first_day - dt.timedelta(days=14))
    return CityFiles(data=data, truth=_write_truth(city, out, delivery="minimal" if minimal else "full", planted=[asdict(p) for p in planted]))


def _write_truth(city: City, out: Path, *, delivery: str, planted: list[dict[str, object]]) -> Path:
    effects = city.effects()
    effects["month"] = effects["month"].dt.strftime("%Y-%m")
    effects["effect"] = effects["effect"].round(6) + 0.0  # no negative zero
    (out / "truth_effects.csv").write_text(effects.to_csv(index=False, lineterminator="\n"), encoding="utf-8", newline="\n")
    content = truth(city) | {"delivery": delivery, "planted_faults": planted}
    path = out / "truth.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    return path
