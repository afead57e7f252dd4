"""The parts of the policy: each is studied, stored, read back and shown under one name; the review of versions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
import report_city

from kdx_eval.errors import ParameterError
from kdx_eval.policy import part_of, part_types, study_policy
from kdx_eval.policy.review import PolicyReview, review_versions
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.policy_parts import SECTIONS
from kdx_eval.report.tables import show_table
from kdx_eval.results import read_results, save_result
from kdx_eval.schema.policy_version import PolicyVersion, load_policy

PLAN = report_city.plan(())


def second(policy: PolicyVersion, **changed: object) -> PolicyVersion:
    """A version two years later."""
    return replace(policy, version="r9-04", effective_from=policy.effective_from.replace(year=2027), **changed)  # type: ignore[arg-type]


def test_every_part_has_a_section_and_every_section_a_part() -> None:
    assert {section.part for section in SECTIONS} == set(part_types())


def test_an_unknown_part_is_named_with_the_known_ones() -> None:
    with pytest.raises(ParameterError, match="review"):
        study_policy("revue", None, plan=PLAN)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="結果ではありません"):
        part_of(3)


def test_one_version_means_one_definition_throughout() -> None:
    found = review_versions((load_policy(),), plan=PLAN)
    assert found.breaks == ()
    assert [version.in_force for version in found.versions] == [True]
    assert "同じ" in found.sentence


def test_a_new_wording_of_a_cell_breaks_the_series_from_its_month_and_the_change_is_named() -> None:
    first = load_policy()
    cells = {**first.skill_map, ("promoter", "bpr"): "まったく別のことを行う"}
    found = review_versions((first, second(first, skill_map=MappingProxyType(cells))), plan=PLAN)
    assert found.breaks == ("2027-04",)
    assert [len(version.changes) for version in found.versions] == [0, 1]
    assert "BPR・業務改善" in found.versions[1].changes[0]
    assert [version.in_force for version in found.versions] == [True, False]  # it takes effect after the evaluated year


def test_a_new_version_with_the_same_definitions_breaks_nothing() -> None:
    first = load_policy()
    found = review_versions((first, second(first, plan_links=())), plan=PLAN)
    assert found.breaks == ()
    assert found.versions[1].changes
    assert "比べられます" in found.sentence


def test_a_part_is_stored_and_read_back_and_its_figures_stand_in_the_ledger(tmp_path: Path) -> None:
    review = review_versions((load_policy(),), plan=PLAN)
    assert save_result(tmp_path, review).name == "policy_review.json"
    back = read_results(tmp_path)
    assert back.policy == {"review": review}
    assert isinstance(back.policy["review"], PolicyReview)
    ledger = build_ledger(report_city.city(policy=back.policy))
    assert ledger.claim("review.versions").value == 1.0
    assert list(show_table(review, "policy_versions").frame["施行"]) == ["2025-04-01"]
