"""A mapping.yaml proposed from the files themselves, for what is not read or only partly; the files stay as they are."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError, KdxError
from kdx_eval.load.cells import is_missing, parse_enum
from kdx_eval.load.database import connect, name
from kdx_eval.load.dates import Refusal
from kdx_eval.load.directory import Directory
from kdx_eval.load.event_headings import log_layout
from kdx_eval.load.files import Grid, discover
from kdx_eval.load.form_marks import is_guide
from kdx_eval.load.guessing import ORGANISATION, ColumnGuess, Known, Samples, guess_columns, safe_words
from kdx_eval.load.headers import Column, Layout, missing_fields, table_named
from kdx_eval.load.mapping import FileMapping, Mappings, read_mappings
from kdx_eval.load.people import fold_kana, fold_person
from kdx_eval.load.pipeline import Pipeline
from kdx_eval.load.progress import Progress
from kdx_eval.load.pseudonyms import home_dir, private_dir, read_key
from kdx_eval.load.sources import Source, recognise_grid
from kdx_eval.load.suggest_crosstab import CrosstabGuess, guess_crosstab, guess_year_month
from kdx_eval.schema import FieldSpec, Schema, TableSpec, load_schema

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_HEADER_WITHIN = 30
_MOST_TEXTS = 400
_CLEAR_HEADING = 0.75  # one heading at least must be plainly one, lest a row of data be taken for the header
_STATUS_AFFIXES = "済みの者中未不可予定決をしたり。.・()○×"
_COURSE_AFFIXES = "第回年度期研修講座基礎応用実践初級中上編-・()（）0123456789RrHh一二三四五 　"
_MOST_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class WordGuess:
    """A text of a code list and the value it may mean, with the certainty 0 to 1."""

    field: FieldSpec
    written: str
    meaning: str
    score: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetSuggestion:
    """What is proposed for one sheet.

    Attributes
    ----------
    table : TableSpec or None
        The table it seems to be; None when nothing can be said.
    reads : str
        yes: it is read as it is; mapped: it will be read with what is proposed; no: somebody has to decide.
    """

    file: str
    sheet: str
    table: TableSpec | None
    table_score: float
    reads: str
    columns: tuple[ColumnGuess, ...] = ()
    words: tuple[WordGuess, ...] = ()
    crosstab: CrosstabGuess | None = None
    year_month: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def suggest_mapping(folder: Path, *, progress: Progress | None = None) -> tuple[SheetSuggestion, ...]:
    """For every sheet in ``folder``: whether it is read as it is, and otherwise what could be written into mapping.yaml.

    Nothing is written. No text of a column with names, カナ or ids is repeated, nor any other text that is no known word.

    Raises
    ------
    DataError
        When the folder is missing or empty.
    SchemaError
        When a mapping.yaml is there and says something unknown.
    """
    schema, folder = load_schema(), Path(folder)
    discover(folder)
    mappings = read_mappings(folder, schema)
    with tempfile.TemporaryDirectory(dir=private_dir(home_dir("cache") / "tmp")) as work, connect(Path(work)) as con:
        show: Progress = progress or (lambda _sentence, _share: None)
        reader = Pipeline(con=con, folder=folder, work=Path(work), schema=schema, mappings=mappings, pseudonyms=read_key(), progress=show)
        sheets, found = _read(reader)
        logs = [grid for grid in sheets if log_layout(con, grid, mapping=mappings.of(grid.file, grid.sheet)) is not None]
        found += [SheetSuggestion(file=grid.file, sheet=grid.sheet, table=schema.table("workload"), table_score=1.0, reads="yes") for grid in logs]
        grids = [grid for grid in sheets if grid not in logs and not is_guide(grid)]
        sources = {number: _try(con, grid, schema=schema, mappings=mappings) for number, grid in enumerate(grids)}
        known = _known(con, [source for read, _ in sources.values() for source in read])
        for number, grid in enumerate(grids):
            show(f"{grid.file} を調べています", number / len(grids))
            view = _Sheet(con=con, grid=grid, schema=schema, mapping=mappings.of(grid.file, grid.sheet), known=known)
            found.append(_suggest(view, *sources[number]))
    return tuple(sorted(found, key=lambda one: (one.file, one.sheet)))


def _read(reader: Pipeline) -> tuple[list[Grid], list[SheetSuggestion]]:
    """All sheets as written, and a remark for each file that cannot be opened."""
    grids: list[Grid] = []
    failed: list[SheetSuggestion] = []
    for number, path in enumerate(discover(reader.folder).readable):
        shown = path.relative_to(reader.folder).as_posix()
        if reader.mappings.of(shown).ignore:
            continue
        try:
            grids += [grid for grid in reader.grids(path, shown, number=number) if grid.n_columns]
        except DataError as problem:
            remark = f"{problem.reason} → {problem.hint}"
            failed.append(SheetSuggestion(file=shown, sheet="", table=None, table_score=0.0, reads="no", remarks=(remark,)))
    return grids, failed


def _try(con: DuckDBPyConnection, grid: Grid, *, schema: Schema, mappings: Mappings) -> tuple[list[Source], KdxError | None]:
    mapping = mappings.of(grid.file, grid.sheet)
    if mapping.ignore:
        return [], None
    # Reading takes rows away and adds columns: a copy leaves the sheet for the second look.
    copy = replace(grid, table=f"{grid.table}_try")
    con.execute(f"CREATE {grid.kind} {name(copy.table)} AS SELECT * FROM {name(grid.table)}")
    try:
        return recognise_grid(con, copy, schema=schema, mappings=mappings)[0], None
    except KdxError as problem:
        return [], problem


def _known(con: DuckDBPyConnection, sources: Iterable[Source]) -> Known:
    """Departments, courses and people of the tables that are read as they are."""
    departments, courses, people = Directory(), Directory(), set[str]()
    for grid, layout, _, _ in sources:
        for column in layout.columns:
            called = column.field.name
            texts = _distinct(con, grid, column.index, after=layout.header_line)
            if called in {"department_id", "department_name"} and layout.table.name != "training":
                departments.fill((one, one) for one in texts if not is_missing(one))
            elif called in {"course_id", "course_name"} and layout.table.name in {"courses", "costs"}:
                courses.fill((one, one) for one in texts if not is_missing(one))
            elif column.field.personal and called != "unit_id":
                people |= {fold_person(one) for one in texts} | {fold_kana(one) for one in texts}
    return Known(departments=departments, courses=courses, people=frozenset(one for one in people if len(one) > 1))


def _distinct(con: DuckDBPyConnection, grid: Grid, index: int, *, after: int) -> tuple[str, ...]:
    cell = f"c{index}"
    rows = con.execute(
        f"SELECT {cell} FROM {name(grid.table)} WHERE line > {after} AND {cell} <> '' GROUP BY {cell} ORDER BY count(*) DESC, {cell} LIMIT {_MOST_TEXTS}"
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """One sheet with all that is known about it."""

    con: DuckDBPyConnection
    grid: Grid
    schema: Schema
    mapping: FileMapping
    known: Known


def _suggest(view: _Sheet, sources: Sequence[Source], problem: KdxError | None) -> SheetSuggestion:
    grid, mapping = view.grid, view.mapping
    if mapping.ignore:
        return SheetSuggestion(file=grid.file, sheet=grid.sheet, table=None, table_score=1.0, reads="yes", remarks=("mapping.yaml に書かれています",))
    if sources:
        table = sources[0][1].table
        plain = SheetSuggestion(file=grid.file, sheet=grid.sheet, table=table, table_score=1.0, reads="yes")
        words, remarks = _words(view, sources)
        unused = [heading for heading in sources[0][1].unused if not view.known.names_somebody(heading)]
        found = _more_columns(view, sources[0]) if unused else ()
        better = "mapped" if words or found else "yes"
        return replace(plain, reads=better, columns=found, words=words, remarks=tuple(remarks))
    said = (f"{problem.reason} → {problem.hint}",) if problem is not None else ()
    crosstab = guess_crosstab(view.con, grid, schema=view.schema, mapping=mapping, known=view.known)
    if crosstab is not None:
        table = view.schema.table(crosstab.table)
        reads = "mapped" if crosstab.reads else "no"
        return SheetSuggestion(file=grid.file, sheet=grid.sheet, table=table, table_score=crosstab.score, reads=reads, crosstab=crosstab, remarks=said)
    return _suggest_list(view, said)


def _samples(view: _Sheet, position: int) -> Samples | None:
    line, cells = view.grid.whole_head[position]
    filled = [cell for cell in cells if cell]
    if len(filled) < 2 or any(re.search(r"\d{3}", cell) for cell in filled) or len(set(filled)) < len(filled):
        return None
    return Samples(headings=cells, texts=tuple(_distinct(view.con, view.grid, index, after=line) if cell else () for index, cell in enumerate(cells)))


def _suggest_list(view: _Sheet, said: tuple[str, ...]) -> SheetSuggestion:
    grid, schema = view.grid, view.schema
    blank = SheetSuggestion(file=grid.file, sheet=grid.sheet, table=None, table_score=0.0, reads="no", remarks=said)
    named = schema.table(view.mapping.table) if view.mapping.table else table_named(grid.sheet, schema) or table_named(grid.file.rsplit("/", 1)[-1], schema)
    best: tuple[float, TableSpec, Samples, list[ColumnGuess]] | None = None
    for position in range(min(len(grid.head), _HEADER_WITHIN)):
        samples = _samples(view, position)
        if samples is None:
            continue
        for table in schema.tables.values():
            columns = guess_columns(samples, table, known=view.known, said=view.mapping.columns)
            clear = any(guess.score >= _CLEAR_HEADING for guess in columns)
            needed = _needed(table, columns) - ({"month"} if guess_year_month(samples, table, columns=columns) else set())
            score = sum(guess.score for guess in columns) - 1.5 * len(needed) + (1.0 if table == named else 0.0) - 0.01 * position
            if clear and len(columns) >= 2 and (best is None or score > best[0]):
                best = (score, table, samples, columns)
    if best is None or best[0] < 1.0:
        return replace(blank, remarks=(*said, "どの表か分かりません。見出しの行があるか確かめ、mapping.yaml に table と columns を書いてください"))
    score, table, samples, columns = best
    shown = tuple(guess for guess in columns if not guess.plain and not view.known.names_somebody(guess.heading))
    year_month = guess_year_month(samples, table, columns=columns)
    mapping = replace(
        view.mapping, table=table.name, year_month=dict(year_month) if year_month else view.mapping.year_month,
        columns={**view.mapping.columns, **{guess.heading: guess.meaning for guess in shown if guess.sure != "要確認"}},
    )  # fmt: skip
    reads, remarks, words = _check(view, mapping)
    return SheetSuggestion(
        file=grid.file, sheet=grid.sheet, table=table, table_score=min(1.0, score / (len(columns) + 0.5)), reads=reads, columns=shown, words=words,
        year_month=year_month, remarks=(*(said if reads == "no" else ()), *remarks),
    )  # fmt: skip


def _needed(table: TableSpec, columns: Sequence[ColumnGuess]) -> set[str]:
    """What the table would still lack."""
    found = tuple(Column(field=guess.field, index=0, heading=guess.heading) for guess in columns)
    return set(missing_fields(Layout(table=table, header_line=0, columns=found, headings=(), title="")))


def _check(view: _Sheet, mapping: FileMapping) -> tuple[str, tuple[str, ...], tuple[WordGuess, ...]]:
    """Whether the sheet is read with what is proposed; if not, what is still missing."""
    mappings = Mappings(files=(replace(mapping, pattern=view.grid.file, sheet=view.grid.sheet or None),))
    copy = replace(view.grid, table=f"{view.grid.table}_check")
    view.con.execute(f"CREATE TABLE {name(copy.table)} AS SELECT * FROM {name(view.grid.table)}")
    try:
        sources, _ = recognise_grid(view.con, replace(copy, encoding=copy.encoding.replace("parquet", "")), schema=view.schema, mappings=mappings)
    except KdxError as problem:
        return "no", (f"この案だけではまだ読めません: {problem.reason} → {problem.hint}",), ()
    if not sources:
        return "no", ("この案だけではまだ読めません",), ()
    words, remarks = _words(view, sources)
    return "mapped", tuple(remarks), words


def _more_columns(view: _Sheet, source: Source) -> tuple[ColumnGuess, ...]:
    """Fields that the headings nobody asked for may be, in a table that is read already."""
    grid, layout, _, _ = source
    texts = tuple(
        _distinct(view.con, grid, index, after=layout.header_line) if heading in layout.unused else () for index, heading in enumerate(layout.headings)
    )
    headings = tuple(heading if heading in layout.unused else "" for heading in layout.headings)
    guesses = guess_columns(Samples(headings=headings, texts=texts), layout.table, known=view.known, said={})
    return tuple(one for one in guesses if not layout.has(one.field.name) and not one.plain and not view.known.names_somebody(one.heading))


def _words(view: _Sheet, sources: Sequence[Source]) -> tuple[tuple[WordGuess, ...], list[str]]:
    """Texts of code lists that are not known, with the nearest that is; those that cannot be shown are only counted, by row."""
    words: dict[tuple[str, str], WordGuess] = {}
    remarks: list[str] = []
    for grid, layout, mapping, _ in sources:
        for column in layout.columns:
            spec = column.field
            if spec.personal or not (spec.enum or spec.name in {"department_id", "course_id"}):
                continue
            said = mapping.values.get(spec.name, {})
            texts = [one for one in _distinct(view.con, grid, column.index, after=layout.header_line) if one not in said and not is_missing(one)]
            unknown = [one for one in texts if _is_unknown(one, spec, view.known, own=layout.table.name)]
            hidden = []
            for written in unknown:
                guess = _nearest(written, spec, view.known)
                if guess is None:
                    hidden.append(written)
                else:
                    words[spec.name, written] = guess
            if hidden:
                lines = _lines_of(view.con, grid, column.index, hidden, after=layout.header_line)
                remarks.append(f"「{column.heading}」の列に、似た言葉のない書き方が{len(hidden)}種類あります（{lines}行など）。values に書いてください")
    return tuple(words.values()), remarks


def _is_unknown(written: str, spec: FieldSpec, known: Known, *, own: str) -> bool:
    if spec.enum:
        return isinstance(parse_enum(written, spec), Refusal)
    directory = known.departments if spec.name == "department_id" else known.courses
    if own in {"departments", "courses"} or not directory.ids or (spec.name == "department_id" and own != "training"):
        return False
    return str(directory.resolve(written)) not in directory.ids.values()


def _nearest(written: str, spec: FieldSpec, known: Known) -> WordGuess | None:
    """The known word nearest to ``written``; None when there is none, or the text could name somebody."""
    if known.names_somebody(written):
        return None
    if spec.enum:
        meanings = {**{one: one for one in spec.enum}, **spec.synonyms}
        near = difflib.get_close_matches(written, meanings, n=1, cutoff=0.5)
        shows = bool(near) and safe_words(written, meanings, affixes=_STATUS_AFFIXES)
    else:
        directory = known.departments if spec.name == "department_id" else known.courses
        meanings = {one: one for one in directory.ids.values()}
        near = difflib.get_close_matches(written, meanings, n=1, cutoff=0.5)
        shows = bool(near) and (
            bool(ORGANISATION.fullmatch(written)) if spec.name == "department_id" else safe_words(written, meanings, affixes=_COURSE_AFFIXES)
        )
    if not shows:
        return None
    score = difflib.SequenceMatcher(None, written, near[0]).ratio()
    # 未修了 is near to 修了 and its opposite: a word of denial is never more than a question.
    denies = any(word in written and word not in near[0] for word in ("未", "不", "非", "無", "欠", "旧", "第"))
    return WordGuess(field=spec, written=written, meaning=meanings[near[0]], score=min(score, 0.5) if denies else score, why=f"「{near[0]}」に近い")


def _lines_of(con: DuckDBPyConnection, grid: Grid, index: int, texts: Sequence[str], *, after: int) -> str:
    listed = ", ".join("?" for _ in texts)
    rows = con.execute(
        f"SELECT DISTINCT line FROM {name(grid.table)} WHERE line > {after} AND c{index} IN ({listed}) ORDER BY line LIMIT {_MOST_ROWS}", list(texts)
    ).fetchall()
    return "、".join(str(row[0]) for row in rows)
