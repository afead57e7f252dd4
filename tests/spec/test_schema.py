"""data_schema/: every table declared in full, patterns that compile, parameters with their source."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import duckdb
import pytest

from kdx_eval.errors import ParameterError, SchemaError
from kdx_eval.load.cells import Refusal, parse_cell
from kdx_eval.resources import root_dir
from kdx_eval.schema import load_indicators, load_parameters, load_schema, parameter

DESIGN_TABLES = {
    "departments", "headcount", "staff", "assignments", "tiers", "courses", "training", "applicants", "skills", "processes", "workload", "worktime",
    "indicators", "interventions", "knowledge", "costs", "wages", "events", "redeployment", "prior_claims", "partner_results",
    "course_plans", "alternatives", "pay_table", "targets", "measures", "rollout_order",
}  # fmt: skip
FIELDS = [(table.name, field) for table in load_schema().tables.values() for field in table.fields]


def test_all_tables_of_the_design_are_declared() -> None:
    assert set(load_schema().tables) == DESIGN_TABLES


@pytest.mark.parametrize(("table", "field"), FIELDS, ids=[f"{table}.{field.name}" for table, field in FIELDS])
def test_a_field_is_explained_in_japanese_and_its_example_is_valid(table: str, field: object) -> None:
    spec = load_schema().table(table).field(field.name)  # type: ignore[attr-defined]
    for words in (spec.title, spec.description):
        assert any(ord(char) > 0x3000 for char in words)
    value = parse_cell(spec.example, spec)
    assert not isinstance(value, Refusal)
    assert value is not None or not spec.required
    assert set(spec.synonyms.values()) <= set(spec.enum)
    if spec.pattern:
        duckdb.execute("SELECT regexp_full_match('', ?)", [spec.pattern]).fetchall()


def test_the_descriptors_are_table_schema() -> None:
    import jsonschema

    kinds = ["string", "integer", "number", "boolean", "date", "yearmonth", "year"]
    field = {"type": "object", "required": ["name", "title", "type", "description", "example"], "properties": {"type": {"enum": kinds}}}
    keys = {"type": "array", "items": {"type": "string"}}
    profile = {
        "type": "object",
        "required": ["name", "title", "description", "fields"],
        "properties": {"fields": {"type": "array", "minItems": 1, "items": field}, "primaryKey": keys},
    }
    for table in DESIGN_TABLES:
        jsonschema.validate(json.loads((root_dir("data_schema") / f"{table}.json").read_text(encoding="utf-8")), profile)


def test_keys_refer_to_declared_fields() -> None:
    schema = load_schema()
    for table in schema.tables.values():
        for key in table.foreign_keys:
            assert schema.table(key.reference).field(key.reference_field)


def test_ids_of_people_are_marked_personal_and_names_are_dropped() -> None:
    for table in load_schema().tables.values():
        for field in table.fields:
            if field.name in {"staff_id", "full_name", "kana"}:
                assert field.personal
            if field.name in {"full_name", "kana"}:
                assert field.dropped


def test_additive_measures_are_whole_numbers_or_decimals() -> None:
    for table in load_schema().tables.values():
        for field in table.fields:
            assert field.database_type != "DOUBLE"
            if field.unit in {"hours", "minutes"}:
                assert field.database_type == "DECIMAL(14,2)"
            if field.unit in {"yen", "cases"}:
                assert field.database_type == "BIGINT"


def test_a_parameter_has_value_unit_source_and_status() -> None:
    rate = parameter("discount_rate")
    assert (rate.value, rate.status) == (0.04, "sourced")
    assert [parameter(f"discount_rate_low_{n}").value for n in (2, 1)] == [0.02, 0.01]
    assert parameter("covid_last_month").value == "2023-05"
    assert all(row.source for row in load_parameters())


def test_a_parameter_holds_on_its_days_only() -> None:
    assert parameter("national_monthly_salary", dt.date(2024, 10, 1)).value == 405378
    with pytest.raises(ParameterError):
        parameter("national_monthly_salary", dt.date(2020, 1, 1))
    with pytest.raises(ParameterError):
        parameter("no_such_figure")


def test_derived_parameters_follow_from_their_source() -> None:
    assert parameter("peer_yen_per_hour_musashino").value == pytest.approx(7_088_000 / 1555, abs=1)
    assert parameter("wage_only_yen_per_hour").value == pytest.approx(405378 * 12 / 1883, abs=1)
    assert parameter("hours_per_year_uki").value == pytest.approx(22654 / 11.8, abs=1)
    assert parameter("overtime_hours_per_year_low").value == pytest.approx(13.2 * 12)


def test_an_indicator_says_which_direction_is_good() -> None:
    assert load_indicators()["processing_days"].better == "lower"
    assert load_indicators()["genai_uses"].hours_per_unit is None


def test_a_broken_descriptor_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"name": "bad"}', encoding="utf-8")
    with pytest.raises(SchemaError, match=r"bad\.json"):
        load_schema(tmp_path)
