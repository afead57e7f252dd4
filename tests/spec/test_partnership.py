"""Between cities: what is given away, how results are combined, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import report_city
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from kdx_eval.effect import group_time_effects
from kdx_eval.effect.cohort_moments import CohortMoments, moments
from kdx_eval.errors import DataError, NotIdentifiedError, ParameterError
from kdx_eval.panel.type import Panel
from kdx_eval.policy.partnership import CityEffect, Partnership
from kdx_eval.policy.pooling import combine_effects_of_cities, pool_contrasts, pool_moments, pool_shares
from kdx_eval.policy.release import Release, make_release, read_release, release_text
from kdx_eval.policy.release_preview import release_fields
from kdx_eval.policy.seats import seat_cost
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.policy_parts.partnership import SECTION
from kdx_eval.units import Month

FIRST = Month.of(2024, 4).index
QUESTION = report_city.question("q1", "業務時間は減ったか")


def city_panel(code: str, *, units: int = 24, persons: int = 12, seed: int = 0) -> Panel:
    """A city of departments in four quarters' cohorts and never treated ones."""
    random = np.random.default_rng([int(code), seed])
    starts = np.array([FIRST + 6, FIRST + 9, FIRST + 12, np.inf])
    return Panel(
        outcome=100 + 10 * random.standard_normal((units, 1)) + random.standard_normal((units, 18)),
        units=np.array([f"課{k:02d}番" for k in range(units)], dtype=object),
        periods=np.arange(FIRST, FIRST + 18, dtype=float),
        cohort=starts[np.arange(units) % 4],
        persons=np.full(units, persons, dtype=np.int64),
        monthly=True,
    )


def released(code: str, *, panel: Panel | None = None, with_moments: bool = True, **study: Any) -> Release:
    panel = panel or city_panel(code)
    found = replace(report_city.study("q1", "業務時間", -4.0), **study)
    return make_release((code, f"{code}市"), QUESTION, study=found, moments=moments(panel), with_moments=with_moments)


def test_a_release_comes_back_as_it_was_given() -> None:
    given_away = released("122173")
    back = read_release(release_text(given_away), place="a.json")
    assert back.contrast == given_away.contrast
    assert (back.city_id, back.design, back.units) == (given_away.city_id, given_away.design, given_away.units)
    assert back.moments is not None
    assert given_away.moments is not None
    for name in ("cohorts", "periods", "size", "persons", "mean", "scatter"):
        np.testing.assert_array_equal(getattr(back.moments, name), getattr(given_away.moments, name))


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}/{key}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, value


ALLOWED = {
    "/kind", "/schema_version", "/city_id", "/city", "/question_id", "/title", "/digest", "/units[]", "/moments/cohorts[]", "/moments/size[]",
    "/moments/persons[]", "/moments/mean[][]", "/moments/scatter[][][]", "/design/excluded_periods[][]", "/design/periods[]",
    *(f"/contrast/{name}" for name in ("estimate", "std_error", "df", "baseline_mean", "n_treated", "n_control", "persons_treated", "persons_control")),
    *(f"/design/{name}" for name in ("outcome", "unit", "unit_label", "better", "control", "treated_from", "threshold_share", "cohort_width", "buffer_months")),
}  # fmt: skip


def test_twenty_cities_give_no_value_of_a_single_department_or_person() -> None:
    for k in range(20):
        panel = city_panel(f"{10_000 + k}", seed=k)
        content = json.loads(release_text(released(f"{10_000 + k}", panel=panel)))
        found = list(leaves(content))
        assert {path for path, _ in found} <= ALLOWED
        single = {round(float(value), 9) for value in panel.outcome.ravel()}
        assert not {round(value, 9) for path, value in found if isinstance(value, float)} & single
        texts = " ".join(str(value) for _, value in found if isinstance(value, str))
        assert not any(str(unit) in texts for unit in panel.units)
        assert all(re.fullmatch("[0-9a-f]{16}", unit) for unit in content["units"])


