"""Asking for data: a form for each table, a workbook and a letter for each section and department, the calendar, the plan's answer sheet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.report.data_page import data_page
from kdx_eval.report.forms.answers import ANSWER_SHEET, answer_sheet, read_answer_sheet
from kdx_eval.report.forms.calendar import RequestCalendar, calendar_sheet, next_request_year, request_calendar
from kdx_eval.report.forms.letters import request_letter
from kdx_eval.report.forms.required_levels import levels_file, levels_form
from kdx_eval.report.forms.senders import Asked, Department, asked_departments, known_departments, sections, sender_form, table_form
from kdx_eval.safe import safe_child, safe_name, write_atomic
from kdx_eval.schema import load_schema
from kdx_eval.schema.policy_version import load_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kdx_eval.units import FiscalYear

__all__ = ["ANSWER_SHEET", "Department", "known_departments", "next_request_year", "read_answer_sheet", "request_calendar", "write_forms"]
REQUESTS, EACH_DEPARTMENT = "照会", "各課"


def write_forms(folder: Path, *, year: FiscalYear | None = None, departments: Sequence[Department] = ()) -> tuple[Path, ...]:
    """Write all that is needed to ask for data into an existing folder and return the files.

    A workbook for each table, the answer sheet, the required levels and a description of all columns lie in ``folder``; letters, the workbooks of each
    sender and the calendar in 照会/, those of the departments in 照会/各課/.

    Parameters
    ----------
    year : FiscalYear
        The fiscal year of the budget request; by default the next one.
    departments : sequence
        Those that get a letter and a workbook of their own; without any, one of each stands for all.

    Raises
    ------
    OutputError
        When a file cannot be written.
    """
    calendar = request_calendar(year or next_request_year(dt.datetime.now(tz=dt.UTC).astimezone().date()))
    written = [_write(folder, f"{safe_name(f'{table.title}_{table.name}')}.xlsx", table_form(table)) for table in load_schema().tables.values()]
    written += [_write(folder, ANSWER_SHEET, answer_sheet()), write_atomic(safe_child(folder, "DATA.md"), data_page())]
    policy = load_policy()
    written.append(_write(folder, levels_file(policy), levels_form(policy)))
    written.append(_write(folder, f"{REQUESTS}/日程表.xlsx", calendar_sheet(calendar)))
    for asked in sections(tuple(departments)):
        written += _ask(folder, REQUESTS, asked=asked, calendar=calendar)
    for asked in asked_departments(tuple(departments)):
        written += _ask(folder, f"{REQUESTS}/{EACH_DEPARTMENT}", asked=asked, calendar=calendar)
    return tuple(written)


def _ask(folder: Path, place: str, *, asked: Asked, calendar: RequestCalendar) -> list[Path]:
    letter, form = (f"{place}/{safe_name(f'{kind}_{asked.name}')}" for kind in ("照会文", "記入様式"))
    return [_write(folder, f"{letter}.docx", request_letter(asked, calendar)), _write(folder, f"{form}.xlsx", sender_form(asked))]


def _write(folder: Path, name: str, content: bytes) -> Path:
    return write_atomic(safe_child(folder, name), content)
