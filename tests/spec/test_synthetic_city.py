"""The synthetic city: the same for a seed, true to what it says about itself, and as flawed as real exports."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kdx_eval.errors import OutputError, ParameterError
from kdx_eval.synthetic_city import City, CityFiles, CitySize, Mechanism, make_city, simulate_city, write_workload
from kdx_eval.synthetic_city.design import FIRST_MONTH
from kdx_eval.synthetic_city.training import NEVER

SMALL = CitySize(departments=14, staff=420, processes=30)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> CityFiles:
    return make_city(tmp_path_factory.mktemp("full"))


@pytest.fixture(scope="module")
def minimal(tmp_path_factory: pytest.TempPathFactory) -> CityFiles:
    return make_city(tmp_path_factory.mktemp("minimal"), minimal=True)


@pytest.fixture(scope="module")
def city() -> City:
    return simulate_city()


def _department_hours(city: City) -> np.ndarray:
    work = city.workload()
    return work.pivot_table(index="department_id", columns="month", values="minutes", aggfunc="sum").to_numpy() / 60


def _cells(path: Path, sheet: str) -> list[list[object]]:
    from python_calamine import CalamineWorkbook

    return CalamineWorkbook.from_path(str(path)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


@pytest.mark.parametrize("only_minimal", [False, True])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, only_minimal: bool) -> None:
    first = make_city(tmp_path / "a", minimal=only_minimal, size=SMALL, seed=7)
    second = make_city(tmp_path / "b", minimal=only_minimal, size=SMALL, seed=7)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == (6 if only_minimal else 32)
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert first.truth.parent != second.truth.parent


def test_another_seed_gives_another_city(city: City) -> None:
    assert not np.array_equal(simulate_city(seed=2026).outcomes.minutes, city.outcomes.minutes)


def test_the_recorded_truth_is_the_difference_to_the_same_city_without_training(city: City, full: CityFiles) -> None:
    without = simulate_city(mechanism=Mechanism(effect_share=0.0, genai_uses_per_staff=0.0, processing_days=0.0, online_share=0.0))
    truth = pd.read_csv(full.truth.parent / "truth_effects.csv", dtype={"department_id": str}, parse_dates=["month"])
    measured = {
        ("DXBPR", "workload_hours"): _department_hours(city) - _department_hours(without),
        ("DXBPR", "overtime_hours"): city.outcomes.overtime - without.outcomes.overtime,
        ("AITOOL", "genai_uses"): city.outcomes.genai_uses - without.outcomes.genai_uses,
    }
    for key in (("DXBPR", "processing_days"), ("FORMTOOL", "online_share")):  # nothing in the departments that serve nobody
        measured[key] = np.nan_to_num(city.outcomes.citizens[key[1]] - without.outcomes.citizens[key[1]])
    rounding = {"workload_hours": 0.05, "overtime_hours": 0.11, "genai_uses": 1.01, "processing_days": 0.101, "online_share": 0.00101}
    for (course, outcome), difference in measured.items():
        rows = truth[(truth["course_id"] == course) & (truth["outcome"] == outcome)]
        expected = rows.pivot_table(index="department_id", columns="month", values="effect")
        index = np.flatnonzero(city.departments["department_id"].isin(expected.index))
        columns = [k for k in range(48) if (FIRST_MONTH + k).first_day >= expected.columns[0].date()]
        found = difference[np.ix_(index, columns)]
        assert np.abs(found - np.nan_to_num(expected.to_numpy())).max() < rounding[outcome]
        untouched = np.delete(difference, index, axis=0)
        assert not untouched.any()
    totals = {(row["course_id"], row["outcome"]): row for row in json.loads(full.truth.read_text(encoding="utf-8"))["effects"]}
    for key, difference in measured.items():
        assert totals[key]["total"] == pytest.approx(difference[:, 36:].sum(), rel=0.01)
    assert totals["FORMTOOL", "workload_hours"]["total"] == 0.0


def test_the_effect_sets_in_over_three_months_and_fades_with_transfers(city: City) -> None:
    uptake = city.uptakes["DXBPR"]
    effect = -city.outcomes.effects["DXBPR", "workload_hours"] / _department_hours(city)
    early = np.flatnonzero(uptake.start == 27)  # 2024-07
    ramp = effect[early][:, 27:31].mean(axis=0) / effect[early, 30].mean()
    assert ramp == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=0.03)
    share = Mechanism().effect_share  # of minutes without training, while nobody has moved yet
    assert effect[early, 35].mean() == pytest.approx(share / (1 - share), rel=0.02)
    assert 0.70 < effect[early, 36].mean() / effect[early, 35].mean() < 0.97  # April 2025


def test_volunteers_stand_out_in_level_and_the_whole_city_trends_down(city: City) -> None:
    flat = replace(city.mechanism, effect_share=0.0, covid=0.0)
    cities = [simulate_city(mechanism=flat, seed=seed) for seed in range(12)]
    ratio, change = [], []
    for each in cities:
        hours, heads = _department_hours(each), each.people.heads().mean(axis=1)
        chosen = each.uptakes["DXBPR"].start < NEVER
        per_scale = hours / heads[:, None] ** 0.6
        ratio.append(per_scale[chosen].mean() / per_scale[~chosen].mean())
        change.append(hours[:, 36:].sum() / hours[:, :12].sum() - 1)
    assert np.mean(ratio) == pytest.approx(1.16, abs=0.04)
    # from 2022-04..2023-03 to 2025-04..2026-03: 28.5 months of trend at 5 % a year, on the level without selection
    assert np.mean(change) == pytest.approx(-0.05 * 28.5 / 12 / 1.085, abs=0.015)


def test_switching_a_cause_off_leaves_every_other_draw_as_it_was(city: City) -> None:
    calm = simulate_city(mechanism=Mechanism(covid=0.0))
    assert np.array_equal(calm.outcomes.cases, city.outcomes.cases)
    assert np.array_equal(calm.outcomes.minutes[:, 13:], city.outcomes.minutes[:, 13:])
    assert calm.cohorts.equals(city.cohorts)


def test_the_city_has_the_promised_size_and_overtime(city: City) -> None:
    assert city.people.heads().sum(axis=0).tolist() == [2_600] * 4
    assert len(city.departments) == 60 == city.departments["department_name"].nunique()
    assert len(city.outcomes.processes) == 150
    moved = (city.people.posting[:, 3] != city.people.posting[:, 2])[(city.people.posting[:, 2:] >= 0).all(axis=1)]
    assert 0.19 < moved.mean() < 0.24
    per_head = city.outcomes.overtime.sum(axis=0) / 2_600
    assert per_head.mean() == pytest.approx(13.2, rel=0.1)
    assert set(np.argsort(per_head[12:24])[-2:]) == {0, 11}  # April and March
    assert _department_hours(city).mean() == pytest.approx(1_300, rel=0.1)


def test_waves_and_shares_of_the_main_course_are_as_announced(city: City) -> None:
    reached = city.cohorts[city.cohorts["course_id"] == "DXBPR"]
    assert len(reached) == 34
    assert reached["share"].between(0.22, 0.45).all()
    assert reached.groupby("quarter").size().between(4, 8).all()


@pytest.mark.parametrize("course", ["DXBPR", "FORMTOOL", "AITOOL"])
def test_the_share_of_trained_staff_crosses_the_threshold_in_the_recorded_quarter_and_nowhere_else(city: City, course: str) -> None:
    uptake, heads = city.uptakes[course], city.people.heads()
    share = np.stack([city.people.posted(uptake.enrolled <= k, year=k // 12) / heads[:, k // 12] for k in range(48)], axis=1)
    crossed = np.where((share >= 0.15).any(axis=1), (share >= 0.15).argmax(axis=1), NEVER)
    assert np.array_equal(crossed // 3, uptake.start // 3)


def test_both_deliveries_describe_the_same_city(full: CityFiles, minimal: CityFiles, city: City) -> None:
    rows = _cells(full.data / "勤務時間.xlsx", "勤務時間")
    assert "合成データ" in str(rows[0][0])
    long = pd.DataFrame(rows[5 : 5 + 60 * 48])
    by_department = long.groupby(1)[4].sum()
    totals = dict.fromkeys(city.departments["department_name"], 0.0)
    for year in ("R4年度", "R5年度", "R6年度", "R7年度"):
        sheet = _cells(minimal.data / "時間外勤務時間数.xlsx", year)
        assert "合成データ" in str(sheet[0][0])
        assert sheet[-1][0] == "合計"
        for row in sheet[4:-1]:
            assert row[13] == pytest.approx(sum(row[1:13]), abs=0.06)
            totals[row[0]] += sum(row[1:13])
        assert sheet[-1][13] == pytest.approx(sum(row[13] for row in sheet[4:-1]), abs=0.5)
    assert {name: pytest.approx(hours, abs=0.01) for name, hours in totals.items()} == by_department.to_dict()


def test_every_planted_fault_stands_where_the_truth_says(full: CityFiles) -> None:
    faults = json.loads(full.truth.read_text(encoding="utf-8"))["planted_faults"]
    assert len(faults) == 12
    for fault in faults:
        if fault["sheet"]:
            cells = _cells(full.data / fault["file"], fault["sheet"])[fault["row"] - 1]
            assert ("合計" in cells) == (fault["kind"] == "total_row")
            continue
        encoding = "cp932" if fault["file"].startswith("人事") else "utf-8-sig"
        lines = (full.data / fault["file"]).read_text(encoding=encoding).splitlines()
        cell = dict(zip(lines[0].split(","), lines[fault["row"] - 1].split(","), strict=True))[fault["column"]]
        wrong = {
            "impossible_date": ("R6.13.1", "令和7年2月30日", "2025-13"),
            "unknown_department": ("009999",),
            "unknown_staff": ("999999",),
            "negative_minutes": ("-1200",),
            "error_text": ("#REF!", "#DIV/0!"),
            "total_row": ("合計",),
        }
        assert cell in wrong[fault["kind"]]


def test_a_formula_error_is_stored_as_an_error_cell(full: CityFiles) -> None:
    with zipfile.ZipFile(io.BytesIO((full.data / "勤務時間.xlsx").read_bytes())) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode("utf-8")
    assert sheet.count('t="e"') == 1


def test_files_carry_the_flaws_of_real_exports(full: CityFiles) -> None:
    staff = (full.data / "人事" / "職員.csv").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        staff.decode("utf-8")
    names = staff.decode("cp932")
    assert all(character in names for character in "髙﨑〓")
    log = (full.data / "研修" / "受講記録.csv").read_bytes()
    assert log.startswith(b"\xef\xbb\xbf")
    text = log.decode("utf-8-sig")
    assert all(sample in text for sample in ("Ｒ６．", "令和6年", "R6.", "２"))
    roster = pd.read_csv(io.BytesIO(staff), encoding="cp932", dtype=str)
    assert roster["職員番号"].is_unique
    history = pd.read_csv(full.data / "人事" / "所属履歴.csv", encoding="cp932", dtype=str)
    posted = history[~history["所属コード"].eq("009999")]
    now = posted[posted["終了日"].isna()].merge(roster, on="職員番号")
    assert now.duplicated(["氏名", "カナ", "所属コード"]).sum() >= 2


def test_the_truth_never_lies_inside_the_data_folder(full: CityFiles, minimal: CityFiles) -> None:
    for files in (full, minimal):
        assert not list(files.data.rglob("truth*"))
        assert files.data not in files.truth.parents
    assert not list(minimal.data.rglob("*.yaml"))
    assert "合成データ" in (full.data / "README.txt").read_text(encoding="utf-8-sig")


def test_costs_are_consistent_and_near_the_amounts_asked_for(full: CityFiles) -> None:
    from kdx_eval.synthetic_city.finance import costs
    from kdx_eval.synthetic_city.loop import earlier_costs

    lines = costs()
    assert (lines["yen"] == lines["quantity"] * lines["unit_price"]).all()
    total = lines.groupby(["fiscal_year", "stage"])["yen"].sum()
    assert total[2027, "要求"] == pytest.approx(9_900_000, rel=0.02)
    assert total[2026, "当初"] == pytest.approx(8_800_000, rel=0.02)
    sheet = _cells(full.data / "財務" / "費用.xlsx", "費用")
    assert sum(row[9] for row in sheet[3:]) == lines["yen"].sum() + earlier_costs()["yen"].sum()


def test_the_plan_that_comes_with_the_city_can_be_read(full: CityFiles) -> None:
    from kdx_eval.plan.reading import read_plan

    plan = read_plan(full.data / "plan.yaml")
    assert plan.synthetic
    roles = ["primary", "primary", "secondary", "secondary", "completion_only", "secondary", "secondary"]
    assert [question.role for question in plan.questions] == roles
    # What citizens notice is asked before looking, like everything else, and is worth no hours.
    assert [(one.outcome.key, one.outcome.unit_label, one.outcome.hours_per_unit) for one in plan.questions[5:]] == [
        ("indicators.processing_days", "日", None), ("indicators.online_share", "ポイント", None),
    ]  # fmt: skip


def test_an_older_city_is_not_mixed_with_a_new_one(minimal: CityFiles) -> None:
    with pytest.raises(OutputError):
        make_city(minimal.truth.parent)


@pytest.mark.parametrize("size", [{"departments": 3}, {"staff": 100}, {"processes": 10}])
def test_an_impossible_size_is_refused(size: dict[str, int]) -> None:
    with pytest.raises(ParameterError):
        CitySize(**size)


def test_the_scale_writer_writes_the_rows_asked_for_and_the_same_ones_again(tmp_path: Path) -> None:
    import duckdb

    first = write_workload(tmp_path / "業務量 '1'.parquet", rows=150_000, seed=1)
    second = write_workload(tmp_path / "b.parquet", rows=150_000, seed=1)
    other = write_workload(tmp_path / "c.parquet", rows=150_000, seed=2)
    with duckdb.connect() as connection:
        frames = [connection.execute("SELECT * FROM read_parquet(?) ORDER BY ALL", [str(path)]).df() for path in (first, second, other)]
    assert len(frames[0]) == 150_000
    assert frames[0].equals(frames[1])
    assert not frames[0].equals(frames[2])
    assert frames[0]["process_id"].nunique() == 150
    assert frames[0].groupby("process_id")["department_id"].nunique().eq(1).all()
    assert frames[0]["date"].between("2022-04-01", "2026-03-31").all()
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]
    with pytest.raises(ParameterError):
        write_workload(tmp_path / "d.parquet", rows=0, seed=1)


def test_an_unbiased_comparison_finds_the_effect_and_before_after_does_not() -> None:
    """Matched months against departments never trained, over twenty cities; each course's own truth."""
    errors, placebo, naive = [], [], []
    for seed in range(20):
        each = simulate_city(seed=seed)
        hours = _department_hours(each)
        effect = each.outcomes.effects["DXBPR", "workload_hours"]
        start = each.uptakes["DXBPR"].start
        errors.append(_matched_months(hours, start) - effect[start < NEVER, 36:].sum() / (np.arange(36, 48) >= start[:, None]).sum())
        placebo.append(_matched_months(hours, each.uptakes["FORMTOOL"].start))
        chosen = np.flatnonzero(start < NEVER)
        before_after = np.mean([hours[d, 36:].mean() - hours[d, 13 : start[d]].mean() for d in chosen])
        naive.append(before_after / effect[chosen, 36:].mean())
    for sample in (errors, placebo):
        assert abs(np.mean(sample)) < 3 * np.std(sample, ddof=1) / np.sqrt(20)
    assert np.std(errors) < 25
    assert np.mean(naive) > 2  # before-after is more than twice the truth


def _matched_months(hours: np.ndarray, start: np.ndarray) -> float:
    """Mean over treated department-months of 2025 of the change against the same calendar months after COVID."""
    total, cells = 0.0, 0
    for department in np.flatnonzero(start < NEVER):
        for month in range(max(36, start[department]), 48):
            before = [k for k in range(13, start[department]) if k % 12 == month % 12]
            change = hours[:, month] - hours[:, before].mean(axis=1)
            total += change[department] - change[start == NEVER].mean()
            cells += 1
    return total / cells
