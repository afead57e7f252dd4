"""data_schema/parameters.csv: derived rows follow from their inputs, dates do not overlap, and no figure of it is hidden in code."""

from __future__ import annotations

import ast
import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import kdx_eval
from kdx_eval.budget.worth import DISCOUNT_PARAMETERS, HORIZONS, annuity
from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.load.business_time import OfficeHours
from kdx_eval.schema import load_parameters, parameter

PACKAGE = Path(kdx_eval.__file__).parent
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if "_bundled" not in path.parts]
SOURCES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}
# One real city's overtime from April to December by month, as published (expydoc 11909123).
CITY_2015 = (11_028, 8_435, 7_308, 6_070, 4_575, 6_168, 7_685, 5_661, 5_695)
CITY_2016 = (9_957, 7_854, 6_706, 6_818, 4_730, 5_506, 7_010, 6_200, 5_481)


def value(name: str) -> float:
    return float(parameter(name).value)


# Each derived row from its inputs; the tolerance is half a unit of the last digit that the row states.
DERIVED: dict[str, tuple[Callable[[], float], float]] = {
    "hours_per_year_uki": (lambda: value("uki_reducible_hours") / value("uki_reducible_persons"), 0.5),
    "daily_hours": (lambda: value("weekly_hours") / 5, 0.005),
    "overtime_hours_per_year_low": (lambda: value("overtime_hours_per_month") * 12, 0.05),
    "overtime_hours_per_year_high": (lambda: value("overtime_hours_per_month_head_office") * 12, 0.05),
    "overtime_city_hours_2015": (lambda: sum(CITY_2015), 0.5),
    "overtime_city_hours_2016": (lambda: sum(CITY_2016), 0.5),
    "overtime_city_change": (lambda: value("overtime_city_hours_2016") / value("overtime_city_hours_2015") - 1, 0.00005),
    "peer_yen_per_hour_musashino": (lambda: value("peer_yen_musashino") / value("peer_hours_musashino"), 0.5),
    "peer_yen_per_hour_fukaya": (lambda: value("peer_yen_fukaya") / value("peer_hours_fukaya"), 0.5),
    "peer_yen_per_hour_uki": (lambda: value("peer_yen_uki") / value("peer_hours_uki"), 0.5),
    "peer_yen_per_hour_izumiotsu": (lambda: value("peer_yen_izumiotsu") / value("peer_hours_izumiotsu"), 0.5),
    "izumiotsu_extrapolated_hours": (lambda: value("peer_hours_izumiotsu") / value("izumiotsu_respondents") * value("izumiotsu_staff") * 12 / 7, 0.5),
    "wage_only_yen_per_hour": (lambda: value("national_monthly_salary") * 12 / value("hours_per_year"), 0.5),
    "plan_realisation_share": (lambda: value("tokaimura_hours_done") / value("tokaimura_hours_proposed"), 0.0005),
    "annuity_5_years": (lambda: annuity(5, rate=value("discount_rate")), 0.00005),
    "annuity_5_years_low_2": (lambda: annuity(5, rate=value("discount_rate_low_2")), 0.00005),
    "annuity_5_years_low_1": (lambda: annuity(5, rate=value("discount_rate_low_1")), 0.00005),
}


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_figure_follows_from_its_inputs(name: str) -> None:
    compute, tolerance = DERIVED[name]
    assert parameter(name).status == "derived"
    assert value(name) == pytest.approx(compute(), abs=tolerance * (1 + 1e-9))


def test_every_derived_row_is_recomputed_here() -> None:
    assert {row.name for row in load_parameters() if row.status == "derived"} == set(DERIVED)


def test_figures_that_no_source_confirms_say_so() -> None:
    unverified = {row.name for row in load_parameters() if row.status == "unverified"}
    assert {
        "discount_rate_low_1", "discount_rate_low_2", "hours_per_year", "hours_per_year_net_of_leave", "fully_loaded_yen_per_hour", "special_allocation_rate",
        "bonus_months", "employer_contribution_share", "small_cell_persons", "lottery_order_followed_min", "lottery_take_up_min",
        "assumed_cut_share",
    } == unverified  # fmt: skip
    # A rough figure, which states its steps: (12 x 1.17 + 4.6) months' pay over the year's hours is 4 013 yen.
    months = 12 * (1 + value("employer_contribution_share")) + value("bonus_months")
    assert value("fully_loaded_yen_per_hour") == pytest.approx(value("national_monthly_salary") * months / value("hours_per_year"), rel=0.005)


