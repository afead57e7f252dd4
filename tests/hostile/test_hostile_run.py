"""Hostile department names through a whole run: nothing outside the output folder, no markup, no formula, no code."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
from command_line import complaint, kdx

NAMES = (
    "../../x", "..\\..\\y", "=HYPERLINK(\"http://example.invalid\",\"押す\")", "<script>alert(1)</script>", "#import \"/etc/passwd\": *", "{{ 7*7 }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}", "制御\x07文字", "課" * 300, "con", "aux.csv", "$(touch pwned)", "'; DROP TABLE training; --",
    "[b]太字[/b]", "+1+cmd|' /C calc'!A0", "https://example.invalid/x",
)  # fmt: skip
MONTHS = [f"{2023 + (3 + m) // 12}-{(3 + m) % 12 + 1:02d}" for m in range(30)]


def rows_as_csv(rows: list[list[object]]) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    place = tmp_path_factory.mktemp("hostile")
    data = place / "data"
    data.mkdir()
    hours = [[name, month, 100 + 7 * i + j % 5] for i, name in enumerate(NAMES) for j, month in enumerate(MONTHS)]
    attended = [[f"職員{i}{k}", name, f"{MONTHS[14 + i // 3]}-10", NAMES[2]] for i, name in enumerate(NAMES[:9]) for k in range(4)]
    attended += [[f"職員{i}0", name, f"{MONTHS[20]}-10", name] for i, name in enumerate(NAMES[3:9], start=3)]
    (data / "勤務時間.csv").write_text(rows_as_csv([["所属", "年月", "時間外勤務時間"], *hours]), encoding="utf-8", newline="\n")
    (data / "受講記録.csv").write_text(rows_as_csv([["氏名", "所属", "受講日", "研修名"], *attended]), encoding="utf-8", newline="\n")
    shown = kdx("run", data, "--out", place / "out", home=place / "home", cwd=place)
    assert "Traceback" not in shown.stdout + shown.stderr
    if shown.returncode:
        complaint(shown)
    return place, shown.returncode, shown.stdout


def test_the_run_passes_and_estimates_an_effect(run: tuple[Path, int, str]) -> None:
    assert run[1] == 0
    assert json.loads((run[0] / "out" / "results" / "effects.json").read_text(encoding="utf-8"))
    assert "\x07" not in run[2]


def test_nothing_is_written_outside_the_output_folder(run: tuple[Path, int, str]) -> None:
    place = run[0]
    assert {path.name for path in place.iterdir()} == {"data", "home", "out"}
    assert {path.name for path in (place / "data").iterdir()} == {"勤務時間.csv", "受講記録.csv"}
    assert not any(path.name in {"x", "y", "pwned"} for folder in (place, place.parent, place.parent.parent) for path in folder.iterdir())
    assert not list(place.rglob("pwned"))


def test_pages_hold_no_foreign_markup(run: tuple[Path, int, str]) -> None:
    for page in (run[0] / "out" / "site").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script>alert" not in text
        assert not re.search(r"(?:href|src)\s*=\s*[\"']?(?:https?:|javascript:)", text, re.IGNORECASE), page.name


def test_no_template_was_evaluated_and_no_formula_made(run: tuple[Path, int, str]) -> None:
    documents = run[0] / "out" / "documents"
    with zipfile.ZipFile(documents / "calculation.xlsx") as book:
        formulas = re.findall(r"<f>(.*?)</f>", "".join(book.read(name).decode("utf-8") for name in book.namelist() if name.endswith(".xml")))
        links = [name for name in book.namelist() if "hyperlink" in book.read(name).decode("utf-8", "ignore").lower() and name.endswith(".rels")]
    assert not [formula for formula in formulas if "HYPERLINK" in formula or "cmd" in formula]
    assert links == []
    with zipfile.ZipFile(documents / "budget_appendix.docx") as word:
        text = re.sub(r"<[^>]+>", "", word.read("word/document.xml").decode("utf-8"))
    assert "{{ 7*7 }}" in text  # shown as it was written, not run
    assert "49は" not in text
    assert "&lt;class" not in text


def test_refused_rows_start_no_formula(run: tuple[Path, int, str]) -> None:
    with (run[0] / "out" / "rejected.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert not [cell for row in csv.reader(stream) for cell in row if cell[:1] in "=+@"]
