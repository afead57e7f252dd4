"""Rows that the policy cannot place are read, kept, and told with file and line; never with a value. Required levels are set in one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kdx_eval.load import load_dataset
from kdx_eval.report.forms.required_levels import levels_file, levels_form
from kdx_eval.schema.policy_version import load_policy

STAFF = "職員番号,雇用区分\n" + "".join(f"{number},正規\n" for number in range(1001, 1021))
SKILL_HEAD = "職員番号,スキル領域,評価日,得点,評価方法\n"
TIER_HEAD = "職員番号,区分,開始日,終了日\n"


def notes_of(folder: Path, **files: str) -> dict[str, tuple[str, ...]]:
    """Notes by file of a small delivery."""
    for name, text in {"職員": STAFF, **files}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
    dataset = load_dataset(folder, cache_dir=folder.parent / f"{folder.name}-cache")
    assert dataset.report.rows_read == dataset.report.rows_accepted + dataset.report.rows_rejected
    return {file.file: file.notes for file in dataset.report.files}


def scores(*rows: tuple[object, ...]) -> str:
    return SKILL_HEAD + "".join(f"{','.join(map(str, row))}\n" for row in rows)


def test_scores_that_cannot_be_placed_are_told_by_line(tmp_path: Path) -> None:
    rows = [(1001 + k, "BPR・業務改善", "2025-06-10", 3, "自己評価") for k in range(14)]
    rows[4] = (1005, "BPR・業務改善", "2025-06-10", 35, "自己評価")  # line 6
    rows[6] = (1007, "コミュニケーション", "2025-06-10", 4, "自己評価")  # line 8
    rows[8] = (1009, "BPR・業務改善", "2025-06-10", 4, "")  # line 10
    rows[9] = (1010, "ＢＰＲ・業務改善", "2025-06-10", 100, "テスト")  # full-width letters and the end of the scale are right
    (outside, area, blank) = sorted(notes_of(tmp_path, スキル評価=scores(*rows))["スキル評価.csv"], key=lambda note: ("尺度" not in note, "領域" not in note))
    assert "自己評価の尺度（1～5）の外にある行が1行あります（6行目）" in outside
    assert "混ざっていないか" not in outside
    assert "方針にないスキル領域の行が1行あります（8行目）" in area
    assert "「評価方法」が空欄の行が1行あります（10行目）" in blank
    assert not any("35" in note or "コミュニケーション" in note for note in (outside, area, blank))


def test_two_instruments_in_one_are_suspected_where_a_tenth_lies_outside_the_scale(tmp_path: Path) -> None:
    rows = [(1001 + k, "BPR・業務改善", "2025-06-10", 80 if k % 5 == 0 else 4, "上司評価") for k in range(20)]
    (note,) = notes_of(tmp_path, スキル評価=scores(*rows))["スキル評価.csv"]
    assert "4行あります（2行目、7行目、12行目、17行目）" in note
    assert "ほかの評価方法の得点が上司評価に混ざっていないか" in note


def test_without_instruments_nothing_can_be_counted_and_that_is_said(tmp_path: Path) -> None:
    (note,) = notes_of(tmp_path, スキル評価="職員番号,スキル領域,評価日,得点\n1001,BPR・業務改善,2025-06-10,3\n")["スキル評価.csv"]
    assert "評価方法の列がありません" in note


def test_a_history_of_tiers_with_gaps_overlaps_and_a_tier_of_its_own_is_told_by_line(tmp_path: Path) -> None:
    history = TIER_HEAD + "".join(
        f"{row}\n"
        for row in (
            "1001,全職員,2022-04-01,2024-03-31",
            "1001,DX推進人材,2024-04-01,",  # follows on the day: no gap
            "1002,全職員,2022-04-01,2023-03-31",
            "1002,DX推進人材,2024-04-01,",  # line 5: a year is missing
            "1003,全職員,2022-04-01,2024-06-30",
            "1003,DX推進人材,2024-04-01,",  # line 7: begins before the other ends
            "1004,DXマスター,2022-04-01,",  # line 8
            "1005,全職員,2022-04-01,",
            "1005,DX推進人材,2024-04-01,",  # a row without an end is ended by the next
        )
    )
    tier, gap, overlap = notes_of(tmp_path, DX人材区分履歴=history)["DX人材区分履歴.csv"]
    assert "方針にない人材区分の行が1行あります（8行目）" in tier
    assert "空白の期間がある行が1行あります（5行目）" in gap
    assert "終わる前に始まる行が1行あります（7行目）" in overlap
    assert not any("マスター" in note or "1002" in note for note in (tier, gap, overlap))


def test_the_form_of_required_levels_comes_back_as_it_was_and_as_the_city_decided(tmp_path: Path) -> None:
    shipped = load_policy()
    path = tmp_path / levels_file(shipped)
    path.parent.mkdir(parents=True)
    path.write_bytes(levels_form(shipped))
    assert load_policy(data=tmp_path).supplements.levels == shipped.supplements.levels
    text = levels_form(shipped).decode("utf-8-sig")
    row = next(line for line in text.split("\r\n") if ",everyone,bpr,supervisor," in line)
    assert "全職員" in row and "業務改革の重要性を理解し" in row  # whoever fills it in sees the policy's words
    decided = row.replace("supervisor,1,5,3,assumption", "supervisor,1,7,4,decided")
    # Excel in Japan saves CSV as CP932; and one instrument has one scale, so all of its rows must change.
    path.write_bytes(text.replace("supervisor,1,5,", "supervisor,1,7,").replace(row.replace("1,5,3", "1,7,3"), decided).encode("cp932"))
    policy = load_policy(data=tmp_path)
    level = policy.supplements.level(("everyone", "bpr"), "supervisor")
    assert level is not None
    assert (level.required, level.scale_max, level.status) == (4, 7, "decided")
    rows = [(1001 + k, "BPR・業務改善", "2025-06-10", 7, "上司評価") for k in range(4)]
    assert notes_of(tmp_path, スキル評価=scores(*rows))["スキル評価.csv"] == ()


@pytest.mark.parametrize("edited", [False, True])
def test_remarks_follow_the_city_s_own_scale_though_the_data_are_cached(tmp_path: Path, edited: bool) -> None:
    rows = [(1001 + k, "BPR・業務改善", "2025-06-10", 7, "上司評価") for k in range(4)]
    assert notes_of(tmp_path, スキル評価=scores(*rows))["スキル評価.csv"] != ()
    if edited:
        path = tmp_path / levels_file(load_policy())
        path.parent.mkdir(parents=True)
        path.write_bytes(levels_form(load_policy()).replace(b"supervisor,1,5,", b"supervisor,1,7,"))
    assert (notes_of(tmp_path, スキル評価=scores(*rows))["スキル評価.csv"] == ()) is edited
