"""Catalogue and reach: hand-worked courses, tiers, moves, retention, staying, applications; what is masked cannot be got by subtraction."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import report_city
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_tables import SmallTables

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.policy.staying import EVERY_COURSE
from kdx_eval.policy.tier_counts import OUTSIDE, mask_matrix
from kdx_eval.policy.tier_reach import TierReach, reach_of
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.policy_parts.reach import SECTION
from kdx_eval.results import read_results, save_result
from kdx_eval.schema.policy_version import Supplements, TierTarget, load_policy
from kdx_eval.units import FiscalYear

POLICY, YEAR = load_policy(), FiscalYear(2025)
EVERYONE, PROMOTER, SPECIALIST = "全職員", "DX推進人材", "DXスペシャリスト人材"
TIERS = "staff_id VARCHAR, tier VARCHAR, valid_from DATE, valid_to DATE"
TRAINING = "staff_id VARCHAR, course_id VARCHAR, enrolled_on DATE, completed_on DATE"
ASSIGNMENTS = "staff_id VARCHAR, department_id VARCHAR, valid_from DATE, valid_to DATE"
APPLICANTS = "staff_id VARCHAR, course_id VARCHAR, post VARCHAR, applied_on DATE, outcome VARCHAR"
FROM = dt.date(2022, 4, 1)
Row = tuple[object, ...]


def april(year: int) -> dt.date:
    return dt.date(year, 4, 1)


def held(tier: str, count: int, *, start: int, until: dt.date | None = None, since: dt.date = FROM) -> list[Row]:
    return [(f"s{k}", tier, since, until) for k in range(start, start + count)]


def reach(*, tiers: list[Row] | None = None, costs: pd.DataFrame | None = None, targets: tuple[TierTarget, ...] = (), **more: Any) -> TierReach:
    policy = replace(POLICY, supplements=Supplements(targets=targets))
    tables = more | ({} if tiers is None else {"tiers": (TIERS, tiers)})
    return reach_of(SmallTables(**tables), policies=(policy,), year=YEAR, costs=costs)


def took(course: str, people: range, *, day: dt.date = dt.date(2025, 6, 1), done: dt.date | None = dt.date(2025, 7, 1)) -> list[Row]:
    return [(f"s{k}", course, day, done) for k in people]


def course(found: TierReach, start: str) -> Any:
    return next(one for one in found.courses if one.course.startswith(start))


COSTS = pd.DataFrame([{"fiscal_year": 2025, "stage": "決算", "section": "委託料", "detail": "研修", "yen": 300_000, "course_id": "AITOOL"}])


def test_a_courses_reach_and_cost_by_hand() -> None:
    training = [*took("AITOOL", range(20)), *took("AITOOL", range(20, 32), done=None), *took("DXBPR", range(12), day=april(2024), done=dt.date(2024, 6, 1))]
    found = course(reach(tiers=held(EVERYONE, 40, start=0), training=(TRAINING, training), costs=COSTS), "生成AI")
    assert (found.enrolled, found.completed, found.completion_share) == (32, 20, 0.625)
    assert (found.cost_yen, found.yen_per_completion) == (300_000, 15_000)
    assert dict(found.by_tier) == {SPECIALIST: 0, PROMOTER: 0, EVERYONE: 32}
    untaken = course(reach(tiers=held(EVERYONE, 40, start=0), training=(TRAINING, training)), "DX人材育成研修（BPR")
    assert (untaken.enrolled, untaken.completed, untaken.cost_yen) == (0, 0, None)  # last year's


def test_a_compulsory_course_has_its_reason_and_one_outside_the_catalogue_no_cell() -> None:
    found = reach(tiers=held(EVERYONE, 30, start=0), training=(TRAINING, [*took("SECURITY", range(30)), *took("料理教室", range(15))]))
    must = course(found, "セキュリティe")
    assert must.compulsory
    assert "比べられません" in must.note
    strange = course(found, "料理教室")
    assert (strange.areas, strange.tiers, strange.enrolled) == ((), (), 15)
    assert any("研修の一覧にない研修が1種類" in note for note in found.notes)


def test_a_course_that_a_city_calls_by_its_name_is_the_catalogues() -> None:
    named = took("DX人材育成研修(BPR・業務改善)", range(15))  # half-width brackets, as Excel users type them
    found = reach(training=(TRAINING, named))
    assert course(found, "DX人材育成研修（BPR").enrolled == 15
    assert len(found.courses) == len(POLICY.courses)
    assert not any("一覧にない" in note for note in found.notes)


def test_attendance_is_shown_inside_the_office_however_few_attended() -> None:
    tiers = [*held(EVERYONE, 40, start=0), *held(PROMOTER, 9, start=40), *held(SPECIALIST, 4, start=49)]
    found = reach(tiers=tiers, training=(TRAINING, [*took("AITOOL", range(49)), *took("BA", range(49, 53)), *took("CYDER", range(40, 53))]), costs=COSTS)
    assert dict(course(found, "生成AI").by_tier) == {SPECIALIST: 0, PROMOTER: 9, EVERYONE: 40}
    assert course(found, "生成AI").enrolled == 49
    alone = course(found, "ビジネスアーキテクト")
    assert (alone.enrolled, alone.completed, alone.completion_share) == (4, 4, 1.0)
    both = course(found, "実践的")
    assert (both.enrolled, dict(both.by_tier)[PROMOTER], dict(both.by_tier)[SPECIALIST]) == (13, 9, 4)


def test_tiers_moves_and_retention_by_hand() -> None:
    # 30 promoters from 2022; 10 go back to all staff in April 2024, 10 leave in April 2025. 100 others stay throughout.
    last = dt.date(2024, 3, 31)
    tiers = [
        *held(PROMOTER, 10, start=0), *held(PROMOTER, 10, start=10, until=last), *held(EVERYONE, 10, start=10, since=april(2024)),
        *held(PROMOTER, 10, start=20, until=dt.date(2025, 3, 31)), *held(EVERYONE, 100, start=100),
    ]  # fmt: skip
    targets = (TierTarget(tier_id="promoter", fiscal_year=2025, persons=16, source="定員計画"),)
    found = reach(tiers=tiers, targets=targets)
    counts = {(one.tier, one.year): one.persons for one in found.tiers}
    assert [counts[PROMOTER, year] for year in (2022, 2023, 2024, 2025)] == [30, 30, 20, 10]
    assert [counts[EVERYONE, year] for year in (2022, 2023, 2024, 2025)] == [100, 100, 110, 110]
    filled = next(one for one in found.tiers if (one.tier, one.year) == (PROMOTER, 2025))
    assert (filled.target, filled.filled, filled.source) == (16, 0.625, "定員計画")
    moves = {(one.before, one.after): one.persons for one in found.moves}
    assert moves[PROMOTER, PROMOTER] == 60  # 30 + 20 + 10
    assert (moves[PROMOTER, EVERYONE], moves[PROMOTER, OUTSIDE], moves[EVERYONE, EVERYONE]) == (10, 10, 310)
    kept = {(one.tier, one.later): (one.persons, one.share) for one in found.retention}
    assert kept[PROMOTER, 1] == (80, 0.75)  # 60 of 30 + 30 + 20
    assert kept[PROMOTER, 2] == (60, 0.5)  # 20 of 30 (2022), 10 of 30 (2023)
    assert kept[PROMOTER, 3] == (30, pytest.approx(1 / 3))
    assert kept[EVERYONE, 3] == (100, 1.0)


def test_a_small_tier_is_counted_but_its_fate_is_not_told() -> None:
    found = reach(tiers=[*held(SPECIALIST, 4, start=0), *held(EVERYONE, 50, start=10)])
    assert next(one.persons for one in found.tiers if one.tier == SPECIALIST) == 4  # a number of posts
    fate = {one.later: (one.persons, one.share) for one in found.retention if one.tier == SPECIALIST}
    assert fate == dict.fromkeys((1, 2, 3), (None, None))  # twelve person-years of four persons are still four persons
    moves = {(one.before, one.after): one.persons for one in found.moves}
    assert {persons for pair, persons in moves.items() if SPECIALIST in pair} == {None}
    assert moves[EVERYONE, EVERYONE] == 150


def test_overlaps_and_gaps_in_the_history_of_tiers_are_said() -> None:
    tiers = [
        ("a", EVERYONE, FROM, dt.date(2024, 6, 30)), ("a", PROMOTER, april(2024), None),  # overlaps; the later one counts
        ("b", EVERYONE, FROM, dt.date(2023, 3, 31)), ("b", EVERYONE, april(2024), None),  # a year's gap
        ("c", EVERYONE, FROM, None), ("c", PROMOTER, april(2024), None),  # an open end is ended by the next
        ("d", "ＤＸ推進 人材", FROM, dt.date(2023, 3, 31)), ("e", "見習い", FROM, None),
    ]  # fmt: skip
    found = reach(tiers=tiers)
    counts = {(one.tier, one.year): one.persons for one in found.tiers}
    assert [counts[EVERYONE, year] for year in (2022, 2023, 2024)] == [3, 2, 1]
    assert [counts[PROMOTER, year] for year in (2022, 2023, 2024)] == [1, 0, 2]  # d's spelling is another, the tier is not
    said = " ".join(found.notes)
    assert "前の行が終わる前に始まる行が1行" in said
    assert "空白のある行が1行" in said
    assert "方針にない区分の行が1行" in said


@given(arrays(np.int64, (4, 4), elements=st.integers(0, 40)))
@settings(max_examples=100, deadline=None)
def test_no_row_or_column_of_the_matrix_gives_a_small_number_away(counts: np.ndarray) -> None:
    hidden = mask_matrix(counts)
    assert hidden[(counts > 0) & (counts < SMALL_CELL)].all()
    for values, masked in itertools.chain(zip(counts, hidden, strict=True), zip(counts.T, hidden.T, strict=True)):
        if masked.any() and not (masked | (values == 0)).all():
            assert masked.sum() >= 2
            assert values[masked].sum() >= SMALL_CELL


def posted(people: range, home: str, *, since: dt.date = FROM, until: dt.date | None = None) -> list[Row]:
    return [(f"s{k}", home, since, until) for k in people]


def test_who_is_still_posted_where_it_applies_by_hand() -> None:
    # 20 complete in July 2023 in department a: 12 stay, 5 move in April 2024, 3 leave. A year later 12/20, 5/20, 3/20.
    move = dt.date(2024, 3, 31)
    homes = [*posted(range(12), "a"), *posted(range(12, 20), "a", until=move), *posted(range(12, 17), "b", since=april(2024))]
    training = [*took("AITOOL", range(20), day=dt.date(2023, 6, 1), done=dt.date(2023, 7, 1)), *took("SECURITY", range(20)), *took("AITOOL", range(9, 20))]
    found = reach(training=(TRAINING, training), assignments=(ASSIGNMENTS, homes))
    stays = {(one.course, one.later): one for one in found.staying}
    one = stays["生成AI庁内活用推進研修", 1]
    assert (one.persons, one.same, one.elsewhere, one.gone) == (20, 0.6, 0.25, 0.15)
    assert stays[EVERY_COURSE, 1].same == 0.6  # compulsory courses do not count, nor does a second completion
    assert stays["生成AI庁内活用推進研修", 2].persons == 20
    assert ("生成AI庁内活用推進研修", 3) not in stays  # July 2026 lies beyond the data


def test_a_department_that_was_renamed_is_still_the_same_place() -> None:
    move = dt.date(2024, 3, 31)
    homes = [*posted(range(10), "a", until=move), *posted(range(10), "b", since=april(2024))]
    columns = "department_id VARCHAR, department_name VARCHAR, successor_id VARCHAR, valid_from DATE, valid_to DATE"
    listed = (columns, [("a", "旧課", "b", None, move), ("b", "新課", None, april(2024), None)])
    training = (TRAINING, took("AITOOL", range(10), day=dt.date(2023, 6, 1), done=dt.date(2023, 7, 1)))
    found = reach(training=training, assignments=(ASSIGNMENTS, homes), departments=listed)
    assert next(one.same for one in found.staying if one.later == 1) == 1.0


def applied(count: int, outcome: str, *, start: int, post: str | None = None, course_id: str | None = "DXBPR") -> list[Row]:
    return [(f"s{k}", course_id, post, dt.date(2025, 5, 1), outcome) for k in range(start, start + count)]


def test_applicants_and_selection_by_hand_and_masked() -> None:
    rows = [*applied(30, "selected", start=0), *applied(15, "waitlisted", start=30)]
    post = {"post": "DXスペシャリスト", "course_id": None}
    call = [*applied(4, "selected", start=60, **post), *applied(20, "rejected", start=70, **post)]
    found = reach(applicants=(APPLICANTS, [*rows, *call]))
    first, second = found.applications
    assert (first.is_post, first.called, first.applicants, first.competition) == (True, "DXスペシャリスト", 24, None)
    assert dict(first.outcomes) == {"当選・採用": None, "補欠": 0, "落選・不採用": None, "辞退": 0}  # 24 less 20 would tell the four
    assert (second.called, second.applicants, second.competition) == ("DX人材育成研修（BPR・業務改善）", 45, 1.5)


def test_without_records_every_part_says_that_there_is_no_data() -> None:
    found = reach()
    said = " ".join(found.notes)
    assert said.count("データなし") == 4
    assert "tier_targets.csv" in said
    assert len(found.courses) == len(POLICY.courses)


def test_reach_is_stored_and_read_back_and_shown(tmp_path: Path) -> None:
    tiers = [*held(EVERYONE, 40, start=0), *held(SPECIALIST, 4, start=49)]
    training = [*took("AITOOL", range(40)), *took("BA", range(49, 53))]
    found = reach(tiers=tiers, training=(TRAINING, training), costs=COSTS, applicants=(APPLICANTS, applied(12, "selected", start=0)))
    assert save_result(tmp_path, found).name == "policy_reach.json"
    assert read_results(tmp_path).policy["reach"] == found
    ledger = build_ledger(report_city.city(policy={"reach": found}))
    place = next(k for k, one in enumerate(found.courses) if one.course.startswith("ビジネスアーキテクト"))
    assert [ledger.text(f"reach.policy.course.{place}.{field}") for field in ("enrolled", "completed", "share")] == ["4人", "4人", "100%"]
    blocks = str(list(SECTION.blocks(ledger, found)))
    assert "読み取れない研修だけ" in blocks
    assert "修了のみ" in blocks
    assert len(list(SECTION.pictures(found, True))) == 1
