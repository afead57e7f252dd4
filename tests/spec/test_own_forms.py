"""A city's own form: filled where the mapping says, everything else as it was."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font, PatternFill

from kdx_eval.batch import run_batch
from kdx_eval.errors import OutputError
from kdx_eval.load.files import discover
from kdx_eval.report.audience import for_audience
from kdx_eval.report.documents import write_documents
from kdx_eval.report.ledger import Ledger
from kdx_eval.report.own_forms import check_forms, filled_forms
from kdx_eval.report.sheet_cells import put_values, split_cell
from tests.report_city import AS_OF, city

CITY = city()
SHAPE = b'<?xml version="1.0"?><xdr:wsDr xmlns:xdr="x"><xdr:sp macro=""><xdr:txBody>\xe5\x8d\xb0</xdr:txBody></xdr:sp></xdr:wsDr>'


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return for_audience(CITY)[1]


def form(folder: Path, mapping: str, *, name: str = "様式") -> Path:
    """A form with a merged cell, formats, a formula, a drawing that openpyxl would drop, and its mapping."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "要求 書"
    sheet["A1"], sheet["A1"].font = "事業名", Font(name="ＭＳ 明朝", bold=True)
    sheet.merge_cells("C5:D6")
    sheet["C5"].number_format, sheet["C5"].fill = "#,##0", PatternFill("solid", fgColor="FFFF00")
    sheet["E5"].number_format = "@"
    sheet["E7"] = "=C5*2"
    sheet.print_area, sheet.page_setup.orientation, sheet.row_dimensions[5].height = "A1:F20", "landscape", 33
    book.create_sheet("別紙")
    book.save(folder / f"{name}.xlsx")
    with zipfile.ZipFile(folder / f"{name}.xlsx", "a") as package:
        package.writestr("xl/drawings/drawing9.xml", SHAPE)
    (folder / f"{name}.yaml").write_text(mapping, encoding="utf-8")
    return folder / f"{name}.xlsx"


def filled(folder: Path, mapping: str, ledger: Ledger) -> Workbook:
    form(folder, mapping)
    return load_workbook(io.BytesIO(filled_forms(folder, ledger)["様式.xlsx"]))


def test_figures_stand_where_the_mapping_says(tmp_path: Path, ledger: Ledger) -> None:
    mapping = """
要求 書!C5: request.yen
"'要求 書'!$D$9": {番号: value.yen, 形: 千円}
要求 書!B9: change.reason
要求 書!E5: question.q1.saved
別紙!B2: F1
別紙!A2: {番号: question.q1.saved, 形: 幅}
別紙!C2: {番号: question.q1.saved, 形: 下限}
別紙!C3: savings.share
"""
    book = filled(tmp_path, mapping, ledger)
    sheet, other = book["要求 書"], book["別紙"]
    assert (sheet["C5"].value, sheet["D9"].value, sheet["B9"].value) == (8120000, 2360, "BPR研修の対象を2課増やすため。")
    assert sheet["E5"].value == "1,488時間"  # a cell that is formatted as text takes the text
    assert (other["A2"].value, other["B2"].value, other["C2"].value, other["C3"].value) == ("幅816～2,160時間", 8120000, 816, 0.129)


def test_everything_else_stays_byte_for_byte(tmp_path: Path, ledger: Ledger) -> None:
    source = form(tmp_path, "要求 書!C5: request.yen")
    before, after = (zipfile.ZipFile(io.BytesIO(content)) for content in (source.read_bytes(), filled_forms(tmp_path, ledger)["様式.xlsx"]))
    assert before.namelist() == after.namelist()
    changed = {name for name in before.namelist() if before.read(name) != after.read(name)}
    assert changed == {"xl/workbook.xml", "xl/worksheets/sheet1.xml"}
    sheet = load_workbook(io.BytesIO(filled_forms(tmp_path, ledger)["様式.xlsx"]))["要求 書"]
    assert [str(area) for area in sheet.merged_cells.ranges] == ["C5:D6"]
    assert (sheet["C5"].number_format, sheet["C5"].fill.fgColor.rgb, sheet["A1"].font.name) == ("#,##0", "00FFFF00", "ＭＳ 明朝")
    assert (sheet["E7"].value, sheet.page_setup.orientation, sheet.row_dimensions[5].height) == ("=C5*2", "landscape", 33)
    assert b'fullCalcOnLoad="1"' in after.read("xl/workbook.xml")


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ("要求 書!C5: requst.yen", r"近いもの: request\.yen（F1 要求額）"),
        ("要求 書!C5: F9999", "台帳に「F9999」はありません"),
        ("要求 書!D6: request.yen", "結合されたセル（C5:D6）.*左上の C5"),
        ("要求 書!E7: request.yen", "式の入ったセル"),
        ("別表!A1: request.yen", "「別表」というシートがありません.*要求 書、別紙"),
        ("C5: request.yen", "書き方が違います"),
        ("要求 書!C5: {番号: request.yen, 形: 円}", "「形: 円」は使えません"),
        ("要求 書!C5: {番号: question.q1.saved, 形: 千円}", "金額にだけ"),
        ("要求 書!C5: {番号: change.reason, 形: 数}", "数として書けるもの"),
        ("要求 書!C5: {番号: request.yen, 色: 赤}", "書き方が違います"),
        ("- 1", "何も書かれていません"),
        ("a: [", "対応表を読めません"),
        ("要求 書!C5: !!python/object/apply:os.system ['x']", "対応表を読めません"),
    ],
)
def test_a_wrong_mapping_is_named_with_its_remedy_and_nothing_is_written(mapping: str, reason: str, tmp_path: Path, ledger: Ledger) -> None:
    data = tmp_path / "data"
    data.mkdir()
    form(data, mapping)
    with pytest.raises(OutputError, match=reason):
        write_documents(CITY, tmp_path / "out", as_of=AS_OF, data=data)
    assert not (tmp_path / "out").exists()


