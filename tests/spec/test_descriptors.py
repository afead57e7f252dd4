"""data_schema/*.json: complete, of one shape, and every example is what the loader accepts."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import duckdb
import jsonschema
import pytest

from kdx_eval.load.cells import parse_cell
from kdx_eval.resources import root_dir
from kdx_eval.schema import FieldSpec, TableSpec, load_indicators, load_schema

TABLES = list(load_schema().tables.values())
FIELDS = [(table, field) for table in TABLES for field in table.fields]
IDS = [f"{table.name}.{field.name}" for table, field in FIELDS]
# The columns that the design names for each table, by key.
DESIGN = {
    "departments": "department_id department_name division department_type valid_from valid_to successor_id",
    "headcount": "department_id month quota actual fiscal_year_appointed vacancies",
    "staff": "staff_id employment_type grade job_family hired_on",
    "assignments": "staff_id department_id valid_from valid_to",
    "tiers": "staff_id tier valid_from valid_to",
    "courses": "course_id course_name provider delivery hours skill_areas tiers phase compulsory role_type",
    "training": "staff_id full_name department_id course_id offered_on enrolled_on completed_on status hours test_score satisfaction",
    "applicants": "staff_id course_id post applied_on outcome lottery_stratum",
    "skills": "staff_id skill_area assessed_on score instrument",
    "processes": "process_id process_name department_id core",
    "workload": "process_id department_id date month fiscal_year staff_id cases minutes rework measure_basis",
    "worktime": "staff_id department_id month scheduled_hours overtime_hours paid_overtime_yen",
    "indicators": "unit_type unit_id month indicator_id value",
    "interventions": "intervention_id department_id process_id kind started_on live_on claimed_hours savings_basis realised_hours benefit_class reduced_yen "
    "survey_hours respondents population survey_months",
    "knowledge": "asset_id kind created_on author_tier origin_department reused_by replaces_course_id",
    "costs": "fiscal_year stage account project section detail quantity unit_price quote_reference yen recurring funding course_id",
    "wages": "fiscal_year basis grade yen_per_hour source status",
    "events": "valid_from valid_to scope kind note",
    "redeployment": "department_id fiscal_year hours destination",
    "prior_claims": "fiscal_year claim_id hours yen basis",
    "course_plans": "fiscal_year course_id planned_attendees office_hours instructor_hours class_capacity partner_seats",
    "alternatives": "fiscal_year option yen staff_hours saved_hours savings_basis note source",
    "pay_table": "fiscal_year staff_count salary_yen allowance_yen bonus_yen contribution_yen hours_per_year source",
    "targets": "indicator_id fiscal_year value source",
    "measures": "measure_id measure_name department_id kind started_on status destination indicator_id evidence",
    "rollout_order": "draw_id wave planned_month department_id department_name stratum number word",
    "partner_results": "city_id question_id estimand estimate std_error n_units",
}
# Work counts whoever did it, also people who are on no roster; and a misspelt department must not cost a person their place on the roster.
FREE = {("workload", "staff_id"), ("staff", "department_id")}
REFERS = {"staff_id": "staff", "department_id": "departments", "course_id": "courses", "process_id": "processes"}


@pytest.fixture(scope="module")
def profile() -> jsonschema.protocols.Validator:
    raw = json.loads((root_dir("data_schema") / "meta" / "table.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(raw)
    return jsonschema.Draft202012Validator(raw)


def descriptor(name: str) -> dict[str, object]:
    raw: dict[str, object] = json.loads((root_dir("data_schema") / f"{name}.json").read_text(encoding="utf-8"))
    return raw


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_a_descriptor_has_the_shape_that_forms_letters_and_checks_need(table: TableSpec, profile: jsonschema.protocols.Validator) -> None:
    assert [error.message for error in profile.iter_errors(descriptor(table.name))] == []


@pytest.mark.parametrize(
    "spoil",
    [
        {"example": None}, {"title": "English"}, {"unit": "furlongs"}, {"constraints": {"requierd": True}}, {"personal": "yes"}, {"synonyms": {"多": "many"}},
        {"type": "float"}, {"choices": []}, {"unit": None}, {"personalWhen": ["a", "b"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_descriptor_of_another_shape_is_noticed(spoil: dict[str, object], profile: jsonschema.protocols.Validator) -> None:
    raw = descriptor("worktime")
    fields = raw["fields"]
    assert isinstance(fields, list)
    (field,) = [one for one in fields if one["name"] == "overtime_hours"]
    for key, value in spoil.items():
        field[key] = value
        if value is None:
            del field[key]
    assert not profile.is_valid(raw)


def test_every_column_of_the_design_is_there() -> None:
    assert {table.name for table in TABLES} == set(DESIGN)
    assert {table.name: set(DESIGN[table.name].split()) - {field.name for field in table.fields} for table in TABLES} == {name: set() for name in DESIGN}


@pytest.mark.parametrize(("table", "field"), FIELDS, ids=IDS)
def test_an_example_is_read_as_a_value_within_its_limits(table: TableSpec, field: FieldSpec) -> None:
    value = parse_cell(field.example, field)
    assert isinstance(value, str)
    for limit, beyond in ((field.minimum, "<"), (field.maximum, ">")):
        if limit is not None:
            assert not eval(f"{float(value)} {beyond} {limit}")
    if field.pattern:
        assert duckdb.execute("SELECT regexp_full_match(?, ?)", [value, field.pattern]).fetchall() == [(True,)]


def test_every_pattern_compiles_in_the_database_and_refuses_something() -> None:
    patterns = [field.pattern for _, field in FIELDS if field.pattern]
    assert patterns
    for pattern in patterns:
        assert duckdb.execute("SELECT regexp_full_match('\n', ?)", [pattern]).fetchall() == [(False,)]


@pytest.mark.parametrize(
    ("table", "field"), [pair for pair in FIELDS if pair[1].enum], ids=[name for name, pair in zip(IDS, FIELDS, strict=True) if pair[1].enum]
)
def test_every_value_of_a_list_has_one_japanese_word_that_is_read_back(table: TableSpec, field: FieldSpec) -> None:
    assert len(set(field.words)) == len(field.enum)
    assert [parse_cell(word, field) for word in field.words] == list(field.enum)
    assert not any(word.isascii() for word in field.words)
    assert set(field.synonyms.values()) <= set(field.enum)


def test_people_in_examples_are_nobody() -> None:
    named = {field.example for _, field in FIELDS if field.name in {"full_name", "kana"}}
    assert named == {"見本 花子", "ミホン ハナコ"}


@pytest.mark.parametrize(("table", "field"), FIELDS, ids=IDS)
def test_an_id_of_another_table_is_a_foreign_key(table: TableSpec, field: FieldSpec) -> None:
    target = REFERS.get(field.name)
    if target and target != table.name and (table.name, field.name) not in FREE:
        assert target in {key.reference for key in table.foreign_keys if key.field == field.name}


def test_foreign_keys_point_to_the_key_of_their_table() -> None:
    for table in TABLES:
        for key in table.foreign_keys:
            assert load_schema().table(key.reference).primary_key == (key.reference_field,)


def test_a_beginning_and_an_end_stand_in_order() -> None:
    for table in TABLES:
        if {"valid_from", "valid_to"} <= {field.name for field in table.fields}:
            assert ("valid_from", "valid_to") in table.date_order


def test_words_that_a_form_suggests_are_those_of_the_policy() -> None:
    def column(file: str, name: str) -> list[str]:
        with (root_dir("data_schema") / "policy" / "r7-04" / file).open(encoding="utf-8", newline="") as stream:
            return [row[name] for row in csv.DictReader(stream)]

    schema = load_schema()
    assert list(schema.table("tiers").field("tier").choices) == column("tiers.csv", "tier")
    assert list(schema.table("skills").field("skill_area").choices) == column("skill_areas.csv", "skill_area")
    assert schema.table("indicators").field("indicator_id").example in {known.title for known in load_indicators().values()}


def test_the_profile_is_no_table() -> None:
    assert (root_dir("data_schema") / "meta" / "table.schema.json").is_file()
    assert "table" not in load_schema().tables


def test_an_unknown_sender_is_refused(tmp_path: Path) -> None:
    from kdx_eval.errors import SchemaError

    raw = descriptor("events") | {"sender": "nobody"}
    (tmp_path / "events.json").write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(SchemaError, match=r"events\.json"):
        load_schema(tmp_path)
