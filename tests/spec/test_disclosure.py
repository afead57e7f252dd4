"""disclosure: small cells, by example."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.disclosure import SMALL_CELL, Kind, mask_small, smallest_shown
from kdx_eval.errors import ParameterError


def cells(counts: list[int], division: str = "市民部") -> pd.DataFrame:
    return pd.DataFrame({"division": division, "persons": counts, "score": [float(count) / 2 for count in counts]})


def test_a_small_cell_loses_its_count_and_its_value() -> None:
    masked = mask_small(cells([40, 9, 10, 12]), "persons", value_columns=["score"], totals=None)
    assert masked["masked"].tolist() == ["", "small", "", ""]
    assert masked["persons"].isna().tolist() == [False, True, False, False]
    assert masked["score"].isna().tolist() == [False, True, False, False]


def test_one_more_cell_is_hidden_when_the_total_would_give_the_small_one_away() -> None:
    # Total 71 - 40 - 12 - 10 would reveal the 9; with 10 hidden as well only their sum, 19, is revealed.
    assert mask_small(cells([40, 9, 10, 12]), "persons")["masked"].tolist() == ["", "small", "secondary", ""]


def test_two_tiny_cells_whose_sum_is_small_need_a_third() -> None:
    assert mask_small(cells([40, 2, 3, 12]), "persons")["masked"].tolist() == ["", "small", "small", "secondary"]


def test_two_small_cells_whose_sum_is_not_small_hide_each_other() -> None:
    assert mask_small(cells([40, 8, 9, 12]), "persons")["masked"].tolist() == ["", "small", "small", ""]


def test_a_group_without_a_further_cell_must_not_show_its_total() -> None:
    assert mask_small(cells([4]), "persons")["masked"].tolist() == ["total"]
    assert mask_small(cells([4, 0, 0]), "persons")["masked"].tolist() == ["total", "", ""]


def test_each_group_with_a_shown_total_is_protected_by_itself() -> None:
    frame = pd.concat([cells([40, 3, 20]), cells([40, 30], "税務部")], ignore_index=True)
    assert mask_small(frame, "persons", totals=["division"])["masked"].tolist() == ["", "small", "secondary", "", ""]


def test_zero_and_missing_are_not_small() -> None:
    frame = pd.DataFrame({"persons": pd.array([0, None, 25], dtype="Int64")})
    assert mask_small(frame, "persons")["masked"].tolist() == ["", "", ""]


def test_inside_the_office_nothing_is_masked_and_the_input_is_never_changed() -> None:
    frame = cells([1, 50])
    before = frame.copy()
    inside = mask_small(frame, "persons", audience="internal")
    assert inside["persons"].tolist() == [1, 50]
    assert inside["masked"].tolist() == ["", ""]
    mask_small(frame, "persons")
    pd.testing.assert_frame_equal(frame, before)


def test_an_empty_table_stays_empty() -> None:
    assert mask_small(cells([]), "persons").empty


def test_an_unknown_column_and_a_negative_count_are_refused() -> None:
    with pytest.raises(ParameterError, match="headcount"):
        mask_small(cells([1]), "headcount")
    with pytest.raises(ParameterError):
        mask_small(cells([-1]), "persons")


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(2, 20))
def test_what_total_minus_shown_cells_reveals_is_never_a_small_cell(counts: list[int], threshold: int) -> None:
    masked = mask_small(cells(counts), "persons", threshold=threshold)
    hidden = masked["persons"].isna()
    assert all(count == 0 or count >= threshold for count, is_hidden in zip(counts, hidden, strict=True) if not is_hidden)
    if hidden.any() and "total" not in set(masked["masked"]):
        assert sum(counts) - masked["persons"].sum() >= threshold
        assert hidden.sum() >= 2


def test_the_threshold_is_the_one_of_the_partnership_rules() -> None:
    assert SMALL_CELL == 10


def test_inside_the_office_attendance_and_overtime_are_shown_and_scores_and_careers_need_ten_persons() -> None:
    kinds: tuple[Kind, ...] = ("attendance", "overtime", "score", "career")
    assert [smallest_shown(kind) for kind in kinds] == [1, 1, SMALL_CELL, SMALL_CELL]
    assert {smallest_shown(kind, audience="public") for kind in kinds} == {SMALL_CELL}
