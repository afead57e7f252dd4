"""Request letters and the calendar: the official form, what is asked and promised, and working days."""

from __future__ import annotations

import datetime as dt
import io

import docx
import jpholiday
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.report.forms.calendar import calendar_sheet, next_request_year, next_working_day, request_calendar
from kdx_eval.report.forms.letters import request_letter
from kdx_eval.report.forms.senders import Asked, Department, asked_departments, sections
from kdx_eval.units import FiscalYear

CALENDAR = request_calendar(FiscalYear(2027))
EVERYONE = (*sections(), *asked_departments((Department(department_id="1", name="市民課"),)))
IDS = [asked.sender for asked in EVERYONE]


def letter(asked: Asked) -> docx.document.Document:
    return docx.Document(io.BytesIO(request_letter(asked, CALENDAR)))


def words(asked: Asked) -> str:
    document = letter(asked)
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def test_the_days_are_those_of_a_summer_before_the_budget_year() -> None:
    days = [CALENDAR.asked, CALENDAR.answered, CALENDAR.received, CALENDAR.frozen, CALENDAR.analysed, CALENDAR.requested]
    # 31 October 2026 is a Saturday.
    assert days == [dt.date(2026, 7, 1), dt.date(2026, 8, 31), dt.date(2026, 9, 10), dt.date(2026, 9, 30), dt.date(2026, 10, 9), dt.date(2026, 11, 2)]
    assert (CALENDAR.first_year.year, CALENDAR.current_year.year, str(CALENDAR.last_month)) == (2024, 2026, "2026-07")


def test_the_next_budget_is_that_of_the_next_fiscal_year() -> None:
    assert next_request_year(dt.date(2026, 4, 1)).year == 2027
    assert next_request_year(dt.date(2027, 3, 31)).year == 2027


@given(st.dates(dt.date(2020, 1, 1), dt.date(2100, 1, 1)))
def test_a_day_moves_to_the_next_open_day_and_no_further(day: dt.date) -> None:
    def closed(one: dt.date) -> bool:
        return one.weekday() >= 5 or jpholiday.is_holiday(one) or (one.month, one.day) in {(12, 29), (12, 30), (12, 31), (1, 1), (1, 2), (1, 3)}

    moved = next_working_day(day)
    assert not closed(moved)
    assert all(closed(day + dt.timedelta(days=n)) for n in range((moved - day).days))


@pytest.mark.parametrize(
    ("day", "moved"),
    [  # 国立天文台 暦要項: 21 September 2026 is 敬老の日, the 22nd 国民の休日, the 23rd 秋分の日
        (dt.date(2026, 9, 19), dt.date(2026, 9, 24)), (dt.date(2026, 12, 29), dt.date(2027, 1, 4)), (dt.date(2026, 8, 11), dt.date(2026, 8, 12)),
        (dt.date(2026, 8, 31), dt.date(2026, 8, 31)),
    ],
)  # fmt: skip
def test_holidays_are_no_deadlines(day: dt.date, moved: dt.date) -> None:
    assert next_working_day(day) == moved


@given(st.integers(2020, 2098))
def test_steps_are_in_order_and_two_whole_years_lie_before_the_current_one(year: int) -> None:
    calendar = request_calendar(FiscalYear(year))
    assert all(step.since <= step.until for step in calendar.steps)
    assert [step.until for step in calendar.steps] == sorted(step.until for step in calendar.steps)
    assert calendar.current_year.year - calendar.first_year.year == 2


def test_the_calendar_shows_every_step_on_its_day() -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(calendar_sheet(CALENDAR)))["日程表"]
    assert [sheet.cell(row, 1).value for row in range(4, 10)] == [
        "令和8年7月1日（水）", "令和8年8月31日（月）", "令和8年9月10日（木）", "令和8年9月30日（水）", "令和8年10月9日（金）", "令和8年11月2日（月）",
    ]  # fmt: skip
    assert "令和9年度" in str(sheet["A1"].value)


@pytest.mark.parametrize("asked", EVERYONE, ids=IDS)
def test_a_letter_says_what_for_by_when_and_what_is_not_done_with_it(asked: Asked) -> None:
    text = words(asked)
    for promised in (
        "（照会）", f"{asked.addressee}　様", "令和8年7月1日", "令和8年8月31日（月）", "DX研修の効果検証に限ります", "人事評価", f"{SMALL_CELL}人未満",
        "令和10年3月31日", "廃棄", "問い合わせ先", "令和9年度",
    ):  # fmt: skip
        assert promised in text
    numbered = [paragraph.text for paragraph in letter(asked).paragraphs if paragraph.text[:2] in {f"{n}　" for n in range(1, 8)}]
    assert [text[0] for text in numbered] == list("1234567")
    assert "[[" not in text


@pytest.mark.parametrize("asked", EVERYONE, ids=IDS)
def test_a_letter_asks_for_every_table_of_its_sender_and_no_other(asked: Asked) -> None:
    (table,) = letter(asked).tables
    assert [row.cells[0].text for row in table.rows][1:] == [spec.title for spec in asked.tables]
    for row, spec in zip(table.rows[1:], asked.tables, strict=True):
        assert all(f"◎{field.title}" in row.cells[1].text for field in spec.fields if field.required)
        assert "令和6年" in row.cells[2].text or "令和8年7月1日現在" in row.cells[2].text


def test_only_those_who_keep_personal_data_are_told_of_it_and_all_of_them_send_it_to_personnel() -> None:
    told = {asked.sender: words(asked) for asked in EVERYONE}
    assert "kdx-eval pseudonymise 人事データ --out 渡すデータ --key" in told["personnel"]
    assert "同じフォルダーに入れて、一度に仮名化" in told["personnel"]
    assert "鍵は、当課へ渡さないでください" in told["personnel"]
    for sender in ("training", "payroll"):
        assert "人事課へ提出してください" in told[sender]
        assert "職員番号" in told[sender]
    for sender in ("department", "finance"):
        assert "職員個人の情報は求めていません" in told[sender]
        assert "カナ" not in told[sender]


def test_what_the_city_must_fill_in_is_yellow() -> None:
    document = letter(EVERYONE[0])
    yellow = [run.text for paragraph in document.paragraphs for run in paragraph.runs if run.font.highlight_color is not None]
    assert {"○○第　　　号", "氏名", "番号", "アドレス", "共有フォルダーの場所"} <= set(yellow)


@pytest.mark.parametrize("asked", EVERYONE, ids=IDS)
def test_a_letter_has_a_japanese_font_on_a4_and_its_table_is_kept_whole(asked: Asked) -> None:
    from docx.oxml.ns import qn

    document = letter(asked)
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert fonts.get(qn("w:eastAsia")) == "ＭＳ 明朝"
    assert not [key for key in fonts.attrib if key.endswith("Theme")]
    assert (round(document.sections[0].page_width.mm), round(document.sections[0].page_height.mm)) == (210, 297)
    rows = document.tables[0].rows
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)
    assert all(row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in rows[:-1])


def test_a_department_whose_name_holds_control_characters_still_gets_its_letter() -> None:
    (asked,) = asked_departments((Department(department_id="1", name="市\x07民\ud800課[[x]]{{ 7*7 }}"),))
    assert "市民課x{{ 7*7 }}長　様" in words(asked)
