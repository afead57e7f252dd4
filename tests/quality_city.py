"""A small city's monthly overtime as one would type it, into which a test plants a fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kdx_eval.load import Dataset, load_dataset
from kdx_eval.units import Month

FIRST = Month.of(2023, 4)
SEASON = (2.4, 1.1, 0.9, 0.8, 0.7, 0.8, 0.9, 0.8, 0.8, 0.9, 1.0, 2.4)  # April and March far above the rest
Hours = npt.NDArray[np.float64]
Plant = Callable[[Hours], None]


def overtime(*, departments: int = 12, months: int = 24, seed: int = 1, noise: float = 0.15) -> Hours:
    """(N, T) overtime hours of departments of 5 to 40 people with strong seasons, one decimal."""
    rng = np.random.default_rng(seed)
    level = 13.0 * rng.integers(5, 41, size=(departments, 1))
    season = np.array([SEASON[k % 12] for k in range(months)])
    return np.round(level * season * np.exp(noise * rng.standard_normal((departments, months))), 1)


def code(row: int) -> str:
    return f"D{row:02d}"


def worktime_text(values: Hours, *, heading: str = "時間外勤務時間", drop: Callable[[int, int], bool] = lambda row, month: False) -> str:
    """A long list; NaN is a blank cell, ``drop`` leaves a row out."""
    lines = [f"所属コード,年月,{heading}"]
    lines += [
        f"{code(row)},{FIRST + at},{'' if np.isnan(value) else f'{value:g}' if value < 1e5 else f'{value:.1f}'}"
        for row, line in enumerate(values)
        for at, value in enumerate(line)
        if not drop(row, at)
    ]
    return "\n".join(lines) + "\n"


def deliver(folder: Path, files: dict[str, str]) -> Dataset:
    """Write the files and load them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return load_dataset(folder)


def departments_text(count: int, *, extra: str = "") -> str:
    """A list of departments without dates."""
    return "所属コード,所属名,開始日,終了日\n" + "".join(f"{code(row)},第{row}課,,\n" for row in range(count)) + extra


def roster_text(heads: list[int]) -> str:
    """所属履歴: so many people in each department, posted throughout."""
    lines = ["職員番号,所属コード,開始日,終了日"]
    number = 0
    for row, count in enumerate(heads):
        for _ in range(count):
            number += 1
            lines.append(f"{number:05d},{code(row)},2020-04-01,")
    return "\n".join(lines) + "\n"
