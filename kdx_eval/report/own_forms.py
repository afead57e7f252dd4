"""The city's own form: any .xlsx of the data folder beside a .yaml of the same name that says which cell takes which figure of the ledger.

``様式.yaml``::

    要求書!C5: request.yen
    要求書!D9: {番号: F12, 形: 千円}

``形`` is 数 (the number, unrounded in a cell that has a number format of its own), 千円, 文字 (as the documents print it), 幅 (the interval in words),
下限 or 上限; without it a sentence is text, and a figure is a number but in a cell that is formatted as text.
"""

from __future__ import annotations

import contextlib
import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from kdx_eval.errors import OutputError
from kdx_eval.load.files import is_own_form
from kdx_eval.report.blocks import visible
from kdx_eval.report.sheet_cells import Value, put_values, split_cell
from kdx_eval.units import round_half_up

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Claim, Ledger

Form = Literal["数", "千円", "文字", "幅", "下限", "上限"]
_LIST_HINT = "使える番号と名前は、kdx-eval trace --list か、計算シート（calculation.xlsx）の「台帳」で見られます"
_NUMBER_FORMS = frozenset(("数", "千円", "下限", "上限"))
_MOST_BYTES = 64 * 2**20  # a form of 0.5 MB may inflate to gigabytes
_MOST_CHARS = 32000  # a cell holds 32,767
_MOST_FAULTS = 20  # named in one message
_LAST_CELL = (2**20, 2**14)  # row and column XFD1048576
_MAPPING_HINT = "「シート!セル: 番号」を1行に1つ書いてください（例　要求書!C5: request.yen）"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One line of the mapping."""

    place: str
    sheet: str
    cell: str
    key: str
    form: Form | None


def find_forms(data: Path) -> tuple[tuple[Path, Path], ...]:
    """The forms of a data folder with their mappings, ordered by name; a form is an .xlsx with a .yaml or .yml of the same name beside it."""
    forms = (path for path in sorted(data.rglob("*.xlsx")) if not path.name.startswith("~$") and is_own_form(path))
    return tuple((form, next(path for path in (form.with_suffix(".yaml"), form.with_suffix(".yml")) if path.is_file())) for form in forms)


def check_forms(data: Path) -> None:
    """Hold every form of the data folder against its mapping, as far as that can be done before there is a ledger.

    Raises
    ------
    OutputError
        Naming all faults at once: a form or mapping that cannot be read, a line that is not written as it should be, a sheet or cell that does not
        exist, lies inside a merged range, holds a formula or is named twice.
    """
    faults = [fault for form in _read_forms(data) for fault in form.faults]
    _raise_all(faults)


def filled_forms(data: Path, ledger: Ledger) -> dict[str, bytes]:
    """Every form of the data folder, filled, by file name; the folder itself is only read.

    Raises
    ------
    OutputError
        As `check_forms`, and where a mapping names a figure that does not exist or cannot be written so; all faults at once.
    """
    forms = _read_forms(data)
    faults = [fault for form in forms for fault in form.faults]
    values = {form.path: _values(form, ledger, faults=faults) for form in forms}
    _raise_all(faults)
    return {form.path.name: put_values(form.path.read_bytes(), values[form.path]) for form in forms}


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnForm:
    """One form with the lines of its mapping that can be filled, each with its cell, and what is wrong with the others."""

    path: Path
    lines: tuple[tuple[_Entry, Any], ...]
    faults: tuple[OutputError, ...]


def _read_forms(data: Path) -> list[_OwnForm]:
    found: list[_OwnForm] = []
    for form, mapping in find_forms(data):
        if any(one.path.name == form.name for one in found) or form.name == "calculation.xlsx":
            fault = OutputError("同じ名前の様式が二つあるか、計算シートと同じ名前です", place=form.name, hint="様式のファイル名を変えてください")
            found.append(_OwnForm(path=form, lines=(), faults=(fault,)))
        else:
            found.append(_read_form(form, mapping))
    return found


def _read_form(form: Path, mapping: Path) -> _OwnForm:
    faults: list[OutputError] = []
    entries: list[_Entry] = []
    lines: list[tuple[_Entry, Any]] = []
    with _noting(faults):
        for place, told in _read_mapping(mapping):
            with _noting(faults):
                entries.append(_entry(place, told, path=mapping))
    with _noting(faults):
        _check_size(form)
        book = _open(form)
        for entry in entries:
            with _noting(faults):
                if any(other.sheet == entry.sheet and other.cell == entry.cell for other, _ in lines):
                    raise OutputError("同じセルが二度書かれています", place=entry.place, hint="1つにまとめてください")
                lines.append((entry, _free_cell(book, entry, form=form)))
    return _OwnForm(path=form, lines=tuple(lines), faults=tuple(faults))


def _values(form: _OwnForm, ledger: Ledger, *, faults: list[OutputError]) -> dict[str, dict[str, Value]]:
    """What each cell takes, by sheet; what cannot be written is added to ``faults``."""
    values: dict[str, dict[str, Value]] = {}
    for entry, cell in form.lines:
        with _noting(faults):
            values.setdefault(entry.sheet, {})[entry.cell] = _value(_claim(ledger, entry), entry, number_format=str(cell.number_format))
    return values


@contextlib.contextmanager
def _noting(faults: list[OutputError]) -> Iterator[None]:
    """A fault is kept, and the next line looked at."""
    try:
        yield
    except OutputError as error:
        faults.append(error)


def _raise_all(faults: Sequence[OutputError]) -> None:
    """One error that names every fault; a single one as it is."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        told = "".join(f"({number}) {one.place}: {one.reason} → {one.hint}　" for number, one in enumerate(faults[:_MOST_FAULTS], start=1))
        more = f"ほか{len(faults) - _MOST_FAULTS}か所。" if len(faults) > _MOST_FAULTS else ""
        raise OutputError(f"様式の対応表に、直す所が{len(faults)}か所あります。{told}{more}", place="様式", hint="すべて直してから、もう一度実行してください")


