"""One CSV file of a policy version: decoded, its headings checked, its rows with the line at hand for messages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import NoReturn

from kdx_eval.errors import SchemaError


class PolicyTable:
    """The rows of one file with their lines; remembers the line at hand for messages."""

    def __init__(self, columns: tuple[str, ...], *, place: str, content: bytes) -> None:
        self.place, self.line = place, 1
        try:
            # A city edits with Excel, which writes CP932 or UTF-8 with a mark.
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp932", errors="replace")
        if "\ufffd" in text:
            self.refuse("文字コードが分かりません", "UTF-8 か Shift_JIS（CP932）の CSV として保存し直してください")
        self._reader = csv.DictReader(io.StringIO(text, newline=""))
        missing = [column for column in columns if column not in (self._reader.fieldnames or ())]
        if missing:
            self.refuse(f"列 {missing[0]} がありません", f"見出しは {','.join(columns)} です")

    def __iter__(self) -> Iterator[dict[str, str]]:
        for row in self._reader:
            self.line = self._reader.line_num
            if None in row or None in row.values():
                self.refuse("列の数が見出しと違います", 'カンマを含む文は " " で囲んでください')
            if any(row.values()):
                yield {key: value.strip() for key, value in row.items()}

    def refuse(self, reason: str, hint: str) -> NoReturn:
        """Raise the SchemaError that names file and line."""
        raise SchemaError(reason, place=f"{self.place} {self.line}行目", hint=hint)

    def required(self, row: Mapping[str, str], *columns: str) -> None:
        """Refuse a row in which one of ``columns`` is blank."""
        for column in columns:
            if not row[column]:
                self.refuse(f"{column} が空欄です", "値を書いてください")

    def once(self, key: object, seen: set[object]) -> None:
        """Refuse a second row with the same key."""
        if key in seen:
            self.refuse("同じ番号の行が二つあります", "どちらかを消してください")
        seen.add(key)
