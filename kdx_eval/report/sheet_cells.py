"""Puts values into cells of a workbook and leaves every other byte as it was: layout, merged cells, formats, print settings, pictures, formulas.

A library that reads a workbook and writes it anew drops text boxes, drawings and controls, which a city's form is full of; here only the cells named
are replaced, inside the sheet's own XML (ECMA-376 part 1, 18.3).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from xml.parsers import expat
from xml.sax.saxutils import escape

from kdx_eval.errors import OutputError

Value = str | int | float
_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*(/?)>")
_CELL = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})\Z")
_TARGET = re.compile(r'<Relationship\b[^>]*?\bId="([^"]+)"[^>]*?\bTarget="([^"]+)"|<Relationship\b[^>]*?\bTarget="([^"]+)"[^>]*?\bId="([^"]+)"')


class _Part:
    """Where an element lies in the sheet's XML, in bytes: from ``start`` to ``end``; its content begins at ``inner``."""

    def __init__(self, tag: re.Match[bytes], attributes: Mapping[str, str]) -> None:
        self.start, self.inner, self.end = tag.start(), tag.end(), tag.end()
        self.empty = bool(tag[1])
        self.attributes = dict(attributes)
        self.cells: list[_Part] = []


def split_cell(cell: str) -> tuple[int, int]:
    """Row and column of ``C5``, both from 1; raises ValueError for anything else."""
    found = _CELL.match(cell)
    if found is None:
        raise ValueError(cell)
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - 64
    return int(found[2]), column


def put_values(workbook: bytes, values: Mapping[str, Mapping[str, Value]]) -> bytes:
    """The workbook with those values.

    Parameters
    ----------
    workbook : bytes
        An .xlsx file.
    values : mapping of sheet name to mapping of cell to value
        Texts are written as texts, never as formulas; numbers unrounded.

    Returns
    -------
    bytes
        The same parts in the same order; formulas are computed anew when the file is opened.

    Raises
    ------
    OutputError
        When the container is not one that Excel writes.
    """
    stream = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(workbook)) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
            book = source.read("xl/workbook.xml")
            places = _sheet_files(book.decode("utf-8"), source.read("xl/_rels/workbook.xml.rels").decode("utf-8"))
            changed = {places[name]: _with_cells(source.read(places[name]), cells) for name, cells in values.items()}
            changed["xl/workbook.xml"] = _recalculated(book)
            for entry in source.infolist():
                target.writestr(entry, changed.get(entry.filename) or source.read(entry))
    except (KeyError, UnicodeDecodeError, zipfile.BadZipFile, expat.ExpatError) as error:
        raise OutputError("様式のExcelファイルの中身を読み取れません", hint="Excelで開き、.xlsx として保存し直してください") from error
    return stream.getvalue()


def _sheet_files(book: str, relations: str) -> dict[str, str]:
    """The file of each sheet in the container."""
    targets = {one or four: two or three for one, two, three, four in _TARGET.findall(relations)}
    found: dict[str, str] = {}

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name.rpartition(":")[2] == "sheet" and "name" in attributes:
            key = next(value for label, value in attributes.items() if label.rpartition(":")[2] == "id" and ":" in label)
            found[attributes["name"]] = targets[key].removeprefix("/xl/") if targets[key].startswith("/") else targets[key]

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(book, True)
    return {name: f"xl/{target}" for name, target in found.items()}


def _recalculated(book: bytes) -> bytes:
    """workbook.xml that asks for a new calculation: the form's own formulas hold values of before."""
    setting = re.search(rb"<(?:\w+:)?calcPr\b[^>]*?/?>", book)
    if setting is not None:
        text = re.sub(rb'\sfullCalcOnLoad="[^"]*"', b"", setting[0])
        place = text.index(b"calcPr") + len(b"calcPr")
        return book.replace(setting[0], text[:place] + b' fullCalcOnLoad="1"' + text[place:], 1)
    after = [match.end() for match in re.finditer(rb"</(?:\w+:)?(?:sheets|functionGroups|externalReferences|definedNames)>", book)]
    return book[: after[-1]] + b'<calcPr calcId="0" fullCalcOnLoad="1"/>' + book[after[-1] :] if after else book