def _read_mapping(path: Path) -> list[tuple[str, Any]]:
    import yaml

    try:
        text = path.read_text(encoding="utf-8-sig")
        node, content = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OutputError("様式の対応表を読めません", place=path.name, hint=_MAPPING_HINT) from error
    if not isinstance(content, Mapping) or not content:
        raise OutputError("様式の対応表に何も書かれていません", place=path.name, hint=_MAPPING_HINT)
    written = [key.value for key, _ in node.value] if isinstance(node, yaml.MappingNode) else []
    twice = next((key for key in written if written.count(key) > 1), None)
    if twice is not None:  # YAML would keep the last and say nothing
        raise OutputError("同じセルが二度書かれています", place=f"{path.name} {str(twice)[:60]}", hint="1つにまとめてください")
    return [(str(place), told) for place, told in content.items()]


def _entry(place: str, told: Any, *, path: Path) -> _Entry:
    sheet, mark, cell = place.rpartition("!")
    cell = cell.replace("$", "").upper()
    where = f"{path.name} {place}"
    fields = told if isinstance(told, Mapping) else {"番号": told}
    try:
        row, column = split_cell(cell)
    except ValueError:
        mark, row, column = "", 1, 1
    if not mark or not sheet or set(fields) - {"番号", "形"} or not isinstance(fields.get("番号"), str):
        raise OutputError("様式の対応表の書き方が違います", place=where, hint=_MAPPING_HINT)
    if row > _LAST_CELL[0] or column > _LAST_CELL[1]:
        raise OutputError("Excelのシートにないセルです", place=where, hint="セルの番地を確かめてください")
    form = fields.get("形")
    if form is not None and form not in get_args(Form):
        raise OutputError(f"「形: {form}」は使えません", place=where, hint=f"使えるのは {'、'.join(get_args(Form))} です")
    return _Entry(place=where, sheet=sheet.strip("'"), cell=cell, key=fields["番号"].strip(), form=form)


