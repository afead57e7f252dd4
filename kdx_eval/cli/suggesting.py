"""``check --suggest-mapping``: a mapping.yaml proposed from the files, shown and written only where the user says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kdx_eval.cli import screen
from kdx_eval.errors import ParameterError


def show_suggestion(data: Path, *, out: Path | None) -> None:
    """Print the proposed mapping; write it to ``out`` when that is given.

    Raises
    ------
    ParameterError
        When ``out`` lies in the data folder or is already there.
    """
    from kdx_eval.load.suggest import suggest_mapping
    from kdx_eval.load.suggest_text import mapping_text
    from kdx_eval.safe import write_atomic

    if out is not None:
        _check_place(out, data)
    with screen.progress_bar() as progress:
        found = suggest_mapping(data, progress=progress)
    text = mapping_text(found)
    counts = Counter(one.reads for one in found)
    screen.say(text.rstrip())
    screen.say("", f"■ {len(found):,} 枚の表のうち、そのまま読める {counts['yes']:,}、この案で読める {counts['mapped']:,}、決めていただく {counts['no']:,}")
    if out is None:
        screen.say("  ファイルに書き出すには --out 案.yaml を付けてください。データのフォルダーには何も書いていません。")
    else:
        write_atomic(out, text)
        screen.say(f"  {out} に書き出しました。確かめてから、{data / 'mapping.yaml'} として置いてください。")


def _check_place(out: Path, data: Path) -> None:
    if out.resolve().is_relative_to(data.resolve()):
        hint = "別の場所に書き出し、確かめてから mapping.yaml として置いてください"
        raise ParameterError("案をデータのフォルダーの中には書きません", place=str(out), hint=hint)
    if out.exists():
        raise ParameterError("同じ名前のファイルがあります", place=str(out), hint="別の名前を --out に書いてください")
