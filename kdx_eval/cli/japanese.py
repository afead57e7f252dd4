"""Typer in Japanese: headings of the help, and usage errors as one of our own."""

from __future__ import annotations

import difflib
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from kdx_eval.cli.help_text import help_text
from kdx_eval.errors import ParameterError

_HELP = "この説明を表示します。"


class JapaneseCommand(TyperCommand):
    """A verb."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The whole help in Japanese; see `help_text`."""
        formatter.write(help_text(self, ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """``--help`` explained in Japanese."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _HELP
        return option


class JapaneseGroup(TyperGroup):
    """The verbs together."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The whole help in Japanese; see `help_text`."""
        formatter.write(help_text(self, ctx))

    def get_help_option(self, ctx: Any) -> Any:
        """``--help`` explained in Japanese."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _HELP
        return option

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb asked for; raises ParameterError that names the nearest."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise ParameterError(f"「{name[:40]}」という動詞はありません", hint=_nearest(name, self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"「{near[0]}」のことですか" if near else f"使えるのは {'、'.join(known)} です"


def _name(parameter: Any) -> str:
    options = [option for option in getattr(parameter, "opts", ()) if option.startswith("-")]
    return options[0] if options else str(getattr(parameter, "metavar", "") or "引数")


def usage_error(error: TyperException) -> ParameterError:
    """A usage error of typer as one of ours; it says what is wrong and where the help is."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "kdx-eval"
    hint = f"「{command} --help」で使い方を確かめてください"
    parameter = getattr(error, "param", None)
    name = _name(parameter)
    kind = type(error).__name__
    if kind == "NoSuchOption":
        option = str(getattr(error, "option_name", ""))[:40]
        near = list(getattr(error, "possibilities", None) or [])
        return ParameterError(f"「{option}」というオプションはありません", hint=f"「{near[0]}」のことですか" if near else hint)
    if kind == "MissingParameter":
        return ParameterError(f"{name} を指定してください", hint=hint)
    if kind == "BadParameter":
        return ParameterError(f"{name} の値が正しくありません", hint=hint)
    if kind == "BadOptionUsage":
        return ParameterError(f"「{getattr(error, 'option_name', '')}」には値が要ります", hint=hint)
    return ParameterError("コマンドの書き方が正しくありません（余分な引数や足りない動詞がないか確かめてください）", hint=hint)