def _check_size(form: Path) -> None:
    import zipfile

    try:
        with zipfile.ZipFile(form) as package:
            size = sum(item.file_size for item in package.infolist())
    except (OSError, zipfile.BadZipFile) as error:
        raise OutputError("様式を開けません", place=form.name, hint="Excelで .xlsx として保存し直してください（パスワードは外してください）") from error
    if size > _MOST_BYTES:
        raise OutputError("様式が大きすぎます", place=form.name, hint="画像や使わないシートを減らしてください")


def _open(form: Path) -> Any:
    import warnings

    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl would lose when it saves does not matter: it only looks
            return openpyxl.load_workbook(io.BytesIO(form.read_bytes()))
    except Exception as error:  # it raises whatever the part that it stumbles over raises
        raise OutputError("様式を開けません", place=form.name, hint="Excelで .xlsx として保存し直してください") from error


def _free_cell(book: Any, entry: _Entry, *, form: Path) -> Any:
    """The cell, when it may be written to."""
    if entry.sheet not in book.sheetnames:
        raise OutputError(f"様式に「{entry.sheet}」というシートがありません", place=entry.place, hint=f"{form.name} のシート: {'、'.join(book.sheetnames)}")
    sheet = book[entry.sheet]
    for merged in sheet.merged_cells.ranges:
        first = f"{merged.coord.partition(':')[0]}"
        if entry.cell in merged and entry.cell != first:
            raise OutputError(f"{entry.cell} は結合されたセル（{merged.coord}）の中にあります", place=entry.place, hint=f"左上の {first} を書いてください")
    cell = sheet[entry.cell]
    if cell.data_type == "f":
        raise OutputError("式の入ったセルには書き込めません", place=entry.place, hint="式が使う元のセルか、空のセルを指定してください")
    return cell


def _claim(ledger: Ledger, entry: _Entry) -> Claim:
    if ledger.has(entry.key) or any(claim.id == entry.key for claim in ledger):
        return ledger.claim(entry.key)
    names = {claim.name: claim for claim in ledger}
    near = difflib.get_close_matches(entry.key, names, n=5, cutoff=0.5) or [name for name in names if entry.key.partition(".")[0] in name][:5]
    told = "、".join(f"{name}（{names[name].id} {names[name].title}）" for name in near)
    hint = f"近いもの: {told}。{_LIST_HINT}" if told else _LIST_HINT
    raise OutputError(f"台帳に「{entry.key}」はありません", place=entry.place, hint=hint)


def _value(claim: Claim, entry: _Entry, *, number_format: str) -> Value:
    form = entry.form or ("数" if claim.is_figure and number_format != "@" else "文字")
    if form == "幅":
        return _text(claim.range_text)
    if form not in _NUMBER_FORMS:
        return _text(claim.text)
    number = {"下限": claim.low, "上限": claim.high}.get(form, claim.value)
    if number is None:
        if claim.text and not claim.is_figure and claim.unit != "文":
            return _text(claim.text)  # 秘匿 or 未入力: there is no number, and the form says so
        raise OutputError("この番号には、数として書けるものがありません", place=entry.place, hint="「形: 文字」か「形: 幅」としてください")
    if form == "千円":
        if claim.unit != "円":
            raise OutputError(f"「形: 千円」は金額にだけ使えます（この番号の単位は{claim.unit or 'なし'}）", place=entry.place, hint="「形: 数」としてください")
        return int(round_half_up(number / 1000))
    # A cell without a format of its own would show every decimal of the calculation.
    return number if number_format not in ("General", "@") else _rounded(number, claim)


def _rounded(number: float, claim: Claim) -> int | float:
    """The number as finely as the documents print it."""
    if claim.unit == "円":
        return int(round_half_up(number))
    if claim.unit == "割合":
        return float(round_half_up(number, 4))
    _, _, decimals = claim.text.partition(".")
    digits = len(decimals) - len(decimals.lstrip("0123456789"))
    return float(round_half_up(number, digits)) if digits else int(round_half_up(number))


def _text(text: str) -> str:
    return str(visible(text))[:_MOST_CHARS]
