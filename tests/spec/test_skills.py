"""The skill map: hand-worked indicators, instruments kept apart, what is set aside, what is masked, series cut where a definition changed."""

from __future__ import annotations

import datetime as dt
import statistics
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import report_city
from hypothesis import given, settings
from hypothesis import strategies as st
from small_tables import SmallTables

from kdx_eval.policy.course_cover import cover_cells
from kdx_eval.policy.skill_measures import describe, gain_of
from kdx_eval.policy.skills import GROUPS, SkillCell, Skills, skill_map_of
from kdx_eval.report.blocks import Table
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.policy_parts.skills import SECTION
from kdx_eval.report.tables import show_table
from kdx_eval.results import read_results, save_result
from kdx_eval.schema.policy_version import PolicyVersion, RequiredLevel, load_policy
from kdx_eval.units import FiscalYear

POLICY = load_policy()
YEAR = FiscalYear(2025)
SKILLS = "staff_id VARCHAR, skill_area VARCHAR, assessed_on DATE, score DECIMAL(6,2), instrument VARCHAR"
TIERS = "staff_id VARCHAR, tier VARCHAR, valid_from DATE, valid_to DATE"
TRAINING = "staff_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE"
EVERYONE, PROMOTER, SPECIALIST = "全職員", "DX推進人材", "DXスペシャリスト人材"
FROM = dt.date(2020, 4, 1)
OLD, NEW = dt.date(2024, 6, 15), dt.date(2025, 6, 15)
Row = tuple[object, ...]


def people(count: int, *, tier: str = EVERYONE, start: int = 0) -> list[Row]:
    return [(f"s{k}", tier, FROM, None) for k in range(start, start + count)]


def scored(scores: list[float], *, area: str = "BPR・業務改善", day: dt.date | None = NEW, by: str | None = "supervisor", start: int = 0) -> list[Row]:
    return [(f"s{start + k}", area, day, score, by) for k, score in enumerate(scores)]


def study(skills: list[Row], tiers: list[Row], *, policies: tuple[PolicyVersion, ...] = (POLICY,), **more: Any) -> Skills:
    return skill_map_of(SmallTables(skills=(SKILLS, skills), tiers=(TIERS, tiers), **more), policies=policies, year=YEAR)


def cell(found: Skills, tier: str = EVERYONE, area: str = "BPR・業務改善", by: str = "上司評価") -> SkillCell:
    return next(one for one in found.cells if (one.tier, one.skill_area, one.instrument) == (tier, area, by))


def level(required: float, low: float = 1, high: float = 5) -> RequiredLevel:
    return RequiredLevel(
        tier_id="everyone", skill_area_id="bpr", instrument="supervisor", scale_min=low, scale_max=high, required=required, status="assumption", note=""
    )


def test_the_indicators_of_one_cell_by_hand() -> None:
    # Ten scores in order: 1 2 2 3 3 3 4 4 5 5. Sum 32, mean 3.2; sum of squares 118, so variance (118 - 102.4) / 9 = 1.7333.
    # P10 lies at rank 0.9: 1 + 0.9 x 1 = 1.9; P90 at rank 8.1: 5. Required 3: seven of ten reach it.
    found = describe(np.array([3, 1, 5, 2, 4, 3, 2, 5, 3, 4], dtype=float), level(3))
    assert found.persons == 10
    assert (found.attained, found.below) == (0.7, pytest.approx(0.3))
    assert found.mean == pytest.approx(3.2)
    assert found.gap == pytest.approx(0.2)
    assert found.deviation == pytest.approx((15.6 / 9) ** 0.5)
    assert found.width == pytest.approx(5 - 1.9)
    assert (found.floor, found.ceiling) == (0.1, 0.2)