def test_the_filled_form_lies_beside_the_documents_and_the_data_folder_is_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    source = form(data, "要求 書!C5: request.yen")
    before = source.read_bytes()
    written = write_documents(CITY, tmp_path / "out", as_of=AS_OF, data=data)
    assert written[-1] == tmp_path / "out" / "documents" / "様式.xlsx"
    assert source.read_bytes() == before
    assert {path.name for path in data.iterdir()} == {"様式.xlsx", "様式.yaml"}


def test_a_form_is_not_read_as_data(tmp_path: Path) -> None:
    form(tmp_path, "要求 書!C5: request.yen")
    (tmp_path / "費用.csv").write_text("a\n1\n", encoding="utf-8")
    found = discover(tmp_path)
    assert [path.name for path in found.readable] == ["費用.csv"]
    assert "記入する様式" in {path.name: reason for path, reason in found.ignored}["様式.xlsx"]


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x","y")', "+1+1", "@SUM(A1)", "</t></is></c><c r='Z9'>", "髙﨑𠮷\x00野\u202e", "a" * 40000])
def test_text_from_the_city_stays_text(text: str, tmp_path: Path) -> None:
    assert CITY.budget is not None
    hostile = for_audience(city(budget=replace(CITY.budget, change_reason=text)))[1]
    cell = filled(tmp_path, "要求 書!C5: change.reason", hostile)["要求 書"]["C5"]
    assert cell.data_type == "s"
    assert len(str(cell.value)) <= 32000
    assert "\x00" not in str(cell.value)


def test_a_masked_figure_says_so_in_the_form(tmp_path: Path, ledger: Ledger) -> None:
    claim = replace(ledger.claim("reach.0.completed"), value=None, text="秘匿")
    masked = replace(ledger, claims=tuple(claim if one.name == claim.name else one for one in ledger))
    assert filled(tmp_path, "要求 書!C5: reach.0.completed", masked)["要求 書"]["C5"].value == "秘匿"


def test_rows_and_cells_that_do_not_exist_yet_are_added_in_order() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["B3"], sheet["D3"] = 1, 2
    stream = io.BytesIO()
    book.save(stream)
    values = {"A1": 10, "AA3": 11, "C3": 12.5, "A3": "x & <y>", "B3": 13, "Z9": 14, "B9": 15}
    after = load_workbook(io.BytesIO(put_values(stream.getvalue(), {"Sheet": values})))["Sheet"]
    assert {name: after[name].value for name in (*values, "D3")} == {**values, "D3": 2}
    empty = io.BytesIO()
    Workbook().save(empty)
    assert load_workbook(io.BytesIO(put_values(empty.getvalue(), {"Sheet": {"B2": 3}})))["Sheet"]["B2"].value == 3


def test_cells_are_counted_from_one() -> None:
    assert (split_cell("A1"), split_cell("AB12")) == ((1, 1), (12, 28))
    with pytest.raises(ValueError, match="A0"):
        split_cell("A0")


def test_what_is_no_workbook_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    form(tmp_path, "要求 書!C5: request.yen").write_bytes(b"not a zip")
    with pytest.raises(OutputError, match="様式を開けません"):
        filled_forms(tmp_path, ledger)


FAULTY = """
要求 書!D6: request.yen
要求 書!E7: request.yen
別表!A1: request.yen
要求 書!C5: requst.yen
"要求 書!$C$5": request.yen
要求 書!XFE1: request.yen
要求 書!A3: {番号: request.yen, 形: 円}
"""


def test_all_faults_are_named_at_once_and_before_there_is_a_ledger(tmp_path: Path, ledger: Ledger) -> None:
    form(tmp_path, FAULTY)
    with pytest.raises(OutputError) as early:
        check_forms(tmp_path)
    for word in ("6か所", "結合されたセル", "式の入ったセル", "「別表」", "同じセルが二度", "Excelのシートにない", "「形: 円」"):
        assert word in early.value.reason
    assert "requst" not in early.value.reason  # only the ledger knows
    with pytest.raises(OutputError, match=r"7か所.*近いもの: request"):
        filled_forms(tmp_path, ledger)


def test_a_cell_written_twice_in_the_same_way_is_not_lost_quietly(tmp_path: Path) -> None:
    form(tmp_path, "要求 書!C5: request.yen\n要求 書!C5: previous.yen")
    with pytest.raises(OutputError, match="同じセルが二度"):
        check_forms(tmp_path)


def test_a_run_stops_at_a_faulty_form_before_anything_is_computed_or_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    form(data, "別表!A1: request.yen")
    with pytest.raises(OutputError, match="「別表」"):
        run_batch(data, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_right_form_passes_the_early_check(tmp_path: Path) -> None:
    form(tmp_path, "要求 書!C5: request.yen")
    check_forms(tmp_path)
