"""What cannot be in one row whatever the city: more hours than the period has, a year that contradicts its month."""

from __future__ import annotations

from collections.abc import Mapping

_DAY_HOURS, _DAY_MINUTES = 24, 1440
_FISCAL_YEAR_OF = "(year({day}) - (month({day}) < 4)::INTEGER)"
_MONTH_DAYS = "day(last_day(month))"

# Hours and minutes of a department are sums over its people; only those of one person have a limit.
_IMPOSSIBLE: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "worktime": (
        (
            "overtime_hours", "too_many_hours",
            f"staff_id IS NOT NULL AND coalesce(scheduled_hours, 0) + coalesce(overtime_hours, 0) > {_DAY_HOURS} * {_MONTH_DAYS}",
        ),
    ),
    "workload": (
        (
            "minutes", "too_many_hours",
            f"""staff_id IS NOT NULL AND coalesce(measure_basis, '') <> 'lead_time' AND "minutes" > {_DAY_MINUTES}
            * CASE WHEN date IS NOT NULL THEN 1 WHEN month IS NOT NULL THEN {_MONTH_DAYS} WHEN fiscal_year IS NOT NULL THEN 366 END""",
        ),
        ("fiscal_year", "year_contradiction", f"fiscal_year <> {_FISCAL_YEAR_OF.format(day='coalesce(date, month)')}"),
        ("month", "year_contradiction", "date_trunc('month', date) <> date_trunc('month', month)"),
    ),
    "training": (
        ("hours", "too_many_hours", f"hours > {_DAY_HOURS} * (date_diff('day', enrolled_on, completed_on) + 1) AND enrolled_on <= completed_on"),
    ),
}  # fmt: skip


def impossible_conditions(table: str) -> tuple[tuple[str, str, str], ...]:
    """(field, rule, SQL that is true for a faulty row) of ``table``, over the columns of its schema."""
    return _IMPOSSIBLE.get(table, ())
