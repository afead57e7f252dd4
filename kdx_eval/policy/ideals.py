"""求められる職員像 of the upper plan, and what in the records speaks of each; the link is this toolkit's own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kdx_eval.panel.tables import Tables, column
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from kdx_eval.policy.level_items import LevelItem
    from kdx_eval.schema.policy_version import PolicyVersion

NO_DATA = "データなし"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ideal:
    """One ideal, what would show it, and what is known."""

    ideal: str
    page: str
    shown_by: str
    found: str
    is_known: bool


def list_ideals(tables: Tables, policy: PolicyVersion, *, items: Sequence[LevelItem], in_hours: Collection[str]) -> tuple[Ideal, ...]:
    """The ideals in the policy's order; ``in_hours`` are the titles of the questions on working hours."""
    known = {"behaviour": _behaviour(items), "results": _results(items, in_hours), "reuse": _reuse(tables)}
    found = []
    for one in policy.supplements.ideals:
        text = known.get(one.measure, "")
        found.append(Ideal(ideal=one.ideal, page=one.page, shown_by=one.shown_by, found=text or NO_DATA, is_known=bool(text)))
    return tuple(found)


def _behaviour(items: Sequence[LevelItem]) -> str:
    parts = []
    for item in items:
        if item.level == 3 and item.value is not None and item.persons is not None and item.subject.startswith("BPR"):
            parts.append(f"{item.title}（{item.subject}）{format_number(item.value, 2)}点（{format_number(item.persons)}人）")
        if item.level == 3 and item.value is not None and item.unit == "件":
            parts.append(f"{item.title}{format_number(item.value)}件")
    return "、".join(parts)


def _results(items: Sequence[LevelItem], in_hours: Collection[str]) -> str:
    known = (item for item in items if item.level == 4 and item.state == "known" and item.subject in in_hours)
    return "、".join(f"{item.subject}：{item.title.removeprefix('判定：')}" for item in known)


def _reuse(tables: Tables) -> str:
    if not tables.has("knowledge"):
        return ""
    used = column(tables, "knowledge", name="reused_by", kind="VARCHAR")
    connection = tables.connect()
    try:
        rows = connection.execute(f"SELECT count(*), count({used}) FROM knowledge").fetchall()
    finally:
        connection.close()
    count, reused = (int(value) for value in rows[0])
    return f"手引きなど{format_number(count)}件のうち{format_number(reused)}件をほかの課が利用" if reused else ""
