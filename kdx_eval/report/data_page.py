"""docs/DATA.md: every table and column of data_schema/, in the words of the schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.schema import load_schema

if TYPE_CHECKING:
    from kdx_eval.schema import FieldSpec, TableSpec

_TYPES = {"string": "文字", "integer": "整数", "number": "数", "date": "日付", "boolean": "はい・いいえ", "yearmonth": "年月", "year": "年"}
_HEAD = """# データの表と列

この文書は data_schema/ から作られます（`kdx-eval templates フォルダー` で DATA.md としても書き出されます）。直すときは data_schema/ を直してください。

どの表も、なくてかまいません。問いに要る表だけを集めてください。見出しは、英語の名前、日本語の名前、`mapping.yaml` に書いた名前のどれでも読めます。
ファイルは CSV（UTF-8、Shift_JIS、EUC-JP）、Excel、Parquet のどれでもかまいません。氏名とカナは人の突き合わせにだけ使い、読み込んだ後に捨てます。
"""


def data_page() -> str:
    """The page as Markdown, ending with a line break."""
    return "\n".join([_HEAD, *(_table(table) for table in load_schema().tables.values())])


def _table(table: TableSpec) -> str:
    rows = "\n".join(_row(field) for field in table.fields)
    return f"## {table.title}（{table.name}）\n\n{_cell(table.description)}\n\n| 列 | 英語の名前 | 種類 | 説明 | 例 |\n|---|---|---|---|---|\n{rows}\n"


def _row(field: FieldSpec) -> str:
    marks = "".join(mark for mark, held in (("（必須）", field.required), ("（個人情報）", bool(field.personal))) if held)
    choices = "・".join(str(value) for value in field.enum or ())
    told = field.description if not choices or choices in field.description else f"{field.description}（{choices}）"
    cells = (f"{field.title}{marks}", f"`{field.name}`", _TYPES.get(field.type, field.type), told, str(field.example or ""))
    return f"| {' | '.join(_cell(text) for text in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