def test_everything_that_is_given_is_shown_before() -> None:
    shown = " ".join(" ".join(row) for row in release_fields(released("122173")))
    assert all(word in shown for word in ("122173市", "効果と標準誤差", "研修前の平均", "人数", "課の指紋", "月別平均", "ばらつき"))
    given_away = released("122173")
    content = json.loads(release_text(given_away))
    # Change any one thing in the file but the matrices, fingerprints and the digest, and what is shown changes: nothing in it is unseen.
    changed = {
        "city_id": "122190", "city": "隣市", "question_id": "q9", "title": "別の問い",
        "design/outcome": "workload.cases", "design/unit": "process", "design/unit_label": "分/課・月", "design/better": "higher",
        "design/control": "never_treated", "design/treated_from": "completed", "design/threshold_share": 0.5, "design/cohort_width": "month",
        "design/buffer_months": 2, "design/excluded_periods": [["2024-05", "2024-06"]], "design/periods": ["2024-04", "2024-05"],
        "contrast/estimate": -4.5, "contrast/std_error": 3.5, "contrast/df": 3.0, "contrast/baseline_mean": 55.0,
        "contrast/n_treated": 17, "contrast/n_control": 7, "contrast/persons_treated": 99, "contrast/persons_control": 98,
    }  # fmt: skip
    fields = {f"{key}/{name}" if isinstance(value, dict) else key for key, value in content.items() for name in (value if isinstance(value, dict) else "_")}
    assert fields - set(changed) == {"kind", "schema_version", "digest", "units", *(f"moments/{name}" for name in content["moments"])}
    for path, value in changed.items():
        part, _, name = path.rpartition("/")
        other = replace(given_away, **{name: value}) if not part else replace(
            given_away, **{part: {**given_away.design, name: value} if part == "design" else replace(given_away.contrast, **{name: value})}
        )  # fmt: skip
        assert release_fields(other) != release_fields(given_away), path
    assert "月別平均" not in " ".join(row[0] for row in release_fields(released("122173", with_moments=False)))


@pytest.mark.parametrize(("units", "persons"), [(24, 1), (8, 40), (11, 3)])
def test_a_cohort_of_few_persons_or_departments_is_refused(units: int, persons: int) -> None:
    # 24 departments of one person: 6 persons a cohort; 8 departments: two a cohort, which reveal each other.
    with pytest.raises(DataError, match="外に出せません") as caught:
        released("122173", panel=city_panel("122173", units=units, persons=persons))
    assert "2024-10" in caught.value.reason


def test_a_contrast_alone_may_be_given_where_the_cohorts_are_too_small_one_by_one() -> None:
    panel = city_panel("122173", units=16, persons=3)
    panel = replace(panel, cohort=np.where(np.arange(16) < 8, FIRST + 6 + np.arange(16) % 4, np.inf))
    with pytest.raises(DataError):
        released("122173", panel=panel)
    assert released("122173", panel=panel, with_moments=False).contrast.persons_treated == 24


@pytest.mark.parametrize("change", [("estimate", -40.0), ("persons_treated", 500)])
def test_a_file_that_was_changed_is_refused(change: tuple[str, float]) -> None:
    content = json.loads(release_text(released("122173")))
    content["contrast"][change[0]] = change[1]
    with pytest.raises(DataError, match="変わっています"):
        read_release(json.dumps(content), place="a.json")


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"digest": 1}', "x" * 50, json.dumps({"kind": "kdx_eval release", "digest": ""})])
def test_a_file_that_is_no_release_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"読めません|読める結果|変わっています"):
        read_release(text, place="a.json")


def test_two_releases_of_one_city_and_overlapping_departments_are_refused() -> None:
    one, two = released("122173"), released("122190")
    with pytest.raises(DataError, match="結果が二つ"):
        pool_contrasts([one, two, replace(released("122173", with_moments=False), question_id="q2")])
    with pytest.raises(DataError, match="同じ課"):
        pool_moments([one, replace(two, units=one.units)])


def test_moments_of_other_designs_are_not_added_and_the_difference_is_named() -> None:
    other = released("122190")
    with pytest.raises(DataError, match="threshold_share"):
        pool_moments([released("122173"), replace(other, design={**other.design, "threshold_share": 0.5})])
    with pytest.raises(DataError, match="対比だけ"):
        pool_moments([released("122173"), released("122190", with_moments=False)])