@given(st.lists(st.integers(1, 5), min_size=10, max_size=40), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_the_indicators_agree_with_the_standard_library(scores: list[int], required: int) -> None:
    found = describe(np.array(scores, dtype=float), level(required))
    tenths = statistics.quantiles(scores, n=10, method="inclusive")
    assert found.deviation == pytest.approx(statistics.stdev(scores), abs=1e-12)  # the same sum in another order
    assert found.width == pytest.approx(tenths[-1] - tenths[0], abs=1e-12)
    assert found.attained == sum(score >= required for score in scores) / len(scores)


def test_nobody_fewer_than_ten_and_no_required_level_are_three_different_things() -> None:
    assert describe(np.empty(0), level(3)).persons == 0
    nine = describe(np.full(9, 3.0), level(3))
    assert nine.is_masked
    assert {getattr(nine, name) for name in ("attained", "mean", "deviation", "width", "gap", "floor", "ceiling")} == {None}
    free = describe(np.full(10, 3.0), None)
    assert (free.persons, free.mean, free.attained, free.gap) == (10, 3.0, None, None)


def test_the_gain_of_paired_scores_by_hand() -> None:
    # Changes 0 0 0 0 0 1 1 1 1 1: mean 0.5, variance 10 x 0.25 / 9; t(0.975; 9) = 2.262157.
    before, change = np.arange(10, dtype=float), np.repeat([0.0, 1.0], 5)
    found = gain_of(before, before + change)
    half = 2.262157 * (2.5 / 9 / 10) ** 0.5
    assert (found.persons, found.gain) == (10, 0.5)
    assert found.low == pytest.approx(0.5 - half, abs=1e-6)  # the table's digits
    assert found.high == pytest.approx(0.5 + half, abs=1e-6)
    assert gain_of(before[:9], before[:9]).persons is None
    assert gain_of(np.empty(0), np.empty(0)).persons == 0


def test_the_tier_is_that_of_the_day_and_the_score_the_last_of_the_year() -> None:
    moved = [("s0", EVERYONE, FROM, dt.date(2025, 3, 31)), ("s0", PROMOTER, dt.date(2025, 4, 1), None)]
    tiers = [*moved, *people(10, start=1), *people(9, tier=PROMOTER, start=11)]
    earlier = [("s0", "BPR・業務改善", dt.date(2025, 5, 1), 1, "supervisor")]
    found = study([*earlier, *scored([4.0] + [3.0] * 10 + [4.0] * 9)], tiers)
    assert cell(found, PROMOTER).spread.persons == 10
    assert cell(found, PROMOTER).spread.attained == 1.0  # the 1 of May was followed by a 4
    assert cell(found).spread.persons == 10
    assert cell(found, SPECIALIST).spread.persons == 0


def test_instruments_are_never_mixed_and_a_test_leads_only_where_there_is_nothing_else() -> None:
    rows = [*scored([4.0] * 10), *scored([1.0] * 12, by="self"), *scored([90.0] * 15, by="test")]
    found = study(rows, people(15))
    assert [cell(found, by=title).spread.persons for title in ("上司評価", "自己評価", "テスト")] == [10, 12, 15]
    assert [cell(found, by=title).spread.attained for title in ("上司評価", "自己評価", "テスト")] == [1.0, 0.0, 1.0]
    assert found.lead == "上司評価"
    assert study(scored([90.0] * 15, by="test"), people(15)).lead == "テスト"
    assert study([*scored([4.0] * 5), *scored([3.0] * 12, by="self")], people(12)).lead == "自己評価"  # five supervisors' scores show nothing


def test_what_cannot_be_placed_is_counted_by_its_reason_and_nothing_is_lost() -> None:
    day = dt.date(2025, 6, 15)
    bad: list[Row] = [
        ("s0", "BPR・業務改善", day, 35, "self"),  # outside 1 to 5
        ("s1", "BPR・業務改善", day, 3, None),
        ("s2", "BPR・業務改善", None, 3, "self"),
        ("s3", "BPR・業務改善", day, None, "self"),
        ("s4", "料理", day, 3, "self"),
        ("s5", "BPR・業務改善", day, 3, "self"),
        ("s5", "BPR・業務改善", day, 4, "self"),  # contradicts the row above
        ("s6", "BPR・業務改善", dt.date(2026, 6, 1), 3, "self"),
        ("nobody", "BPR・業務改善", day, 3, "self"),  # no tier on that day
    ]
    good = scored([3.0] * 10, by="self", start=20)
    found = study([*bad, *good, good[0]], people(40))
    assert sum(one.rows for one in found.aside) == len(bad)
    assert cell(found, by="自己評価").spread.persons == 10
    reasons = " ".join(one.reason for one in found.aside)
    for word in ("尺度（1～5）の外", "評価方法", "評価日", "得点が空欄", "方針にない", "違う得点", "評価年度より後", "人材区分"):
        assert word in reasons
    assert all(one.hint for one in found.aside)


def test_a_gap_in_the_history_of_tiers_sets_scores_aside() -> None:
    tiers = [*people(10), ("gap", EVERYONE, FROM, dt.date(2025, 3, 31)), ("gap", EVERYONE, dt.date(2025, 10, 1), None)]
    found = study([*scored([3.0] * 10), ("gap", "BPR・業務改善", NEW, 5, "supervisor")], tiers)
    assert cell(found).spread.persons == 10
    assert [(one.reason, one.rows) for one in found.aside] == [("評価した日の人材区分がわからない", 1)]


def test_without_skills_or_without_tiers_it_says_so_and_still_shows_what_the_catalogue_covers() -> None:
    bare = skill_map_of(SmallTables(), policies=(POLICY,), year=YEAR)
    assert (bare.lead, bare.cells, bare.closings, len(bare.covers)) == ("", (), (), 15)
    assert "データなし" in bare.notes[0]
    untold = skill_map_of(SmallTables(skills=(SKILLS, scored([3.0] * 12))), policies=(POLICY,), year=YEAR)
    assert untold.cells == ()
    assert [one.rows for one in untold.aside] == [12]


def test_gains_divide_by_what_was_completed_in_between_and_compulsory_courses_do_not_count() -> None:
    skills = [*scored([2.0] * 36, day=OLD), *scored([4.0] * 12 + [3.0] * 24)]
    training = [
        *[(f"s{k}", "DXBPR", dt.date(2024, 9, 1), dt.date(2024, 10, 1)) for k in range(12)],
        *[(f"s{k}", "DXBPR", dt.date(2024, 4, 10), dt.date(2024, 5, 1)) for k in range(12, 24)],
        *[(f"s{k}", "SECURITY", dt.date(2024, 9, 1), dt.date(2024, 10, 1)) for k in range(24, 36)],
        ("s30", "DXBPR", dt.date(2024, 9, 1), None),  # began, did not finish
    ]
    found = study(skills, people(36), training=(TRAINING, training))
    gains = {one.group: one.gain for one in found.gains}
    assert [(gains[name].persons, gains[name].gain) for name in GROUPS] == [(12, 2.0), (12, 1.0), (12, 1.0)]


def second(**cells: str) -> PolicyVersion:
    texts = {**POLICY.skill_map, **{("everyone", area): text for area, text in cells.items()}}
    return replace(POLICY, version="r7-10", effective_from=dt.date(2025, 10, 1), skill_map=MappingProxyType(texts))


def test_a_series_is_not_differenced_across_a_change_of_definition() -> None:
    late = dt.date(2025, 11, 1)
    skills = [*scored([2.0] * 12, day=OLD), *scored([3.0] * 12, day=late)]
    same = study(skills, people(12), policies=(POLICY, second(data="別のこと")))
    assert [one.is_comparable for one in same.years] == [True, True]
    assert [one.gain.gain for one in same.gains if one.gain.persons] == [1.0]
    cut = study(skills, people(12), policies=(POLICY, second(bpr="まったく別のことを行う")))
    assert [one.is_comparable for one in cut.years] == [True, False]
    assert all(one.gain.persons == 0 for one in cut.gains)
    assert cut.years[0].spread.attained is None  # the level in force now says nothing of the old definition
    assert cell(cut).text == "まったく別のことを行う"
    table = show_table(cut, "skill_years").frame
    assert "定義が違う" in table["注"].iloc[1]


def test_self_assessment_is_held_against_the_test_of_the_same_people() -> None:
    # Required: 3 by oneself, 60 by the test. Four claim and show it, six only claim, two only show, none neither.
    own, test = [4.0] * 10 + [2.0] * 2, [70.0] * 4 + [40.0] * 6 + [80.0] * 2
    found = study([*scored(own, by="self"), *scored(test, by="test"), ("s99", "BPR・業務改善", NEW, 5, "self")], people(100))
    both = next(one.agreement for one in found.agreements if one.skill_area == "BPR・業務改善")
    assert both.persons == 12
    assert (both.self_attained, both.test_attained) == (pytest.approx(10 / 12), pytest.approx(6 / 12))
    assert (both.self_only, both.test_only) == (pytest.approx(6 / 12), pytest.approx(2 / 12))
    assert both.correlation is not None
    assert both.correlation < 0


def test_the_catalogue_leaves_three_cells_of_all_staff_without_a_named_course() -> None:
    gaps = [(cover.tier, cover.skill_area, cover.cover) for cover in cover_cells(POLICY) if cover.cover != "named"]
    assert gaps == [(EVERYONE, "DXリテラシー", "unclear"), (EVERYONE, "BPR・業務改善", "unclear"), (EVERYONE, "データ利活用", "none")]
    assert [cover.skill_area for cover in cover_cells(POLICY) if cover.compulsory_only] == ["情報セキュリティ"]


def test_who_falls_short_and_has_not_taken_the_course_is_counted() -> None:
    area = "デジタルツール"
    training = [(f"s{k}", "AITOOL", dt.date(2024, 9, 1), dt.date(2024, 10, 1)) for k in range(5)]
    found = study(scored([2.0] * 17 + [3.0] * 8, area=area), people(25), training=(TRAINING, training))
    (closing,) = found.closings
    assert (closing.tier, closing.skill_area, closing.short, closing.unreached) == (EVERYONE, area, 17, 12)
    assert closing.courses == ("生成AI庁内活用推進研修", "オンライン申請ツール合同研修会")


def test_of_few_who_fall_short_it_is_not_told_whether_they_took_the_course() -> None:
    found = study(scored([2.0] * 4 + [3.0] * 8, area="デジタルツール"), people(12))
    assert [(one.short, one.unreached) for one in found.closings] == [(None, None)]


DEPARTMENTS = "department_id VARCHAR, department_name VARCHAR"
ASSIGNMENTS = "staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE"


def test_small_departments_are_masked_and_never_one_alone() -> None:
    homes = ["a"] * 30 + ["b"] * 12 + ["c"] * 4
    posted = [(f"s{k}", home, FROM, None) for k, home in enumerate(homes)]
    names = [("a", "総務課"), ("b", "税務課"), ("c", "広報課")]
    more = {"departments": (DEPARTMENTS, names), "assignments": (ASSIGNMENTS, posted)}
    found = study(scored([3.0] * 46), people(46), **more)
    shown = {one.department: persons for one in found.departments for area, persons, _ in one.areas if area == "BPR・業務改善"}
    # 46 in the cell less 30 and 12 would tell the four of 広報課.
    assert shown == {"総務課": 30, "税務課": None, "広報課": None}


def test_departments_hold_one_tier_so_that_a_small_tier_cannot_be_subtracted() -> None:
    posted = [(f"s{k}", "a", FROM, None) for k in range(20)]
    more = {"departments": (DEPARTMENTS, [("a", "総務課")]), "assignments": (ASSIGNMENTS, posted)}
    found = study(scored([3.0] * 20), [*people(14), *people(6, tier=PROMOTER, start=14)], **more)
    assert found.department_tier == EVERYONE
    assert found.departments[0].areas[2] == ("BPR・業務改善", 14, 1.0)
    assert cell(found, PROMOTER).spread.is_masked


def example() -> Skills:
    skills = [*scored([2.0] * 6 + [3.0] * 8, day=OLD), *scored([3.0] * 14), *scored([5.0] * 3, start=20), *scored([3.0] * 12, by="self")]
    return study(skills, [*people(14), *people(3, tier=SPECIALIST, start=20)])


def test_nothing_of_a_planted_small_cell_is_stored_or_printed(tmp_path: Path) -> None:
    found = example()
    assert cell(found, SPECIALIST).spread.is_masked
    ledger = build_ledger(report_city.city(policy={"skills": found}))
    place = next(k for k, one in enumerate(found.cells) if (one.tier, one.skill_area, one.instrument) == (SPECIALIST, "BPR・業務改善", "上司評価"))
    for field in ("persons", "attained", "gap", "mean"):
        claim = ledger.claim(f"skills.cell.{place}.{field}")
        assert (claim.value, claim.text) == (None, "秘匿")
    stored = save_result(tmp_path, found).read_text(encoding="utf-8")
    assert "5.0" not in stored.replace('"required": 5.0', "")
    row = show_table(found, "skill_cells").frame
    row = row[(row["区分"] == SPECIALIST) & (row["領域"] == "BPR・業務改善") & (row["評価方法"] == "上司評価")].iloc[0]
    assert set(row[["人数", "達成率", "差", "平均", "標準偏差"]]) == {"秘匿"}


def test_the_skill_map_is_stored_and_read_back_and_its_figures_stand_in_the_ledger(tmp_path: Path) -> None:
    found = example()
    assert save_result(tmp_path, found).name == "policy_skills.json"
    back = read_results(tmp_path).policy["skills"]
    assert back == found
    ledger = build_ledger(report_city.city(policy={"skills": back}))
    blocks = str(list(SECTION.blocks(ledger, back)))
    assert "15のマスの達成率（上司評価）" in blocks
    assert "仮のもの" in blocks
    assert len(list(SECTION.pictures(found, False))) == 2


def test_a_level_that_nobody_decided_is_marked_wherever_a_share_or_a_gap_rests_on_it() -> None:
    found = example()
    ledger = build_ledger(report_city.city(policy={"skills": found}))
    captions = [block.caption for block in SECTION.blocks(ledger, found) if isinstance(block, Table)]
    unmarked = [caption for caption in captions if "【仮の水準】" not in caption]
    assert unmarked == ["同じ人の前後の差（点）と、その領域の研修"]  # differences of scores need no level
    first = next(block for block in SECTION.blocks(ledger, found) if isinstance(block, Table))
    assert {row[3][-3:] for row in first.rows} == {"（仮）"}
    assert "仮の水準" in next(iter(SECTION.pictures(found, False)))[0].caption
    assert "仮の水準" in ledger.claim("skills.cell.0.attained").subject
    assert set(show_table(found, "skill_cells").frame["必要水準"].str[-3:]) == {"（仮）"}


def test_a_level_that_the_city_decided_is_not_marked_and_the_rest_is() -> None:
    decided = tuple(replace(one, status="decided") for one in POLICY.supplements.levels)
    half = tuple(replace(one, status="decided") if one.tier_id == "everyone" else one for one in POLICY.supplements.levels)
    for levels, mark in ((decided, ""), (half, "【一部は仮の水準】")):
        policy = replace(POLICY, supplements=replace(POLICY.supplements, levels=levels))
        found = study(scored([3.0] * 12), people(12), policies=(policy,))
        ledger = build_ledger(report_city.city(policy={"skills": found}))
        text = str(list(SECTION.blocks(ledger, found)))
        assert (mark in text) if mark else ("仮" not in text)
        row = next(block for block in SECTION.blocks(ledger, found) if isinstance(block, Table)).rows[-3]
        assert (row[0], row[3]) == (EVERYONE, "3")


def test_every_cell_carries_the_policys_own_words() -> None:
    found = example()
    own = {(one.tier_id, one.skill_area_id): one.text for one in found.cells}
    assert own == dict(POLICY.skill_map)
