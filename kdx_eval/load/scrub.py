"""Names of persons that were typed where none belongs: found by the names on the delivered lists, and replaced before anything is kept.

A full name is found raw, in half-width kana, with spaces or uncommon characters, and as ``\\u4f50`` or ``&#20304;``. A person on no list,
a family name alone and a nickname cannot be found; docs/SECURITY.md says so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError
from kdx_eval.load.database import create_table, name, rows, scalar, text
from kdx_eval.load.files import Grid
from kdx_eval.load.headers import Layout
from kdx_eval.load.people import fold_variants
from kdx_eval.load.rules import NAME_MASK

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from kdx_eval.load.mapping import FileMapping
    from kdx_eval.load.report import FileReport

_TOKEN = re.compile(
    r"\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})|(?:(?-i:\\U000)|&#x)(?P<wide>[0-9a-f]{5});?"
    r"|(?:(?-i:\\u|\\U0000)|&#x)(?P<hex>[0-9a-f]{4});?|&#(?P<decimal>\d{1,7});|.",
    re.DOTALL | re.IGNORECASE,
)
# What stands in a column of names beside names: a vacancy, a kind of employment. These words are looked for nowhere else.
_NO_NAME = re.compile("職員|任用|欠員|補助|臨時|嘱託|未定|担当|空席|該当|予定|採用|新規|派遣|非常勤|休職|休業|その他|ほか|講師|希望|全員|各課|合計|氏名|名前")
_FEWEST_KANJI, _FEWEST_OTHERS = 3, 5  # shorter ones are ordinary words as often as names; they are found where they fill a cell
_SUSPICIOUS = r"\\[uU]|&#|[A-Za-z] [A-Za-z]"
_KANJI = re.compile("[一-鿿㐀-䶿豈-﫿𠀀-𮯠々]")


@dataclass(frozen=True, slots=True)
class Names:
    """The full names on all lists of a delivery, folded; by their first two characters, and the short ones."""

    by_start: Mapping[str, tuple[str, ...]]
    short: frozenset[str]

    def __repr__(self) -> str:
        return f"Names({sum(map(len, self.by_start.values())) + len(self.short)})"

    def scrub(self, written: str) -> str:
        """``written`` with every full name in it replaced by a mask; the text itself when there is none."""
        folded, places = _fold(written)
        if folded in self.short:
            return NAME_MASK
        spans: list[tuple[int, int]] = []
        at = 0
        while at < len(folded) - 1:
            found = next((one for one in self.by_start.get(folded[at : at + 2], ()) if folded.startswith(one, at)), None)
            if found:
                spans.append((places[at][0], places[at + len(found) - 1][1]))
                at += len(found)
            else:
                at += 1
        for first, last in reversed(spans):
            written = written[:first] + NAME_MASK + written[last:]
        return written


def _fold(written: str) -> tuple[str, list[tuple[int, int]]]:
    """Text for comparison, and for each of its characters where it began and ended in ``written``."""
    folded: list[str] = []
    places: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(written):
        for char in unicodedata.normalize("NFKD", _char(token)):
            plain = chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" else fold_variants(char).lower()
            if len(plain) == 1 and unicodedata.category(plain)[0] not in "CZ":  # spaces within a name go with it
                folded.append(plain)
                places.append(token.span())
    return "".join(folded), places


def _char(token: re.Match[str]) -> str:
    if token["high"]:
        return (bytes.fromhex(token["high"]) + bytes.fromhex(token["low"])).decode("utf-16-be")
    code = int(token["hex"] or token["wide"] or "0", 16) or int(token["decimal"] or 0)
    return chr(code) if 0 < code <= 0x10FFFF else token[0]


def names_of(written: Iterable[str]) -> Names:
    """The index of full names as people wrote them; words that only stand for a person are left out."""
    by_start: dict[str, list[str]] = {}
    short: set[str] = set()
    for one in written:
        folded, _ = _fold(one)
        fewest = _FEWEST_KANJI if _KANJI.search(folded) else _FEWEST_OTHERS
        if len(folded) < 2 or folded.isdecimal() or _NO_NAME.search(unicodedata.normalize("NFKC", one)):
            continue
        if len(folded) < fewest:
            short.add(folded)
        else:
            by_start.setdefault(folded[:2], []).append(folded)
    return Names(by_start={start: tuple(sorted(set(found), key=len, reverse=True)) for start, found in by_start.items()}, short=frozenset(short))


Source = tuple[Grid, Layout, "FileMapping", tuple[str, ...]]


def scrub_sources(con: DuckDBPyConnection, sources: Sequence[Source]) -> tuple[list[Source], Names]:
    """The grids without names outside the columns of names, each with a note on what was replaced, and the names that were looked for.

    Raises DataError when a file is called after a person, since the names of files stand in every report.
    """
    names = names_of(_written_names(con, sources))
    if not names.by_start and not names.short:
        return list(sources), names
    return [_clean(con, source, names=names) for source in sources], names


def scrub_aside(reports: Iterable[FileReport], names: Names) -> list[FileReport]:
    """Reports on files and sheets left aside, without names in the sheets' names."""
    return [replace(report, sheet=names.scrub(report.sheet), notes=tuple(map(names.scrub, report.notes))) for report in reports]


