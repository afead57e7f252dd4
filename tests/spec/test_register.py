"""The benefit register: each hour counted once, forecasts and surveys beside, hard errors that say which row to mend."""

from __future__ import annotations

import dataclasses
import io

import pandas as pd
import pytest

from kdx_eval.errors import RuleError
from kdx_eval.savings import Survey, check_claims, gather_facts, realised_share
from kdx_eval.savings.cash import claimed_overtime
from kdx_eval.savings.facts import SavingsFacts
from kdx_eval.savings.records import months_live
from kdx_eval.savings.register import TrainingHours
from kdx_eval.schema import parameter
from tests.hours_city import YEAR, Delivered, baseline, project, register
from tests.spec.money_cases import plan

# Published cases, worked by hand. Sources: news.3rd-in.co.jp 76b48492 (泉大津市); hitachi-systems.com 2023-02-24 and iais.or.jp 2024-03-01 (東海村);
# ameblo hosokawamasahiro 12417590662 (豊島区).
CASES = pd.read_csv(
    io.StringIO("""\
city,kind,claimed,realised,basis,survey_hours,respondents,population,months,hours,counted
泉大津市,生成AI,18017,,survey,2102,70,350,7,3603.428571,no
東海村,BPR,12680,5014,task_measured,,,,,5014,yes
豊島区,RPA,134,21.5,task_measured,,,,,21.5,yes
""")
)


def test_the_published_cases_come_out_as_worked_by_hand():
    for case in CASES.itertuples():
        fields = {"claimed_hours": case.claimed, "savings_basis": case.basis}
        if case.basis == "survey":
            fields |= {"survey_hours": case.survey_hours, "respondents": case.respondents, "population": case.population, "survey_months": case.months}
        else:
            fields["realised_hours"] = case.realised
        (row,) = register(project(case.city, case.kind, **fields)).rows
        assert row.hours == pytest.approx(case.hours, abs=1e-6)
        assert row.counted == (case.counted == "yes")


def test_izumiotsu_is_flagged_as_a_survey_extrapolation_with_non_respondents_at_zero_as_its_lower_bound():
    survey = Survey(
        reported_hours=float(parameter("peer_hours_izumiotsu").value), respondents=int(parameter("izumiotsu_respondents").value),
        population=int(parameter("izumiotsu_staff").value), months=7,
    )  # fmt: skip
    # 2,102 h / 70 x 350 x 12 / 7 = 18,017 h; those who answered alone: 2,102 h x 12 / 7 = 3,603 h.
    assert survey.extrapolated_hours == pytest.approx(float(parameter("izumiotsu_extrapolated_hours").value), abs=0.5)
    assert survey.lower_hours == pytest.approx(3_603.43, abs=0.005)
    assert survey.response_share == 0.2
    assert survey.sentence == (
        "アンケートからの推計：2,102時間÷70人×350人×12÷7か月＝年18,017時間。答えたのは20%で、残り280人も同じと置いている。"
        "答えなかった人を0時間とした下限は、2,102時間×12÷7か月＝年3,603時間。"
    )


def test_tokaimura_realised_two_fifths_of_what_was_proposed():
    found = register(project("1", "BPR", claimed_hours=12_680.0, realised_hours=5_014.0, savings_basis="task_measured"))
    assert found.realised_of_claimed == pytest.approx(realised_share(5_014, 12_680)) == pytest.approx(0.395, abs=0.0005)
    assert any("39.5%" in note for note in found.notes)
    assert realised_share(1.0, 0.0) is None


def test_toshima_has_too_few_hours_for_its_licence_even_at_the_most_generous_count():
    found = register(project("1", claimed_hours=134.0, realised_hours=134.0 - 112.5, savings_basis="task_measured"))
    assert found.counted_hours == 21.5
    first_year_yen, price = 800_000 + 200_000, 4_000
    assert 134 * price - first_year_yen == -464_000
    assert found.counted_hours * price - first_year_yen == -914_000


@pytest.mark.parametrize(
    ("answered", "population", "months", "hours"), [(0, 10, 6, 1.0), (11, 10, 6, 1.0), (5, 10, 0, 1.0), (5, 10, 13, 1.0), (5, 10, 6, -1.0)]
)
def test_a_survey_that_cannot_be_is_refused(answered, population, months, hours):
    with pytest.raises(RuleError, match="アンケート"):
        Survey(reported_hours=hours, respondents=answered, population=population, months=months)


