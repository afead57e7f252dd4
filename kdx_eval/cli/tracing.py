"""``trace``: from a printed figure back to the files, sheets and rows that it was made from."""

from __future__ import annotations

from pathlib import Path

from kdx_eval.cli import screen
from kdx_eval.errors import ParameterError

_MOST_SHOWN = 40


def show_trace(key: str | None, *, run: Path | None, listed: bool) -> None:
    """Print the tree of one figure, or the figures that a printed text may mean, or all.

    Raises
    ------
    DataError
        No run is found, or its ledger cannot be read.
    ParameterError
        Nothing in the ledger is meant.
    """
    from kdx_eval.report.tracing import find_claims, list_rows, read_run, trace_lines

    folder = _folder(run)
    content = read_run(folder)
    if listed:
        screen.table(["番号", "数字", "文書での表示", "名前"], list(list_rows(content.ledger, key or "")))
        screen.say("番号と名前のどちらでも、市の様式の対応表（様式.yaml）と trace に使えます。")
        return
    if not key:
        raise ParameterError("調べる数字がありません", hint="kdx-eval trace F12、kdx-eval trace \"1,234時間\"、または kdx-eval trace --list としてください")
    found = find_claims(content.ledger, key)
    if len(found) == 1:
        screen.say(*trace_lines(content, found[0]))
        return
    screen.say(f"「{key}」に当たる数字が{len(found)}件あります。番号を指定すると、もとのファイルまでたどれます（例  kdx-eval trace {found[0].id}）。")
    rows = [[claim.id, claim.title, claim.full_text if claim.is_figure else claim.text, claim.name] for claim in found[:_MOST_SHOWN]]
    screen.table(["番号", "数字", "文書での表示", "名前"], rows)
    if len(found) > _MOST_SHOWN:
        screen.say(f"ほか{len(found) - _MOST_SHOWN}件は、もう少し長く入力すると絞り込めます。")


def _folder(run: Path | None) -> Path:
    from kdx_eval.errors import DataError
    from kdx_eval.report.tracing import latest_run

    if run is not None:
        return run
    reports = Path("reports")
    found = latest_run([Path(), *(sorted(path for path in reports.iterdir() if path.is_dir()) if reports.is_dir() else ())])
    if found is None:
        raise DataError("実行の結果が見つかりません", place="reports", hint="kdx-eval run が書き出したフォルダーを --run で指定してください")
    screen.say(f"実行: {found}")
    return found
