"""docs/DATA.md: every table and column of data_schema/, in the words of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.report.schema_words import kind_words
from kdx_eval.schema import load_indicators, load_schema

if TYPE_CHECKING:
    from kdx_eval.schema import FieldSpec, TableSpec

_HEAD = """# データの表と列

この文書は data_schema/ から作られます（`kdx-eval templates フォルダー` で DATA.md としても書き出されます）。直すときは data_schema/ を直してください。

どの表も、なくてかまいません。問いに要る表だけを集めてください。見出しは、英語の名前、日本語の名前、`mapping.yaml` に書いた名前のどれでも読めます。
ファイルは CSV（UTF-8、Shift_JIS、EUC-JP）、Excel、Parquet のどれでもかまいません。氏名とカナは人の突き合わせにだけ使い、読み込んだ後に捨てます。

日付は 2025-04-01、R7.4.1、令和7年4月1日、年月は 2025-04、R7.4、令和7年4月、年度は 2025、R7、令和7年度 のどれでも読めます。
空欄は「調べていない・分からない」、0 は「調べて 0 だった」として、別のものとして扱います。
`kdx-eval templates` の記入様式では、「【説明】」「【例】」で始まる行はデータに数えません。
「選ぶ言葉」は、書かれた言葉のほかに、よく使われる言い換え（修了済、出席 など）も読めます。末尾が「など」のものは、ほかの言葉でもかまいません。
"""


def data_page() -> str:
    """The page as Markdown, ending with a line break."""
    return "\n".join([_HEAD, *(_table(table) for table in load_schema().tables.values())])


def _table(table: TableSpec) -> str:
    rows = "\n".join(_row(field, table) for field in table.fields)
    head = "| 列 | 英語の名前 | 種類（単位） | 説明 | 選ぶ言葉・範囲 | 例 |\n|---|---|---|---|---|---|"
    rules = "".join(f"- {rule}\n" for rule in _rules(table))
    return f"## {table.title}（{table.name}）\n\n{_cell(table.description)}\n\n{head}\n{rows}\n" + (f"\n{rules}" if rules else "")


def _row(field: FieldSpec, table: TableSpec) -> str:
    cells = (
        f"{field.title}{'（必須）' if field.required else ''}{_personal(field, table)}", f"`{field.name}`", kind_words(field), field.description,
        _allowed(field), field.example,
    )  # fmt: skip
    return f"| {' | '.join(_cell(text) for text in cells)} |"


def _personal(field: FieldSpec, table: TableSpec) -> str:
    if field.personal_when is not None:
        other = table.field(field.personal_when[0])
        return f"（{other.title}が「{other.word(field.personal_when[1])}」のとき個人情報）"
    return "（個人情報）" if field.personal else ""


def _allowed(field: FieldSpec) -> str:
    if field.enum:
        # mapping.yaml names the values by their keys.
        return "・".join(word if word == value else f"{word}（{value}）" for word, value in zip(field.words, field.enum, strict=True))
    if field.name == "indicator_id":
        return f"{'・'.join(known.title for known in load_indicators().values())} など"
    limits = [f"{field.minimum:g}以上"] if field.minimum is not None else []
    limits += [f"{field.maximum:g}以下"] if field.maximum is not None else []
    return f"{'・'.join(field.choices)} など" if field.choices else "・".join(limits)


def _rules(table: TableSpec) -> list[str]:
    """What holds between the columns, in sentences."""

    def titles(names: tuple[str, ...]) -> str:
        return "・".join(f"「{table.field(name).title}」" for name in names)

    tables = load_schema().tables
    rules = [f"{titles(table.primary_key)}の組が同じ行は、一つだけ書けます。"] if table.primary_key else []
    rules += [f"{titles(group)}のうち、少なくとも一つを書きます。" for group in table.require_one_of if len(group) > 1]
    rules += [
        f"「{table.field(group[0]).title}」が要ります（見出しの上の表題から分かるときは、なくてかまいません）。"
        for group in table.require_one_of
        if len(group) == 1
    ]
    rules += [f"「{table.field(last).title}」は「{table.field(first).title}」より前にはなりません。" for first, last in table.date_order]
    for key in table.foreign_keys:
        other = tables[key.reference]
        rules.append(f"「{table.field(key.field).title}」は、表「{other.title}」の「{other.field(key.reference_field).title}」を指します。")
    return rules


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
