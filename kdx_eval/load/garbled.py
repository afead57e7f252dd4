"""Text in a wrong or in several encodings: found before its characters are taken for data, with the line where it begins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from kdx_eval.errors import DataError

_CANDIDATES = ("utf-8", "cp932", "euc_jp")
_CALLED = {"utf-8": "UTF-8", "cp932": "Shift_JIS（CP932）", "euc_jp": "EUC-JP"}
# Two Japanese characters of UTF-8 in a row; in cp932 the same bytes are rare characters of the second level.
_UTF8_WITHIN = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}[\xe3-\xe9][\x80-\xbf]{2}")
_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
# (read as, though written in): text that turns into Japanese on the way back was read wrongly.
_MISREADINGS = (("cp932", "utf-8"), ("cp1252", "utf-8"), ("cp1252", "cp932"), ("latin-1", "utf-8"), ("latin-1", "cp932"))
# Where bytes were lost there is no way back; then rare characters tell: at least a fifth of misread headings, hardly any of real ones.
_FEWEST_RARE, _RARE_SHARE = 4, 0.15
_NO_CP932 = re.compile("[\uf8f0-\uf8f3]")
_LOST = "\ufffd"
_PIECE = 1 << 22
_MEND = "元のシステムから一つの文字コード（UTF-8 か Shift_JIS）で出し直してください"


def refuse_mixed(path: Path, *, place: str) -> None:
    """Raise DataError that names the first line in another encoding than the lines before, or that fits none.

    A last line that fits but for half a character says that the file was cut off.
    """
    possible: tuple[str, ...] = _CANDIDATES
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            fitting = tuple(encoding for encoding in _CANDIDATES if _fits(line, encoding))
            both = tuple(encoding for encoding in possible if encoding in fitting)
            if both:
                possible = both
                continue
            if not line.endswith(b"\n") and any(_fits(line[:-1], encoding) for encoding in possible):
                raise DataError("ファイルが途中で切れています", place=f"{place} {number}行目", hint="元のシステムから出し直してください")
            changed = f"文字コードが途中で変わっています（{_CALLED[possible[0]]} から {_CALLED[fitting[0]]}）" if fitting else ""
            raise DataError(changed or "文字コードが分からない行があります", place=f"{place} {number}行目", hint=_MEND)


def refuse_utf8_within(path: Path, *, place: str) -> None:
    """Raise DataError when a file that decodes as cp932 holds lines in UTF-8, which would be read as other characters."""
    if not _may_hold_utf8(path):
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if _UTF8_WITHIN.search(line) and _fits(line, "utf-8") and _JAPANESE.search(line.decode("utf-8")):
                raise DataError("文字コードが途中で変わっています（Shift_JIS の中に UTF-8）", place=f"{place} {number}行目", hint=_MEND)


def _may_hold_utf8(path: Path) -> bool:
    kept = b""
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            if _UTF8_WITHIN.search(kept + piece):
                return True
            kept = piece[-6:]
    return False


def _fits(line: bytes, encoding: str) -> bool:
    try:
        decoded = line.decode(encoding)
    except UnicodeDecodeError:
        return False
    # Python reads four bytes that mean nothing in cp932 as private characters.
    return encoding != "cp932" or not _NO_CP932.search(decoded)


def refuse_garbled(head: Iterable[tuple[int, tuple[str, ...]]], *, place: str) -> None:
    """Raise DataError when the first rows show characters that only a wrong encoding makes, with the first such line."""
    rows = list(head)
    for line, cells in rows[:1]:
        if any(_LOST in cell for cell in cells):
            raise DataError("見出しの文字が失われています", place=f"{place} {line}行目", hint=_MEND)
    wrong = [line for line, cells in rows for cell in cells if _is_misread(cell)]
    right = sum(1 for _, cells in rows for cell in cells if _JAPANESE.search(cell)) - len(wrong)
    letters = [char for _, cells in rows for cell in cells for char in cell if not char.isascii()]
    n_rare = sum(map(_is_rare, letters))
    if (wrong and len(wrong) > right) or (n_rare >= _FEWEST_RARE and n_rare > _RARE_SHARE * len(letters)):
        raise DataError("文字化けしています（別の文字コードで開いて保存されたようです）", place=f"{place} {rows[0][0]}行目", hint=_MEND)


def _is_misread(cell: str) -> bool:
    if cell.isascii():
        return False
    for read_as, written_in in _MISREADINGS:
        try:
            back = cell.encode(read_as).decode(written_in)
        except UnicodeError:
            continue
        if _JAPANESE.search(back):
            return True
    return False


def _is_rare(char: str) -> bool:
    """Whether a character stands where the first bytes of UTF-8 lead when they are read as cp932: among those hardly anybody uses."""
    try:
        code = char.encode("cp932")
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and 0xE3 <= code[0] <= 0xE9
