"""Hours in detail in documents and notebook: every printed figure is in the ledger, rows add up, and a public reader sees no department."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re

import pytest
from pypdf import PdfReader

from kdx_eval.report.annex_hours import hours_blocks
from kdx_eval.report.blocks import Bullets, Heading, Paragraph, Table
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.content import effect_sentence
from kdx_eval.report.documents import write_documents
from kdx_eval.report.figures import show_figures
from kdx_eval.report.hours_tables import HOURS_TABLES
from kdx_eval.report.pictures import draw_pictures
from kdx_eval.report.site import write_site
from kdx_eval.report.tables import show_table
from tests.hostile.test_hostile_documents import HOSTILE
from tests.hours_city import detailed
from tests.report_city import AS_OF, city

HOURS = re.compile(r"^△?[\d,]+時間$")


def hours_city(**changes):
    results = city()
    return dataclasses.replace(results, savings=detailed(results.savings), **changes)


@pytest.fixture(scope="module")
def results():
    return hours_city()


@pytest.fixture(scope="module")
def blocks(results):
    return list(hours_blocks(results, build_ledger(results), pictures=draw_pictures(results)))


def tables(blocks):
    return [block for block in blocks if isinstance(block, Table)]


def test_every_figure_of_the_tables_is_a_claim_of_the_ledger(results, blocks):
    claims = [claim for claim in build_ledger(results) if claim.is_figure]
    printed = {claim.text for claim in claims} | {claim.range_text for claim in claims}
    cells = [cell for table in tables(blocks) for row in table.rows for cell in row if re.search(r"\d(時間|人)$", cell)]
    assert len(cells) > 60
    assert [cell for cell in cells if cell not in printed] == []


def test_every_claim_has_a_japanese_name_and_an_id_of_its_own(results):
    ledger = build_ledger(results)
    ids = [claim.id for claim in ledger]
    assert len(set(ids)) == len(ids)
    named = [claim for claim in ledger if not claim.name.startswith("question.")]
    assert [claim.name for claim in named if re.fullmatch(r"[a-z_.0-9]+", claim.label)] == []


def number(text):
    return int(text.replace("△", "-").replace(",", "").removesuffix("時間"))


def test_the_rows_of_departments_the_bridge_and_the_overlaps_add_up_as_printed(blocks):
    found = {table.caption.partition("（")[0]: table for table in tables(blocks)}
    departments = found["課ごとの時間"]
    for column in (1, 3):
        *rows, total = [number(row[column]) for row in departments.rows]
        assert sum(rows) == total
    bridge = found["課ごとの生まれた時間と使い道"]
    for row in bridge.rows:
        assert number(row[1]) == number(row[2]) + number(row[3])
    for column in (1, 2, 3):
        *rows, total = [number(row[column]) for row in bridge.rows]
        assert sum(rows) == total
    parts = {row[0].strip("　"): number(row[1]) for row in found["重なりの結果"].rows}
    assert parts["うち研修"] + parts["うちほかの取組（測ったもの）"] + parts["うちどちらの成果とも言い切れない時間"] == parts["重なりを除いて測った時間"]


def test_a_survey_is_shown_with_its_arithmetic_and_never_counted(blocks):
    register = next(table for table in tables(blocks) if table.caption == "効果の一覧")
    (row,) = [row for row in register.rows if "アンケート" in row]
    assert row[-1] == "×"
    told = [item for block in blocks if isinstance(block, Bullets) for item in block.items]
    assert any("42時間÷14人×80人×12÷6か月＝年480時間" in item and "下限は、42時間×12÷6か月＝年84時間" in item for item in told)
    assert any("見込み" in row for row in register.rows if "I-3" in row[2])


def test_a_public_reader_sees_totals_and_no_department_process_or_project(results):
    public = dataclasses.replace(results, plan=dataclasses.replace(results.plan, audience="public"))
    ledger = build_ledger(public)
    shown = list(hours_blocks(public, ledger, pictures=draw_pictures(results)))
    assert {table.caption for table in tables(shown)} & {"課ごとの使い道", "効果の一覧", "重なりの整理"} == set()
    assert not any(claim.name.startswith(("dept.", "proc.", "use.", "reg.", "key.")) for claim in ledger)
    assert any(isinstance(block, Paragraph) and block.text.startswith("公表用") for block in shown)
    cells = {cell for table in tables(shown) for row in table.rows for cell in row}
    assert "総務課" not in cells


def test_hours_that_rest_on_a_survey_are_no_headline_figure_in_any_document(results):
    savings = results.savings
    lines = tuple(dataclasses.replace(line, basis="survey", may_claim=False) for line in savings.lines)
    weak = dataclasses.replace(results, savings=dataclasses.replace(savings, lines=lines, may_claim=False))
    ledger = build_ledger(weak)
    assert not ledger.claim("question.q1.saved").is_figure
    assert ledger.claim("question.q1.reference_hours").value == savings.lines[0].saved.hours
    assert "年間では" in effect_sentence(results, build_ledger(results))
    assert "年間では" not in effect_sentence(weak, ledger)


def test_nothing_to_show_gives_sentences_and_no_empty_table(results):
    pictures = dataclasses.replace(draw_pictures(results), hours=())
    bare = city().savings
    results = dataclasses.replace(results, savings=dataclasses.replace(bare, bridge=dataclasses.replace(bare.bridge, recorded=False)))
    shown = list(hours_blocks(results, build_ledger(results), pictures=pictures))
    assert all(table.rows for table in tables(shown))
    told = "".join(block.text for block in shown if isinstance(block, Paragraph))
    assert "再配分" in told
    assert "重なりはありません" in told
    assert next(block.text for block in shown if isinstance(block, Heading)) == "時間の内訳"
    assert list(hours_blocks(dataclasses.replace(results, savings=None), build_ledger(results), pictures=pictures)) == []


@pytest.mark.parametrize("kind", HOURS_TABLES)
def test_every_table_of_the_notebook_has_rows_with_a_cell_for_each_column(results, kind):
    frame = show_table(results.savings, kind).frame
    assert len(frame) > 0
    assert not frame.isna().any().any()


@pytest.mark.parametrize("kind", ["bridge", "register", "persistence", "departments", "processes"])
def test_every_figure_of_the_notebook_is_drawn(results, kind, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show_figures(results.savings, kind, plan=results.plan)
    assert [image.data[:4] for image in shown] == [b"\x89PNG"]


def test_a_bridge_with_more_uses_than_hours_and_hours_that_may_not_be_claimed_is_still_drawn(results, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    bridge = dataclasses.replace(
        results.savings.bridge, created_hours=-50.0, redeployed_hours=400.0, unexplained_hours=-450.0,
        destinations=tuple((f"使い道{k}", 50.0) for k in range(8)),
    )  # fmt: skip
    show_figures(dataclasses.replace(results.savings, bridge=bridge, may_claim=False), "bridge", plan=results.plan)
    assert len(shown) == 1


def test_hostile_names_of_departments_processes_projects_and_allotments_stay_names(tmp_path):
    results = city()
    turn = itertools.cycle(HOSTILE.values())
    results = dataclasses.replace(results, savings=detailed(results.savings, lambda: next(turn)))
    write_documents(results, tmp_path, as_of=AS_OF)
    index = write_site(results, tmp_path, as_of=AS_OF)
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO((tmp_path / "documents" / "annex.pdf").read_bytes())).pages)
    assert "1337" not in text.replace(",", "")  # 7 x 191: nothing was computed
    assert "髙﨑" in text
    assert all("<script>alert" not in path.read_text(encoding="utf-8") for path in index.parent.glob("*.html"))
    assert {path.name for path in tmp_path.iterdir()} == {"documents", "site"}
