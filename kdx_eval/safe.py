"""Guards at the boundary: parameters, paths, spreadsheet cells, markup, glyphs the font lacks; atomic writing.

Every text that comes from a city's file is hostile until it has passed through here.
"""

from __future__ import annotations

import contextlib
import difflib
import functools
import hashlib
import html
import keyword
import os
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

from kdx_eval.errors import OutputError, ParameterError

MISSING_GLYPH = "〓"  # the printers' geta, as Japanese proofs mark a sort that is not in the case
MAX_NAME_CHARS = 80
_MAX_NAME_BYTES = 180  # common file systems stop at 255 bytes; suffix, temporary name and NFD growth need room
_HASH_CHARS = 10
_HASHED = re.compile(rf"-[0-9a-f]{{{_HASH_CHARS}}}\Z")
_PUNCTUATION = frozenset(" -_.()・ー　（）－＿")
_DEVICES = frozenset(
    ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"]
    + [f"{device}{digit}" for device in ("COM", "LPT") for digit in "0123456789¹²³"]
)
_FORMULA_STARTS = "=+-@＝＋－＠\t\r\n|"
_NUMBER = re.compile(r"[-+－＋]?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?[%％]?")


def safe_name(text: str) -> str:
    """Return one file-name part made from any text, valid on Windows, macOS and Linux.

    Letters and digits of every script stay, NFC; everything else but a few harmless signs becomes ``_``. The result has at most
    80 characters and 180 bytes, no leading or trailing dot or space, no ``..``, no device name. A text that had to be changed gets a
    short hash of the original, so that two texts never share a name (but for upper and lower case, which some file systems confuse).
    """
    normal = unicodedata.normalize("NFC", text)
    name = "".join(char if char in _PUNCTUATION or unicodedata.category(char)[0] in "LNM" else "_" for char in normal)
    name = re.sub(r"\.{2,}", "_", name).strip(" .　").lstrip("-")
    if name.split(".")[0].rstrip().upper() in _DEVICES:
        name = f"_{name}"
    name = _cut(name, MAX_NAME_CHARS, _MAX_NAME_BYTES)
    # A text that already looks hashed is hashed again, else it could be made to collide with another's name.
    if name == text and name and not _HASHED.search(name):
        return name
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH_CHARS]
    return f"{_cut(name, MAX_NAME_CHARS - _HASH_CHARS - 1, _MAX_NAME_BYTES - _HASH_CHARS - 1) or '_'}-{digest}"


def _cut(text: str, chars: int, size: int) -> str:
    short = text[:chars].encode("utf-8")[:size].decode("utf-8", "ignore")
    return short.rstrip(" .　")


def safe_child(folder: Path, name: str) -> Path:
    """Return ``folder / name`` for a relative name such as ``"results/effects.json"``; it never leaves ``folder``.

    Raises
    ------
    OutputError
        When the name is empty, absolute, holds ``..``, a backslash, a drive, a control character or a device name, or when a link would
        lead out of the folder. Use `safe_name` first for names that come from data.
    """
    parts = name.split("/")
    if any(not _is_plain_part(part) for part in parts):
        raise OutputError("出力先の名前に使えない文字や形があります", place=folder.name, hint="名前には文字・数字・ハイフンだけを使ってください")
    child = folder.joinpath(*parts)
    if not child.resolve().is_relative_to(folder.resolve()):
        raise OutputError("出力先がフォルダーの外を指しています", place=folder.name, hint="フォルダー内のリンクを外してください")
    return child


def _is_plain_part(part: str) -> bool:
    if not part or part != part.strip(" ") or part.endswith(".") or any(char in '\\:*?"<>|' or unicodedata.category(char) in ("Cc", "Cs") for char in part):
        return False
    return part.split(".", maxsplit=1)[0].rstrip().upper() not in _DEVICES


def check_output_dir(out: Path, data: Path | None, *, data_inside: bool = False) -> Path:
    """Return the output folder as an absolute path, not yet created; parameters as in `ensure_output_dir`.

    Raises
    ------
    OutputError
        When one of the two folders lies inside the other.
    """
    target = out.expanduser().resolve()
    if data is not None:
        source = data.expanduser().resolve()
        if _is_within(target, source):
            raise OutputError("出力先がデータフォルダーの中にあります", place=str(out), hint="データフォルダーの外を --out で指定してください")
        if not data_inside and _is_within(source, target):
            raise OutputError("データフォルダーが出力先の中にあります", place=str(out), hint="データを含まない空のフォルダーを --out で指定してください")
    return target


def ensure_output_dir(out: Path, data: Path | None, *, data_inside: bool = False) -> Path:
    """Return the output folder as an absolute path, created when missing.

    Parameters
    ----------
    out : Path
        Where results go.
    data : Path or None
        The delivered files, which are never written to.
    data_inside : bool
        Whether the data may lie inside the output folder; true for the synthetic city only.

    Raises
    ------
    OutputError
        When one of the two folders lies inside the other, when ``out`` is a file, or when it cannot be written to.
    """
    target = check_output_dir(out, data, data_inside=data_inside)
    try:
        target.mkdir(parents=True, exist_ok=True)
        probe = target / f".tmp-{secrets.token_hex(6)}"
        probe.touch(exist_ok=False)
        probe.unlink()
    except (OSError, ValueError) as error:
        raise OutputError("出力先のフォルダーに書き込めません", place=str(out), hint="書き込める場所を --out で指定してください") from error
    return target


