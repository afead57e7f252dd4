"""What stands beside the policy: required levels, targets, links and the log; a city's edits are taken, faults are named by file and line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import report_city

from kdx_eval.errors import SchemaError
from kdx_eval.load import load_dataset
from kdx_eval.policy import study_policy
from kdx_eval.policy.skills import Skills
from kdx_eval.resources import root_dir
from kdx_eval.schema.policy_version import RequiredLevel, Supplements, TierTarget, differences, load_policy
from kdx_eval.synthetic_city.abilities import skills as assessed
from kdx_eval.synthetic_city.city import simulate_city

SHIPPED = root_dir("data_schema") / "policy" / "r7-04"


def put(data: Path, name: str, content: str) -> None:
    folder = data / "policy" / "r7-04"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text(content, encoding="utf-8", newline="\n")


def test_every_cell_has_a_required_level_by_every_instrument_and_each_is_an_assumption() -> None:
    levels = load_policy().supplements.levels
    assert len({(one.tier_id, one.skill_area_id, one.instrument) for one in levels}) == 45
    assert {one.status for one in levels} == {"assumption"}
    assert all("方針に水準の定めはない" in one.note for one in levels)
    assert load_policy().supplements.scale("test") == (0, 100)
    assert load_policy().supplements.targets == ()  # nobody has told how many there should be


def test_a_city_sets_its_own_level_and_says_how_many_people_it_wants(tmp_path: Path) -> None:
    text = (SHIPPED / "required_levels.csv").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("everyone,data,self"))
    put(tmp_path, "required_levels", text.replace(row, "everyone,data,self,1,5,4,decided,人事課決定"))
    put(tmp_path, "tier_targets", "tier_id,fiscal_year,persons,source\nspecialist,2025,12,定員管理計画\n")
    policy = load_policy(data=tmp_path)
    level = policy.supplements.level(("everyone", "data"), "self")
    assert level is not None
    assert (level.required, level.status) == (4, "decided")
    assert policy.supplements.targets == (TierTarget(tier_id="specialist", fiscal_year=2025, persons=12, source="定員管理計画"),)
    (change,) = differences(load_policy(), policy)
    assert (change.kind, change.item) == ("level", "everyone/data")
    assert "必要水準" in change.sentence


def test_a_version_without_them_is_still_a_version(tmp_path: Path) -> None:
    folder = tmp_path / "policy" / "r9-04"
    shutil.copytree(SHIPPED, folder)
    for name in ("required_levels", "skill_standard_links", "staff_ideals", "national_trends"):
        (folder / f"{name}.csv").unlink()
    path = folder / "policy.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("2025-04-01", "2027-04-01"), encoding="utf-8", newline="\n")
    assert load_policy("r9-04", data=tmp_path).supplements == Supplements()


LEVELS = "tier_id,skill_area_id,instrument,scale_min,scale_max,required,status,note\n"
TARGETS = "tier_id,fiscal_year,persons,source\n"
TRENDS = "date,issued_by,event,source,status,meaning\n"


@pytest.mark.parametrize(
    ("name", "content", "line", "words"),
    [
        ("required_levels", LEVELS + "chief,bpr,self,1,5,3,assumption,\n", 2, "区分"),
        ("required_levels", LEVELS + "everyone,cooking,self,1,5,3,assumption,\n", 2, "領域"),
        ("required_levels", LEVELS + "everyone,bpr,guess,1,5,3,assumption,\n", 2, "instrument"),
        ("required_levels", LEVELS + "everyone,bpr,self,1,5,6,assumption,\n", 2, "尺度の外"),
        ("required_levels", LEVELS + "everyone,bpr,self,5,1,3,assumption,\n", 2, "尺度の外"),
        ("required_levels", LEVELS + "everyone,bpr,self,1,5,三,assumption,\n", 2, "数ではありません"),
        ("required_levels", LEVELS + "everyone,bpr,self,1,5,nan,assumption,\n", 2, "数ではありません"),
        ("required_levels", LEVELS + "everyone,bpr,self,1,5,3,,\n", 2, "status"),
        ("required_levels", LEVELS + "everyone,bpr,self,1,5,3,decided,\neveryone,data,self,1,4,3,decided,\n", 3, "二つの尺度"),
        ("required_levels", LEVELS + "everyone,bpr,self,1,5,3,decided,\neveryone,bpr,self,1,5,3,decided,\n", 3, "同じ番号"),
        ("tier_targets", TARGETS + "specialist,令和7年度,3,\n", 2, "整数"),
        ("tier_targets", TARGETS + "specialist,2025,-3,\n", 2, "整数"),
        ("national_trends", TRENDS + "令和6年,総務省,何か,資料,sourced,\n", 2, "日付"),
        ("national_trends", TRENDS + "2024,総務省,何か,,sourced,\n", 2, "source"),
        ("national_trends", "date,issued_by\n2024,総務省\n", 1, "列"),
    ],
)
def test_a_fault_is_named_with_file_and_line(tmp_path: Path, name: str, content: str, line: int, words: str) -> None:
    put(tmp_path, name, content)
    with pytest.raises(SchemaError, match=words) as caught:
        load_policy(data=tmp_path)
    assert caught.value.place == f"policy/r7-04/{name}.csv {line}行目"
    assert caught.value.hint


def test_the_level_of_a_cell_without_a_row_is_none() -> None:
    one = RequiredLevel(tier_id="everyone", skill_area_id="bpr", instrument="self", scale_min=1, scale_max=5, required=3, status="decided", note="")
    assert Supplements(levels=(one,)).level(("everyone", "data"), "self") is None
    assert Supplements(levels=(one,)).scale("test") is None


@pytest.fixture
def delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve people of one tier in one department, assessed by themselves; then what goes wrong."""
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    data = tmp_path / "data"
    data.mkdir()
    ids = [f"{k:06d}" for k in range(1, 13)]
    files = {
        "所属": [["所属コード", "所属名"], ["0101", "総務課"]],
        "職員": [["職員番号", "氏名"], *([number, f"見本　{number}郎"] for number in ids)],
        "所属履歴": [["職員番号", "所属コード", "開始日"], *([number, "0101", "2020-04-01"] for number in ids)],
        "DX人材区分履歴": [["職員番号", "区分", "開始日", "終了日"], *([number, "全職員", "2020-04-01", ""] for number in ids)],
        "研修講座": [["研修番号", "研修名"], ["DXBPR", "DX人材育成研修（BPR・業務改善）"]],
        "受講記録": [
            ["職員番号", "研修番号", "受講開始日", "修了日"],
            ["000001", "DXBPR", "2025-05-01", "2025-05-20"],
            ["000002", "謎の研修", "2025-05-01", ""],
        ],
        "スキル評価": [
            ["職員番号", "スキル領域", "評価日", "得点", "評価方法"],
            *([number, "BPR・業務改善", "2025-06-10", "3", "自己評価"] for number in ids),
            ["000001", "BPR・業務改善", "2025-06-11", "-1", "自己評価"],
            ["000002", "BPR・業務改善", "2025-06-11", "9", "自己評価"],
            ["000003", "BPR・業務改善", "2025-06-11", "4", "占い"],
            ["999999", "BPR・業務改善", "2025-06-11", "4", "自己評価"],
        ],
    }  # fmt: skip
    for name, rows in files.items():
        with (data / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return data


def test_every_row_of_a_bad_delivery_is_counted_quarantined_or_set_aside(delivery: Path) -> None:
    dataset = load_dataset(delivery)
    with Path(dataset.rejected).open(encoding="utf-8-sig", newline="") as file:
        rejected = [(row["file"], row["column"]) for row in csv.DictReader(file)]
    # A negative score, an unknown way of assessing, nobody of that number; and a course that the list does not know.
    assert sorted(rejected) == sorted(
        [("スキル評価.csv", "得点"), ("スキル評価.csv", "評価方法"), ("スキル評価.csv", "職員番号"), ("受講記録.csv", "研修番号")]
    )
    found = study_policy("skills", dataset, plan=report_city.plan(()))
    assert isinstance(found, Skills)
    assert [(one.rows, one.reason) for one in found.aside] == [(1, "自己評価の尺度（1～5）の外の得点")]
    counted = sum(one.rows for one in found.aside) + 12
    assert counted + 3 == 16  # the sixteen rows of the file
    assert next(one.spread.persons for one in found.cells if one.tier == "全職員" and one.skill_area == "BPR・業務改善") == 12


def test_the_synthetic_city_is_assessed_three_ways_twice_and_differs_less_afterwards() -> None:
    city = simulate_city(seed=7)
    frame = assessed(city)
    rounds = frame.groupby("instrument")["assessed_on"].nunique()
    assert dict(rounds) == {"自己評価": 2, "上司評価": 2, "テスト": 2}
    tests = frame[(frame["instrument"] == "テスト") & (frame["skill_area"] == "BPR・業務改善")]
    deviations = tests.groupby("assessed_on")["score"].std()
    assert deviations.iloc[1] < deviations.iloc[0]
    typed_wrong = frame[(frame["instrument"] != "テスト") & (frame["score"] > 5)]
    assert set(typed_wrong["score"]) == {35}
    assert len(typed_wrong) == 3
