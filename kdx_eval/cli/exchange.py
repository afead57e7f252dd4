"""``templates`` and ``pseudonymise``: asking the sections for data, and taking names out before data change hands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.cli import screen
from kdx_eval.errors import ParameterError
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    from kdx_eval.report.forms import Department


def ask_for_data(folder: Path, *, data: Path | None, year: str | None) -> None:
    """Write forms, letters and the calendar; with ``data``, a letter and a workbook for each department that is known there.

    Raises
    ------
    ParameterError
        When ``year`` is no fiscal year.
    KdxError
        When the data cannot be read or a file cannot be written.
    """
    from kdx_eval.load import load_dataset
    from kdx_eval.report.forms import known_departments, next_request_year, request_calendar, write_forms
    from kdx_eval.safe import ensure_output_dir

    today = dt.datetime.now(tz=dt.UTC).astimezone().date()
    request = _fiscal_year(year) if year else next_request_year(today)
    out = ensure_output_dir(folder, data)
    departments: tuple[Department, ...] = ()
    if data is not None:
        with screen.progress_bar() as progress:
            departments = known_departments(load_dataset(data, progress=progress), today)
    written = write_forms(out, year=request, departments=departments)
    screen.say(
        f"{len(written)} 個のファイルを書き出しました: {out}",
        f"  照会/        人事課・研修担当などへの照会文と記入様式、{request.wareki}予算要求までの日程表",
        f"  照会/各課/   {f'{len(departments)} の課それぞれへの' if departments else '課あての'}照会文と記入様式",
        "  （直下）     表ごとの記入様式、計画の答えを書く answers.xlsx、列の説明 DATA.md",
        "照会文の黄色の部分は、送る前に書き入れてください。記入されたものはデータのフォルダーに入れ、kdx-eval check で確かめてください。",
    )
    if data is not None and not departments:
        screen.say("データに所属がないので、課あての照会文は一つだけです。")
    answered = request_calendar(request).answered
    if answered < today:
        screen.say(f"注意: 回答期限（{answered:%Y-%m-%d}）は過ぎています。次の年度の分は --year {request.year + 1} で書き出せます。")


def _fiscal_year(written: str) -> FiscalYear:
    from kdx_eval.load.cells import Refusal, parse_fiscal_year

    year = parse_fiscal_year(written)
    if isinstance(year, Refusal):
        raise ParameterError("年度として読めません", place="--year", hint="2027、R9、令和9年度 のように書いてください")
    return FiscalYear(year)


def take_names_out(data: Path, *, out: Path, key: Path | None) -> None:
    """Pseudonymise, and say what to hand over, what to keep, and which lists must be done together.

    Raises
    ------
    KdxError
        When the data cannot be read or the files cannot be written.
    """
    from kdx_eval.load import pseudonymise
    from kdx_eval.load.pseudonyms import key_path
    from kdx_eval.safe import check_output_dir

    check_output_dir(out, data)
    report = pseudonymise(data, out, key_file=key)
    screen.say(f"仮名にしたファイルを書き出しました: {out}（{report.rows_accepted:,} 行）")
    if report.rows_rejected:
        screen.say(f"外した {report.rows_rejected:,} 行の場所と理由: {out / 'rejected.csv'}")
    screen.say(
        "■ 次にすること",
        f"  1 {out} の中身を確かめ、このフォルダーだけを渡してください。もとのファイルは渡さないでください。",
        f"  2 鍵は渡さず、人事課だけで保管してください: {key_path(key)}",
        "    来年度も同じ鍵を使うと、年度をまたいで同じ人と分かります。失うと、もとの職員番号とのつながりは作り直せません。",
    )
    tables = {file.table for file in report.files}
    matched = report.matched
    if "training" not in tables and "staff" in tables:
        screen.say(
            "  3 受講記録がありませんでした。氏名だけの受講者名簿は、後から突き合わせられません。",
            "    職員名簿と同じフォルダーに入れ、まとめてもう一度実行してください（職員番号のある名簿は、同じ鍵で別に実行しても構いません）。",
        )
    elif matched is not None and "staff" not in tables:
        screen.say(
            f"  3 職員名簿がないので、氏名だけの受講者 {matched.n_people:,} 人は突き合わせていません。後からはできません。",
            "    職員名簿を同じフォルダーに入れ、まとめてもう一度実行してください。",
        )