def test_a_survey_without_its_numbers_has_no_lower_bound_and_a_headline_that_does_not_follow_is_named():
    (row,) = register(project("1", claimed_hours=480.0, savings_basis="survey")).rows
    assert (row.hours, row.counted) == (0.0, False)
    assert "下限を示せません" in row.note
    asked = {"savings_basis": "survey", "survey_hours": 60.0, "respondents": 20, "population": 50, "survey_months": 12}
    (row,) = register(project("1", claimed_hours=300.0, **asked)).rows
    assert row.hours == 60.0
    assert "見込み300時間は、この計算と合いません" in row.note


TRAINED = TrainingHours(total=1_000.0, basis="usage_log", by_key={("d", ""): 500.0, ("d", "p"): 400.0, ("d", "q"): 100.0})


def test_training_rpa_and_an_unmeasured_claim_on_one_process_share_what_was_measured():
    rpa = project("I-1", claimed_hours=260.0, realised_hours=100.0, savings_basis="task_measured")
    ai = project("I-2", "生成AI", claimed_hours=300.0, savings_basis="claimed")
    found = register(rpa, ai, training=TRAINED, base=baseline(p=4_000.0, q=2_000.0))
    # 400 h measured; claims 400, 100, 300. Over the six orders: training (400+400+300+0+100+0)/6, RPA (0+0+100+100+0+100)/6, AI (0+0+0+300+300+300)/6.
    parts = {row.row_id or "研修": row.allocated_hours for row in found.rows if row.group == 0}
    assert parts == pytest.approx({"研修": 1200 / 6, "I-1": 300 / 6, "I-2": 900 / 6})
    assert found.training_hours == pytest.approx(600 + 200)
    assert (found.other_hours, found.disputed_hours) == (pytest.approx(50), pytest.approx(150))
    assert found.measured_hours == pytest.approx(1_000.0)  # no hour was added to what was measured
    assert found.claimed_hours == pytest.approx(1_000 + 260 + 300)
    assert any("200時間は" in note for note in found.notes)


def test_without_a_measurement_only_the_largest_claim_is_divided_and_nothing_is_counted():
    found = register(project("a", claimed_hours=300.0), project("b", "BPR", claimed_hours=300.0))
    assert [row.allocated_hours for row in found.rows] == [150.0, 150.0]
    assert (found.counted_hours, found.disputed_hours) == (0.0, 0.0)
    assert found.overlaps[0].ground == "主張の最大（測定なし）"


def test_no_more_is_divided_than_the_process_took():
    measured = {"savings_basis": "usage_log"}
    found = register(project("a", realised_hours=90.0, **measured), project("b", "BPR", realised_hours=60.0, **measured), base=baseline(p=70.0))
    assert found.counted_hours == pytest.approx(70.0)
    assert found.overlaps[0].estate_hours == 70.0


def test_a_claim_without_a_process_touches_the_whole_department_and_one_without_a_department_is_not_counted():
    wide = project("w", process_id=None, realised_hours=200.0, savings_basis="usage_log")
    lost = project("x", department_id=None, process_id=None, realised_hours=50.0, savings_basis="usage_log")
    found = register(wide, lost, training=TRAINED)
    assert (found.overlaps[0].process_name, found.overlaps[0].estate_hours) == ("（課全体）", 500.0)
    row = next(row for row in found.rows if row.row_id == "x")
    assert not row.counted
    assert "所属の記入がない" in row.note


def test_a_project_counts_for_the_months_in_use_and_a_later_one_is_a_forecast():
    half = project("h", claimed_hours=120.0, savings_basis="usage_log", live_on=pd.Timestamp("2025-10-01"))
    later = project("l", claimed_hours=500.0, savings_basis="task_measured", live_on=pd.Timestamp("2026-04-01"))
    found = register(half, later)
    assert (found.counted_hours, found.claimed_hours) == (60.0, 120.0)
    assert [(row.row_id, row.counted, row.allocated_hours) for row in found.forecasts] == [("l", False, 0.0)]
    # In use from the 2nd: the month itself is no whole month.
    assert [months_live(pd.Timestamp(day), YEAR) for day in ("2024-01-15", "2025-04-01", "2025-04-02", "2026-03-01", "2026-03-02")] == [12, 12, 11, 1, 0]


def test_a_claim_without_hours_is_qualitative_and_says_so():
    (row,) = register(project("1", savings_basis="observed")).rows
    assert (row.benefit_class, row.counted, row.note) == ("定性的効果", False, "金額換算なし。")


