"""Policy versions: the shipped one verbatim, edits and new versions in a city's folder, what changed, and spans that may be compared."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import pytest

from kdx_eval.errors import SchemaError
from kdx_eval.load import load_dataset
from kdx_eval.resources import root_dir
from kdx_eval.schema.policy_version import (
    PolicyVersion,
    are_comparable,
    comparable_spans,
    definition_breaks,
    differences,
    load_policy,
    policy_on,
    versions,
)
from kdx_eval.units import Month

SHIPPED = root_dir("data_schema") / "policy" / "r7-04"


def put(data: Path, version: str, **edits: tuple[str, str]) -> None:
    """A whole version in the data folder, with ``file=(old text, new text)`` replaced."""
    folder = data / "policy" / version
    shutil.copytree(SHIPPED, folder)
    first_day = f"{2018 + int(version[1:].split('-', maxsplit=1)[0])}-{version[-2:]}-01"
    for name, (old, new) in {"policy": ("2025-04-01", first_day), **edits}.items():
        path = folder / f"{name}.csv"
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, new), encoding="utf-8", newline="\n")


def test_the_shipped_version_has_three_tiers_five_areas_and_fifteen_cells() -> None:
    policy = load_policy()
    assert (policy.version, policy.effective_from) == ("r7-04", dt.date(2025, 4, 1))
    assert policy.label == "柏市DX人材育成方針（令和7年4月版 r7-04）"
    assert [tier.tier for tier in policy.tiers] == ["DXスペシャリスト人材", "DX推進人材", "全職員"]
    assert [area.skill_area for area in policy.skill_areas] == ["DXリテラシー", "情報セキュリティ", "BPR・業務改善", "データ利活用", "デジタルツール"]
    assert len(policy.skill_map) == 15
    assert all(course.layout_ambiguous for course in policy.courses if course.provider == "外部委託")
    assert versions() == ("r7-04",)


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def seed_text(shared: Path) -> str:
    (source,) = (shared / "seed").glob("*.txt")
    # Footnote marks and the mark-up of the scan are no words of the policy.
    return re.sub(r"<sup>※</sup>|<[^>]*>|\*", "", source.read_text(encoding="utf-8"))


def test_the_skill_map_is_that_of_the_policy_cell_by_cell_and_character_by_character(shared: Path) -> None:
    rows = [[squeezed(cell) for cell in line.split("\t")] for line in seed_text(shared).splitlines() if line.count("\t") == 5]
    policy = load_policy()
    areas = [area.skill_area_id for area in policy.skill_areas]
    printed = {row[0]: row[1:] for row in rows}
    assert [squeezed(area.definition) for area in policy.skill_areas] == printed["スキル内容人材別"]
    for tier in policy.tiers:
        assert [squeezed(policy.skill_map[(tier.tier_id, area)]) for area in areas] == printed[tier.tier]


def test_every_other_quoted_text_stands_in_the_policy(shared: Path) -> None:
    document = squeezed(seed_text(shared))
    policy = load_policy()
    tiers = [text for tier in policy.tiers for text in (tier.definition, tier.role)]
    listed = [course.source_text for course in policy.courses]
    quotes = [link.quote for link in policy.plan_links]
    lost = [text for text in (*tiers, *listed, *quotes) if squeezed(text) not in document]
    assert lost == []


def test_the_city_may_put_a_course_into_another_tier(tmp_path: Path) -> None:
    folder = tmp_path / "policy" / "r7-04"
    folder.mkdir(parents=True)
    content = (SHIPPED / "course_catalogue.csv").read_text(encoding="utf-8").replace("bpr,specialist;promoter;everyone", "bpr,specialist")
    (folder / "course_catalogue.csv").write_bytes(content.encode("cp932"))  # as Excel saves it
    edited = load_policy(data=tmp_path)
    assert next(course for course in edited.courses if course.course_id == "DXBPR").tiers == ("specialist",)
    assert edited.label == "柏市DX人材育成方針（令和7年4月版 r7-04、市が修正）"
    assert edited.digest != load_policy().digest
    assert [change.item for change in differences(load_policy(), edited)] == ["DXBPR"]


def test_a_new_version_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "r9-10", skill_map=("業務フローの課題を見つけ,", "業務フローの課題を自ら見つけ,"))
    assert versions(tmp_path) == ("r7-04", "r9-10")
    assert load_policy(data=tmp_path).version == "r9-10"
    assert [policy_on(day, data=tmp_path).version for day in (dt.date(2020, 1, 1), dt.date(2027, 9, 30), dt.date(2027, 10, 1))] == ["r7-04", "r7-04", "r9-10"]
    (change,) = differences(load_policy("r7-04", data=tmp_path), load_policy("r9-10", data=tmp_path))
    assert (change.kind, change.item) == ("cell", "promoter/bpr")
    assert change.sentence == "スキルマップ「DX推進人材・BPR・業務改善」が変わりました（r7-04 → r9-10）"


def test_blanks_and_line_breaks_are_no_change_of_definition(tmp_path: Path) -> None:
    put(tmp_path, "r8-04", skill_map=("データ駆動型のアプローチ", "データ駆動型の アプローチ"))
    assert differences(load_policy("r7-04"), load_policy("r8-04", data=tmp_path)) == ()


def both(data: Path, **edits: tuple[str, str]) -> tuple[PolicyVersion, ...]:
    put(data, "r9-10", **edits)
    return (load_policy("r9-10", data=data), load_policy("r7-04", data=data))


def test_a_series_is_cut_where_its_definition_changed_and_only_there(tmp_path: Path) -> None:
    policies = both(tmp_path, skill_map=("業務フローの課題を見つけ,", "業務フローの課題を自ら見つけ,"))
    october = Month.of(2027, 10)
    assert definition_breaks(("promoter/bpr",), policies) == (october,)
    assert definition_breaks(("promoter/data",), policies) == ()
    breaks = definition_breaks(("promoter/bpr",), policies)
    spans = comparable_spans(Month.of(2027, 4), Month.of(2028, 3), breaks=breaks)
    assert spans == ((Month.of(2027, 4), Month.of(2027, 9)), (october, Month.of(2028, 3)))
    assert not are_comparable(Month.of(2027, 9), october, breaks=breaks)
    assert are_comparable(october, Month.of(2028, 3), breaks=breaks)
    assert comparable_spans(october, Month.of(2028, 3), breaks=breaks) == ((october, Month.of(2028, 3)),)
    assert comparable_spans(october, Month.of(2027, 9), breaks=breaks) == ()


def test_a_cell_also_changes_with_its_tier_and_its_area(tmp_path: Path) -> None:
    policies = both(tmp_path, tiers=("組織全体のDXスキルを向上する", "組織全体のDXスキルを高める"))
    assert definition_breaks(("promoter",), policies) == definition_breaks(("promoter/data",), policies) == (Month.of(2027, 10),)
    assert definition_breaks(("everyone/data", "DXBPR"), policies) == ()


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("policy", "2025-04-01", "2025-05-01", r"policy\.csv 2行目: 施行日"),
        ("policy", "柏市DX人材育成方針,", ",", "title が空欄"),
        ("tiers", "promoter,", "specialist,", r"tiers\.csv 3行目: 同じ番号"),
        ("tiers", "tier_id", "区分番号", "列 tier_id がありません"),
        ("skill_areas", "bpr,", "BPR2,", "にない番号"),
        ("skill_areas", ",3,", ",三,", "order"),
        ("skill_map", "promoter,tools,", "promoter,data,", r"skill_map\.csv 16行目: 同じ番号"),
        ("skill_map", "everyone,tools,", "everybody,tools,", "にない番号"),
        ("course_catalogue", "bpr,specialist;promoter;everyone", "bpr,expert", r"course_catalogue\.csv 3行目: tiers\.csv にない区分"),
        ("course_catalogue", "bpr;data,", "bpr;date,", "にない領域"),
        ("course_catalogue", "promoter;specialist,2,0", "promoter;specialist,4,0", "phase"),
        ("course_catalogue", "promoter;specialist,2,0", "promoter;specialist,2,必修", "compulsory"),
        ("plan_links", "柏市第六次総合計画,R7-R16,", "柏市第六次総合計画,R7-R16,余分,", "列の数"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path: Path, name: str, old: str, new: str, message: str) -> None:
    put(tmp_path, "r7-04", **{name: (old, new)})
    with pytest.raises(SchemaError, match=message):
        load_policy("r7-04", data=tmp_path)


def test_a_missing_cell_is_named(tmp_path: Path) -> None:
    put(tmp_path, "r7-04")
    path = tmp_path / "policy" / "r7-04" / "skill_map.csv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if not line.startswith("everyone,tools")]
    path.write_text("".join(lines), encoding="utf-8")
    with pytest.raises(SchemaError, match="マス everyone・tools がありません"):
        load_policy("r7-04", data=tmp_path)


def test_folders_and_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="r6-04 がありません"):
        load_policy("r6-04")
    (tmp_path / "policy" / "r8-04").mkdir(parents=True)
    with pytest.raises(SchemaError, match=r"policy\.csv がありません"):
        load_policy(data=tmp_path)
    (tmp_path / "policy" / "新しい版").mkdir()
    with pytest.raises(SchemaError, match="r7-04 のように"):
        versions(tmp_path)


def test_a_load_names_the_versions_and_reads_no_policy_file_as_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    data = tmp_path / "data"
    data.mkdir()
    (data / "所属.csv").write_text("所属コード,所属名\n01,市民課\n", encoding="utf-8")
    before = load_dataset(data)
    put(data, "r9-10")
    after = load_dataset(data)
    assert [one.label for one in before.report.policies] == ["柏市DX人材育成方針（令和7年4月版 r7-04）"]
    assert [one.version for one in after.report.policies] == ["r7-04", "r9-10"]
    assert set(after.tables) == set(before.tables)
    assert [one["effective_from"] for one in after.report.to_dict()["policies"]] == ["2025-04-01", "2027-10-01"]