def _with_cells(sheet: bytes, values: Mapping[str, Value]) -> bytes:
    body, rows = _rows(sheet)
    prefix = sheet[body.start + 1 : sheet.index(b"sheetData", body.start)].decode("ascii")  # "x:" where the writer names its namespace
    edits: list[tuple[int, int, bytes]] = []
    by_row: dict[int, dict[str, Value]] = {}
    for cell, value in values.items():
        by_row.setdefault(split_cell(cell)[0], {})[cell] = value
    new_rows: dict[int, list[bytes]] = {}
    for number in sorted(by_row):
        cells = dict(sorted(by_row[number].items(), key=lambda pair: split_cell(pair[0])[1]))
        if number in rows:
            edits += _row_edits(rows[number], cells, prefix=prefix)
        else:
            after = [place for place in rows if place < number]
            at = rows[max(after)].end if after else body.inner
            content = b"".join(_cell(cell, value, style=None, prefix=prefix) for cell, value in cells.items())
            new_rows.setdefault(at, []).append(f'<{prefix}row r="{number}">'.encode() + content + f"</{prefix}row>".encode())
    edits += [(at, at, b"".join(parts)) for at, parts in new_rows.items()]
    if body.empty and edits:  # <sheetData/>
        edits = [(body.start, body.end, f"<{prefix}sheetData>".encode() + b"".join(text for _, _, text in edits) + f"</{prefix}sheetData>".encode())]
    for first, last, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        sheet = sheet[:first] + text + sheet[last:]
    return sheet


def _row_edits(row: _Part, cells: Mapping[str, Value], *, prefix: str) -> list[tuple[int, int, bytes]]:
    there = {part.attributes["r"]: part for part in row.cells}
    added: dict[int, list[bytes]] = {}
    edits = []
    for cell, value in cells.items():
        if cell in there:
            part = there[cell]
            edits.append((part.start, part.end, _cell(cell, value, style=part.attributes.get("s"), prefix=prefix)))
        else:
            before = [part for part in row.cells if split_cell(part.attributes["r"])[1] < split_cell(cell)[1]]
            added.setdefault(before[-1].end if before else row.inner, []).append(_cell(cell, value, style=row.attributes.get("s"), prefix=prefix))
    edits += [(at, at, b"".join(parts)) for at, parts in added.items()]
    if row.empty:  # <row r="5"/>
        attributes = "".join(f' {name}="{escape(text, {chr(34): "&quot;"})}"' for name, text in row.attributes.items())
        edits = [(row.start, row.end, f"<{prefix}row{attributes}>".encode() + b"".join(text for _, _, text in edits) + f"</{prefix}row>".encode())]
    return edits


def _cell(cell: str, value: Value, *, style: str | None, prefix: str) -> bytes:
    look = f' s="{style}"' if style else ""
    if isinstance(value, str):
        text = escape(value)
        return f'<{prefix}c r="{cell}"{look} t="inlineStr"><{prefix}is><{prefix}t xml:space="preserve">{text}</{prefix}t></{prefix}is></{prefix}c>'.encode()
    return f'<{prefix}c r="{cell}"{look}><{prefix}v>{value}</{prefix}v></{prefix}c>'.encode()


def _rows(sheet: bytes) -> tuple[_Part, dict[int, _Part]]:
    """The part that holds the rows, and the rows with their cells."""
    bodies: list[_Part] = []
    rows: dict[int, _Part] = {}
    open_parts: list[tuple[str, _Part]] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: Mapping[str, str]) -> None:
        kind = name.rpartition(":")[2]
        if kind not in ("sheetData", "row", "c"):
            return
        tag = _TAG.match(sheet, parser.CurrentByteIndex)
        if tag is None:  # another encoding than Excel's
            raise KeyError(kind)
        part = _Part(tag, attributes)
        if kind == "sheetData":
            bodies.append(part)
        elif kind == "row":
            rows[int(attributes["r"])] = part
        else:
            split_cell(attributes["r"])
            open_parts[-1][1].cells.append(part)
        open_parts.append((kind, part))

    def end(name: str) -> None:
        kind = name.rpartition(":")[2]
        if open_parts and open_parts[-1][0] == kind:
            part = open_parts.pop()[1]
            if not part.empty:
                part.end = sheet.index(b">", parser.CurrentByteIndex) + 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(sheet, True)
    if len(bodies) != 1:
        raise KeyError("sheetData")
    return bodies[0], rows