def test_the_rows_of_one_name_stand_in_order_and_do_not_overlap() -> None:
    for name, group in itertools.groupby(sorted(load_parameters(), key=lambda row: (row.name, row.valid_from)), key=lambda row: row.name):
        rows = list(group)
        assert all(row.valid_to is None or row.valid_from <= row.valid_to for row in rows), name
        assert all(one.valid_to is not None and one.valid_to < other.valid_from for one, other in itertools.pairwise(rows)), name
        assert len({row.unit for row in rows}) == 1, name


def test_every_row_has_a_unit_and_a_source() -> None:
    assert [row.name for row in load_parameters() if not (row.unit and row.source)] == []


def test_the_peak_of_the_population_keeps_both_sources(shared: Path) -> None:
    policy, interview = parameter("population_peak_year_policy"), parameter("population_peak_year_interview")
    assert (policy.value, interview.value) == (2035, 2025)
    (seed,) = (shared / "seed").glob("*.txt")
    assert "2035年をピーク" in seed.read_text(encoding="utf-8")


def test_constants_that_cannot_read_the_table_agree_with_it() -> None:
    assert value("small_cell_persons") == SMALL_CELL
    assert value("benefit_years") == max(HORIZONS)
    assert value("daily_hours") * 3600 == OfficeHours().day_seconds
    # 38:45 x 52 weeks less 17 days off on weekdays.
    assert value("hours_per_year") == int(value("weekly_hours") * 52 - value("daily_hours") * 17)
    assert parameter("covid_end").valid_from == dt.date(2023, 5, 8)


def called_names() -> Iterator[tuple[str, str]]:
    """(file, name) of every parameter("name") in the code; names in tuples of constants are given by their module."""
    for file, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "parameter" and isinstance(node.args[0], ast.Constant):
                yield file, str(node.args[0].value)


def test_every_parameter_that_code_asks_for_exists() -> None:
    known = {row.name for row in load_parameters()}
    asked = {*called_names(), *(("budget/worth.py", name) for name in DISCOUNT_PARAMETERS)}
    assert len(asked) >= 7
    assert {(file, name) for file, name in asked if name not in known} == set()


# Figures of at least three digits that stand for something else; whatever is added here needs its reason.
ALLOWED = {
    ("plots/results.py", 1.25),  # inches
    ("plots/quality.py", 1.35),  # inches
    ("report/forms/tables.py", 1.25),  # characters that fit a column of that width
    ("synthetic_city/outcomes.py", 1.25),  # noise of an invented city
}
AMOUNTS = {"hours", "yen", "yen_per_hour", "yen_per_month", "ratio", "persons", "years", "months", "per_year"}


def telling() -> set[float]:
    """Values of parameters with three or more digits, which hardly occur by chance."""
    numbers = {float(row.value) for row in load_parameters() if row.unit in AMOUNTS}
    return {number for number in numbers if len(f"{abs(number):.10f}".replace(".", "").strip("0")) >= 3}


def docstrings(tree: ast.AST) -> set[int]:
    return {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }


def test_no_telling_figure_of_the_table_is_written_into_code() -> None:
    figures = telling()
    assert {1883.0, 405378.0, 38.75, 7.75, 1.25, 0.395, 13.2, 4.4518} <= figures
    found = set()
    for file, tree in SOURCES.items():
        explained = docstrings(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or id(node) in explained:
                continue
            if isinstance(node.value, int | float) and float(node.value) in figures:
                found.add((file, float(node.value)))
            if isinstance(node.value, str):
                found |= {(file, number) for number in figures if f"{number:g}" in node.value.replace(",", "") and len(f"{number:g}") >= 4}
    assert found == ALLOWED


def test_money_is_counted_without_a_rate_or_share_of_the_table_in_code() -> None:
    # 2 and 0.1 are shares in the table, and a factor and a precision in code.
    rates = {float(row.value) for row in load_parameters() if row.unit in {"per_year", "ratio"}} - {2.0, 0.1}
    found = {
        (file, node.value)
        for file, tree in SOURCES.items()
        if file.startswith(("budget/", "savings/", "evidence/", "report/claims", "report/workbook"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value in rates
    }
    assert found == set()
