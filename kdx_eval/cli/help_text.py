"""The help of a verb as plain lines in Japanese: no frames, which a cp932 console cannot draw, and nothing cut off."""

from __future__ import annotations

import io
import shutil
from collections.abc import Sequence
from typing import Any

from kdx_eval.cli.screen import as_typed

_WIDEST = 100
_END = (
    "終了の状態（ほかのプログラムから使うとき）: 0 成功、3 指定の誤り、4 データ、5 列や表の形、6 計画、7 比べる相手がない、"
    "8 書き込めない、9 記録と違う、10 数え方のきまりに反する、11 ノートブックの途中で止まった、70 予期しない誤り、130 中断"
)


def help_text(command: Any, context: Any) -> str:
    """Usage, description, arguments, options and verbs of ``command``, as wide as the screen."""
    parameters = command.get_params(context)
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    options = [one for one in parameters if one.param_type_name != "argument"]
    verbs = [(name, command.get_command(context, name)) for name in getattr(command, "list_commands", lambda _: [])(context)]
    usage = ["使い方:", context.command_path, "[オプション]", *(_argument(one) for one in arguments), *(["動詞 ..."] if verbs else [])]
    blocks = [
        (" ".join(usage), []),
        (_tidy(command.help or ""), []),
        ("引数", [(one.metavar or one.name, _explained(one)) for one in arguments]),
        ("できること", [(name, verb.short_help or "") for name, verb in verbs]),
        ("オプション", [(" ".join(filter(None, (one.opts[0], _value(one)))), _explained(one)) for one in options]),
        (_END if context.parent is None else "", []),
    ]
    return "\n\n".join(_block(as_typed(title), rows) for title, rows in blocks if rows or (title and title not in {"引数", "できること", "オプション"})) + "\n"


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name
    return str(name) if parameter.required else f"[{name}]"


def _value(option: Any) -> str:
    return "" if option.is_flag or option.count else str(option.metavar or "値")


def _explained(parameter: Any) -> str:
    told = (parameter.help or "").strip()
    if parameter.required:
        return f"{told}（必ず指定）"
    default = parameter.default
    shown = getattr(parameter, "show_default", False) and default not in {None, ""} and not isinstance(default, bool)
    return f"{told}（既定: {default}）" if shown else told


def _tidy(text: str) -> str:
    """The description with its paragraphs, and examples under each other."""
    lines = [line.strip() for line in text.strip().splitlines()]
    kept = [line for number, line in enumerate(lines) if line or not (_is_example(lines, number - 1) and _is_example(lines, number + 1))]
    return "\n".join(f"     {line}" if line.startswith("kdx-eval") else line for line in kept)


def _is_example(lines: Sequence[str], number: int) -> bool:
    return 0 <= number < len(lines) and lines[number].startswith(("kdx-eval", "例:"))


def _block(title: str, rows: Sequence[tuple[str, str]]) -> str:
    from rich.console import Console
    from rich.table import Table

    width = min(shutil.get_terminal_size().columns, _WIDEST)
    screen = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False, color_system=None)
    if not rows:
        screen.print(title, overflow="fold")
    else:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, told in rows:
            table.add_row(f"  {name}", told)
        screen.print(title)
        screen.print(table)
    written = screen.file
    return "\n".join(line.rstrip() for line in written.getvalue().splitlines()) if isinstance(written, io.StringIO) else ""
