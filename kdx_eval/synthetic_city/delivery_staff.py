"""The full delivery's files about people: personnel records in cp932, the training office's lists in UTF-8 with BOM."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from kdx_eval.synthetic_city import abilities, records, writing
from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.design import FIRST_MONTH, stream
from kdx_eval.synthetic_city.writing import UNKNOWN_DEPARTMENT, Fault, Planted, date_texts, month_text, plant, write_csv

_BOM = "utf-8-sig"
_WANTED = {2024: (8, 14), 2025: (12, 16)}  # specialists, promoters


def write_personnel(city: City, folder: Path) -> list[Planted]:
    """所属, 職員, 所属履歴 and 人員 in cp932 from the personnel division, and the tier history beside them."""
    people, ids = city.people, city.people.staff_ids
    titles = {"department_id": "所属コード", "department_name": "所属名", "division": "部局", "department_type": "所属区分"}
    write_csv(city.departments.rename(columns=titles).assign(開始日="H28.4.1", 終了日=""), folder / "所属.csv", encoding="cp932")
    names = records.make_names(city)
    rng = stream(city.seed, "personnel")
    hired = people.hired.astype("U4").astype("datetime64[Y]") + np.timedelta64(3, "M")
    staff = pd.DataFrame(
        {
            "職員番号": ids,
            "氏名": names.written,
            "カナ": names.kana,
            "任用区分": np.where(rng.random(len(ids)) < 0.96, "正規", "再任用"),
            "級": [f"{g}級" for g in people.grade],
            "職種": rng.choice(["一般事務", "土木", "建築", "保健師", "保育士"], len(ids), p=[0.72, 0.09, 0.05, 0.06, 0.08]),
            "採用日": date_texts(hired, ["short"] * len(ids)),
        }
    )
    write_csv(staff, folder / "職員.csv", encoding="cp932")
    department = city.departments["department_id"].to_numpy()
    postings = records.assignments(city)
    styles = writing.draw_styles(rng, len(postings), short=0.5, long=0.5)
    history = pd.DataFrame(
        {
            "職員番号": ids[postings["person"]],
            "所属コード": department[postings["department"]],
            "開始日": date_texts(postings["valid_from"], styles),
            "終了日": date_texts(postings["valid_to"], styles),
        }
    )
    faults = [
        Fault(position=137, row={"職員番号": ids[5], "所属コード": UNKNOWN_DEPARTMENT, "開始日": "R8.3.31"}, column="所属コード", kind="unknown_department")
    ]
    history, planted = plant(history, faults, file="人事/所属履歴.csv")
    write_csv(history, folder / "所属履歴.csv", encoding="cp932")
    write_csv(_headcount(city), folder / "人員.csv", encoding="cp932")
    tiers = records.tiers(city, postings)
    written = pd.DataFrame(
        {
            "職員番号": ids[tiers["person"]],
            "区分": tiers["tier"],
            "開始日": date_texts(tiers["valid_from"], ["short"] * len(tiers)),
            "終了日": date_texts(tiers["valid_to"], ["short"] * len(tiers)),
        }
    )
    write_csv(written, folder.parent / "DX人材区分履歴.csv", encoding=_BOM)
    return planted


def _headcount(city: City) -> pd.DataFrame:
    """Quota and staff on 1 April of each year."""
    rng = stream(city.seed, "headcount")
    heads = city.people.heads()
    vacant = rng.binomial(3, 0.2, heads.shape)
    months = [month_text(FIRST_MONTH + 12 * year) for year in range(heads.shape[1])]
    return pd.DataFrame(
        {
            "所属コード": np.repeat(city.departments["department_id"].to_numpy(), heads.shape[1]),
            "年月": np.tile(months, len(heads)),
            "定数": (heads + vacant).ravel(),
            "実員": heads.ravel(),
            "会計年度任用": rng.binomial(heads, 0.25).ravel(),
            "欠員": vacant.ravel(),
        }
    )


def write_courses(city: City, folder: Path) -> list[Planted]:
    """研修講座, 受講記録 and 応募者 into ``folder``, スキル評価 beside it; UTF-8 with BOM."""
    _catalogue(folder)
    attended = records.attendance(city)
    log, planted = plant(_log(city, attended), _log_faults(city), file="研修/受講記録.csv")
    write_csv(log, folder / "受講記録.csv", encoding=_BOM)
    ids = city.people.staff_ids
    applied = records.applicants(city, attended)
    written = pd.DataFrame(
        {
            "職員番号": ids[applied["person"]],
            "研修番号": applied["course_id"],
            "応募先": applied["post"],
            "応募日": date_texts(applied["applied_on"], ["slash"] * len(applied)),
            "選考結果": applied["outcome"],
            "抽選区分": "",
        }
    )
    write_csv(written, folder / "応募者.csv", encoding=_BOM)
    skills = abilities.skills(city)
    scored = pd.DataFrame(
        {
            "職員番号": ids[skills["person"]],
            "スキル領域": skills["skill_area"],
            "評価日": date_texts(skills["assessed_on"], ["slash"] * len(skills)),
            "得点": skills["score"],
            "評価方法": skills["instrument"],
        }
    )
    write_csv(scored, folder.parent / "スキル評価.csv", encoding=_BOM)
    _tier_targets(folder.parent / "policy" / records.POLICY_VERSION / "tier_targets.csv")
    return planted


def _tier_targets(path: Path) -> None:
    """How many specialists and promoters this city wants, in the file that a city adds to the policy's."""
    source = "架空の市の定員計画（合成データ）"
    rows = [(tier, year, persons, source) for year, pair in _WANTED.items() for tier, persons in zip(("specialist", "promoter"), pair, strict=True)]
    write_csv(pd.DataFrame(rows, columns=["tier_id", "fiscal_year", "persons", "source"]), path, encoding=_BOM)


