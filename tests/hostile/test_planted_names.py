"""Names typed in their own columns and in wrong ones leave no trace: not in results, documents, logs, messages, rejected.csv or caches."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import inspect
import io
import json
import pkgutil
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import xlsxwriter
from command_line import kdx

import kdx_eval
from kdx_eval.errors import KdxError
from kdx_eval.load import load_dataset
from kdx_eval.load.rules import NAME_MASK, RULES
from kdx_eval.load.scrub import names_of

PEOPLE = {
    "鬼頭　瑠璃香": "キトウ ルリカ", "勅使河原　琢磨": "テシガワラ タクマ", "東海林　彩愛": "ショウジ アヤメ", "𠮷髙　﨑雄": "ヨシタカ サキオ",
    "五十嵐　ゑつ": "イガラシ エツ", "八月一日　宮": "ホヅミ ミヤコ",
}  # fmt: skip
FULL = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンョッ"
HALF = str.maketrans(
    dict(zip(FULL, "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｮｯ", strict=True)) | {"ガ": "ｶﾞ", "ジ": "ｼﾞ", "ヅ": "ﾂﾞ", "ド": "ﾄﾞ"}
)
DEPARTMENTS = ("市民課", "税務課", "福祉課", "環境課", "農政課", "建築課")
MONTHS = [f"{2023 + (3 + m) // 12}-{(3 + m) % 12 + 1:02d}" for m in range(24)]
STAFF = [f"739104{n}" for n in range(len(PEOPLE))]


def escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii")


def forms(called: str) -> list[str]:
    """One person as typed: with and without space, kana full and half, escaped."""
    kana = PEOPLE[called]
    bare = called.replace("　", "")
    as_json = json.dumps(bare)[1:-1]
    spaced = [called, bare, called.replace("　", " "), kana, kana.replace(" ", ""), kana.translate(HALF)]
    return [*spaced, escaped(bare), as_json, as_json.upper().replace("\\U", "\\u")]


FORMS = [form for called in PEOPLE for form in forms(called)]


def needles() -> list[bytes]:
    """What must be found nowhere: whole and given names in the encodings in which they could have been written."""
    words = {word for called, kana in PEOPLE.items() for word in (called.replace("　", ""), called, kana, kana.replace(" ", ""), kana.translate(HALF))}
    words |= {part for called in PEOPLE for part, fewest in zip(called.split("　"), (3, 2), strict=True) if len(part) >= fewest}
    found: set[bytes] = set()
    for word in words | set(STAFF):
        found |= {word.encode("utf-8"), word.encode("utf-16-le"), word.encode("utf-16-be"), word.encode("cp932", "ignore"), word.encode("euc_jp", "ignore")}
        if not word.isascii():
            for one in (escaped(word), json.dumps(word)[1:-1]):
                found |= {one.encode(), one.upper().replace("\\U", "\\u").encode()}
            found |= {"".join(f"&#{ord(char)};" for char in word).encode(), "".join(f"&#x{ord(char):x};" for char in word).encode()}
    return sorted(one for one in found if len(one) > 3)


def contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Every file under ``root`` as bytes; parts of zipped ones, cells of Parquet files, text of PDFs; and the names of all."""
    for path in sorted(root.rglob("*")):
        yield f"name of {path.name}", path.name.encode()
        if not path.is_file():
            continue
        data = path.read_bytes()
        yield str(path), data
        if zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for part in archive.namelist():
                    yield f"{path} {part}", part.encode() + b"\n" + archive.read(part)
        elif path.suffix == ".parquet":
            with duckdb.connect() as con:
                for row in con.execute(f"SELECT * FROM read_parquet('{path.as_posix()}')").fetchall():
                    yield str(path), "\x1f".join(map(str, row)).encode()
        elif path.suffix == ".pdf" and shutil.which("pdftotext"):
            yield f"{path} text", subprocess.run(["pdftotext", str(path), "-"], capture_output=True, check=True).stdout


def hits(places: Iterator[tuple[str, bytes]]) -> list[str]:
    wanted = needles()
    return [f"{place}: {needle!r}" for place, data in places for needle in wanted if needle in data]


def write_csv(path: Path, rows: list[list[object]], encoding: str = "utf-8") -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerows(rows)
    path.write_bytes(stream.getvalue().encode(encoding))


