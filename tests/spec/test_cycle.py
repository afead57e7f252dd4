"""The loop of training, its fees, the vision and its targets, measures begun, make or buy: each figure against small tables worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import report_city
from small_tables import SmallTables, day

from kdx_eval.errors import DataError, ParameterError
from kdx_eval.evidence import checked_costs
from kdx_eval.load import load_dataset
from kdx_eval.plan.types import Outcome
from kdx_eval.plots import Small, plot_vision
from kdx_eval.policy import study_policy
from kdx_eval.policy.cycle import Cycle, find_cycle
from kdx_eval.policy.fees import Replacement, hours_by_year, provider_kind, replaced_courses
from kdx_eval.policy.specialists import Contract, Hourly, Specialists, Terms, Training, break_even_months, find_specialists, fixed_yen
from kdx_eval.policy.stage_b import NO_EFFECT, Asked, find_stage_b
from kdx_eval.policy.vision import Vision, find_vision
from kdx_eval.policy.yearly import Point, find_trend, indicator_by_year
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.policy_parts import policy_drawings
from kdx_eval.report.policy_parts.cycle import SECTION, loop_rows
from kdx_eval.report.policy_parts.stage_b import SECTION as STAGE_B
from kdx_eval.results import read_results, save_result
from kdx_eval.schema.policy_version import load_policy
from kdx_eval.units import FiscalYear, Month

PLAN = report_city.plan(())  # evaluates 令和7年度 (2025), asks for 令和9年度
YEAR = FiscalYear(2025)
POLICY = load_policy()

# 研修番号 | 提供者 | 必修: c1 is contracted, c2 taught by own staff, c3 compulsory.
COURSES = [("c1", "業務改善", "外部委託", False), ("c2", "AI入門", "内部", False), ("c3", "全員研修", "J-LIS", True)]
# 職員 | 研修 | 修了: p1 and p2 in A, p3 in B, p4 left the city, p5 took the compulsory course only.
TRAINING = [
    ("p1", "c1", "2024-06-10"), ("p1", "c2", "2025-06-10"), ("p2", "c1", "2024-07-10"), ("p3", "c2", "2025-05-10"), ("p4", "c1", "2024-05-10"),
    ("p5", "c3", "2025-06-01"),
]  # fmt: skip
POSTED = [("p1", "A", None), ("p2", "A", None), ("p3", "B", None), ("p4", "A", "2025-03-31"), ("p5", "C", None)]
# 案件 | 課 | 着手 | 稼働 | 見込み | 実績 | 根拠 | 支援: I1 follows the training in A; I2 began before B's; I3 is not measured; I4 went live after the year.
PROJECTS = [
    ("I1", "A", "2024-10-01", "2025-04-01", 100, 40, "task_measured", "external"),
    ("I2", "B", "2025-04-10", "2025-10-10", 60, 30, "usage_log", "internal"),
    ("I3", "A", "2025-06-01", "2025-12-01", 50, None, "claimed", "internal"),
    ("I4", "A", "2025-12-01", "2026-06-01", 80, 10, "claimed", "internal"),
    ("I5", "A", "2026-05-01", "2026-08-01", 10, None, "claimed", "external"),
]
# 資産 | 種類 | 作成日 | 作成所属 | 利用所属 | 置き換えた研修: A itself and the double do not count; ZZ is not in the list; K3 was made after the year.
KNOWLEDGE = [
    ("K1", "手引き", "2024-05-01", "A", "B、A、B", ""),
    ("K2", "内製研修", "2025-05-01", "A", "B、C、ZZ", "c1"),
    ("K3", "手引き", "2026-05-01", "A", "C", ""),
]
PROJECT_COLUMNS = (
    "intervention_id VARCHAR, department_id VARCHAR, started_on DATE, live_on DATE, claimed_hours DOUBLE, realised_hours DOUBLE, "
    "savings_basis VARCHAR, support VARCHAR"
)
KNOWLEDGE_COLUMNS = "asset_id VARCHAR, kind VARCHAR, created_on DATE, origin_department VARCHAR, reused_by VARCHAR, replaces_course_id VARCHAR"
COST_COLUMNS = (
    "fiscal_year INTEGER, stage VARCHAR, section VARCHAR, detail VARCHAR, project VARCHAR, quantity DOUBLE, unit_price BIGINT, yen BIGINT, course_id VARCHAR"
)
COSTS = [
    (2024, "決算", "委託料", "業務改善", "研修", 3, 100_000, 300_000, "c1"),
    (2024, "決算", "需用費", "教材", "研修", None, None, 50_000, "c1"),
    (2025, "決算", "委託料", "業務改善", "研修", 2, 100_000, 200_000, "c1"),
    (2025, "決算", "需用費", "教材", "研修", None, None, 90_000, "c1"),
    (2025, "決算", "委託料", "DXアドバイザー業務委託", "専門", 4, 900_000, 3_600_000, None),
]


def dated(rows, *places):
    return [tuple(day(value) if place in places and value else value for place, value in enumerate(row)) for row in rows]


def tables(**changed) -> SmallTables:
    given = {
        "departments": ("department_id VARCHAR, department_name VARCHAR", [("A", "甲課"), ("B", "乙課"), ("C", "丙課"), ("D", "丁課")]),
        "courses": ("course_id VARCHAR, course_name VARCHAR, provider VARCHAR, compulsory BOOLEAN, hours DOUBLE", [(*row, 2.0) for row in COURSES]),
        "training": (
            "staff_id VARCHAR, department_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE",
            [(person, None, course, day(done), day(done)) for person, course, done in TRAINING],
        ),
        "assignments": (
            "staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE",
            [(person, home, day("2020-04-01"), None if end is None else day(end)) for person, home, end in POSTED],
        ),
        "interventions": (
            PROJECT_COLUMNS,
            dated(PROJECTS, 2, 3),
        ),
        "knowledge": (
            KNOWLEDGE_COLUMNS,
            dated(KNOWLEDGE, 2),
        ),
        "costs": (COST_COLUMNS, COSTS),
        **changed,
    }
    return SmallTables(**{name: table for name, table in given.items() if table is not None})


def cycle(**changed) -> Cycle:
    return find_cycle(tables(**changed), plan=PLAN, reach=None, policy=POLICY)


def test_the_three_phases_follow_the_hand_worked_case() -> None:
    found = cycle()
    one = found.education
    assert (one.enrolled, one.completed, one.trained) == (2, 2, 3)  # 2025 without c3; p1, p2, p3 are still posted, p4 is not
    two = found.practice
    assert (two.trained, two.applying, two.departments, two.applying_departments) == (3, 2, 2, 1)  # B's project began before its first completion
    assert (two.projects, two.live) == (4, 3)
    assert two.claimed_hours == 210.0
    assert (two.measured, two.measured_claimed, two.measured_hours) == (2, 160.0, 70.0)
    assert two.realised_share == pytest.approx(70 / 160)
    assert two.months_to_live == pytest.approx(183 / (365.25 / 12))  # 182, 183, 183 days
    three = found.sharing
    assert (three.assets, three.courses, three.reused, three.uses) == (2, 1, 2, 4)  # K1 by B; K2 by B, C and ZZ
    assert (three.users, three.departments, three.spread) == (2, 4, 0.5)
    assert three.kinds == (("内製研修", 1, 1), ("手引き", 1, 0))
    assert any("1件は、所属の一覧にないコード" in note for note in found.notes)


def test_the_own_share_of_course_hours_follows_the_hand_worked_case() -> None:
    before, now = cycle().years
    assert (before.fiscal_year, before.hours, before.in_house, before.contract) == (2024, 6.0, 0.0, 6.0)
    assert (now.hours, now.in_house, now.other, now.elective, now.elective_in_house) == (6.0, 4.0, 2.0, 4.0, 4.0)
    assert (now.in_house_share, now.elective_share) == (pytest.approx(4 / 6), 1.0)
    assert (before.fee_yen, now.fee_yen, now.fee_stage) == (300_000, 200_000, "決算")  # without 需用費, and without the adviser, who is no course


def assessed(persons: int, tool: str, before: float, after: float):
    return [
        (f"{tool}{k}", area, day(when), score, tool)
        for k in range(persons) for when, score in (("2024-06-01", before), ("2025-06-01", after)) for area in ("DXリテラシー", "BPR・業務改善")
    ]  # fmt: skip


SKILLS = "staff_id VARCHAR, skill_area VARCHAR, assessed_on DATE, score DOUBLE, instrument VARCHAR"


def test_a_gain_is_that_of_persons_measured_twice_with_one_instrument() -> None:
    once = [("n1", "DXリテラシー", day("2025-06-01"), 5.0, "self")]
    mixed = [("m1", "DXリテラシー", day("2024-06-01"), 1.0, "test"), ("m1", "DXリテラシー", day("2025-06-01"), 5.0, "self")]
    found = cycle(skills=(SKILLS, [*assessed(12, "self", 2.0, 2.5), *assessed(11, "test", 40.0, 60.0), *once, *mixed])).education
    assert (found.gain, found.gain_persons, found.instrument) == (0.5, 12, "自己評価")
    few = cycle(skills=(SKILLS, assessed(9, "self", 2.0, 2.5))).education
    assert (few.gain, few.gain_persons) == (None, 9)


def test_a_city_that_names_a_replaced_course_but_has_no_cost_table_avoids_nothing() -> None:
    (found,) = cycle(costs=None).replacements
    assert (found.avoided_yen, found.before_yen, found.after_yen) == (0, None, None)
    assert "わからない" in found.sentence


@pytest.mark.parametrize(
    ("provider", "kind"),
    [
        ("外部委託", "contract"),
        ("民間事業者", "contract"),
        ("内部", "in_house"),
        ("庁内講師", "in_house"),
        ("J-LIS", "other"),
        ("NICT", "other"),
        (" ", "unknown"),
    ],
)
def test_who_teaches_is_read_off_the_word(provider: str, kind: str) -> None:
    assert provider_kind(provider) == kind


def test_hours_of_an_unknown_provider_count_in_the_whole_and_never_as_own() -> None:
    reach = pd.DataFrame({"course_id": ["x"], "fiscal_year": [2025], "attendance_hours": [10.0]})
    (found,) = hours_by_year(reach, {}, costs=checked_costs(None), last=YEAR)
    assert (found.hours, found.unknown, found.in_house_share, found.fee_yen) == (10.0, 10.0, 0.0, None)


# 年度 段階 節 金額, of the course c1; asset of 2025 unless said otherwise -> avoided, words of the sentence
FEES = {
    "the invoice fell": ([(2024, "決算", "委託料", 300), (2025, "決算", "委託料", 200)], 100, "100円減りました"),
    "it did not fall": ([(2024, "決算", "委託料", 300), (2025, "決算", "委託料", 300)], 0, "減っていません"),
    "it rose": ([(2024, "決算", "委託料", 300), (2025, "決算", "委託料", 400)], 0, "効果額は0円"),
    "it stopped": ([(2024, "決算", "委託料", 300), (2025, "決算", "需用費", 50)], 300, "300円減りました"),
    "only the budget fell": ([(2024, "当初", "委託料", 300), (2025, "当初", "委託料", 200)], 0, "わからない"),
    "this year is not settled": ([(2024, "決算", "委託料", 300), (2025, "決算見込", "委託料", 200)], 0, "わからない"),
    "only printing fell": ([(2024, "決算", "委託料", 300), (2024, "決算", "需用費", 90), (2025, "決算", "委託料", 300)], 0, "減っていません"),
    "no fee at all, but a share paid to J-LIS": ([(2024, "決算", "負担金", 80), (2025, "決算", "負担金", 50)], 30, "30円減りました"),
    "the year before the asset counts": (
        [(2023, "決算", "委託料", 900), (2024, "決算", "委託料", 300), (2025, "決算", "委託料", 200)], 100, "R6決算300円→R7決算200円",
    ),
}  # fmt: skip


def replaced(lines, assets=(("K1", "c1", 2025),), persons=None) -> tuple[Replacement, ...]:
    costs = pd.DataFrame([{"fiscal_year": year, "stage": stage, "section": section, "yen": yen, "course_id": "c1"} for year, stage, section, yen in lines])
    return replaced_courses(assets, checked_costs(costs), names={"c1": "業務改善"}, persons=persons or {}, year=YEAR)


@pytest.mark.parametrize("case", FEES)
def test_fees_are_avoided_only_where_an_invoice_fell(case: str) -> None:
    lines, avoided, words = FEES[case]
    (found,) = replaced(lines)
    assert found.avoided_yen == avoided
    assert words in found.sentence


def test_a_course_is_counted_once_however_many_assets_replace_it_and_by_whichever_name() -> None:
    lines = FEES["the invoice fell"][0]
    (found,) = replaced(lines, assets=(("K1", "c1", 2025), ("K2", "業務改善", 2025), ("K9", "c1", 2026)))
    assert (found.assets, found.avoided_yen) == (("K1", "K2"), 100)
    assert replaced(lines, assets=(("K9", "c1", 2026),)) == ()


def test_the_completions_of_a_course_are_told_inside_the_office_however_few() -> None:
    (found,) = replaced(FEES["the invoice fell"][0], persons={("c1", 2024): 12, ("c1", 2025): 9})
    assert "12人→9人" in found.sentence


def test_the_whole_falls_by_what_fell_of_each_course() -> None:
    found = cycle()
    assert found.avoided_yen == 100_000 == sum(one.avoided_yen for one in found.replacements)


def test_a_department_that_was_renamed_is_one_with_its_predecessor() -> None:
    listed = [
        ("A", "甲課", None, None, None), ("B", "乙課", "2020-04-01", "2025-03-31", "E"), ("E", "新乙課", "2025-04-01", None, None),
        ("C", "丙課", None, None, None), ("D", "丁課", None, None, None),
    ]  # fmt: skip
    columns = "department_id VARCHAR, department_name VARCHAR, valid_from DATE, valid_to DATE, successor_id VARCHAR"
    posted = [(person, "E" if home == "B" else home, day("2020-04-01"), None if end is None else day(end)) for person, home, end in POSTED]
    used = [("K1", "手引き", "2024-05-01", "B", "E、新乙課、C", "")]
    projects = [("I2", "B", "2025-06-10", "2025-10-10", 60, 30, "usage_log", "internal")]
    given = {"departments": (columns, dated(listed, 2, 3)), "assignments": ("staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE", posted)}
    found = cycle(**given, knowledge=(KNOWLEDGE_COLUMNS, dated(used, 2)), interventions=(PROJECT_COLUMNS, dated(projects, 2, 3)))
    assert (found.sharing.uses, found.sharing.users, found.sharing.departments) == (1, 1, 4)  # by C; the new 乙課 wrote it itself
    assert found.practice.applying_departments == 1  # the project of the old code follows p3 of the new one


def test_without_projects_knowledge_and_costs_it_says_so() -> None:
    found = cycle(interventions=None, knowledge=None, costs=None)
    assert (found.practice.projects, found.sharing.assets, found.avoided_yen) == (0, 0, 0)
    assert any("支援案件の記録がない" in note for note in found.notes)
    assert any("ナレッジの記録がない" in note for note in found.notes)
    ledger = build_ledger(report_city.city(policy={"cycle": found}))
    assert ledger.text("cycle.fee") == "費用の表なし"
    assert ledger.text("cycle.months") == "－"


def texts_of(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_numbers_of_the_loop_figure_are_those_of_the_ledger() -> None:
    found = cycle()
    ledger = build_ledger(report_city.city(policy={"cycle": found}))
    drawings = {picture.file: figure for _, picture, figure in policy_drawings({"cycle": found}, synthetic=True)}
    drawn = texts_of(drawings["cycle-loop.png"])
    rows = loop_rows(found)
    assert len(rows) == 20
    for row in rows:
        assert ledger.text(row.name) == row.text
        place = drawn.index(row.label)
        assert drawn[place + 1] == ledger.text(row.name)
    assert ledger.text("cycle.avoided") == "100,000円"
    assert ledger.text("cycle.realised") == "70時間／160時間"
    assert "内製化率" in str(list(SECTION.blocks(ledger, found)))


MONTHS = [Month.of(2023, 4) + k for k in range(36)]


def test_a_series_that_hardly_moves_is_drawn_as_one_and_its_ticks_differ() -> None:
    flat = Small(title="平均", years=("R6", "R7"), values=(3.501, 3.500), targets=(float("nan"),) * 2, percent=False)
    figure = plot_vision([flat], title="t")
    figure.canvas.draw()
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert high - low == pytest.approx(0.05 * 3.5, rel=0.02)  # a twentieth of the level
    shown = [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert len(set(shown)) == len(shown) >= 2


def indicator_rows(name: str, values: dict[str, tuple[float, float, float]], skip: tuple[str, int] | None = None):
    return [
        ("department", unit, month.first_day, name, yearly[place // 12])
        for unit, yearly in values.items() for place, month in enumerate(MONTHS) if (unit, place) != skip
    ]  # fmt: skip


INDICATORS = "unit_type VARCHAR, unit_id VARCHAR, month DATE, indicator_id VARCHAR, value DOUBLE"


def test_a_rate_is_averaged_and_a_count_added_up_over_the_same_units_in_every_year() -> None:
    rows = indicator_rows("processing_days", {"A": (10.0, 8.0, 6.0), "B": (20.0, 16.0, 15.0), "C": (5.0, 5.0, 5.0)}, skip=("C", 3))
    small = SmallTables(indicators=(INDICATORS, rows + indicator_rows("genai_uses", {"A": (1, 2, 3), "B": (10, 20, 30)})))
    points, note = indicator_by_year(small, "processing_days", unit="日", last=YEAR)
    assert [(one.fiscal_year, one.value, one.base) for one in points] == [(2023, 15.0, 2), (2024, 12.0, 2), (2025, 10.5, 2)]
    assert "ほかの1は除きました" in note
    points, note = indicator_by_year(small, "genai_uses", unit="回", last=FiscalYear(2024))
    assert [one.value for one in points] == [11.0, 22.0]
    assert note == ""
    assert indicator_by_year(small, "satisfaction", unit="点", last=YEAR)[0] == ()


def test_an_indicator_of_departments_is_not_averaged_with_that_of_persons_and_of_nine_persons_nothing_is_told() -> None:
    of_departments = indicator_rows("satisfaction", {"A": (3.0, 3.5, 4.0)})
    of_persons = [("staff", *row[1:]) for row in indicator_rows("satisfaction", {f"s{k}": (1.0, 1.0, 1.0) for k in range(9)})]
    both = SmallTables(indicators=(INDICATORS, of_departments + of_persons))
    assert [one.value for one in indicator_by_year(both, "satisfaction", unit="点", last=YEAR)[0]] == [3.0, 3.5, 4.0]
    points, note = indicator_by_year(SmallTables(indicators=(INDICATORS, of_persons)), "satisfaction", unit="点", last=YEAR)
    assert points == ()
    assert "10人未満" in note
    tenth = [("staff", *row[1:]) for row in indicator_rows("satisfaction", {"s9": (2.0, 2.0, 2.0)})]
    points, _ = indicator_by_year(SmallTables(indicators=(INDICATORS, of_persons + tenth)), "satisfaction", unit="点", last=YEAR)
    assert [one.value for one in points] == pytest.approx([1.1, 1.1, 1.1])


def test_a_trend_follows_the_hand_worked_case_and_stops_at_a_change_of_definition() -> None:
    points = tuple(Point(fiscal_year=2022 + k, value=value, base=1) for k, value in enumerate((1.0, 2.0, 4.0, 5.0)))
    whole = find_trend(points, breaks=())
    assert whole is not None
    assert (whole.per_year, whole.difference) == (pytest.approx(1.4), 4.0)  # (-1.5, -0.5, 0.5, 1.5) on (1, 2, 4, 5): 7 / 5
    after = find_trend(points, breaks=(Month.of(2024, 4),))
    assert after is not None
    assert (after.first, after.per_year, after.difference) == (2024, None, 1.0)
    assert find_trend(points, breaks=(Month.of(2025, 4),)) is None
    middle = find_trend(points, breaks=(Month.of(2024, 10),))  # a year that holds both definitions belongs to neither
    assert middle is None


def vision(**changed) -> Vision:
    given = {
        "indicators": (INDICATORS, indicator_rows("processing_days", {"A": (10.0, 8.0, 6.0)})),
        "targets": (
            "indicator_id VARCHAR, fiscal_year INTEGER, value DOUBLE, source VARCHAR",
            [("処理日数", 2025, 7.0, "計画"), ("knowledge_share", 2025, 0.6, ""), ("満足度", 2026, 4.0, "計画"), ("なぞの指標", 2025, 1.0, "計画")],
        ),
        **changed,
    }
    return find_vision(tables(**given), plan=PLAN, reach=None, policies=(POLICY,), policy=POLICY)


def test_each_indicator_stands_against_the_target_of_its_year_in_its_direction() -> None:
    found = {one.indicator_id: one for one in vision().indicators}
    days = found["processing_days"]
    assert (days.at(2025), days.target(2025), days.status) == (6.0, 7.0, "達成")  # lower is better
    assert "1年当たり△2.00日" in days.sentence
    used = found["knowledge_share"]
    assert (used.at(2024), used.at(2025), used.target(2025), used.status) == (0.25, 0.5, 0.6, "未達")
    assert found["satisfaction"].status == "実績なし"
    assert found["challenge_share"].status == "目標なし"
    assert found["in_house_share"].at(2025) == 1.0


def test_a_target_of_no_indicator_or_without_a_source_is_named() -> None:
    notes = "".join(vision().notes)
    assert "なぞの指標" in notes
    assert "出典の書かれていない目標があります（ナレッジを使う課の割合）" in notes
    assert "目標の記入がありません" in "".join(vision(targets=None).notes)


def test_few_persons_and_other_instruments_are_not_shown() -> None:
    skills = [(f"s{k}", "DXリテラシー", day(f"{year}-06-01"), float(k % 3), "test") for k in range(12) for year in (2024, 2025)]
    skills += [(f"s{k}", "DXリテラシー", day("2023-06-01"), 5.0, "test") for k in range(9)]
    skills += [(f"s{k}", "DXリテラシー", day("2023-06-01"), 5.0, "self") for k in range(12)]
    table = ("staff_id VARCHAR, skill_area VARCHAR, assessed_on DATE, score DOUBLE, instrument VARCHAR", skills)
    (spread,) = [one for one in vision(skills=table).indicators if one.indicator_id == "literacy_spread"]
    assert [point.fiscal_year for point in spread.points] == [2024, 2025]
    assert spread.at(2025) == pytest.approx((8 / 11) ** 0.5)  # 0, 1, 2 four times each: squares add up to 8, over 11
    assert "テスト" in spread.note or "試験" in spread.note


MEASURES = (
    (
        "measure_id VARCHAR, measure_name VARCHAR, department_id VARCHAR, kind VARCHAR, started_on DATE, status VARCHAR, destination VARCHAR, "
        "indicator_id VARCHAR, evidence VARCHAR"
    ),
    [
        ("M1", "相談", "A", "EBPM", day("2025-06-01"), "running", "相談業務", "処理日数", "件数"),
        ("M2", "訪問", None, "EBPM", None, "considered", "訪問", None, None),
        ("M3", "見直し", "B", "手続の見直し", day("2025-06-01"), "trial", "相談業務", "電子申請フォーム数", None),
    ],
)
REDEPLOYED = (
    "department_id VARCHAR, fiscal_year INTEGER, hours DOUBLE, destination VARCHAR",
    [("A", 2025, 100.0, "相談業務"), ("C", 2025, 40.0, "相談業務"), ("A", 2025, 20.0, "訪問"), ("A", 2024, 900.0, "訪問"), ("B", 2025, 5.0, None)],
)


def stage_b(plan=PLAN, evidence=None, savings=None):
    small = tables(measures=MEASURES, redeployment=REDEPLOYED, indicators=(INDICATORS, indicator_rows("processing_days", {"A": (10.0, 8.0, 6.0)})))
    return find_stage_b(small, plan=plan, evidence=evidence or {}, savings=savings)


def test_hours_measures_and_their_status_follow_the_hand_worked_case() -> None:
    found = stage_b(savings=report_city.savings((), may_claim=True, has=True))
    assert found.redeployed_hours == 165.0
    assert found.destinations == (("相談業務", 140.0, 2), ("訪問", 20.0, 1), ("使い道の記入なし", 5.0, 1))
    assert found.created_hours == 590.0
    assert found.redeployed_share == pytest.approx(165 / 590)
    assert [(one.department, one.status, one.hours) for one in found.measures] == [("甲課", "実施中", 100.0), ("全庁", "検討中", 20.0), ("乙課", "試行", None)]
    assert found.begun == 2
    assert any("1件は、再配分の記録とつながりません" in note for note in found.notes)


def test_hours_that_may_not_be_claimed_give_no_share() -> None:
    found = stage_b(savings=report_city.savings((), may_claim=False, has=True))
    assert found.created_hours is None
    assert found.redeployed_share != found.redeployed_share
    assert "stage_b.share" not in {claim.name for claim in build_ledger(report_city.city(policy={"stage_b": found}))}


def test_a_series_without_a_planned_question_is_no_effect() -> None:
    (days,) = stage_b().outcomes
    assert days.questions == ()
    assert NO_EFFECT in days.sentence
    ledger = build_ledger(report_city.city(policy={"stage_b": stage_b()}))
    assert NO_EFFECT in str(list(STAGE_B.blocks(ledger, stage_b())))


def test_a_planned_question_is_shown_with_its_verdict() -> None:
    outcome = Outcome(
        table="indicators", measure="value", indicator_id="processing_days", label="処理日数", unit_label="日", better="lower", hours_per_unit=None
    )
    asked = replace(report_city.question("q1", "処理日数は減ったか"), outcome=outcome)
    evidence = {"q1": report_city.city().evidence["q1"]}
    (days,) = stage_b(plan=report_city.plan((asked,)), evidence=evidence).outcomes
    assert days.questions == (Asked(question_id="q1", title="処理日数は減ったか", verdict="効果あり", sentence=evidence["q1"].headline_sentence),)
    assert NO_EFFECT not in days.sentence
    (days,) = stage_b(plan=report_city.plan((asked,))).outcomes
    assert days.questions[0].verdict == "未推定"


def contract(yen: float) -> Contract:
    return Contract(yen_per_month=yen, months=6.0, yen=int(6 * yen), source="決算")


def test_make_or_buy_meets_where_both_cost_the_same() -> None:
    training = Training(yen_per_person=300_000.0, hours_per_person=50.0, source="決算")
    hourly = Hourly(yen=4_000.0, hours_per_month=150.0, months_until_ready=0.0)
    cash, full = break_even_months(contract(1_000_000.0), training, hourly=hourly)
    assert cash == pytest.approx(0.3)
    assert full == pytest.approx(1.25)  # (300 000 + 200 000) / (1 000 000 - 600 000)
    later = replace(hourly, months_until_ready=2.0)
    assert fixed_yen(training, later) == 1_700_000.0  # 300 000 + 200 000 + 2 x 600 000
    assert break_even_months(contract(1_000_000.0), training, hourly=later)[1] == pytest.approx(4.25)
    assert break_even_months(contract(600_000.0), training, hourly=hourly)[1] is None
    assert break_even_months(contract(600_000.0), training, hourly=None) == (0.5, None)
    assert break_even_months(None, training, hourly=hourly) == (None, None)


def specialists() -> Specialists:
    """BA, which only specialists take: 540 000 yen for two persons of 30 hours each."""
    attended = [(f"b{k}", None, "BA", day("2025-07-01"), day("2025-07-01")) for k in range(2)]
    small = tables(
        training=("staff_id VARCHAR, department_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE", attended),
        courses=("course_id VARCHAR, course_name VARCHAR, provider VARCHAR, compulsory BOOLEAN, hours DOUBLE", [("BA", "育成", "外部委託", False, 30.0)]),
        costs=(COST_COLUMNS, [*COSTS, (2025, "決算", "委託料", "育成", "研修", 1, 540_000, 540_000, "BA")]),
    )
    return find_specialists(small, plan=PLAN, reach=None, policy=POLICY, terms=Terms(price=report_city.PRICE))


def test_contract_and_training_are_read_off_the_cost_lines_and_support_is_only_counted() -> None:
    found = specialists()
    assert found.contract is not None
    assert found.training is not None
    assert (found.contract.yen_per_month, found.contract.months) == (900_000.0, 4.0)
    assert (found.training.yen_per_person, found.training.hours_per_person) == (270_000.0, 30.0)
    assert found.months_cash == pytest.approx(0.3)
    assert found.months_full == pytest.approx((270_000 + 30 * 4_000) / (900_000 - 4_000 * 1883 / 12))
    assert [(one.name, one.projects, one.live, one.measured, one.measured_hours) for one in found.supports] == [
        ("外部の専門人材", 1, 1, 1, 40.0), ("庁内の職員", 3, 2, 1, 30.0),
    ]  # fmt: skip
    assert found.verdict == "判定不能"
    assert "効果とは言えません" in found.effect_sentence


def test_without_a_contract_or_training_it_says_what_is_missing() -> None:
    found = find_specialists(tables(costs=None), plan=PLAN, reach=None, policy=POLICY, terms=Terms())
    assert (found.contract, found.training, found.months_cash, found.months_full) == (None, None, None, None)
    assert "見当たりません" in found.notes[0]
    given = find_specialists(tables(costs=None), plan=PLAN, reach=None, policy=POLICY, terms=Terms(contract_yen_per_month=800_000.0)).contract
    assert given is not None
    assert given.yen_per_month == 800_000.0


def test_state_support_of_unknown_status_is_no_money() -> None:
    found = find_specialists(tables(), plan=PLAN, reach=None, policy=POLICY, terms=Terms())
    assert "確認が必要" in found.state_support
    assert "円" not in found.state_support
    assert "0.7" not in found.state_support
    assert "70%" not in found.state_support


def test_a_question_that_the_plan_lacks_and_a_negative_fee_are_refused() -> None:
    with pytest.raises(ParameterError, match="計画にありません"):
        study_policy("specialists", None, plan=PLAN, support_question="q9")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="0以上"):
        study_policy("specialists", None, plan=PLAN, contract_yen_per_month=-1)  # type: ignore[arg-type]


def test_all_four_are_stored_read_back_and_drawn_from_what_was_read(tmp_path: Path) -> None:
    parts = {"cycle": cycle(), "vision": vision(), "stage_b": stage_b(), "specialists": specialists()}
    for part in parts.values():
        save_result(tmp_path, part)
    back = read_results(tmp_path).policy
    assert back == parts
    ledger = build_ledger(report_city.city(policy=back))
    assert ledger.claim("vision.processing_days.2025").value == 6.0
    assert ledger.text("specialists.months_cash") == "0.3か月"
    files = [picture.file for _, picture, _ in policy_drawings(back, synthetic=False)]
    assert files == ["vision-indicators.png", "cycle-loop.png", "cycle-in-house.png", "specialists-break-even.png"]


def test_faulty_rows_are_set_aside_with_their_place_and_the_rest_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    data = tmp_path / "data"
    data.mkdir()
    files = {
        "所属": "所属コード,所属名\nA,甲課\nB,乙課\n",
        "研修": "研修番号,研修名,実施機関,時間数\nc1,業務改善,外部委託,2\n",
        "受講記録": "職員番号,研修番号,所属コード,受講開始日,修了日\np1,c1,A,2025-06-01,2025-06-01\n",
        "ナレッジ": "資産番号,種類,作成日,作成所属,利用所属,置き換えた研修\nK1,手引き,2025-05-01,A,B,\nK2,手引き,2025-05-01,A,B,なぞの研修\n",
        "目標": "指標,年度,目標値,出典\n処理日数,2025,7,計画\n満足度,,4,計画\n",
        "施策": "施策番号,施策名,施策の種類,施策の状況\nM1,相談,EBPM,実施中\nM2,訪問,EBPM,踊り中\n",
    }
    for name, text in files.items():
        (data / f"{name}.csv").write_text(text, encoding="utf-8", newline="\n")
    dataset = load_dataset(data)
    rejected = pd.read_csv(dataset.rejected, dtype=str)
    told = {(row.file, row.row, row.column) for row in rejected.itertuples()}
    assert {("ナレッジ.csv", "3", "置き換えた研修"), ("目標.csv", "3", "年度"), ("施策.csv", "3", "施策の状況")} <= told
    assert (dataset.rows("knowledge"), dataset.rows("targets")) == (1, 1)
    found = study_policy("cycle", dataset, plan=PLAN)
    assert isinstance(found, Cycle)
    assert (found.sharing.assets, found.sharing.uses) == (1, 1)


def test_an_amount_that_does_not_fit_its_line_is_an_error() -> None:
    with pytest.raises(DataError, match="一致しません"):
        cycle(costs=(COST_COLUMNS, [(2025, "決算", "委託料", "x", "y", 3, 100, 301, "c1")]))
