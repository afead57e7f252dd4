"""The calendar of a budget request, July to October: when data is asked for, handed over, frozen, analysed and used."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from kdx_eval.load.business_time import business_days
from kdx_eval.report.forms.books import new_book, print_on_a4
from kdx_eval.units import FiscalYear, Month, wareki_date

_LONGEST_CLOSED = dt.timedelta(days=14)  # the longest run of closed days, ten so far (2019), and room
_WEEKDAYS = "月火水木金土日"
_YEARS_ASKED = 2  # whole fiscal years before the current one: a season must be seen twice to be told from a trend
_BAR = "#2E75B6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens until the day ``until`` (from ``since``), who does it, and with what."""

    since: dt.date
    until: dt.date
    what: str
    who: str
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCalendar:
    """The days on the way to the request for ``year``, each a working day.

    Attributes
    ----------
    asked, answered, received, frozen, analysed, requested : date
        照会, 回答期限, 仮名化・受領, データ凍結, 分析, 要求書.
    """

    year: FiscalYear
    asked: dt.date
    answered: dt.date
    received: dt.date
    frozen: dt.date
    analysed: dt.date
    requested: dt.date

    @property
    def first_year(self) -> FiscalYear:
        """The first fiscal year data is asked for."""
        return FiscalYear(self.year.year - 1 - _YEARS_ASKED)

    @property
    def current_year(self) -> FiscalYear:
        """The fiscal year in which the request is made."""
        return FiscalYear(self.year.year - 1)

    @property
    def last_month(self) -> Month:
        """The last month that is closed when the answer is due."""
        return Month.of_date(self.answered) + -1

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps in order."""
        return (
            Step(since=self.asked, until=self.asked, what="資料の照会（照会文と様式を送る）", who="DX推進課", how="kdx-eval templates"),
            Step(
                since=self.asked,
                until=self.answered,
                what="資料の作成・回答",
                who="人事課・研修担当・勤怠給与担当・各課・財政課",
                how="記入様式、又は出力したままのCSV",
            ),
            Step(since=self.answered, until=self.received, what="仮名化と受領", who="人事課", how="kdx-eval pseudonymise"),
            Step(since=self.received, until=self.frozen, what="確認・追加の照会、データと分析計画の凍結", who="DX推進課", how="kdx-eval check、plan freeze"),
            Step(since=self.frozen, until=self.analysed, what="分析と附属資料の作成", who="DX推進課", how="kdx-eval run"),
            Step(since=self.analysed, until=self.requested, what="予算要求書・附属資料の提出", who="DX推進課", how="kdx-eval verify で確かめてから提出"),
        )


def next_working_day(day: dt.date) -> dt.date:
    """``day``, or the next day on which the office is open: no weekend, national holiday (国民の祝日に関する法律) or 29 December to 3 January."""
    open_on = business_days(day, day + _LONGEST_CLOSED)
    return day + dt.timedelta(days=int(open_on.argmax()))


def request_calendar(year: FiscalYear) -> RequestCalendar:
    """The calendar on the way to the request for the fiscal year ``year``, in the summer before it begins."""

    def day(month: int, number: int) -> dt.date:
        return next_working_day(dt.date(year.year - 1, month, number))

    days = {"asked": (7, 1), "answered": (8, 31), "received": (9, 10), "frozen": (9, 30), "analysed": (10, 9), "requested": (10, 31)}
    return RequestCalendar(year=year, **{name: day(*when) for name, when in days.items()})


def next_request_year(today: dt.date) -> FiscalYear:
    """The fiscal year after the one in which ``today`` lies."""
    return FiscalYear(Month.of_date(today).fiscal_year.year + 1)


def short_date(day: dt.date) -> str:
    """``令和8年7月1日（水）``."""
    return f"{wareki_date(day)}（{_WEEKDAYS[day.weekday()]}）"


def wareki_month(month: Month) -> str:
    """``令和6年4月``."""
    return wareki_date(month.first_day).rsplit("月", 1)[0] + "月"


def calendar_sheet(calendar: RequestCalendar) -> bytes:
    """The calendar as a workbook: a list of steps, and a bar for each over the weeks."""
    form = new_book()
    sheet = form.book.add_worksheet("日程表")
    sheet.write_string(0, 0, f"{calendar.year.wareki}予算要求までの日程", form.look("title"))
    sheet.set_row(0, 26)
    heads = (("期日", 20), ("行うこと", 34), ("担当", 28), ("使うもの", 26))
    for column, (title, width) in enumerate(heads):
        sheet.merge_range(1, column, 2, column, title, form.look("head"))
        sheet.set_column(column, column, width)
    monday = calendar.asked - dt.timedelta(days=calendar.asked.weekday())
    weeks = [monday + dt.timedelta(weeks=number) for number in range((calendar.requested - monday).days // 7 + 1)]
    first = len(heads)
    sheet.set_column(first, first + len(weeks) - 1, 4.2)
    for month in dict.fromkeys(week.month for week in weeks):
        columns = [first + number for number, week in enumerate(weeks) if week.month == month]
        if len(columns) > 1:
            sheet.merge_range(1, columns[0], 1, columns[-1], f"{month}月", form.look("head"))
        else:
            sheet.write_string(1, columns[0], f"{month}月", form.look("head"))
    for number, week in enumerate(weeks):
        sheet.write_string(2, first + number, f"{week.day}～", form.look("head", font_size=8))
    for row, step in enumerate(calendar.steps, start=3):
        sheet.set_row(row, 34)
        for column, text in enumerate((short_date(step.until), step.what, step.who, step.how)):
            sheet.write_string(row, column, text, form.look("cell", valign="vcenter"))
        for number, week in enumerate(weeks):
            busy = week <= step.until and step.since <= week + dt.timedelta(days=6)
            sheet.write_blank(row, first + number, None, form.look("cell", **({"bg_color": _BAR} if busy else {})))
    note = "土曜・日曜・祝日・年末年始に当たる期日は、次の開庁日に移しています。議会の日程など市の都合は考えていないので、必要なら直してください。"
    sheet.write_string(len(calendar.steps) + 4, 0, note)
    sheet.freeze_panes(3, 1)
    print_on_a4(sheet)
    return form.close()
