"""Files as they arrive: encodings, delimiters, Excel's types, physical line numbers."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from kdx_eval.errors import DataError
from kdx_eval.load import files
from kdx_eval.load.excel import cell_text, read_excel_grids
from kdx_eval.load.files import Grid, detect_encoding, discover, read_text_grid
from kdx_eval.load.garbled import refuse_garbled
from kdx_eval.schema import load_schema

TEXT = "課名,年月,備考\n髙﨑課,2025-04,①㈱あいう\n市民課,2025-05,ｶﾀｶﾅ混じり\n"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def cells(con: duckdb.DuckDBPyConnection, grid: Grid) -> list[tuple[object, ...]]:
    return con.execute(f"SELECT * EXCLUDE (width) FROM {grid.table} ORDER BY line").fetchall()


def read(con: duckdb.DuckDBPyConnection, path: Path, content: str | bytes, encoding: str = "utf-8") -> Grid:
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return read_text_grid(con, path, file=path.name, table="g", encoding=None, work=path.parent)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_the_same_text_is_read_from_every_encoding(con: duckdb.DuckDBPyConnection, tmp_path: Path, encoding: str) -> None:
    grid = read(con, tmp_path / "a.csv", TEXT, encoding)
    assert grid.encoding == encoding
    assert cells(con, grid)[1] == (2, "髙﨑課", "2025-04", "①㈱あいう")


def test_euc_jp_is_told_from_cp932(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for text in ("課名,氏名\n市民課,山田太郎\n福祉課,佐藤花子\n", "所属,研修名\n総務課,情報セキュリティ研修\n"):
        path.write_bytes(text.encode("euc_jp"))
        assert detect_encoding(path, place="a.csv") == "euc_jp"
        path.write_bytes(text.encode("cp932"))
        assert detect_encoding(path, place="a.csv") == "cp932"


@pytest.mark.parametrize("table", sorted(load_schema().tables))
def test_no_heading_of_the_schema_looks_garbled_and_every_misread_one_does(table: str) -> None:
    header = tuple(field.title for field in load_schema().table(table).fields)
    refuse_garbled([(1, header)], place="a.csv")
    for written_in, read_as in (("utf-8", "cp932"), ("cp932", "utf-8"), ("utf-8", "latin-1"), ("cp932", "latin-1")):
        spoilt = tuple(cell.encode(written_in).decode(read_as, errors="replace") for cell in header)
        with pytest.raises(DataError, match="文字"):
            refuse_garbled([(1, spoilt)], place="a.csv")


def test_rare_characters_of_real_names_are_no_garbling() -> None:
    names = ["渡邊　龍之介", "齋藤　瑠璃", "髙橋　曉", "龜田　邉", "澤田　彌生", "ｶﾀｶﾅ ﾊﾝｶｸ"]
    refuse_garbled([(1, ("氏名", "所属")), *((line, (called, "市民課")) for line, called in enumerate(names, start=2))], place="a.csv")


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_found(con: duckdb.DuckDBPyConnection, tmp_path: Path, delimiter: str) -> None:
    grid = read(con, tmp_path / "a.csv", TEXT.replace(",", delimiter))
    assert grid.n_columns == 3


def test_line_numbers_are_physical_lines(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    grid = read(con, tmp_path / "a.csv", '見出し,b\n1,"二行\nの値"\n\n2,x\n')
    assert cells(con, grid) == [(1, "見出し", "b"), (2, "1", "二行\nの値"), (5, "2", "x")]


def test_a_large_regular_file_and_the_careful_path_agree(con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = "".join(f'{n},"値 {n}",\r\n' for n in range(500))
    slow = cells(con, read(con, tmp_path / "a.csv", "番号,値,空欄\r\n" + body, "cp932"))
    con.execute("DROP TABLE g")
    monkeypatch.setattr(files, "_FAST_FROM", 0)
    assert cells(con, read(con, tmp_path / "a.csv", "番号,値,空欄\r\n" + body, "cp932")) == slow
    con.execute("DROP VIEW g")
    ragged = "番号,値,空欄\r\n" + body + "1,2\r\n\r\n3,4,5\r\n"
    assert cells(con, read(con, tmp_path / "b.csv", ragged, "cp932"))[-1] == (504, "3", "4", "5")


def test_a_name_with_brackets_is_that_file_and_no_pattern(con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_FAST_FROM", 0)
    (tmp_path / "実績R.csv").write_text("a,b\n9,9\n", encoding="utf-8")
    assert cells(con, read(con, tmp_path / "実績[R7].csv", "a,b\n1,2\n"))[1] == (2, "1", "2")


def test_excel_keeps_types_errors_and_sheet_rows(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("R6年度")
        sheet.write_row(1, 0, ["課", "日付", "時間", "値"])
        sheet.write_string(2, 0, "0012")
        sheet.write_datetime(2, 1, dt.datetime(2025, 4, 1), book.add_format({"num_format": "yyyy/m/d"}))
        sheet.write_number(2, 2, 1.8125, book.add_format({"num_format": "[h]:mm"}))
        sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
        book.add_worksheet("隠し").hide()
    visible, hidden = read_excel_grids(con, path, file="a.xlsx", table="g", work=tmp_path)
    assert cells(con, visible) == [(2, "課", "日付", "時間", "値"), (3, "0012", "2025-04-01", "43:30:00", "#DIV/0!")]
    assert (hidden.sheet, hidden.n_columns) == ("隠し", 0)
    assert hidden.notes


def test_a_cell_keeps_its_type_as_text() -> None:
    assert [cell_text(value) for value in (1234.0, 0.5, True, None, dt.time(1, 30), dt.timedelta(hours=-1), dt.datetime(2025, 4, 1, 9, 5))] == [
        "1234", "0.5", "true", "", "1:30:00", "-1:00:00", "2025-04-01 09:05:00",
    ]  # fmt: skip


def test_what_is_no_data_is_left_aside_with_a_reason(tmp_path: Path) -> None:
    for called in ("plan.yaml", "README.md", "~$開いている.xlsx", ".DS_Store", "写真.jpg", "表.csv"):
        (tmp_path / called).write_text("x", encoding="utf-8")
    found = discover(tmp_path)
    assert [path.name for path in found.readable] == ["表.csv"]
    assert len(found.ignored) == 5
    assert all(reason for _, reason in found.ignored)


def test_a_csv_writer_and_the_grid_agree_on_quotes(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([("a", "b"), ('引用"符', "カンマ,入り")])
    grid = read_text_grid(con, path, file="a.csv", table="g", encoding=None, work=tmp_path)
    assert cells(con, grid)[1] == (2, '引用"符', "カンマ,入り")
