"""Freezing a plan: its hash and date, beside the plan, never overwritten."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from kdx_eval.errors import PlanError
from kdx_eval.plan.reading import FROZEN_NAME, plan_digest, plan_to_dict, read_plan
from kdx_eval.safe import write_atomic


def freeze_plan(plan_path: Path, *, on: dt.date) -> Path:
    """Write ``plan.frozen.json`` beside the plan and return its path; the only file ever written to a data folder.

    Freezing the same plan again keeps the first date.

    Raises
    ------
    PlanError
        When the plan is malformed, or another plan was frozen here before.
    """
    plan_path = Path(plan_path)
    target = plan_path.with_name(FROZEN_NAME)
    plan = read_plan(plan_path)
    if plan.frozen is not None:
        return target
    if target.exists():
        raise PlanError(
            "別の内容の計画がすでに凍結されています",
            place=target.name,
            hint="計画を変えて凍結し直すときは、先に plan.frozen.json を別の名前で保管してください",
        )
    stamped = {"frozen": {"at": on.isoformat(), "sha256": plan_digest(plan)}, "plan": plan_to_dict(plan)}
    write_atomic(target, json.dumps(stamped, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
    return target
