"""Several files that cannot be read as one message: who mends the first one should not learn of the second a day later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kdx_eval.errors import DataError, KdxError
from kdx_eval.load.report import FileReport

_MOST = 10


def raise_together(problems: Sequence[KdxError]) -> None:
    """Raise the first of ``problems``, with the others in its remedy; nothing when there are none."""
    if not problems:
        return
    first, *others = problems
    if not others:
        raise first
    lines = [f"  ・{other.place}: {other.reason} → {other.hint}" for other in others[:_MOST]]
    more = [f"  ・ほか{len(others) - _MOST}つ"] if len(others) > _MOST else []
    raise type(first)(first.reason, place=first.place, hint="\n".join([first.hint, f"このほかにも、直すものが{len(others)}つあります", *lines, *more]))


def nothing_known(folder: Path, aside: Sequence[FileReport]) -> DataError:
    """The error of a folder in which no file is a known table, with the reason for each file."""
    reasons = [f"{f'{one.file} {one.sheet}'.strip()}: {one.notes[0]}" for one in aside if one.notes]
    hint = "ファイル名や見出しを data_schema の表の名前に合わせるか、mapping.yaml を書いてください（案は kdx-eval check --suggest-mapping で作れます）"
    shown = [hint, *(f"  ・{reason}" for reason in reasons[:_MOST])] if len(reasons) > 1 else [f"{hint}。{reasons[0]}" if reasons else hint]
    return DataError("どの表か分かるファイルがありません", place=str(folder), hint="\n".join(shown))
