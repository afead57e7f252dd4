"""From the files of a folder to typed tables: read, recognise, type, resolve, match, check, write."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from kdx_eval.errors import DataError
from kdx_eval.load import checks, people
from kdx_eval.load.cells import Cell, parse_code
from kdx_eval.load.database import BLANKS, name, path_text, rows, scalar, target_text, text
from kdx_eval.load.dates import Refusal
from kdx_eval.load.directory import Directory
from kdx_eval.load.event_log import EventLog, read_event_log
from kdx_eval.load.excel import read_excel_grids
from kdx_eval.load.files import EXCEL_SUFFIXES, HEAD_ROWS, PARQUET_SUFFIXES, Grid, discover, read_text_grid
from kdx_eval.load.headers import Layout, recognise
from kdx_eval.load.mapping import FileMapping, Mappings
from kdx_eval.load.pseudonyms import PSEUDONYM, Pseudonyms
from kdx_eval.load.report import FileReport, LoadReport, MatchReport
from kdx_eval.load.rules import RULES
from kdx_eval.load.scrub import scrub_aside, scrub_sources
from kdx_eval.load.shapes import find_crosstab, unpivot
from kdx_eval.load.spans import note_spans, note_strangers
from kdx_eval.load.staging import FAULTS, SEPARATOR, Resolver, Stage, headings_of, stage_grid
from kdx_eval.schema import Schema, TableSpec, load_indicators

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress: TypeAlias = Callable[[str, float], None]
# Lists that others refer to come first; training last, so that departments seen elsewhere are known by then.
_FIRST = ("departments", "courses", "processes", "staff", "assignments", "worktime", "headcount")
_LAST = ("training",)
_NAMED = {"departments": "department", "courses": "course", "processes": "process"}
_ACCEPTED = f"NOT EXISTS (SELECT 1 FROM {FAULTS} f WHERE f.stage = a._stage AND f.rid = a._rid)"
_ENDINGS = ("名簿", "一覧", "受講者", "受講", "出席簿")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One load in progress; see `load_tables`."""

    con: DuckDBPyConnection
    folder: Path
    work: Path
    schema: Schema
    mappings: Mappings
    pseudonyms: Pseudonyms
    progress: Progress
    stages: dict[str, list[Stage]] = field(default_factory=dict)
    logs: list[tuple[str, Grid, EventLog]] = field(default_factory=list)
    aside: list[FileReport] = field(default_factory=list)
    directories: dict[str, Directory] = field(default_factory=lambda: {table: Directory() for table in _NAMED})
    derived: dict[str, str] = field(default_factory=dict)

    def read(self) -> list[tuple[Grid, Layout, FileMapping, tuple[str, ...]]]:
        """All recognised grids, in the order in which their tables must be typed."""
        found = discover(self.folder)
        self.aside.extend(FileReport(file=self._shown(path), sheet="", table=None, encoding="", notes=(reason,)) for path, reason in found.ignored)
        sources: list[tuple[Grid, Layout, FileMapping, tuple[str, ...]]] = []
        for number, path in enumerate(found.readable):
            shown = self._shown(path)
            self.progress(f"{shown} を読んでいます", 0.6 * number / len(found.readable))
            if self.mappings.of(shown).ignore:
                self.aside.append(FileReport(file=shown, sheet="", table=None, encoding="", notes=("mapping.yaml の指定により読みません",)))
                continue
            for grid in self._grids(path, shown, number):
                source = self._recognise(grid, number)
                sources += [source] if source else []
        if not sources and not self.logs:
            hint = "ファイル名や見出しを data_schema の表の名前に合わせるか、mapping.yaml を書いてください"
            raise DataError("どの表か分かるファイルがありません", place=str(self.folder), hint=hint)
        order = [*_FIRST, *(table for table in self.schema.tables if table not in {*_FIRST, *_LAST}), *_LAST]
        return sorted(sources, key=lambda source: order.index(source[1].table.name))

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def _grids(self, path: Path, shown: str, number: int) -> list[Grid]:
        table, suffix = f"grid_{number}", path.suffix.lower()
        if suffix in EXCEL_SUFFIXES:
            return read_excel_grids(self.con, path, file=shown, table=table, work=self.work)
        if suffix in PARQUET_SUFFIXES:
            return [read_parquet_grid(self.con, path, file=shown, table=table)]
        return [read_text_grid(self.con, path, file=shown, table=table, encoding=self.mappings.of(shown).encoding, work=self.work)]

    def _recognise(self, grid: Grid, number: int) -> tuple[Grid, Layout, FileMapping, tuple[str, ...]] | None:
        mapping = self.mappings.of(grid.file, grid.sheet)
        if mapping.event_log is not None:
            key = f"e{number:03d}"
            self.logs.append((key, grid, read_event_log(self.con, grid, mapping=mapping, key=key)))
            return None
        crosstab = find_crosstab(grid, schema=self.schema, mapping=mapping) if grid.n_columns else None
        if crosstab:
            long, layout, notes = unpivot(self.con, grid, crosstab=crosstab, schema=self.schema)
            return long, layout, mapping, tuple(notes)
        recognised = recognise(grid, schema=self.schema, mapping=mapping) if grid.n_columns else None
        if recognised is None:
            reasons = grid.notes or ("どの表か分からないので読みません。見出しを直すか mapping.yaml に書いてください",)
            self.aside.append(FileReport(file=grid.file, sheet=grid.sheet, table=None, encoding=grid.encoding, notes=reasons))
            return None
        notes = [f"使わない列: {'、'.join(recognised.unused[:8])}"] if recognised.unused else []
        return grid, _with_course(recognised, grid), mapping, tuple(notes)

    def type(self, sources: Iterable[tuple[Grid, Layout, FileMapping, tuple[str, ...]]]) -> None:
        """Type every grid; lists of departments, courses and processes become known as soon as they are read."""
        sources, names = scrub_sources(self.con, list(sources))
        self.aside[:] = scrub_aside(self.aside, names)
        for number, (grid, layout, mapping, notes) in enumerate(sources):
            table = layout.table.name
            self.progress(f"{layout.table.title} を整えています", 0.6 + 0.3 * number / len(sources))
            if table in _LAST:
                # Without a list, the departments of rosters and overtime tables are the known ones.
                self.directories["departments"].close_if_known()
            stage = stage_grid(self.con, grid, layout=layout, key=f"s{number:03d}", mapping=mapping, resolvers=self._resolvers(layout.table))
            self.con.execute(f"DROP {'VIEW' if grid.encoding == 'parquet' else 'TABLE'} {name(grid.table)}")
            self._finish(stage)
            self.stages.setdefault(table, []).append(replace(stage, notes=(*grid.notes, *notes, *stage.notes)))

    def _resolvers(self, table: TableSpec) -> Mapping[str, tuple[str | None, Resolver]]:
        found: dict[str, tuple[str | None, Resolver]] = {"staff_id": (None, self._pseudonym)}
        if table.name == "indicators":
            found |= {"unit_id": ("unit_type", self._unit), "indicator_id": (None, _indicator)}
        for named, stem in _NAMED.items():
            if table.name != named:
                found[f"{stem}_id"] = (None, self.directories[named].resolve)
        present = {spec.name for spec in table.fields}
        return {key: value for key, value in found.items() if key in present}

    def _pseudonym(self, written: str) -> Cell:
        code = parse_code(written)
        if not isinstance(code, str) or re.fullmatch(PSEUDONYM, code):
            return code  # a blank, a refusal, or a pseudonym from an earlier pseudonymise
        return self.pseudonyms.of("id" + SEPARATOR + code)

    def _unit(self, written: str) -> Cell:
        """The unit of an indicator, which is a person, a department or a process as its type says."""
        from kdx_eval.load.cells import parse_enum

        kind, _, code = written.partition(SEPARATOR)
        unit_type = parse_enum(kind, self.schema.table("indicators").field("unit_type"))
        if unit_type == "staff":
            return self._pseudonym(code)
        directory = {"department": "departments", "process": "processes"}.get(str(unit_type))
        return self.directories[directory].resolve(code) if directory else parse_code(code)

    def _finish(self, stage: Stage) -> None:
        table, layout = stage.layout.table.name, stage.layout
        if table in _NAMED:
            stem = _NAMED[table]
            self.con.execute(f"UPDATE {stage.table} SET {stem}_id = coalesce({stem}_id, {stem}_name), {stem}_name = coalesce({stem}_name, {stem}_id)")
            entries = rows(self.con, f"SELECT {stem}_id, {stem}_name FROM {stage.table} WHERE {stem}_id IS NOT NULL")
            self.directories[table].fill((str(row[0]), str(row[1])) for row in entries)
        if table == "training" and any(column.field.name == "completed_on" and column.shared for column in layout.columns):
            # One date (受講日) stands for beginning and end; who was absent did not complete.
            self.con.execute(f"UPDATE {stage.table} SET completed_on = NULL WHERE status IS NOT NULL AND status <> 'completed'")

    def match(self) -> MatchReport | None:
        """Give people without an id their pseudonym, after the references of those with one were checked."""
        self.stages.update(note_spans(self.con, self.stages))
        self.stages.update(note_strangers(self.con, self.stages))
        staff = self.stages.get("staff", [])
        people.identify_roster(self.con, staff, pseudonyms=self.pseudonyms)
        self._derive()
        known = self._known()
        for stage in (stage for stages in self.stages.values() for stage in stages):
            checks.check_rows(self.con, stage)
            checks.check_references(self.con, stage, known=known)
        roster = people.read_roster(self.con, staff, postings=self.stages.get("assignments", []))
        report = people.match_people(self.con, self.stages.get("training", []), roster=roster, pseudonyms=self.pseudonyms)
        self._check_duplicates()
        return report

    def _check_duplicates(self) -> None:
        for table, stages in self.stages.items():
            spec = self.schema.table(table)
            key = (*spec.primary_key, "as_of") if table == "staff" else spec.primary_key
            union = " UNION ALL BY NAME ".join(f"SELECT * FROM {stage.table}" for stage in stages)
            self.con.execute(f"CREATE VIEW all_{table} AS {union}")
            heading = headings_of([stage.layout for stage in stages], key[0]) if key else ""
            checks.check_duplicates(self.con, f"all_{table}", spec=spec, key=key, heading=heading)

    def _derive(self) -> None:
        """SQL for the tables that were not delivered but follow from others."""
        staff = [stage for stage in self.stages.get("staff", []) if stage.layout.has("department_id")]
        if staff and "assignments" not in self.stages:
            self.derived["assignments"] = people.derive_assignments(staff)
        for table, stem in _NAMED.items():
            directory = self.directories[table]
            if table not in self.stages and directory.ids and (table != "processes" or "workload" in self.stages):
                values = ", ".join(f"({text(identity)})" for identity in sorted(set(directory.ids.values())))
                self.derived[table] = f"SELECT id AS {stem}_id, id AS {stem}_name FROM (VALUES {values}) t(id)"

    def _known(self) -> dict[str, str]:
        """SQL of the keys of each referred table; rows refused for another reason still count as known."""
        known = {table: f"SELECT {_NAMED[table]}_id AS id FROM ({sql})" for table, sql in self.derived.items() if table in _NAMED}
        for table in (*_NAMED, "staff"):
            stages = self.stages.get(table, [])
            key = f"{_NAMED.get(table, 'staff')}_id"
            if stages:
                known[table] = " UNION ".join(f"SELECT {key} AS id FROM {stage.table} WHERE {key} IS NOT NULL" for stage in stages)
        return known

    def write(self, target: Path) -> None:
        """Typed Parquet of the accepted rows, ordered by all their columns' key order, and rejected.csv."""
        self.progress("表を書き出しています", 0.92)
        logs = " UNION ALL BY NAME ".join(f"SELECT * FROM {log.table}" for _, _, log in self.logs)
        for spec in self.schema.tables.values():
            parts = [f"SELECT * FROM all_{spec.name} a WHERE {_ACCEPTED}"] if spec.name in self.stages else []
            parts += [logs] if spec.name == "workload" and logs else []
            parts += [self.derived[spec.name]] if spec.name in self.derived and not parts else []
            if parts:
                self._copy(spec, " UNION ALL BY NAME ".join(parts), target)
        if self.logs:
            union = " UNION ALL ".join(f"SELECT * FROM {log.durations}" for _, _, log in self.logs)
            self.con.execute(f"COPY (SELECT * FROM ({union}) ORDER BY ALL) TO {target_text(target / 'durations.parquet')} (FORMAT parquet)")
        self._write_rejected(target / "rejected.csv")

    def _copy(self, spec: TableSpec, source: str, target: Path) -> None:
        if spec.name == "staff":
            source = f"SELECT * FROM ({source}) QUALIFY row_number() OVER (PARTITION BY staff_id ORDER BY as_of DESC NULLS LAST, _stage, _rid) = 1"
        present = {str(row[0]) for row in rows(self.con, f"DESCRIBE {source}")}
        fields = [f"CAST({name(one.name) if one.name in present else 'NULL'} AS {one.database_type}) AS {name(one.name)}" for one in spec.kept]
        # A key orders a table fully; without one all columns must, so that the order of files does not show.
        order = ", ".join(name(one) for one in spec.primary_key) or "ALL"
        select = f"SELECT {', '.join(fields)} FROM ({source}) ORDER BY {order}"
        self.con.execute(f"COPY ({select}) TO {target_text(target / f'{spec.name}.parquet')} (FORMAT parquet)")

    def _write_rejected(self, path: Path) -> None:
        places = {stage.key: (stage.grid.file, stage.grid.sheet) for stages in self.stages.values() for stage in stages}
        places |= {key: (grid.file, grid.sheet) for key, grid, _ in self.logs}
        found = rows(self.con, f'SELECT DISTINCT stage, line, "column", rule FROM {FAULTS}')
        lines = sorted((*places[str(stage)], int(str(line)), str(column), str(rule)) for stage, line, column, rule in found)
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("file", "sheet", "row", "column", "rule", "reason", "hint"))
            writer.writerows((*line, *RULES[line[-1]]) for line in lines)

    def report(self, matched: MatchReport | None) -> LoadReport:
        """What was read; asserts that every row was either accepted or refused."""
        files = list(self.aside)
        for stage in (stage for stages in self.stages.values() for stage in stages):
            accepted = scalar(self.con, f"SELECT count(*) FROM {stage.table} a WHERE {_ACCEPTED}")
            files.append(self._file_report(stage, accepted=accepted))
        for key, grid, log in self.logs:
            rejected = scalar(self.con, f"SELECT count(DISTINCT rid) FROM {FAULTS} WHERE stage = {text(key)}")
            whole = FileReport(file=grid.file, sheet=grid.sheet, table="workload", encoding=grid.encoding, rows_read=log.rows_read, notes=log.notes)
            files.append(replace(whole, rows_accepted=log.rows_read - rejected, rows_rejected=rejected))
        return LoadReport(files=tuple(sorted(files, key=lambda file: (file.file, file.sheet))), matched=matched, derived=tuple(sorted(self.derived)))

    def _file_report(self, stage: Stage, *, accepted: int) -> FileReport:
        grid, table = stage.grid, stage.layout.table.name
        rejected = scalar(self.con, f"SELECT count(DISTINCT rid) FROM {FAULTS} WHERE stage = {text(stage.key)}")
        _assert_all_counted(stage.rows_read, accepted, rejected, place=f"{grid.file} {grid.sheet}".strip())
        whole = FileReport(file=grid.file, sheet=grid.sheet, table=table, encoding=grid.encoding, rows_read=stage.rows_read, notes=stage.notes)
        return replace(whole, rows_accepted=accepted, rows_rejected=rejected, cells_repaired=dict(stage.repaired))