def _catalogue(folder: Path) -> None:
    """The policy's course list with its Japanese headings and words."""
    titles = {
        "course_id": "研修番号",
        "course_name": "研修名",
        "provider": "実施機関",
        "delivery": "実施方法",
        "hours": "時間数",
        "skill_areas": "スキル領域",
        "tiers": "対象区分",
        "phase": "フェーズ",
        "compulsory": "必修",
        "role_type": "人材類型",
    }
    listed = records.policy_table("course_catalogue")[list(titles)].rename(columns=titles)
    tier = records.policy_table("tiers").set_index("tier_id")["tier"]
    area = records.policy_table("skill_areas").set_index("skill_area_id")["skill_area"]
    listed["必修"] = listed["必修"].map({"1": "はい", "0": "いいえ"})
    listed["対象区分"] = [";".join(tier[t] for t in text.split(";")) for text in listed["対象区分"]]
    listed["スキル領域"] = [";".join(area[a] for a in text.split(";")) for text in listed["スキル領域"]]
    write_csv(listed, folder / "研修講座.csv", encoding=_BOM)


def _log(city: City, attended: pd.DataFrame) -> pd.DataFrame:
    """The attendance log as several people typed it: five ways to write a date, some digits in full width."""
    hours = records.policy_table("course_catalogue").set_index("course_id")["hours"]
    rng = stream(city.seed, "typing")
    styles = writing.draw_styles(rng, len(attended), iso=0.5, slash=0.3, short=0.1, long=0.07, wide=0.03)
    wide = rng.random(len(attended)) < 0.03
    return pd.DataFrame(
        {
            "職員番号": city.people.staff_ids[attended["person"]],
            "研修番号": attended["course_id"],
            "案内日": date_texts(attended["offered_on"], styles),
            "受講開始日": date_texts(attended["enrolled_on"], styles),
            "修了日": date_texts(attended["completed_on"], styles),
            "受講状況": np.where(attended["completed_on"].isna(), "未修了", "修了"),
            "受講時間": [writing.full_width(hours[c]) if w else hours[c] for c, w in zip(attended["course_id"], wide, strict=True)],
            "テスト得点": attended["test_score"],
            "満足度": attended["satisfaction"],
        }
    )


def _log_faults(city: City) -> list[Fault]:
    row = {"研修番号": "DXBPR", "受講状況": "修了", "受講時間": "12", "職員番号": city.people.staff_ids[0]}
    return [
        Fault(position=211, row=row | {"受講開始日": "R6.13.1"}, column="受講開始日", kind="impossible_date"),
        Fault(position=421, row=row | {"受講開始日": "令和7年2月30日"}, column="受講開始日", kind="impossible_date"),
        Fault(position=987, row=row | {"職員番号": "999999", "受講開始日": "2024-07-10"}, column="職員番号", kind="unknown_staff"),
    ]
