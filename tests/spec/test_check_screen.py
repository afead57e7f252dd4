"""``kdx-eval check`` shows what is suspect, the months, and how the values are spread, each in a few lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from command_line import kdx

from tests.quality_city import departments_text, overtime, worktime_text


def shown(folder: Path, files: dict[str, str]) -> str:
    data = folder / "data"
    data.mkdir()
    for name, text in files.items():
        (data / name).write_text(text, encoding="utf-8", newline="\n")
    done = kdx("check", str(data), home=folder / "home")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_findings_stand_with_their_remedy_and_months_as_marks(tmp_path: Path) -> None:
    values = overtime(months=36)
    values[3, 7] *= 60
    values[:, 20] = values[:, 19]
    values[5, 26] = np.nan
    text = shown(tmp_path, {"時間外勤務.csv": worktime_text(values, drop=lambda row, at: at == 28), "所属.csv": departments_text(12)})
    lines = text.splitlines()
    grave = next(line for line in lines if "【直す】" in line)
    assert "すべての所属の値が同じです" in grave
    (unit,) = [at for at, line in enumerate(lines) if "60倍" in line]
    assert "第3課" in lines[unit]
    assert "→" in lines[unit + 1]
    assert "    R5～R6年度  ■■■■■■■■■■■■" in lines
    assert "    R7年度  ■■・■○■■■■■■■" in lines
    assert "時間外勤務時間" in text.split("■ 値の散らばり")[1]
    assert "〓" not in text


def test_sound_data_are_said_to_be_sound(tmp_path: Path) -> None:
    text = shown(tmp_path, {"時間外勤務.csv": worktime_text(overtime(months=24))})
    assert "数字を疑う理由は見つかりませんでした" in text
    assert "    R5～R6年度  ■■■■■■■■■■■■" in text


def test_a_yearly_count_has_one_mark_a_year(tmp_path: Path) -> None:
    rows = "所属コード,年月,実員\n" + "".join(f"D{row:02d},{year}-10,{10 + row}\n" for row in range(6) for year in (2022, 2023, 2024))
    text = shown(tmp_path, {"人員.csv": rows})
    assert "    R4～R6年度  　　　　　　■" in text.splitlines()