def write_lists(folder: Path, wrong: Iterator[str]) -> None:
    """Staff, departments, courses, costs and events, with names in every column of free text."""
    roster: list[list[object]] = [["職員番号", "氏名", "カナ", "所属", "職種", "級"]]
    roster += [[code, called, kana, DEPARTMENTS[n], "事務", "3"] for n, (code, (called, kana)) in enumerate(zip(STAFF, PEOPLE.items(), strict=True))]
    roster += [[f"8{n:06d}", f"甲乙{n:03d}　丙丁", "", DEPARTMENTS[n % 6], f"事務（{next(wrong)}）", next(wrong)] for n in range(30)]
    write_csv(folder / "職員名簿.csv", roster)
    departments = [[f"D{n}", called, f"本部 {next(wrong)}", next(wrong)] for n, called in enumerate(DEPARTMENTS)]
    write_csv(folder / "所属.csv", [["所属コード", "所属名", "部局", "所属区分"], *departments])
    courses = [["BPR", f"業務改善（講師 {next(wrong)}）", next(wrong)], *([f"X{n}", form, form] for n, form in enumerate(FORMS))]
    write_csv(folder / "研修.csv", [["研修番号", "研修名", "実施機関"], *courses])
    write_csv(folder / "費用.csv", [["年度", "節", "細節", "事業", "金額"], *([2024, f"委託料 {form}", form, f"研修 {form}", 100000] for form in FORMS)])
    events = [["2024-04-01", f"対象は{form}と他", "選挙", f"担当：{form}（内線12）"] for form in FORMS]
    write_csv(folder / "同時施策.csv", [["開始日", "範囲", "種類", "備考"], *events])
    works = [[f"K{n}", "D0", f"様式 {form}", "2024-04-01", "10"] for n, form in enumerate(FORMS)]
    write_csv(folder / "支援案件.csv", [["案件番号", "所属コード", "種類", "着手日", "見込み削減時間"], *works])


def write_overtime(folder: Path, wrong: Iterator[str], *, people: list[str]) -> None:
    """A workbook by year; names in the sheets' names, titles, headings and, for ``people``, where departments and hours belong."""
    with xlsxwriter.Workbook(str(folder / "時間外勤務.xlsx")) as book:
        for year in (2023, 2024):
            sheet = book.add_worksheet(f"{year}年度 {FORMS[1]}")
            sheet.write(0, 0, f"{year}年度　時間外勤務　作成 {next(wrong)}")
            sheet.write_row(1, 0, ["所属", *(f"{month}月" for month in (*range(4, 13), 1, 2, 3)), f"備考 {FORMS[0]}"])
            for n, called in enumerate(DEPARTMENTS):
                sheet.write_row(2 + n, 0, [called, *(150 + 11 * n + (m * 7 + year) % 13 for m in range(12)), next(wrong)])
            for n, form in enumerate(people):
                sheet.write_row(8 + n, 0, [form, *([form] * 12)])
        book.add_worksheet(f"控 {FORMS[1]}"[:31]).write_row(0, 0, ["何か", FORMS[0]])