@pytest.mark.parametrize("count", [2, 7, 50])
def test_pooled_moments_equal_the_estimate_on_pooled_microdata(count: int) -> None:
    panels = {f"{20_000 + k}": city_panel(f"{20_000 + k}", units=12 + 4 * (k % 3)) for k in range(count)}
    files = [release_text(released(code, panel=panel)) for code, panel in panels.items()]
    pooled = group_time_effects(pool_moments([read_release(text, place="x") for text in files]))
    whole = Panel(
        outcome=np.concatenate([panel.outcome for panel in panels.values()]),
        units=np.array([f"{code}/{unit}" for code, panel in panels.items() for unit in panel.units], dtype=object),
        periods=panels["20000"].periods, cohort=np.concatenate([panel.cohort for panel in panels.values()]),
        persons=np.concatenate([panel.persons for panel in panels.values()]), monthly=True,
    )  # fmt: skip
    micro = group_time_effects(moments(whole))
    ours, theirs = (effects.aggregate("simple").overall for effects in (pooled, micro))
    # Sums of at most 800 doubles of size 100: the goal of the issue.
    assert ours.estimate == pytest.approx(theirs.estimate, abs=1e-10)
    assert ours.std_error == pytest.approx(theirs.std_error, abs=1e-10)
    np.testing.assert_allclose(pooled.table()["estimate"], micro.table()["estimate"], atol=1e-10)


def test_the_mean_over_cities_follows_the_hand_worked_case() -> None:
    # Equal errors 1, effects 1, 3, 8: mean 4; the sample variance is 13, so tau² = 13 - 1 = 12 (Paule-Mandel with equal errors).
    found = combine_effects_of_cities(np.array([1.0, 3.0, 8.0]), np.ones(3))
    assert found.estimate == pytest.approx(4.0, abs=1e-6)
    assert found.between == pytest.approx(np.sqrt(12), abs=1e-4)  # statsmodels iterates
    error = np.sqrt(13 / 3)
    assert found.std_error == pytest.approx(error, abs=1e-5)
    half = 4.302652729911275 * error  # t with two degrees of freedom
    assert (found.conf_low, found.conf_high) == pytest.approx((4 - half, 4 + half), abs=1e-4)
    reach = 12.706204736432095 * np.sqrt(12 + 13 / 3)  # t with one
    assert (found.predict_low, found.predict_high) == pytest.approx((4 - reach, 4 + reach), abs=1e-3)
    assert found.p_homogeneous == pytest.approx(float(stats.chi2.sf(26.0, 2)))


def test_cities_that_agree_by_chance_do_not_narrow_the_interval() -> None:
    found = combine_effects_of_cities(np.array([2.0, 2.0, 2.0]), np.array([1.0, 1.0, 1.0]))
    assert found.between == 0.0
    assert found.std_error == pytest.approx(1 / np.sqrt(3))
    assert found.conf_high - found.estimate == pytest.approx(4.302652729911275 / np.sqrt(3))


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0.5, 20)), min_size=3, max_size=9), st.floats(-100, 100), st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_between_cities_shifts_and_scales_come_through_and_tau_is_that_of_statsmodels(cities: list[tuple[float, float]], shift: float, scale: float) -> None:
    effect, error = (np.array(column) for column in zip(*cities, strict=True))
    found, moved = combine_effects_of_cities(effect, error), combine_effects_of_cities(scale * effect + shift, scale * error)
    size = scale * max(1.0, float(np.abs(effect).max()) + float(error.max()))
    # The shift costs digits of the outcome, and near tau = 0 the root is as flat as its square.
    assert moved.estimate == pytest.approx(scale * found.estimate + shift, abs=1e-6 * size + 1e-9 * abs(shift))
    assert moved.std_error == pytest.approx(scale * found.std_error, abs=1e-5 * size)
    with np.errstate(divide="ignore"):
        theirs = combine_effects(effect, error**2, method_re="iterated")
    assert found.between**2 == pytest.approx(max(float(theirs.tau2), 0.0), abs=1e-3 * max(1.0, found.between**2))  # theirs stops at 1e-5 relative
    assert sum(found.weights) == pytest.approx(1.0)


def test_one_city_alone_and_other_outcomes_are_no_pool() -> None:
    with pytest.raises(NotIdentifiedError, match="二つ以上"):
        pool_contrasts([released("122173")])
    other = released("122190")
    with pytest.raises(DataError, match="成果"):
        pool_contrasts([released("122173"), replace(other, design={**other.design, "outcome": "indicators.genai_uses"})])