def _written_names(con: DuckDBPyConnection, sources: Sequence[Source]) -> Iterable[str]:
    for grid, layout, _, _ in sources:
        for column in layout.columns:
            if column.field.name in {"full_name", "kana"}:
                found = rows(con, f"SELECT DISTINCT c{column.index} FROM {name(grid.table)} WHERE line > {layout.header_line} AND c{column.index} <> ''")
                yield from (str(row[0]) for row in found)


def _clean(con: DuckDBPyConnection, source: Source, *, names: Names) -> Source:
    grid, layout, mapping, notes = source
    if names.scrub(grid.file) != grid.file:
        raise DataError("ファイルの名前に職員の氏名があります", place=names.scrub(grid.file), hint="ファイル名から氏名を消してください（記録や資料に載るため）")
    cells = 0
    for column in layout.columns:
        if column.field.type == "string" and not column.field.enum and not column.field.dropped and column.field.name != "staff_id":
            cells += _clean_column(con, grid.table, f"c{column.index}", names=names)
    if cells and grid.parquet:  # the file on disk still has them: from here on the copy counts
        con.execute(f"DROP VIEW {name(grid.table)}")
        grid = replace(grid, table=f"{grid.table}_own", parquet=None, raw=())
    layout = replace(
        layout,
        columns=tuple(replace(column, heading=names.scrub(column.heading)) for column in layout.columns),
        headings=tuple(map(names.scrub, layout.headings)),
        title=names.scrub(layout.title),
        unused=tuple(map(names.scrub, layout.unused)),
        constants={field: names.scrub(value) for field, value in layout.constants.items()},
    )
    said = (f"注意: 氏名の列でないところに氏名が{cells}か所あり、{NAME_MASK}に置き換えました。元のファイルでも消してください",) if cells else ()
    return replace(grid, sheet=names.scrub(grid.sheet)), layout, mapping, (*map(names.scrub, notes), *said)


def _clean_column(con: DuckDBPyConnection, table: str, column: str, *, names: Names) -> int:
    # Names are written outside ASCII, as an escape, or as two words; codes, of which large tables consist, are passed over.
    suspicious = f"strlen({column}) > length({column}) OR regexp_matches({column}, {text(_SUSPICIOUS)})"
    found = rows(con, f"SELECT DISTINCT {column} FROM {name(table)} WHERE {suspicious}")
    values = [(str(row[0]), clean) for row in found if (clean := names.scrub(str(row[0]))) != row[0]]
    if not values:
        return 0
    stored = _changeable(con, table)
    create_table(con, "scrubbed", columns=("t", "v"), values=[*values])
    cells = scalar(con, f"SELECT count(*) FROM {name(stored)} g JOIN scrubbed s ON g.{column} = s.t")
    con.execute(f"UPDATE {name(stored)} SET {column} = s.v FROM scrubbed s WHERE {column} = s.t")
    con.execute("DROP TABLE scrubbed")
    return cells


def _changeable(con: DuckDBPyConnection, table: str) -> str:
    """The table itself; where it is a view over a file, a copy that the view then shows."""
    own = f"{table}_own"
    if not scalar(con, f"SELECT count(*) FROM duckdb_views() WHERE view_name = {text(table)}"):
        return table
    if not scalar(con, f"SELECT count(*) FROM duckdb_tables() WHERE table_name = {text(own)}"):
        con.execute(f"CREATE TABLE {name(own)} AS SELECT * FROM {name(table)}")
        con.execute(f"CREATE OR REPLACE VIEW {name(table)} AS SELECT * FROM {name(own)}")
    return own