def _assert_all_counted(read: int, accepted: int, rejected: int, *, place: str) -> None:
    if accepted + rejected != read:
        reason = f"行の数が合いません（読んだ {read}、受け入れた {accepted}、除いた {rejected}）"
        raise DataError(reason, place=place, hint="kdx_eval の不具合です。この文を添えて知らせてください")


def read_parquet_grid(con: DuckDBPyConnection, path: Path, *, file: str, table: str) -> Grid:
    """A Parquet file as a grid of text, read where it lies. Raises DataError when it is damaged."""
    import duckdb

    try:
        described = con.execute(f"DESCRIBE SELECT * FROM read_parquet({path_text(path)})").fetchall()
        columns = [str(row[0]) for row in described]
        fields = ", ".join(f"coalesce({_as_text(name(str(row[0])), str(row[1]))}, '') AS c{index}" for index, row in enumerate(described))
        source = f"read_parquet({path_text(path)}, file_row_number=true)"
        con.execute(f"CREATE VIEW {name(table)} AS SELECT file_row_number + 1 AS line, {len(columns)} AS width, {fields} FROM {source}")
        sample = con.execute(f"SELECT * EXCLUDE (width) FROM {name(table)} LIMIT {HEAD_ROWS}").fetchall()
    except duckdb.Error as problem:
        raise DataError("Parquet のファイルとして読めません", place=file, hint="元のシステムから出し直してください") from problem
    head = ((0, tuple(columns)), *((int(row[0]), tuple(map(str, row[1:]))) for row in sample))
    return Grid(file=file, sheet="", encoding="parquet", table=table, n_columns=len(columns), head=head)


def _as_text(column: str, kind: str) -> str:
    if kind in {"DOUBLE", "FLOAT"}:  # whole numbers without a point, as a person would write them
        return f"CASE WHEN {column} = trunc({column}) AND abs({column}) < 1e15 THEN CAST({column}::BIGINT AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    return f"trim({column}, {BLANKS})" if kind == "VARCHAR" else f"CAST({column} AS VARCHAR)"


def _indicator(written: str) -> Cell:
    code = parse_code(written)
    if isinstance(code, Refusal) or code is None:
        return code
    return next((known.indicator_id for known in load_indicators().values() if code == known.title), code)


def _with_course(layout: Layout, grid: Grid) -> Layout:
    """An attendance list for one course, named in the title or the sheet's name, without a column for it."""
    if layout.table.name != "training" or layout.has("course_id"):
        return layout
    title = layout.title.split("　")[0].strip()
    for ending in _ENDINGS:
        title = title.removesuffix(ending).strip()
    return replace(layout, constants={**layout.constants, "course_id": title or grid.sheet})