def test_a_city_whose_training_may_claim_nothing_has_no_training_in_its_register():
    found = register(project("1", realised_hours=30.0, savings_basis="usage_log"), training=TrainingHours())
    assert (found.training_hours, found.counted_hours) == (0.0, 30.0)
    assert [row.kind for row in found.rows] == ["RPA"]


def test_a_forecast_among_the_actuals_and_sums_that_do_not_agree_are_hard_errors():
    found = register(project("1", realised_hours=30.0, savings_basis="usage_log"), project("2", "BPR", claimed_hours=20.0))
    guess = next(row for row in found.rows if row.basis == "claimed")
    with pytest.raises(RuleError, match="見込みの時間が実績に"):
        dataclasses.replace(found, rows=(dataclasses.replace(guess, counted=True),))
    with pytest.raises(RuleError, match="合いません"):
        dataclasses.replace(found, counted_hours=31.0)
    with pytest.raises(RuleError, match="分けられる時間を超える"):
        dataclasses.replace(found, rows=tuple(dataclasses.replace(row, allocated_hours=row.allocated_hours + 40) for row in found.rows))


def delivery(**changes):
    workload = pd.DataFrame({"process_id": "p", "department_id": "d", "month": [pd.Timestamp("2025-04-01")], "minutes": [6_000.0]})
    row = {"intervention_id": ["I-7"], "department_id": ["d"], "process_id": ["p"], "claimed_hours": [101.0]} | changes
    return Delivered(workload=workload, interventions=pd.DataFrame(row))


class Files:
    """What a dataset knows of the files it was read from."""

    def __init__(self, **kinds):
        self.files = [type("File", (), {"file": file, "sheet": "", "table": table})() for table, file in kinds.items()]


def test_a_claim_over_the_hours_there_were_is_a_hard_error_that_names_the_file_the_row_and_the_remedy():
    city = delivery()
    city.report = Files(interventions="支援案件.csv", workload="業務量.csv")
    with pytest.raises(RuleError) as caught:
        gather_facts(city, plan=plan())
    told = caught.value.message
    assert all(word in told for word in ("支援案件.csv", "見込み削減時間", "案件番号 I-7", "1件", "R7", "もとの業務時間以下に直してください"))
    assert gather_facts(delivery(claimed_hours=[100.0]), plan=plan()).claims["hours"].tolist() == [100.0]


def test_what_does_not_look_like_a_number_is_never_printed_in_the_error():
    with pytest.raises(RuleError) as caught:
        gather_facts(delivery(intervention_id=["髙﨑𠮷の案件"]), plan=plan())
    assert "髙" not in caught.value.message


def test_a_claim_on_the_whole_department_is_held_against_the_departments_hours():
    with pytest.raises(RuleError, match="超える業務が1件"):
        gather_facts(delivery(process_id=[None]), plan=plan())
    check_claims(pd.DataFrame([{"department_id": "d", "process_id": None, "fiscal_year": 2025, "hours": 100.0}]), baseline(p=100.0))


def test_yen_said_to_have_left_the_budget_above_what_fell_is_a_hard_error():
    overtime = pd.DataFrame({"fiscal_year": [2024, 2025], "overtime_hours": [100.0, 80.0], "paid_overtime_yen": [250_000, 200_000]})
    years = pd.DataFrame({"fiscal_year": [2024, 2025], "budget_yen": [900_000.0, 880_000.0], "budget_stage": ["決算", "決算"]})
    facts = SavingsFacts(overtime=overtime, years=years)
    cut = {"benefit_class": "budget_cut", "realised_hours": 5.0, "savings_basis": "usage_log"}
    # 50,000 of overtime and 20,000 of the budget line.
    assert claimed_overtime(register(project("1", reduced_yen=70_000, **cut)).rows, facts=facts, year=2025) == 50_000
    for given in (facts, dataclasses.replace(facts, overtime=None), SavingsFacts()):
        with pytest.raises(RuleError, match="実際の減少"):
            claimed_overtime(register(project("1", reduced_yen=70_001, **cut)).rows, facts=given, year=2025)


def test_facts_read_the_projects_with_the_department_of_their_process_and_no_column_that_was_not_delivered():
    city = delivery(department_id=[None], claimed_hours=[10.0])
    city.tables["processes"] = pd.DataFrame({"process_id": ["p"], "department_id": ["d"], "process_name": ["受付"]})
    facts = gather_facts(city, plan=plan())
    row = facts.projects.iloc[0]
    assert (row["department_id"], row["claimed_hours"], pd.isna(row["realised_hours"])) == ("d", 10.0, True)
    assert facts.names == {"/p": "受付"}