def test_shares_make_cities_of_other_sizes_comparable() -> None:
    small, large = released("122173", baseline_mean=10.0), released("122190", baseline_mean=40.0)
    found = pool_shares([small, large])
    assert found is not None
    heads = [one.contrast.estimate / one.contrast.baseline_mean for one in (small, large)]
    assert min(heads) <= found.estimate <= max(heads)
    assert pool_shares([small, released("122190", baseline_mean=0.0)]) is None


def test_a_seat_costs_less_when_classes_are_filled_together() -> None:
    # 8 classes of 24 at 385 000 yen for 191 seats; with 10 more seats of others still 9 classes in all: 385 000 x 9 x 191 / 201 = 3 292 612.
    found = seat_cost("BPR", fee_yen=385_000, capacity=24, own_seats=191, partner_seats=10)
    assert (found.classes_alone, found.classes_jointly) == (8, 9)
    assert found.yen_alone == pytest.approx(3_080_000 / 191)
    assert found.saved_yen == 3_080_000 - 3_292_612  # negative: together it is dearer here
    full = seat_cost("BPR", fee_yen=385_000, capacity=24, own_seats=25, partner_seats=23)
    assert (full.classes_alone, full.classes_jointly) == (2, 2)
    assert full.yen_jointly == pytest.approx(385_000 / 24)
    # The course of the demo: one class of 20 at 2 310 000 yen for 8; 12 of others fill it: 2 310 000 x 8 / 20 = 924 000, so 1 386 000 less.
    shared = seat_cost("BA", fee_yen=2_310_000, capacity=20, own_seats=8, partner_seats=12, classes=1)
    assert (shared.classes_alone, shared.classes_jointly) == (1, 1)
    assert (shared.yen_alone, shared.yen_jointly, shared.saved_yen) == (288_750, 115_500, 1_386_000)
    # Classes that are held half empty, on two days, are paid all the same: 2 x 300 for 10 seats; 25 of others need one class more than the 30 free seats hold.
    spread = seat_cost("X", fee_yen=300, capacity=20, own_seats=10, partner_seats=35, classes=2)
    assert (spread.classes_alone, spread.classes_jointly, spread.yen_alone) == (2, 3, 60)
    with pytest.raises(ParameterError, match="定員×回数を超えて"):
        seat_cost("X", fee_yen=300, capacity=4, own_seats=10, partner_seats=0, classes=2)
    with pytest.raises(ParameterError, match="0より大きい"):
        seat_cost("BPR", fee_yen=385_000, capacity=0, own_seats=1, partner_seats=0)


def test_the_section_prints_what_the_ledger_holds_and_a_city_alone_says_so() -> None:
    cities = tuple(CityEffect(city=name, estimate=effect, std_error=2.0, n_units=30, own=name == "本市") for name, effect in (("本市", -5.0), ("団体 1", -3.0)))
    found = Partnership(
        question_id="q1", title="t", unit_label="時間/課・月", better="lower", preview=(("団体", "x", "y"),), refused="", cities=cities,
        together=combine_effects_of_cities(np.array([-5.0, -3.0]), np.array([2.0, 2.0])), seats=(), notes=("前提。",),
    )  # fmt: skip
    ledger = build_ledger(report_city.city(policy={"partnership": found}))
    assert ledger.claim("partnership.together").value == pytest.approx(-4.0)
    assert not ledger.has("partnership.next_city")
    assert "渡す前に確かめる一覧" in str(list(SECTION.blocks(ledger, found)))
    alone = replace(found, cities=cities[:1], together=None)
    assert not build_ledger(report_city.city(policy={"partnership": alone})).has("partnership.together")


def test_read_moments_must_fit_together() -> None:
    content = json.loads(release_text(released("122173")))
    content["moments"]["size"][0] += 1
    body = {key: value for key, value in content.items() if key != "digest"}
    from kdx_eval.manifest import digest_json

    with pytest.raises(DataError, match="読めません"):
        read_release(json.dumps({**body, "digest": digest_json(body)}), place="a.json")
    assert isinstance(read_release(release_text(released("122173")), place="a.json").moments, CohortMoments)
