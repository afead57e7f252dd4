"""The printed 別冊: long tables are cut with a word, plots stand beside each other, columns are as wide as their texts ask for."""

from __future__ import annotations

import re
import struct
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.report.blocks import Bullets, Figure, Heading, Paragraph, Row, Table, columns
from kdx_eval.report.column_widths import PAGE_EMS, fit_widths
from kdx_eval.report.paper import REST_NOTE, paper_blocks
from kdx_eval.report.pictures import DOTS_PER_INCH


def figure(name: str, *, inches: float = 5.0) -> Figure:
    width = round(inches * DOTS_PER_INCH)
    return Figure(name=name, png=b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, width // 2) + b"\0", alt="", caption="図")


def table(rows: int, *, first: str = "課{}", on_paper: tuple[int, ...] | None = None) -> Table:
    body = tuple((first.format(number), "12時間") for number in range(rows))
    return Table(columns=columns("課", "時間"), rows=body, caption="課ごと", note="注。", on_paper=on_paper)


def test_a_long_table_shows_its_leading_rows_and_says_where_the_others_are() -> None:
    (shown,) = paper_blocks([table(30, on_paper=(0, 3))])
    assert isinstance(shown, Table)
    assert [row[0] for row in shown.rows] == ["課0", "課3"]
    assert shown.note == f"注。{REST_NOTE}"


def test_a_cut_table_with_its_total_shows_that_rows_stand_between() -> None:
    whole = table(5, on_paper=(0, 1, 4))
    (shown,) = paper_blocks([replace(whole, rows=(*whole.rows[:4], ("計", "14")))])
    assert isinstance(shown, Table)
    assert [row[0] for row in shown.rows] == ["課0", "課1", "ほかの行", "計"]
    (entire,) = paper_blocks([replace(whole, rows=(*whole.rows[:4], ("計", "14")), on_paper=None)])
    assert isinstance(entire, Table)
    assert "ほかの行" not in {row[0] for row in entire.rows}


def test_a_table_that_is_whole_on_paper_says_nothing_of_other_rows() -> None:
    (shown,) = paper_blocks([table(2, on_paper=(0, 1))])
    assert isinstance(shown, Table)
    assert (len(shown.rows), shown.note) == (2, "注。")


def test_a_table_not_meant_for_paper_is_left_to_the_site() -> None:
    assert paper_blocks([Heading(text="題"), table(3, on_paper=())]) == [Heading(text="題")]


def test_two_plots_stand_side_by_side_and_a_wide_one_alone() -> None:
    pair, alone = paper_blocks([figure("a"), figure("b"), figure("c", inches=6.7)])
    assert isinstance(pair, Row)
    assert isinstance(alone, Figure)
    assert alone.wide


def test_a_plot_stands_beside_the_text_after_it_as_far_as_that_is_no_taller() -> None:
    row, rest = paper_blocks([figure("a"), Paragraph(text="短い文。"), Bullets(items=("長い文。" * 400,))])
    assert isinstance(row, Row)
    assert row.right == (Paragraph(text="短い文。"),)
    assert isinstance(rest, Bullets)


def test_a_long_table_of_named_groups_becomes_a_table_for_each() -> None:
    rows = tuple((f"段階{number // 10}", str(number)) for number in range(30))
    made = paper_blocks([Table(columns=columns("段階", "番号"), rows=rows, caption="表", note="注。")])
    assert [block.caption for block in made if isinstance(block, Table)] == ["表（段階0）", "表（段階1）", "表（段階2）"]
    assert [row for block in made if isinstance(block, Table) for row in block.rows] == list(rows)
    assert [block.note for block in made if isinstance(block, Table)] == ["", "", "注。"]


@given(rows=st.lists(st.tuples(*[st.text("課時間0123,.", max_size=30)] * 3), min_size=1, max_size=8))
def test_fitted_columns_fill_the_page_and_tear_no_number(rows: list[tuple[str, ...]]) -> None:
    heads = ("課", "時間", "説明")
    widths = fit_widths(heads, rows, ems=PAGE_EMS)
    assert abs(sum(widths) - PAGE_EMS) < 1e-6  # sums of a few dozen doubles
    for place, width in enumerate(widths):
        # 0.55 of a full-width character for a digit; three numbers of thirty digits fit the page beside each other.
        assert all(0.55 * len(number) <= width for row in rows for number in re.findall(r"[0-9,.]+", row[place]))


def test_a_column_of_short_cells_is_not_broken_for_a_long_one_beside_it() -> None:
    widths = fit_widths(("確かさ", "説明"), [("出所あり", "説明" * 200)], ems=PAGE_EMS)
    assert widths[0] >= len("出所あり")
