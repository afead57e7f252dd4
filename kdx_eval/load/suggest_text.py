"""The proposed mapping as the text of a mapping.yaml with its reasons; what is not sure stands behind #."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kdx_eval.load.guessing import certainty
from kdx_eval.load.suggest import SheetSuggestion, WordGuess

_HEAD = """# kdx-eval が作った対応表（mapping.yaml）の案です。データのフォルダーには何も書いていません。
# 中を確かめ、直して、データのフォルダーに mapping.yaml という名前（文字コード UTF-8）で置いてください。
# 「確実」「たぶん」の行はそのまま効きます。「要確認」の行は # で始まり、効きません。正しければ先頭の # を消してください。
# 書き方は docs/MAPPING.md にあります。
"""


def mapping_text(found: Sequence[SheetSuggestion]) -> str:
    """A mapping.yaml with comments in Japanese; it can be read as it is."""
    lines = [_HEAD]
    by_file: dict[str, list[SheetSuggestion]] = {}
    for one in found:
        by_file.setdefault(one.file, []).append(one)
    entries: list[str] = []
    for file, sheets in by_file.items():
        proposed = [one for one in sheets if one.reads != "yes"]
        for one in sheets:
            if one.reads == "yes":
                called = f"（{one.table.title}）" if one.table else ""
                lines.append(f"# {_shown(f'{file} {one.sheet}'.strip())}: そのまま読めます{called}")
                lines += [f"#   {_shown(remark)}" for remark in one.remarks]
        entries += _file_entry(file, proposed, alone=len(sheets) == 1) if proposed else []
    needed = any(not line.lstrip().startswith("#") for line in entries)
    return "\n".join([*lines, "", "files:" if needed else "files: {}", *entries]) + "\n"


def _file_entry(file: str, sheets: Sequence[SheetSuggestion], *, alone: bool) -> list[str]:
    bodies = [_body(one) for one in sheets]
    active = [any(not line.startswith("#") for line in body) for body in bodies]
    # A key without anything under it would not be read: a file about which nothing is sure stays behind # altogether.
    mark = "" if any(active) else "# "
    lines = [f"{mark}  {_quoted(file)}:"]
    for one, body, is_active in zip(sheets, bodies, active, strict=True):
        lines += [f"    # {_shown(remark)}" for remark in one.remarks]
        if alone or not one.sheet:
            lines += [f"    {line}" if not line.startswith("#") else f"    # {line[1:].strip()}" for line in body]
            continue
        off = "" if is_active else "# "
        lines.append(f"    {off}- sheet: {_quoted(one.sheet)}")
        lines += [f"      {line}" if not line.startswith("#") else f"      # {line[1:].strip()}" for line in body]
    return lines


def _body(one: SheetSuggestion) -> list[str]:
    if one.table is None:
        return []
    off = "" if one.reads == "mapped" or certainty(one.table_score) != "要確認" else "# "
    lines = [] if one.table_score >= 1.0 else [f"{off}table: {one.table.name}  # {one.table.title}（{certainty(one.table_score)}）"]
    if one.crosstab:
        guess = one.crosstab
        parts = [f"key: {_quoted(guess.said.key or '')}", f"measure: {guess.said.measure}", *(f"{key}: {value}" for key, value in guess.asks)]
        mark = "" if guess.reads else "# "
        lines.append(f"{mark}crosstab: {{{', '.join(parts)}}}  # {certainty(guess.score)}: {_shown(guess.why)}")
    if one.year_month:
        lines.append(f"year_month: {{{', '.join(f'{key}: {_quoted(heading)}' for key, heading in one.year_month)}}}  # たぶん: 年と月が二つの列にある")
    parts_of_month = {heading for _, heading in one.year_month}
    columns = [(guess.heading, guess.meaning, guess.sure, f"{guess.field.title}（{guess.sure}: {guess.why}）") for guess in one.columns]
    lines += _block("columns", [row for row in columns if row[0] not in parts_of_month], depth=0)
    return lines + _values(one.words)


def _values(words: Sequence[WordGuess]) -> list[str]:
    by_field: dict[str, list[WordGuess]] = {}
    for word in words:
        by_field.setdefault(word.field.name, []).append(word)
    lines: list[str] = []
    blocks = []
    for name, of_field in by_field.items():
        rows = [(word.written, word.meaning, certainty(word.score), f"{certainty(word.score)}: {word.why}") for word in of_field]
        blocks.append(_block(name, rows, depth=1))
    if blocks:
        lines.append("values:" if any(not line.startswith("#") for block in blocks for line in block) else "# values:")
        lines += [line for block in blocks for line in block]
    return lines


def _block(key: str, rows: Sequence[tuple[str, str, str, str]], *, depth: int) -> list[str]:
    if not rows:
        return []
    indent = "  " * depth
    sure = any(row[2] != "要確認" for row in rows)
    lines = [f"{indent}{key}:" if sure else f"# {indent}{key}:"]
    for written, meaning, certain, why in rows:
        line = f"{indent}  {_quoted(written)}: {_plain(meaning)}  # {_shown(why)}"
        lines.append(line if certain != "要確認" else f"# {line}")
    return lines


def _plain(text: str) -> str:
    return text if text.isascii() and text.replace("_", "").isalnum() else _quoted(text)


def _quoted(text: str) -> str:
    """A text as a YAML scalar between double quotes."""
    escaped = (char if char.isprintable() and char not in '"\\' else json.dumps(char)[1:-1] for char in text)
    return f'"{"".join(escaped)}"'


def _shown(text: str) -> str:
    """A comment on one line."""
    return "".join(char if char.isprintable() else " " for char in text)
