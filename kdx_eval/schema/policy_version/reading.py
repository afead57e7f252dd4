"""Policy versions from their folders: each file checked, with the city's own edits in place of what is shipped."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from kdx_eval.errors import SchemaError
from kdx_eval.resources import root_dir
from kdx_eval.schema.policy_version.supplements import OPTIONAL_FILES, read_supplements
from kdx_eval.schema.policy_version.table import PolicyTable
from kdx_eval.schema.policy_version.types import FOLDER, CatalogueCourse, PlanLink, PolicyVersion, SkillArea, Tier, effective_from

DEFINITION = "definition"  # the row スキル内容 of the skill map
_FILES: Mapping[str, tuple[str, ...]] = {
    "policy": ("title", "issued_by", "effective_from"),
    "tiers": ("tier_id", "tier", "definition", "role", "membership", "page"),
    "skill_areas": ("skill_area_id", "skill_area", "order", "page"),
    "skill_map": ("tier_id", "skill_area_id", "text", "page"),
    "course_catalogue": (
        "course_id", "course_name", "group", "provider", "delivery", "skill_areas", "tiers", "phase", "compulsory", "role_type", "source_text",
        "layout_ambiguous",
    ),
    "plan_links": ("plan", "period", "item", "quote", "page"),
}  # fmt: skip


def versions(data: Path | None = None) -> tuple[str, ...]:
    """Ids of all versions, shipped and in the folder ``data``, earliest first. Raises SchemaError for a folder that is named otherwise."""
    folders = [folder for root in _roots(data) for folder in root.iterdir() if folder.is_dir()]
    return tuple(sorted({folder.name for folder in folders}, key=lambda name: (effective_from(name), name)))


def load_policy(version: str | None = None, *, data: Path | None = None) -> PolicyVersion:
    """The version called ``version``, by default the latest, with what the city edited in ``data``/policy/<version>/.

    Raises
    ------
    SchemaError
        There is no such version, or a file of it is missing or wrong; the message names file, line and remedy.
    """
    known = versions(data)
    if version is None:
        version = known[-1]
    if version not in known:
        raise SchemaError(f"方針の版 {version} がありません", place="policy", hint=f"ある版: {'、'.join(known)}")
    folders = [root / version for root in _roots(data) if (root / version).is_dir()]
    found: dict[str, tuple[str, bytes]] = {}
    edited = []
    for folder in folders:
        for name in (*_FILES, *OPTIONAL_FILES):
            if (folder / f"{name}.csv").is_file():
                content = (folder / f"{name}.csv").read_bytes()
                if name in found and found[name][1] != content:
                    edited.append(name)
                found[name] = (f"{FOLDER}/{version}/{name}.csv", content)
    lacking = [name for name in _FILES if name not in found]
    if lacking:
        raise SchemaError(f"方針の版に {lacking[0]}.csv がありません", place=f"{FOLDER}/{version}", hint="ほかの版の同じ名前のファイルを写して直してください")
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + hashlib.sha256(found[name][1]).digest() for name in sorted(found))).hexdigest()
    columns = {**_FILES, **OPTIONAL_FILES}
    tables = {name: PolicyTable(columns[name], place=place, content=content) for name, (place, content) in found.items()}
    return _assemble(version, tables, edited=tuple(edited), digest=digest)


def policy_on(day: dt.date, *, data: Path | None = None) -> PolicyVersion:
    """The version in force on ``day``; before the first one, the first. Raises SchemaError as `load_policy`."""
    known = versions(data)
    in_force = [version for version in known if effective_from(version) <= day]
    return load_policy(in_force[-1] if in_force else known[0], data=data)


def _roots(data: Path | None) -> list[Path]:
    own = [data / FOLDER] if data is not None and (data / FOLDER).is_dir() else []
    return [root_dir("data_schema") / FOLDER, *own]


def _assemble(version: str, tables: Mapping[str, PolicyTable], *, edited: tuple[str, ...], digest: str) -> PolicyVersion:
    title, issued_by = _about(version, tables["policy"])
    tiers = _tiers(tables["tiers"])
    areas = _areas(tables["skill_areas"])
    cells = _skill_map(tables["skill_map"], tiers=[tier.tier_id for tier in tiers], areas=list(areas))
    return PolicyVersion(
        version=version, title=title, issued_by=issued_by, effective_from=effective_from(version), tiers=tiers,
        skill_areas=tuple(
            SkillArea(skill_area_id=area, skill_area=name, definition=cells[(DEFINITION, area)], page=page) for area, (name, page) in areas.items()
        ),
        skill_map=MappingProxyType({pair: text for pair, text in cells.items() if pair[0] != DEFINITION}),
        courses=_courses(tables["course_catalogue"], tiers={tier.tier_id for tier in tiers}, areas=set(areas)),
        plan_links=_links(tables["plan_links"]),
        supplements=read_supplements(tables, tiers={tier.tier_id for tier in tiers}, areas=set(areas)), edited=edited, digest=digest,
    )  # fmt: skip


def _about(version: str, table: PolicyTable) -> tuple[str, str]:
    rows = list(table)
    if len(rows) != 1:
        table.refuse("方針の名前の行は一つです", "一行だけ書いてください")
    table.required(rows[0], "title", "effective_from")
    if rows[0]["effective_from"] != effective_from(version).isoformat():
        table.refuse("施行日がフォルダーの名前と合いません", f"{version} なら {effective_from(version).isoformat()} です")
    return rows[0]["title"], rows[0]["issued_by"]


def _tiers(table: PolicyTable) -> tuple[Tier, ...]:
    seen: set[object] = set()
    found = []
    for row in table:
        table.required(row, "tier_id", "tier", "definition")
        table.once(row["tier_id"], seen)
        if row["tier_id"] == DEFINITION:
            table.refuse(f"{DEFINITION} は区分の番号に使えません", "別の番号にしてください")
        found.append(Tier(**{column: row[column] for column in _FILES["tiers"]}))
    return tuple(found)


def _areas(table: PolicyTable) -> dict[str, tuple[str, str]]:
    seen: set[object] = set()
    found: list[tuple[int, str, str, str]] = []
    for row in table:
        table.required(row, "skill_area_id", "skill_area", "order")
        table.once(row["skill_area_id"], seen)
        if not row["order"].isdecimal():
            table.refuse("order が整数ではありません", "1、2、3 のように書いてください")
        found.append((int(row["order"]), row["skill_area_id"], row["skill_area"], row["page"]))
    return {area: (name, page) for _, area, name, page in sorted(found)}


def _skill_map(table: PolicyTable, *, tiers: list[str], areas: list[str]) -> dict[tuple[str, str], str]:
    seen: set[object] = set()
    cells: dict[tuple[str, str], str] = {}
    for row in table:
        table.required(row, "tier_id", "skill_area_id", "text")
        pair = (row["tier_id"], row["skill_area_id"])
        if pair[0] not in {DEFINITION, *tiers} or pair[1] not in areas:
            table.refuse("tiers.csv か skill_areas.csv にない番号です", "番号を直してください")
        table.once(pair, seen)
        cells[pair] = row["text"]
    for tier in (DEFINITION, *tiers):
        for area in areas:
            if (tier, area) not in cells:
                table.refuse(f"スキルマップのマス {tier}・{area} がありません", "区分と領域のすべての組と、領域ごとの definition を書いてください")
    return {(tier, area): cells[(tier, area)] for tier in (DEFINITION, *tiers) for area in areas}


def _courses(table: PolicyTable, *, tiers: set[str], areas: set[str]) -> tuple[CatalogueCourse, ...]:
    seen: set[object] = set()
    found = []
    for row in table:
        table.required(row, "course_id", "course_name", "skill_areas", "tiers")
        table.once(row["course_id"], seen)
        # The last column is newer than some cities' own copies of the file.
        named = {column: tuple(part.strip() for part in row.get(column, "").split(";") if part.strip()) for column in ("skill_areas", "tiers", "tiers_unclear")}
        if not set(named["skill_areas"]) <= areas:
            table.refuse("skill_areas.csv にない領域です", f"使える番号: {';'.join(sorted(areas))}")
        if not {*named["tiers"], *named["tiers_unclear"]} <= tiers:
            table.refuse("tiers.csv にない区分です", f"使える番号: {';'.join(sorted(tiers))}")
        if row["phase"] not in {"1", "2", "3"}:
            table.refuse("phase は 1、2、3 のどれかです", "1 教育、2 応用・実践、3 ナレッジ共有")
        if row["compulsory"] not in {"0", "1"}:
            table.refuse("compulsory は 0 か 1 です", "全員が受ける研修は 1 と書いてください")
        course = CatalogueCourse(
            course_id=row["course_id"], course_name=row["course_name"], group=row["group"], provider=row["provider"], delivery=row["delivery"],
            skill_areas=named["skill_areas"], tiers=named["tiers"], phase=int(row["phase"]), compulsory=row["compulsory"] == "1",
            role_type=row["role_type"], source_text=row["source_text"], layout_ambiguous=row["layout_ambiguous"], tiers_unclear=named["tiers_unclear"],
        )  # fmt: skip
        found.append(course)
    return tuple(found)


def _links(table: PolicyTable) -> tuple[PlanLink, ...]:
    found = []
    for row in table:
        table.required(row, "plan", "item", "quote")
        found.append(PlanLink(**{column: row[column] for column in _FILES["plan_links"]}))
    return tuple(found)
