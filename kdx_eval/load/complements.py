"""Deliveries that complete each other: hours in one cross-tab and allowances in another are one row of a department and month."""

from __future__ import annotations

from collections.abc import Sequence

from kdx_eval.load.database import name
from kdx_eval.load.staging import Stage
from kdx_eval.schema import TableSpec


def complementary(stages: Sequence[Stage], spec: TableSpec) -> list[list[Stage]]:
    """``stages`` in groups that share no value beside the key; within a group equal keys are duplicates, across groups they are one row."""
    groups: list[tuple[set[str], list[Stage]]] = []
    for stage in stages:
        named = {column.field.name for column in stage.layout.columns} | set(stage.layout.constants)
        own = named - set(spec.primary_key)
        sharing = [group for group in groups if not own or not group[0] or group[0] & own]
        groups = [group for group in groups if group not in sharing]
        groups.append((own.union(*(group[0] for group in sharing)), [one for group in sharing for one in group[1]] + [stage]))
    return [group for _, group in groups]


def joined_sql(spec: TableSpec, accepted: str) -> str:
    """SQL of the accepted rows with the values of equal keys brought together; each value is written in one of them only."""
    keys = ", ".join(name(one) for one in spec.primary_key)
    rest = ", ".join(f"any_value({name(one.name)}) AS {name(one.name)}" for one in spec.kept if one.name not in spec.primary_key)
    return f"SELECT {keys}, {rest} FROM ({accepted}) GROUP BY {keys}"