def write_delivery(folder: Path, *, columns_slipped: bool) -> None:
    """A small city with names in free text; where columns have slipped, also where departments, dates, numbers and codes belong."""
    folder.mkdir()
    wrong = iter(FORMS * 20)
    write_lists(folder, wrong)
    write_overtime(folder, wrong, people=FORMS[:9] if columns_slipped else [])
    slipped = FORMS if columns_slipped else []
    training: list[list[object]] = [["氏名", "カナ", "所属", "研修名", "受講日", "受講状況", "受講時間", f"備考（{FORMS[0]}）"]]
    training += [[called, kana, DEPARTMENTS[n], "BPR", f"2024-0{4 + n}-10", "修了", "3", called] for n, (called, kana) in enumerate(PEOPLE.items()) if n < 4]
    for form in slipped:
        for column in range(2, 7):
            row: list[object] = [f"未知{column}", "", DEPARTMENTS[0], "BPR", "2024-05-10", "修了", "3", ""]
            row[column] = form
            training.append(row)
    write_csv(folder / "受講記録.csv", training)
    units = [["職員", code, month, "genai_uses", "3"] for code in STAFF for month in MONTHS]
    units += [[kind, form, "2024-04", "genai_uses", "3"] for form in slipped for kind in ("職員", "所属", "業務")]
    write_csv(folder / "成果指標.csv", [["単位", "対象コード", "年月", "指標コード", "値"], *units])
    if not columns_slipped:
        return
    cases = [[f"P{n} {form}", "D1", "2024-04", form, form] for n, form in enumerate(FORMS)]
    frame = pd.DataFrame(cases, columns=["業務コード", "所属コード", "年月", "件数", "測り方"])
    with duckdb.connect() as con:
        con.register("frame", frame)
        con.execute(f"COPY (SELECT * FROM frame) TO '{(folder / '業務量.parquet').as_posix()}' (FORMAT parquet)")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two deliveries: with slipped columns, checked and pseudonymised; with names in free text only, taken through a whole run."""
    root = tmp_path_factory.mktemp("planted")
    write_delivery(root / "data", columns_slipped=True)
    write_delivery(root / "tidy", columns_slipped=False)
    home = root / "left" / "home"
    shown = [
        kdx("check", root / "data", home=home, cwd=root),
        kdx("pseudonymise", root / "data", "--out", root / "left" / "given", home=home, cwd=root),
        kdx("run", root / "tidy", "--out", root / "left" / "out", home=home, cwd=root),
    ]
    (root / "left" / "said.txt").write_text("".join(one.stdout + one.stderr for one in shown), encoding="utf-8", newline="\n")
    assert [one.returncode for one in shown] == [0, 0, 0], shown[-1].stderr[-2000:]
    return root


def test_the_planted_names_are_in_the_delivery_and_the_search_finds_them(place: Path) -> None:
    found = "".join(hits(contents(place / "data")))
    for file in ("職員名簿.csv", "受講記録.csv", "時間外勤務.xlsx", "業務量.parquet", "成果指標.csv"):
        assert file in found


def test_a_planted_name_is_found_nowhere_afterwards(place: Path) -> None:
    assert hits(contents(place / "left")) == []


def test_what_was_replaced_is_said_and_what_surrounds_it_stays(place: Path) -> None:
    said = (place / "left" / "said.txt").read_text(encoding="utf-8")
    assert "氏名の列でないところに氏名が" in said
    notes = (place / "left" / "given" / "同時施策・外部要因.csv").read_text(encoding="utf-8-sig")
    assert f"担当：{NAME_MASK}（内線12）" in notes
    assert notes.count(NAME_MASK) == 2 * len(FORMS)
    rejected = (place / "left" / "given" / "rejected.csv").read_text(encoding="utf-8-sig")
    assert RULES["name_in_text"][0] in rejected


def test_the_run_wrote_documents_to_be_searched(place: Path) -> None:
    written = {path.suffix for path in (place / "left" / "out").rglob("*")}
    assert {".json", ".parquet", ".ipynb", ".html", ".docx", ".xlsx", ".pdf"} <= written


@pytest.mark.skipif(sys.platform == "win32", reason="there the profile's permissions protect the folder")
def test_the_home_folder_is_its_owners_alone(place: Path) -> None:
    home = place / "left" / "home"
    for path in (home / "cache", home / "data", *(home / "cache").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0 or any(parent.stat().st_mode & 0o077 == 0 for parent in path.parents if parent.is_relative_to(home)), path
    assert [path for path in (home / "data").rglob("*") if path.is_file() and path.stat().st_mode & 0o177] == []
    assert [path for path in (home / "cache" / "datasets").rglob("*") if path.is_file() and path.stat().st_mode & 0o177] == []


def test_a_staff_unit_of_an_indicator_becomes_a_pseudonym_and_others_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    rows = [["単位", "対象コード", "年月", "指標コード", "値"], ["職員", "7391040", "2024-04", "genai_uses", "3"], ["所属", "D1", "2024-04", "genai_uses", "3"]]
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "成果指標.csv", rows)
    write_csv(tmp_path / "data" / "職員名簿.csv", [["職員番号", "氏名", "所属"], ["7391040", "鬼頭　瑠璃香", "D1"]])
    dataset = load_dataset(tmp_path / "data")
    units = dict(dataset.frame("indicators")[["unit_type", "unit_id"]].itertuples(index=False))
    assert units["department"] == "D1"
    assert units["staff"] == dataset.frame("staff")["staff_id"].item()
    assert re.fullmatch("p[0-9a-f]{16}", units["staff"])


def test_no_repr_shows_a_value(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(place / "left" / "home"))
    dataset = load_dataset(place / "data")
    pseudonyms = set(dataset.frame("staff")["staff_id"])
    shown = repr(dataset) + repr(names_of(PEOPLE)) + repr(dataset.report)
    assert "staff 36×" in shown
    assert not [word for word in (*pseudonyms, *FORMS) if word in shown]


def test_no_result_of_load_or_panel_shows_the_rows_it_holds() -> None:
    shown = []
    for module in pkgutil.walk_packages(kdx_eval.__path__, "kdx_eval."):
        if not module.name.startswith(("kdx_eval.load", "kdx_eval.panel")):
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            is_own = inspect.isclass(kind) and kind.__module__ == module.name and dataclasses.is_dataclass(kind)
            if is_own and hasattr(kind.__repr__, "__wrapped__"):  # made by dataclass, so it shows every field that does not ask to be left out
                shown += [f"{name}.{field.name}" for field in dataclasses.fields(kind) if field.repr and re.search("DataFrame|NDArray|Float", str(field.type))]
    assert shown == []


def test_a_file_called_after_a_person_is_refused_without_repeating_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    write_csv(tmp_path / "data" / "受講記録_鬼頭瑠璃香.csv", [["氏名", "所属", "研修名", "受講日"], ["鬼頭　瑠璃香", "市民課", "BPR", "2024-05-10"]])
    with pytest.raises(KdxError) as caught:
        load_dataset(tmp_path / "data")
    assert hits(iter([("message", caught.value.message.encode())])) == []
    assert NAME_MASK in caught.value.message


def test_a_crosstab_of_people_by_name_does_not_make_them_departments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    months = [f"{month}月" for month in (*range(4, 13), 1, 2, 3)]
    write_csv(tmp_path / "data" / "時間外勤務_R6年度.csv", [["氏名", *months], *([called, *["10"] * 12] for called in PEOPLE)])
    write_csv(tmp_path / "data" / "所属.csv", [["所属コード", "所属名"], ["D1", "市民課"]])
    try:
        dataset = load_dataset(tmp_path / "data")
    except KdxError as error:
        assert hits(iter([("message", error.message.encode())])) == []
    else:
        assert not dataset.has("worktime")
        assert hits(contents(tmp_path / "home")) == []


ATTENDED = "2024-05-10,2024-05-10,修了"
FAULTY = {
    "受講記録.csv": (
        "職員番号,氏名,所属,研修名,受講開始日,修了日,受講状況,受講時間",
        *(f"7391040,,D1,BPR,{day},2024-05-10,修了,3" for day in (
            "7.4.1", "H31.5.8", "M1.1.3", "2024-02-30", "45731", "秘密七三九", "2024-06-19",
        )),
        *(f"7391040,,D1,BPR,{ATTENDED},{hours}" for hours in ("秘密七三九", "73910件", "-7391", "73919", "#REF!")),
        "7391040,,D1,BPR,2024-05-10,2024-05-10,秘密七三九,3", f"7.39E+05,,D1,BPR,{ATTENDED},3", f"7391049,,D1,BPR,{ATTENDED},3",
        f"7391040,,秘密七三九,BPR,{ATTENDED},3", f"7391040,,D1,秘密七三九,{ATTENDED},3", f",鬼頭　瑠璃香,,BPR,{ATTENDED},3",
        f",東海林　彩愛,D1,BPR,{ATTENDED},3", "7391040,,D1,BPR,2024-05-10", f"7391040,,鬼頭瑠璃香,BPR,{ATTENDED},3", "合計,,,,,,,73919",
    ),
    "職員名簿.csv": (
        "職員番号,氏名,所属", "7391040,鬼頭　瑠璃香,D1", "7391041,東海林　彩愛,D1", "7391042,東海林　彩愛,D1",
        "7391043,五十嵐　ゑつ,D1", "7391043,八月一日　宮,D2",
    ),
    "所属.csv": ("所属コード,所属名", "D1,市民課", "D2,税務課"),
    "研修.csv": ("研修番号,研修名,必修", "BPR,業務改善,必修", "X1,別の研修,秘密七三九"),
    "費用.csv": (
        "年度,節,単価,金額", "秘密七三九,委託料,1,1", "2024,委託料,7391.5,1", "2024,委託料,1,739104073910407", "2024,委託料,秘密七三九,1", "2024,委託料,1,",
    ),
    "勤務時間.csv": ("職員番号,所属,年月,時間外勤務時間", ",,2024-04,7391", ",D1,秘密七三九,7391"),
}
PROVOKED = {
    "ambiguous_date", "era_over", "era_not_begun", "impossible_date", "serial_number", "not_a_date", "date_order", "enum", "not_hours", "wrong_unit", "minimum",
    "maximum", "error_value", "lost_digits", "unknown_reference", "unknown_department", "unknown_course", "unknown_person", "ambiguous_person", "columns",
    "name_in_text", "total_row", "duplicate", "not_a_boolean", "not_a_year", "not_whole", "too_large", "not_a_number", "required", "no_unit", "not_a_month",
}  # fmt: skip


def test_every_rule_refuses_its_row_without_repeating_a_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    for file, lines in FAULTY.items():
        (tmp_path / "data" / file).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    dataset = load_dataset(tmp_path / "data")
    written = dataset.rejected.read_text(encoding="utf-8-sig")
    said = written + json.dumps(dataset.report.to_dict(), ensure_ascii=False)
    assert PROVOKED - {row["rule"] for row in csv.DictReader(io.StringIO(written))} == set()
    cells = {cell for lines in FAULTY.values() for line in lines[1:] for cell in line.split(",") if "739" in cell or "七三九" in cell or "　" in cell}
    assert [cell for cell in cells if cell in said] == []
