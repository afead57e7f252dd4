"""How long an effect lasts: measured, else the plan's assumption with a reason, else nothing; no figure of the toolkit's own."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from kdx_eval.budget.kept import find_kept
from kdx_eval.errors import PlanError
from kdx_eval.plan import plan_digest, plan_from_dict, plan_to_dict, plan_to_yaml, read_plan
from kdx_eval.plan.types import AssumedRetention
from kdx_eval.report.claims import build_ledger
from kdx_eval.results import Results
from kdx_eval.savings import Retention
from tests.spec.budget_city import PLAN, case, savings

ASSUMED = AssumedRetention(low=0.5, central=0.7, high=0.9, reason="異動は3年に1回")
WITH = dataclasses.replace(PLAN, retention=ASSUMED)
UNMEASURED = dataclasses.replace(savings(), retention=None, retention_note="1年を超えて比べられる課がありません。")


def measured(share: float, low: float, high: float) -> Retention:
    """A measured share."""
    return dataclasses.replace(savings().retention, share=share, conf_low=low, conf_high=high)


def test_the_measured_share_goes_before_the_plans_and_is_drawn_into_nought_to_one():
    kept, sentence = find_kept(dataclasses.replace(savings(), retention=measured(1.1, -0.2, 2.4)), plan=WITH)
    assert (kept.low, kept.central, kept.high, kept.measured) == (0.0, 1.0, 1.0, True)
    assert "110%（95％の幅△20%～240%" in sentence
    assert "見込みに使いません" in sentence


def test_forecast_scenarios_tornado_and_draws_all_use_the_measured_share():
    found = case(dataclasses.replace(savings(), retention=measured(0.75, 0.5, 0.95)))
    assert [one.persistence for one in found.outlook.cases] == [0.5, 0.75, 0.95]
    assert {one.retention for one in found.scenarios if one.years > 1} == {0.5, 0.75, 0.95}
    assert [one.retention for one in found.scenarios if one.base] == [1.0, 0.75, 0.75]
    (bar,) = [one for one in found.swings if one.assumption == "1年後に残る割合"]
    assert (bar.low, bar.base, bar.high, bar.source) == (0.5, 0.75, 0.95, "この市での測定（95％の幅）")
    # 2 years carry 2,880 h x 0.75²; the request's 120 and 60 attendees 2,400 x 1.2 x 0.75 + 480 x 1.2 x 0.75.
    assert found.outlook.central.hours == pytest.approx(2_880 * 0.75**2 + 2_880 * 1.2 * 0.75)
    assert "1年後に残る割合75%（測定）" in found.promises[0].basis


def test_where_nothing_was_measured_the_plans_assumption_is_called_one_and_no_headline_names_hours_by_it():
    found = case(UNMEASURED, plan=WITH)
    assert [one.persistence for one in found.outlook.cases] == [0.5, 0.7, 0.9]
    assert found.outlook.sentence.startswith("前提（出典なし・未検証）")
    assert "異動は3年に1回" in found.kept_sentence
    assert all(cut.forgone_hours is None and "示しません" in cut.sentence for cut in found.cuts if cut.name != "満額")
    assert "未検証" in found.promises[0].basis
    assert any("前提（出典なし・未検証）" in note for note in found.notes)


def test_with_neither_there_is_no_forecast_and_only_the_first_year():
    found = case(UNMEASURED)
    assert found.kept is None
    assert found.outlook.cases == ()
    assert "1年を超えて比べられる課がありません" in found.outlook.sentence
    assert {one.years for one in found.scenarios} == {1}
    assert [one.label for one in found.drawn] == ["評価年度の人件費換算（参考）"]
    assert not {"1年後に残る割合", "続く年数"} & {one.assumption for one in found.swings}
    assert found.promises[0].hours is None
    # What would have to be left for three years to pay needs no assumption and stays.
    (turn,) = [one for one in found.switching_values if one.assumption.startswith("1年後に残る割合")]
    assert turn.base is None


def test_no_share_is_written_into_the_code():
    folder = Path(find_kept.__code__.co_filename).parent
    assert not [path.name for path in folder.glob("*.py") if re.search(r"RETENTION|PERSISTENCE|retention[=:] *0\.\d", path.read_text(encoding="utf-8"))]


def test_the_plan_is_read_back_and_one_without_an_assumption_keeps_its_digest(tmp_path):
    loose = dataclasses.replace(WITH, frozen=None)
    assert "retention" not in plan_to_dict(PLAN)
    assert plan_from_dict(plan_to_dict(loose)) == loose
    assert plan_digest(loose) != plan_digest(PLAN)
    (tmp_path / "plan.yaml").write_text(plan_to_yaml(loose), encoding="utf-8", newline="\n")
    assert read_plan(tmp_path / "plan.yaml") == loose


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"low": 0.5, "central": 0.7, "high": 0.9}, "「reason」がありません"),
        ({"low": 0.9, "central": 0.7, "high": 0.5, "reason": "x"}, "順に大きく"),
        ({"low": 0.5, "central": 0.7, "high": 1.5, "reason": "x"}, "0 から 1"),
        ({"low": 0.5, "central": 0.7, "high": 0.9, "reason": " "}, "文字が入っていません"),
        (0.8, "「キー: 値」"),
    ],
)
def test_an_assumption_without_range_or_reason_is_refused(given, message):
    with pytest.raises(PlanError, match=message):
        plan_from_dict({**plan_to_dict(PLAN), "retention": given})


def test_a_range_that_begins_at_nought_is_a_range():
    found = case(dataclasses.replace(savings(), retention=measured(0.8, -0.2, 1.0)))
    results = Results(plan=PLAN, studies={}, evidence={}, savings=savings(), budget=found, quality={}, reach=None)
    ledger = build_ledger(results)
    assert ledger.text("forgone.1.hours").startswith("0時間～")
    assert ledger.text("forgone.0.hours") == "－"
    assert "（0～" in found.cuts[1].sentence
