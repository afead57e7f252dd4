"""The guide on mapping.yaml is true: each of its examples is read, and what is said to come out comes out."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdx_eval.load import load_dataset
from kdx_eval.load import mapping as mapping_words
from kdx_eval.load.mapping import parse_mappings
from kdx_eval.schema import load_schema

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "MAPPING.md"
BLOCK = re.compile(r"^```(?P<kind>csv|yaml|result)(?: (?P<told>[^\n]+))?\n(?P<body>.*?)^```", re.DOTALL | re.MULTILINE)
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCKS = [(match["kind"], match["told"] or "", match["body"]) for match in BLOCK.finditer(TEXT)]
EXAMPLES = [BLOCKS[start : start + 3] for start in range(len(BLOCKS)) if [kind for kind, _, _ in BLOCKS[start : start + 3]] == ["csv", "yaml", "result"]]


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def test_each_mapping_in_the_guide_is_accepted() -> None:
    mappings = [parse_mappings(body, load_schema(), place="docs/MAPPING.md") for kind, _, body in BLOCKS if kind == "yaml"]
    assert len(mappings) >= len(EXAMPLES) > 5
    assert all(one.files for one in mappings)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{number}-{blocks[0][1]}" for number, blocks in enumerate(EXAMPLES)])
def test_what_the_guide_says_comes_out(tmp_path: Path, example: list[tuple[str, str, str]]) -> None:
    (_, file, text), (_, _, said), (_, told, expected) = example
    (tmp_path / file).write_text(text, encoding="utf-8", newline="\n")
    (tmp_path / "mapping.yaml").write_text(said, encoding="utf-8", newline="\n")
    table, columns = told.split(" ")
    dataset = load_dataset(tmp_path)
    rows = dataset.frame(table, columns.split(",")).values.tolist()
    shown = sorted(",".join(plain(cell, is_month=column == "month") for column, cell in zip(columns.split(","), row, strict=True)) for row in rows)
    assert shown == sorted(expected.splitlines())
    assert dataset.report.rows_rejected == 0


def plain(cell: object, *, is_month: bool) -> str:
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m}" if is_month else f"{cell:%Y-%m-%d}"
    return str(cell)


def test_the_guide_names_every_word_that_can_be_written() -> None:
    words = {*mapping_words._KEYS, *mapping_words._CROSSTAB_KEYS, *mapping_words._TOP_KEYS}
    assert [word for word in sorted(words) if f"`{word}`" not in TEXT and f"`{word}:" not in TEXT] == []


HEADINGS = st.lists(st.text(alphabet="甲乙丙丁戊己庚辛", min_size=2, max_size=5), min_size=4, max_size=4, unique=True)
ROWS = st.lists(
    st.tuples(st.sampled_from(["市民課", "税務課", "福祉課"]), st.integers(1, 12), st.integers(0, 99), st.integers(0, 99_999)),
    min_size=1, max_size=8, unique_by=lambda row: row[:2],
)  # fmt: skip


@settings(max_examples=12)
@given(headings=HEADINGS, rows=ROWS)
def test_a_mapping_gives_what_the_known_headings_give(
    tmp_path_factory: pytest.TempPathFactory, headings: list[str], rows: list[tuple[str, int, int, int]]
) -> None:
    plainly, mapped = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("mapped")
    codes = {"市民課": "0101", "税務課": "no", "福祉課": "1e3"}
    body = [(department, f"2024-{month:02d}", hours, thousands) for department, month, hours, thousands in rows]
    (plainly / "時間外.csv").write_text(
        "所属,年月,時間外,手当額\n" + "".join(f"{one},{month},{hours},{yen * 1000}\n" for one, month, hours, yen in body), encoding="utf-8"
    )
    (mapped / "資料.csv").write_text(
        ",".join(headings) + "\n" + "".join(f"{codes[one]},{month},{hours * 60},{yen}\n" for one, month, hours, yen in body), encoding="utf-8"
    )
    fields = ("department_id", "month", "overtime_hours", "paid_overtime_yen")
    columns = ", ".join(f"{heading}: {field}" for heading, field in zip(headings, fields, strict=True))
    values = ", ".join(f"{code}: {department}" for department, code in codes.items())
    (mapped / "mapping.yaml").write_text(
        f"files:\n  資料.csv:\n    table: worktime\n    columns: {{{columns}}}\n    values: {{department_id: {{{values}}}}}\n"
        "    units: {overtime_hours: 分, paid_overtime_yen: 千円}\n",
        encoding="utf-8",
    )
    first, second = load_dataset(plainly), load_dataset(mapped)
    assert first.frame("worktime").equals(second.frame("worktime"))
    assert first.frame("departments").equals(second.frame("departments"))