def _is_within(inner: Path, outer: Path) -> bool:
    if inner.is_relative_to(outer):
        return True
    # samefile sees what text comparison cannot: upper and lower case, short names, drives mounted twice.
    return outer.exists() and any(parent.exists() and parent.samefile(outer) for parent in (inner, *inner.parents))


def spreadsheet_text(value: object) -> object:
    """Return ``value`` as it may stand in a CSV cell: a text that a spreadsheet could run as a formula gets a leading ``'``.

    Numbers, dates, plain negative numbers written as text and a lone dash stay as they are.
    """
    if not isinstance(value, str):
        return value
    start = value.lstrip(" 　")[:1]
    if not start or start not in _FORMULA_STARTS or len(value.strip(" 　")) == 1 or _NUMBER.fullmatch(value):
        return value
    return f"'{value}"


def escape_html(text: object) -> str:
    """Return ``text`` fit for an HTML element or a quoted attribute; control and direction-changing characters become ``〓``."""
    visible = "".join(MISSING_GLYPH if _is_invisible(char) else char for char in str(text))
    return html.escape(visible, quote=True)


def _is_invisible(char: str) -> bool:
    return char not in "\t\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs")


def replace_missing_glyphs(text: str) -> tuple[str, tuple[str, ...]]:
    """Return ``text`` with every character that IPAexGothic cannot draw replaced by ``〓``, and the code points replaced (``U+20BB7``).

    Line breaks and tabs stay. Variation selectors are dropped, since the base character can be drawn, but listed too.
    """
    drawable = _drawable()
    replaced: dict[str, None] = {}
    characters: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char in "\n\t" or (ord(char) in drawable and not _is_invisible(char)):
            characters.append(char)
            continue
        replaced[f"U+{ord(char):04X}"] = None
        if not unicodedata.name(char, "").startswith("VARIATION SELECTOR"):
            characters.append(MISSING_GLYPH)
    return "".join(characters), tuple(replaced)


@functools.cache
def _drawable() -> frozenset[int]:
    from importlib.util import find_spec

    from matplotlib.ft2font import FT2Font

    spec = find_spec("matplotlib_fontja")  # found, not imported: importing it changes matplotlib's settings
    if spec is None or spec.origin is None:
        raise OutputError("日本語フォント（IPAexゴシック）が見つかりません", hint="py run.py test で環境を作り直してください")
    font = next(Path(spec.origin).parent.rglob("ipaexg.ttf"))
    return frozenset(FT2Font(str(font)).get_charmap())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` for any writer; on success it replaces ``path`` in one step, on failure nothing is left.

    Raises
    ------
    OutputError
        When the file cannot be written or replaced (a workbook open in Excel, a full disk, no permission).
    """
    temporary = path.with_name(f".tmp-{secrets.token_hex(6)}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        hint = "ファイルを開いている場合は閉じ、空き容量と書き込みの権限を確かめてください"
        raise OutputError("ファイルを書き込めません", place=path.name, hint=hint) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_atomic(path: Path, content: bytes | str) -> Path:
    r"""Write ``content`` whole or not at all and return ``path``; text is UTF-8 with ``\n`` line ends, parent folders are made.

    Raises
    ------
    OutputError
        When the file cannot be written, or the text holds half a character (a lone surrogate).
    """
    try:
        data = content if isinstance(content, bytes) else content.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")
    except UnicodeEncodeError as error:
        raise OutputError("文字として成り立たない記号が含まれています", place=path.name, hint="元データの文字コードを確かめてください") from error
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return path


def check_parameters(given: Mapping[str, object], declared: Mapping[str, type]) -> None:
    """Check that every given parameter is declared and has exactly the declared type; a missing one keeps its default.

    Exact: ``True`` is no int, ``1`` no float, a subclass is refused, since notebook parameters become source text.

    Raises
    ------
    ParameterError
        With the nearest declared name for an unknown one, and the expected type for a wrong one.
    """
    for name, value in given.items():
        if type(name) is not str or not name.isidentifier() or keyword.iskeyword(name) or name not in declared:
            near = difflib.get_close_matches(str(name) if type(name) is str else "", declared, n=1)
            hint = f"「{near[0]}」ではありませんか" if near else f"使える名前: {'、'.join(sorted(declared)) or 'なし'}"
            raise ParameterError("知らないパラメータ名です", place=_printable(name), hint=hint)
        expected = declared[name]
        if type(value) is not expected:
            wanted = _TYPE_NAMES.get(expected, expected.__name__)
            raise ParameterError(f"型が違います（{type(value).__name__}）", place=name, hint=f"{wanted}で指定してください")
        if not _is_plain(value):
            raise ParameterError("リストや辞書の中に使えない値があります", place=name, hint="文字列・数・真偽値だけを入れてください")


_TYPE_NAMES: dict[type, str] = {
    str: "文字列（'...'）", int: "整数（1 など）", float: "小数（1.0 など）", bool: "True か False", list: "リスト（[...]）", dict: "辞書（{...}）",
}  # fmt: skip


def _printable(name: object) -> str:
    # A hostile key must not run its own __str__, nor fill the screen.
    return re.sub(r"[^\w.-]", "_", name)[:40] if type(name) is str else "?"


def _is_plain(value: object) -> bool:
    if type(value) is list:
        return all(_is_plain(item) for item in value)
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return type(value) in (str, int, float, bool, type(None))
