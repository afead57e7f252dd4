"""The data-quality report finds what was planted, says where and how to mend it, and leaves true data alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kdx_eval.load import load_dataset
from kdx_eval.load.quality import Finding, QualityReport, inspect_quality
from kdx_eval.load.quality.completeness import step_of
from kdx_eval.load.quality.shifts import shift_of
from kdx_eval.load.quality.wording import months_text
from kdx_eval.synthetic_city import CitySize, make_city
from kdx_eval.units import Month
from tests.quality_city import FIRST, Hours, code, deliver, departments_text, overtime, roster_text, worktime_text


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def report(folder: Path, values: Hours, **more: str) -> QualityReport:
    return inspect_quality(deliver(folder, {"時間外勤務.csv": worktime_text(values), **{f"{name}.csv": text for name, text in more.items()}}))


def only(found: tuple[Finding, ...]) -> Finding:
    assert len(found) == 1, [finding.sentence for finding in found]
    return found[0]


def months(*columns: int) -> tuple[str, ...]:
    return tuple(str(FIRST + at) for at in columns)


# --- unit mistakes


def test_a_city_with_strong_seasons_raises_no_finding(tmp_path: Path) -> None:
    assert report(tmp_path, overtime(months=36)).findings == ()


def test_one_departments_month_in_minutes_is_named_with_department_month_factor_and_remedy(tmp_path: Path) -> None:
    values = overtime()
    values[3, 7] *= 60
    found = only(report(tmp_path, values).findings)
    assert (found.kind, found.table, found.column, found.units, found.months) == ("unit", "worktime", "overtime_hours", ("D03",), months(7))
    assert found.factor == 60
    assert found.severity == "ask"  # a month of election or flood is possible while nobody says how many people there are
    assert all(word in found.sentence for word in ("D03", "2023年11月", "60倍", "時間と分"))
    assert "時間外勤務時間（分）" in found.remedy


def test_with_known_people_a_month_no_human_can_work_is_to_be_mended(tmp_path: Path) -> None:
    values = overtime()
    values[3, 7] *= 60
    found = only(report(tmp_path, values, 所属履歴=roster_text([20] * 12)).of_kind("unit"))
    assert found.severity == "stop"
    assert "一人あたり" in found.sentence


def test_a_month_that_all_departments_sent_in_minutes_is_one_finding(tmp_path: Path) -> None:
    values = overtime()
    values[:, 10] *= 60
    found = only(report(tmp_path, values).findings)
    assert (found.severity, found.factor, found.months) == ("stop", 60, months(10))
    assert "すべての所属" in found.sentence


def test_a_fiscal_year_in_minutes_is_one_finding_even_when_it_is_half_of_the_months(tmp_path: Path) -> None:
    values = overtime()
    values[5, 12:] *= 60
    found = only(report(tmp_path, values).of_kind("unit"))
    assert (found.units, found.factor, found.months) == (("D05",), 60, months(*range(12, 24)))


def test_the_heading_that_the_remedy_names_mends_it(tmp_path: Path) -> None:
    values = overtime()
    wrong = values.copy()
    wrong[5, 12:] *= 60
    found = only(report(tmp_path / "a", wrong).of_kind("unit"))
    heading = found.remedy.split("「")[1].split("」")[0]
    part = {"時間外勤務A.csv": worktime_text(wrong, drop=lambda row, at: row == 5 and at >= 12)}
    part["時間外勤務B.csv"] = worktime_text(wrong, heading=heading, drop=lambda row, at: row != 5 or at < 12)
    assert inspect_quality(deliver(tmp_path / "b", part)).findings == ()


@pytest.mark.parametrize(("factor", "words"), [(1e-3, "円と千円"), (1e-4, "円と万円")])
def test_yen_written_in_thousands_are_suspected(tmp_path: Path, factor: float, words: str) -> None:
    values = np.round(overtime() * 2500)
    values[4, 5] = round(values[4, 5] * factor)
    found = only(inspect_quality(deliver(tmp_path, {"時間外勤務.csv": worktime_text(values, heading="時間外勤務手当")})).findings)
    assert (found.column, found.units, found.factor) == ("paid_overtime_yen", ("D04",), factor)
    assert words in found.sentence


def test_a_share_written_in_per_cent_is_suspected(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = ["単位,対象コード,年月,指標,値"]
    for row in range(12):
        for at in range(24):
            value = rng.uniform(0.3, 0.6) * (100 if (row, at) == (2, 9) else 1)
            rows.append(f"所属,{code(row)},{FIRST + at},オンライン申請率,{value:.3f}")
    found = inspect_quality(deliver(tmp_path, {"成果指標.csv": "\n".join(rows) + "\n"})).of_kind("unit")
    assert {finding.units for finding in found} == {("D02",)}
    assert any(finding.factor == 100 and finding.months == months(9) for finding in found)


def test_one_process_in_hours_is_suspected_by_its_code(tmp_path: Path) -> None:
    values = overtime(departments=12) * 60
    values[6, 4] /= 60
    rows = ["業務コード,所属コード,年月,件数,時間（分）"]
    rows += [f"P{row:02d},{code(row // 3)},{FIRST + at},100,{value:.1f}" for row, line in enumerate(values) for at, value in enumerate(line)]
    found = only(inspect_quality(deliver(tmp_path, {"業務量.csv": "\n".join(rows) + "\n"})).of_kind("unit"))
    assert (found.units, found.months, found.factor) == (("P06",), months(4), 1 / 60)


def test_an_election_month_that_the_pay_confirms_is_no_mistake_but_hours_alone_are(tmp_path: Path) -> None:
    def both(hours: Hours, pay: Hours) -> str:
        cells = [(code(row), FIRST + at, hours[row, at], pay[row, at]) for row in range(len(hours)) for at in range(hours.shape[1])]
        return "所属コード,年月,時間外勤務時間,時間外勤務手当\n" + "".join(f"{who},{when},{value:g},{round(yen)}\n" for who, when, value, yen in cells)

    hours = overtime()
    busy = hours.copy()
    busy[2, 3] *= 60
    confirmed = inspect_quality(deliver(tmp_path / "a", {"時間外勤務.csv": both(busy, busy * 2500)}))
    assert confirmed.findings == ()
    alone = inspect_quality(deliver(tmp_path / "b", {"時間外勤務.csv": both(busy, hours * 2500)}))
    assert only(alone.findings).column == "overtime_hours"


def test_a_season_of_fifty_times_that_returns_each_year_is_no_mistake(tmp_path: Path) -> None:
    values = overtime(months=36)
    values[2] = 20.0 + np.arange(36) % 5
    values[2, 10::12] *= 50
    assert report(tmp_path, values).findings == ()


def test_a_tool_that_spreads_a_thousandfold_is_no_mistake(tmp_path: Path) -> None:
    rows = ["単位,対象コード,年月,指標,値"]
    growth = np.round(5 * np.exp(np.arange(36) * np.log(1000) / 35))
    rows += [f"所属,{code(row)},{FIRST + at},生成AI利用回数,{value + row:g}" for row in range(10) for at, value in enumerate(growth)]
    assert inspect_quality(deliver(tmp_path, {"成果指標.csv": "\n".join(rows) + "\n"})).findings == ()


def test_a_level_of_nearly_nothing_tells_nothing(tmp_path: Path) -> None:
    values = overtime()
    values[1] = 0.1
    values[1, 6] = 12.0
    assert report(tmp_path, values).findings == ()


# --- levels of whole columns


def test_a_whole_column_in_minutes_is_recognised_by_hours_a_person(tmp_path: Path) -> None:
    found = only(report(tmp_path, overtime() * 60, 所属履歴=roster_text([20] * 12)).of_kind("unit"))
    assert (found.severity, found.units, found.factor) == ("stop", (), 60)
    assert "200時間" in found.sentence


def test_a_department_that_always_writes_minutes_is_recognised_by_hours_a_person(tmp_path: Path) -> None:
    values = overtime()
    values[3] *= 60
    found = only(report(tmp_path, values, 所属履歴=roster_text([20] * 12)).of_kind("unit"))
    assert (found.severity, found.units) == ("stop", ("D03",))


def test_pay_in_thousands_is_recognised_by_yen_an_hour(tmp_path: Path) -> None:
    hours = overtime()
    lines = ["所属コード,年月,時間外勤務時間,時間外勤務手当"]
    lines += [f"{code(row)},{FIRST + at},{value:g},{round(value * 2.5)}" for row, line in enumerate(hours) for at, value in enumerate(line)]
    found = only(inspect_quality(deliver(tmp_path, {"時間外勤務.csv": "\n".join(lines) + "\n"})).of_kind("unit"))
    assert (found.column, found.factor) == ("paid_overtime_yen", 1e-3)
    assert "千円" in found.sentence
    assert "時間外勤務手当（千円）" in found.remedy


def test_minutes_that_are_hours_are_recognised_by_time_a_case(tmp_path: Path) -> None:
    rows = ["業務コード,所属コード,年月,件数,時間（分）"]
    rows += [f"P{row:02d},{code(row)},{FIRST + at},{200 + row + at % 7},{30 + row + at % 5}" for row in range(8) for at in range(12)]
    found = only(inspect_quality(deliver(tmp_path, {"業務量.csv": "\n".join(rows) + "\n"})).of_kind("unit"))
    assert (found.column, found.factor) == ("minutes", 1 / 60)


def test_costs_in_thousands_are_recognised_by_quantity_and_unit_price(tmp_path: Path) -> None:
    rows = ["年度,予算区分,節,数量,単価,金額", *(f"2025,当初,委託料,{k},250000,{250 * k}" for k in range(1, 8))]
    found = only(inspect_quality(deliver(tmp_path, {"費用.csv": "\n".join(rows) + "\n"})).of_kind("unit"))
    assert (found.table, found.column, found.severity) == ("costs", "yen", "stop")


# --- the same figures twice


def test_a_month_delivered_as_the_next_is_one_finding(tmp_path: Path) -> None:
    values = overtime()
    values[:, 8] = values[:, 7]
    found = only(report(tmp_path, values).findings)
    assert (found.kind, found.severity, found.units, found.months) == ("duplicate", "stop", (), months(7, 8))


def test_a_year_delivered_as_the_next_is_one_finding(tmp_path: Path) -> None:
    values = overtime()
    values[:, 12:] = values[:, :12]
    found = only(report(tmp_path, values).findings)
    assert found.kind == "duplicate"
    assert "2023年4月～2024年3月 と 2024年4月～2025年3月" in found.sentence


def test_a_departments_year_pasted_over_another_departments_names_both(tmp_path: Path) -> None:
    values = overtime()
    values[4, :12] = values[9, :12]
    found = only(report(tmp_path, values).findings)
    assert (found.kind, found.units) == ("duplicate", ("D04", "D09"))
    assert "D04 の 令和5年度" in found.sentence


def test_one_departments_month_of_several_processes_delivered_twice_names_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    values = np.round(rng.uniform(500, 9000, size=(24, 12)))
    values[6:12, 5] = values[6:12, 4]
    rows = ["業務コード,所属コード,年月,時間（分）"]
    rows += [f"P{row:02d},{code(row // 6)},{FIRST + at},{value:g}" for row, line in enumerate(values) for at, value in enumerate(line)]
    found = only(inspect_quality(deliver(tmp_path, {"業務量.csv": "\n".join(rows) + "\n"})).findings)
    assert (found.kind, found.units, found.months) == ("duplicate", ("D01",), months(4, 5))


def test_constants_zeros_and_slow_counts_are_no_duplicates(tmp_path: Path) -> None:
    values = overtime()
    values[0], values[1], values[2] = 0.0, 8.0, 8.0
    rng = np.random.default_rng(6)
    forms = np.cumsum(rng.random((12, 24)) < 0.05, axis=1) + rng.integers(1, 5, size=(12, 1))
    rows = ["単位,対象コード,年月,指標,値"]
    rows += [f"所属,{code(row)},{FIRST + at},電子申請フォーム数,{value}" for row, line in enumerate(forms) for at, value in enumerate(line)]
    assert report(tmp_path, values, 成果指標="\n".join(rows) + "\n").of_kind("duplicate", "unit", "shift") == ()


def test_one_file_under_two_names_is_a_finding(tmp_path: Path) -> None:
    rows = ["業務コード,所属コード,年月,時間（分）", *(f"P{k:02d},D01,{FIRST + at},{100 * k + at}" for k in range(1, 6) for at in range(12))]
    text = "\n".join(rows) + "\n"
    found = inspect_quality(deliver(tmp_path, {"業務量.csv": text, "控え/業務量 (1).csv": text})).of_kind("duplicate")
    assert any("業務量.csv" in finding.sentence and "控え/業務量 (1).csv" in finding.sentence for finding in found)


def test_rows_appended_twice_name_the_months(tmp_path: Path) -> None:
    rows = [f"P{k:02d},D01,{FIRST + at},{100 * k + at}" for at in range(12) for k in range(1, 13)]
    again = [row for row in rows if f",{FIRST + 3}," in row or f",{FIRST + 4}," in row]
    text = "\n".join(["業務コード,所属コード,年月,時間（分）", *rows, *again]) + "\n"
    found = only(inspect_quality(deliver(tmp_path, {"業務量.csv": text})).of_kind("duplicate"))
    assert (found.severity, found.months) == ("stop", months(3, 4))
    assert "2倍" in found.sentence


def test_a_whole_table_appended_twice_is_one_finding_and_blank_months_are_no_block(tmp_path: Path) -> None:
    rows = [f"P{k:02d},,{2024 + k % 2},{100 * k}" for k in range(1, 13)]
    head = "業務コード,所属コード,年度,時間（分）"
    twice = inspect_quality(deliver(tmp_path / "a", {"業務量.csv": "\n".join([head, *rows, *rows]) + "\n"}))
    assert only(twice.of_kind("duplicate")).sentence.startswith("すべての行が二つずつ")
    some = inspect_quality(deliver(tmp_path / "b", {"業務量.csv": "\n".join([head, *rows, *rows, f"P01,D01,{2024},7"]) + "\n"}))
    assert some.of_kind("duplicate") == ()


def test_a_few_equal_rows_are_no_duplicate(tmp_path: Path) -> None:
    rows = [f"P{k:02d},D01,{FIRST + at},{100 * k + at}" for at in range(12) for k in range(1, 13)]
    text = "\n".join(["業務コード,所属コード,年月,時間（分）", *rows, rows[0], rows[1]]) + "\n"
    assert inspect_quality(deliver(tmp_path, {"業務量.csv": text})).of_kind("duplicate") == ()


# --- completeness


def test_zero_blank_absent_and_not_collected_are_four_states(tmp_path: Path) -> None:
    values = overtime(departments=3, months=12)
    values[0, 2], values[1, 3] = 0.0, np.nan
    text = worktime_text(values, drop=lambda row, at: (row, at) == (2, 4) or at == 6)
    found = inspect_quality(deliver(tmp_path, {"時間外勤務.csv": text}))
    (grid,) = found.grids
    cells = {(row.unit_id, row.month): row.state for row in grid.frame().itertuples()}
    assert cells["D00", str(FIRST + 2)] == "zero"
    assert cells["D01", str(FIRST + 3)] == "missing"
    assert cells["D02", str(FIRST + 4)] == "missing"
    assert {cells[code(row), str(FIRST + 6)] for row in range(3)} == {"not_collected"}
    assert [grid.count(state) for state in ("complete", "zero", "missing", "not_collected")] == [30, 1, 2, 3]
    whole, *units = found.findings
    assert (whole.severity, whole.units, whole.months) == ("stop", (), months(6))
    assert {finding.units: finding.months for finding in units} == {("D01",): months(3), ("D02",): months(4)}


def test_a_department_missing_for_half_a_year_is_one_finding(tmp_path: Path) -> None:
    found = only(inspect_quality(deliver(tmp_path, {"時間外勤務.csv": worktime_text(overtime(), drop=lambda row, at: row == 4 and at >= 18)})).findings)
    assert (found.kind, found.units, found.months) == ("gap", ("D04",), months(*range(18, 24)))
    assert "途中で終わっています" in found.sentence


def test_a_department_that_ended_is_not_missing_afterwards(tmp_path: Path) -> None:
    listed = departments_text(12).replace("D04,第4課,,", "D04,第4課,,2024-09-30")
    text = worktime_text(overtime(), drop=lambda row, at: row == 4 and at >= 18)
    found = inspect_quality(deliver(tmp_path, {"時間外勤務.csv": text, "所属.csv": listed}))
    assert found.findings == ()
    assert found.grids[0].count("not_collected") == 6


def test_a_department_of_the_list_without_any_row_is_named(tmp_path: Path) -> None:
    found = only(report(tmp_path, overtime(), 所属=departments_text(13)).findings)
    assert (found.kind, found.units) == ("gap", ("D12",))


def test_a_yearly_headcount_is_not_missing_in_the_months_between(tmp_path: Path) -> None:
    rows = ["所属コード,年月,定数,実員", *(f"{code(row)},{2020 + year}-04,10,{9 + (row + year) % 2}" for row in range(6) for year in (0, 1, 2, 4))]
    found = only(inspect_quality(deliver(tmp_path, {"人員.csv": "\n".join(rows) + "\n"})).findings)
    assert found.months == ("2023-04",)


def test_a_department_with_zeros_only_is_asked_whether_they_are_zeros(tmp_path: Path) -> None:
    values = overtime()
    values[6] = 0
    found = only(report(tmp_path, values).findings)
    assert (found.severity, found.kind, found.units) == ("note", "gap", ("D06",))


def test_rows_partly_blank_are_counted(tmp_path: Path) -> None:
    rows = ["業務コード,所属コード,年月,時間（分）"]
    rows += [f"P{k},D01,{FIRST + at},{'' if (k, at) == (2, 3) else 900 + 10 * k + at}" for k in range(3) for at in range(12)]
    found = inspect_quality(deliver(tmp_path, {"業務量.csv": "\n".join(rows) + "\n"}))
    assert found.grids[0].partly_blank == 1
    assert only(found.findings).severity == "note"


# --- the rest


def test_a_lasting_jump_is_a_question_and_a_slow_trend_is_none() -> None:
    rng = np.random.default_rng(4)
    level = np.where(np.arange(36) < 20, 100.0, 420.0) * np.exp(0.1 * rng.standard_normal(36))
    found = shift_of(level)
    assert found is not None
    assert found[0] == 20
    assert 3.5 < found[1] < 5
    assert shift_of(100.0 * np.exp(np.arange(36) / 12)) is None
    assert shift_of(np.where(np.arange(36) == 20, 900.0, 100.0)) is None


def test_a_distribution_by_hand(tmp_path: Path) -> None:
    hours = ("0", "10", "20", "30", "", "40")
    text = "所属コード,年月,時間外勤務時間\n" + "".join(f"D01,2024-{month:02d},{one}\n" for month, one in enumerate(hours, start=1))
    (one,) = [item for item in inspect_quality(deliver(tmp_path, {"時間外勤務.csv": text})).distributions if item.table == "worktime"]
    assert (one.n, one.minimum, one.lower_quartile, one.median, one.upper_quartile, one.p99, one.maximum) == (5, 0, 10, 20, 30, 40, 40)
    assert one.zero_share == pytest.approx(1 / 5)
    assert one.missing_share == pytest.approx(1 / 6)


def test_the_extremes_of_personal_rows_are_withheld_and_no_person_is_named(tmp_path: Path) -> None:
    rows = ["職員番号,年月,時間外勤務時間", *(f"{k:05d},{FIRST + at},{7.5 * k + at}" for k in range(1, 9) for at in range(12))]
    found = inspect_quality(deliver(tmp_path, {"時間外勤務.csv": "\n".join(rows) + "\n", "所属履歴.csv": roster_text([4, 4])}))
    (one,) = [item for item in found.distributions if item.table == "worktime"]
    assert (one.minimum, one.maximum) == (None, None)
    assert found.grids[0].units == ("D00", "D01")
    assert "00001" not in str(found.to_dict())


def test_many_refused_rows_and_unmatched_people_are_findings(tmp_path: Path) -> None:
    values = overtime(departments=2, months=12)
    text = worktime_text(values) + "D01,2025-13,5\n" * 6
    found = only(inspect_quality(deliver(tmp_path, {"時間外勤務.csv": text})).findings)
    assert (found.kind, found.severity) == ("refused", "ask")
    assert "6 行" in found.sentence


def test_the_gravest_finding_stands_first(tmp_path: Path) -> None:
    values = overtime()
    values[3, 7] *= 60
    values[:, 20] = values[:, 19]
    values[5, 2] = np.nan
    assert [finding.severity for finding in report(tmp_path, values).findings] == ["stop", "ask", "ask"]


@pytest.mark.parametrize("minimal", [False, True])
def test_the_demonstration_city_raises_no_suspicion(tmp_path: Path, minimal: bool) -> None:
    found = inspect_quality(load_dataset(make_city(tmp_path, minimal=minimal, size=CitySize(departments=24, staff=700, processes=60)).data))
    assert [finding.sentence for finding in found.findings if finding.kind != "matching"] == []
    assert found.grids


def test_an_empty_measure_or_a_delivery_without_months_is_no_error(tmp_path: Path) -> None:
    found = inspect_quality(deliver(tmp_path, {"費用.csv": "年度,予算区分,節,金額\n2025,当初,委託料,500000\n"}))
    assert (found.grids, found.findings) == ((), ())


def test_the_report_is_plain_data(tmp_path: Path) -> None:
    import json

    values = overtime()
    values[3, 7] *= 60
    plain = json.loads(json.dumps(report(tmp_path, values).to_dict(), ensure_ascii=False))
    assert plain["rows_read"] == 12 * 24
    assert plain["findings"][0]["units"] == ["D03"]
    assert plain["completeness"][0]["complete"] == 12 * 24


def test_months_are_told_as_ranges() -> None:
    assert months_text([Month.of(2024, 4), Month.of(2024, 5), Month.of(2025, 1)]) == "2024年4月～5月、2025年1月"
    assert months_text([Month.of(2023, 4), Month.of(2024, 4)], step=12) == "2023年4月～2024年4月"
    assert step_of([Month.of(2024, 4), Month.of(2024, 5), Month.of(2024, 7)]) == 1
