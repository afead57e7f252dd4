"""What a delivery says twice must agree: each contradiction is noted, each agreement is not."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from kdx_eval.errors import DataError
from kdx_eval.load import load_dataset

MONTHS = [f"{2023 + (m + 3) // 12}-{(m + 3) % 12 + 1:02d}" for m in range(24)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))


def notes(tmp_path: Path, files: dict[str, str | bytes]) -> str:
    """All notes on a delivery, one a line."""
    folder = tmp_path / "data"
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        (folder / file).write_bytes(content.encode() if isinstance(content, str) else content)
    return "\n".join(f"{file.file}: {note}" for file in load_dataset(folder).report.files for note in file.notes)


def numbered(numbers: list[str]) -> str:
    rows = "".join(f"{number},000{n},D1,BPR,2024-05-10\n" for n, number in enumerate(numbers))
    return f"No.,職員番号,所属,研修名,受講日\n{rows}"


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (["1", "2", "3", "4"], ""),
        (["4", "1", "3", "2"], ""),  # sorted by something else
        (["1", "2", "4", "5"], "抜けが1、重なりが0"),
        (["2", "3", "4", "5"], "抜けが1、重なりが0"),
        (["1", "2", "2", "3"], "抜けが0、重なりが1"),
        (["1", "2", "", "4"], "抜けが1、重なりが0、空欄が1"),
        (["", "", "", ""], "「No.」の列が空です"),
        (["204", "17", "9055", "33"], ""),  # numbers of rooms
    ],
)
def test_gaps_and_repeats_in_a_running_number_are_noted(tmp_path: Path, numbers: list[str], said: str) -> None:
    found = notes(tmp_path, {"受講記録.csv": numbered(numbers)})
    assert said in found
    assert bool(said) == ("注意" in found)


@pytest.mark.parametrize(("total", "agrees"), [("410", True), ("４１０", True), ("409", False), ("合わない", False), ("", True)])
def test_the_total_under_a_list_is_held_against_its_rows(tmp_path: Path, total: str, *, agrees: bool) -> None:
    rows = "業務コード,年月,件数,備考\nP1,2024-04,100,\nP1,2024-05,110,\nP2,2024-04,200,\n"
    assert ("合計の行の1か所が" in notes(tmp_path, {"業務量.csv": f"{rows}合計,,{total},\n"})) is not agrees


def test_a_subtotal_covers_the_rows_since_the_last_one(tmp_path: Path) -> None:
    rows = "業務コード,年月,件数,備考\nP1,2024-04,100,\nP1,2024-05,110,\n小計,,210,\nP2,2024-04,200,\n小計,,200,\n合計,,410,\n"
    assert "注意" not in notes(tmp_path, {"業務量.csv": rows})


@pytest.mark.parametrize(
    ("heading", "row", "agrees"),
    [("金額", "4,150000,600000", True), ("金額", "4,150000,660000", True), ("金額", "4,150000,600", False), ("金額（千円）", "4,150000,600", True)],
)
def test_quantity_times_unit_price_is_the_amount_with_or_without_tax(tmp_path: Path, heading: str, row: str, *, agrees: bool) -> None:
    found = notes(tmp_path, {"費用.csv": f"年度,節,数量,単価,{heading}\n2024,委託料,{row}\n"})
    assert ("数量×単価が金額と合わない行が1" in found) is not agrees


@pytest.mark.parametrize(("row", "remarked"), [("4,150000,600000", False), ("ー,150000,600000", True), ("4,,600000", True), (",,600000", False)])
def test_a_quantity_or_a_unit_price_alone_is_remarked(tmp_path: Path, row: str, *, remarked: bool) -> None:
    found = notes(tmp_path, {"費用.csv": f"年度,節,数量,単価,金額\n2024,委託料,{row}\n"})
    assert ("片方だけが空欄の行が1" in found) is remarked


def test_measures_exchanged_under_their_headings_are_noted(tmp_path: Path) -> None:
    rows = "".join(f"001,{month},155,12\n" for month in MONTHS)
    assert "注意" not in notes(tmp_path, {"勤務時間.csv": f"職員番号,年月,正規の勤務時間,時間外勤務時間\n{rows}"})
    assert "時間外勤務時間が正規の勤務時間より多い行が24行のうち24" in notes(tmp_path, {"勤務時間.csv": f"職員番号,年月,時間外勤務時間,正規の勤務時間\n{rows}"})


def test_staff_in_a_department_that_nobody_listed_are_noted(tmp_path: Path) -> None:
    staff = "職員番号,氏名,所属コード\n001,甲　乙丙,D1\n002,丁　戊己,D2\n"
    assert "注意" not in notes(tmp_path, {"職員名簿.csv": staff, "所属.csv": "所属コード,所属名\nD1,市民課\nD2,税務課\n"})
    assert "所属の一覧にない所属の職員が1人" in notes(tmp_path, {"所属.csv": "所属コード,所属名\nD1,市民課\n"})


def test_dates_outside_the_year_in_the_name_are_noted(tmp_path: Path) -> None:
    text = "職員番号,所属,研修名,受講日\n001,D1,BPR,{}\n"
    assert "注意" not in notes(tmp_path, {"受講者名簿_令和6年度.csv": text.format("2025-03-31")})
    assert "2024年度" in notes(tmp_path, {"受講者名簿_令和6年度.csv": text.format("2025-04-01")})


def test_a_name_that_stands_once_beside_names_that_stand_for_months_is_noted(tmp_path: Path) -> None:
    rows = [f"{department},{month},10" for department in ("市民課", "税務課") for month in MONTHS]
    rows[30] = rows[30].replace("税務課", "税勿課")
    assert "一度しか現れない名前や番号が1つあります（32行）" in notes(tmp_path, {"勤務時間.csv": "\n".join(["所属,年月,時間外勤務時間", *rows, ""])})


def test_a_file_moved_by_a_month_shows_beside_the_others(tmp_path: Path) -> None:
    hours = "\n".join(["所属,年月,時間外勤務時間", *(f"市民課,{month},10" for month in MONTHS), ""])
    cases = ["業務コード,年月,件数", *(f"P1,{month},10" for month in MONTHS)]
    assert "注意" not in notes(tmp_path, {"勤務時間.csv": hours, "業務量.csv": "\n".join([*cases, ""])})
    moved = [cases[0], *(f"P1,{month},10" for month in [*MONTHS[1:], "2025-04"])]
    found = notes(tmp_path, {"業務量.csv": "\n".join([*moved, ""])})
    assert "業務量.csv: 注意: 月が2023-05から始まっています" in found
    assert "勤務時間.csv: 注意: 月の範囲（2023-04～2025-03）が「業務量.csv」の範囲（2023-05～2025-04）と違います" in found


def test_a_last_line_without_its_end_is_noted(tmp_path: Path) -> None:
    assert "最後の行に改行がありません" in notes(tmp_path, {"業務量.csv": "業務コード,年月,件数\nP1,2024-04,10\nP1,2024-05,1"})


def workbook(corner: str = "") -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet("業務量")
        sheet.write_row(0, 0, ["業務コード", "年月", "件数"])
        sheet.write_row(1, 0, ["P1", "2024-04", 10])
        if corner:
            sheet.write(corner, 1)
    return stream.getvalue()


def test_a_value_in_a_far_corner_is_refused_before_it_takes_all_memory(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="遠く離れたセル"):
        notes(tmp_path, {"業務量.xlsx": workbook("XFD1048576")})


def test_a_formatted_cell_far_below_costs_nothing(tmp_path: Path) -> None:
    data = workbook()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert "注意" not in notes(tmp_path, {"業務量.xlsx": stream.getvalue()})


def test_a_container_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(workbook())
    at = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    with pytest.raises(DataError, match="壊れています"):
        notes(tmp_path, {"業務量.xlsx": bytes(data)})
