"""From the files of a folder to typed tables: read, recognise, type, resolve, match, check, write."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError, KdxError
from kdx_eval.load import checks, matching, people
from kdx_eval.load.cells import Cell, parse_code
from kdx_eval.load.codes import KnownCodes
from kdx_eval.load.complements import complementary, joined_sql
from kdx_eval.load.completion import clear_uncompleted
from kdx_eval.load.database import create_table, name, rows, scalar, target_text, text
from kdx_eval.load.dates import Refusal
from kdx_eval.load.directory import Directory, reading_notes
from kdx_eval.load.event_headings import LogLayout, log_layout
from kdx_eval.load.event_log import EventLog, read_event_log
from kdx_eval.load.excel import read_excel_grids
from kdx_eval.load.files import EXCEL_SUFFIXES, PARQUET_SUFFIXES, Grid, discover, read_parquet_grid, read_text_grid
from kdx_eval.load.form_marks import is_guide
from kdx_eval.load.headers import Layout
from kdx_eval.load.large import is_large, stage_on_disk
from kdx_eval.load.mapping import Mappings
from kdx_eval.load.policy_remarks import policy_remarks
from kdx_eval.load.problems import nothing_known, raise_together
from kdx_eval.load.progress import Progress, execute, telling
from kdx_eval.load.pseudonyms import PSEUDONYM, Pseudonyms
from kdx_eval.load.remarks import remark
from kdx_eval.load.repeated_keys import check_duplicates
from kdx_eval.load.repeats import leave_repeats_aside, refuse_repeated_periods, repeated_log
from kdx_eval.load.report import FileReport, LoadReport, MatchReport
from kdx_eval.load.roster import read_roster
from kdx_eval.load.rules import RULES
from kdx_eval.load.scrub import scrub_aside, scrub_sources
from kdx_eval.load.sources import Source, recognise_grid
from kdx_eval.load.spans import note_spans, note_strangers
from kdx_eval.load.staging import FAULTS, SEPARATOR, Resolver, Stage, headings_of, stage_grid
from kdx_eval.load.xes import is_xes, read_xes_grid
from kdx_eval.schema import Schema, TableSpec, load_indicators
from kdx_eval.schema.policy_version import load_policy, versions

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Lists that others refer to come first; training last, so that departments seen elsewhere are known by then.
_FIRST = ("departments", "courses", "processes", "staff", "assignments", "worktime", "headcount")
_LAST = ("training",)
_MEASURED = frozenset({"worktime", "headcount"})  # what a city keeps in several cross-tabs, one for each value
_NAMED = {"departments": "department", "courses": "course", "processes": "process"}
_PIECE = 10_000
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
    log_sources: list[tuple[Grid, LogLayout]] = field(default_factory=list)
    logs: list[tuple[str, Grid, EventLog]] = field(default_factory=list)
    aside: list[FileReport] = field(default_factory=list)
    directories: dict[str, Directory] = field(default_factory=lambda: {table: Directory(offices=table == "departments") for table in _NAMED})
    derived: dict[str, str] = field(default_factory=dict)
    staff_codes: KnownCodes = field(default_factory=KnownCodes)
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def read(self) -> list[Source]:
        """All recognised grids, in the order in which their tables must be typed."""
        found = discover(self.folder)
        self.aside.extend(FileReport(file=self._shown(path), sheet="", table=None, encoding="", notes=(reason,)) for path, reason in found.ignored)
        sources: list[Source] = []
        problems: list[KdxError] = []
        for number, path in enumerate(found.readable):
            shown = self._shown(path)
            if self.mappings.of(shown).ignore:
                self.aside.append(FileReport(file=shown, sheet="", table=None, encoding="", notes=("mapping.yaml の指定により読みません",)))
                continue
            with self._step(f"{shown} を読んでいます", 0.0, 0.6, of=(number, len(found.readable))):
                try:
                    for grid in self.grids(path, shown, number=number):
                        sources += self._recognise(grid)
                except KdxError as problem:  # told with those of the other files
                    problems.append(problem)
        raise_together(problems)
        if not sources and not self.log_sources:
            raise nothing_known(self.folder, self.aside)
        sources, repeated = leave_repeats_aside(self.con, sources)
        self.aside.extend(repeated)
        order = [*_FIRST, *(table for table in self.schema.tables if table not in {*_FIRST, *_LAST}), *_LAST]
        return sorted(sources, key=lambda source: order.index(source[1].table.name))

    def _step(self, sentence: str, start: float, end: float, *, of: tuple[int, int] = (0, 1)) -> AbstractContextManager[None]:
        """Show ``sentence`` and how far the work inside has come, as the ``of[0]``-th of ``of[1]`` equal parts from ``start`` to ``end``."""
        part = (end - start) / of[1]
        return telling(self.progress, sentence, start=start + part * of[0], end=start + part * (of[0] + 1))

    def _shown(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    def grids(self, path: Path, shown: str, *, number: int) -> list[Grid]:
        """The sheets of one file as they are written. Raises DataError when it cannot be read."""
        table, suffix = f"grid_{number}", path.suffix.lower()
        if suffix in EXCEL_SUFFIXES:
            return read_excel_grids(self.con, path, file=shown, table=table, work=self.work)
        if suffix in PARQUET_SUFFIXES:
            return [read_parquet_grid(self.con, path, file=shown, table=table)]
        if is_xes(path):
            return [read_xes_grid(self.con, path, file=shown, table=table, work=self.work)]
        return [read_text_grid(self.con, path, file=shown, table=table, encoding=self.mappings.of(shown).encoding, work=self.work)]

    def _recognise(self, grid: Grid) -> list[Source]:
        mapping = self.mappings.of(grid.file, grid.sheet)
        if is_guide(grid):
            self._leave_aside(grid, "様式の書き方のシートなので読みません")
            return []
        log = log_layout(self.con, grid, mapping=mapping)
        if log is not None:
            self.log_sources.append((grid, log))
            return []
        sources, reasons = recognise_grid(self.con, grid, schema=self.schema, mappings=self.mappings)
        if not sources:
            self._leave_aside(grid, *reasons)
        return [(found, _with_course(layout, found), said, notes) for found, layout, said, notes in sources]

    def _leave_aside(self, grid: Grid, *reasons: str) -> None:
        self.aside.append(FileReport(file=grid.file, sheet=grid.sheet, table=None, encoding=grid.encoding, notes=reasons))

    def type(self, sources: Iterable[Source]) -> None:
        """Type every grid; lists of departments, courses and processes become known as soon as they are read."""
        sources, names = scrub_sources(self.con, list(sources))
        self.aside[:] = scrub_aside(self.aside, names)
        for number, (grid, layout, mapping, notes) in enumerate(sources):
            table = layout.table.name
            if table in _LAST:
                self._read_logs()
                # Without a list, the departments of rosters and overtime tables are the known ones.
                self.directories["departments"].close_if_known()
            self.staff_codes.begin(table)
            stage_it = stage_on_disk if is_large(self.con, grid, layout=layout) else stage_grid
            with self._step(f"{layout.table.title} を整えています", 0.6, 0.8, of=(number, len(sources))):
                stage = stage_it(self.con, grid, layout=layout, key=f"s{number:03d}", mapping=mapping, resolvers=self._resolvers(layout.table))
            self.con.execute(f"DROP {grid.kind} {name(grid.table)}")
            if not stage.rows_read:
                # A sheet of a form that nobody filled in is no delivery: an empty list of departments would make every department unknown.
                self.con.execute(f"DROP TABLE {stage.table}")
                self._leave_aside(grid, *stage.notes, f"表「{layout.table.title}」の見出しだけで、データの行がありません")
                continue
            finished = self._finish(stage)
            told = reading_notes(self.staff_codes, self.directories["departments"])
            self.stages.setdefault(table, []).append(replace(stage, notes=(*grid.notes, *notes, *stage.notes, *finished, *told)))
        self._read_logs()

    def _read_logs(self) -> None:
        """Process logs, once the lists of departments and processes are known."""
        waiting = list(self.log_sources)
        self.log_sources.clear()  # asked twice: before training, and at the end where there is none
        for number, (grid, layout) in enumerate(waiting):
            key = f"e{number:03d}"
            self.progress(f"{grid.file} の処理の記録を数えています", 0.85)
            read = read_event_log(self.con, grid, layout=layout, key=key, directories=self.directories)
            self.con.execute(f"DROP {grid.kind} {name(grid.table)}")
            log = (key, grid, replace(read, notes=(*grid.notes, *read.notes)))
            repeated = repeated_log(self.con, log, earlier=self.logs)
            if repeated:
                self.aside.append(repeated)
            else:
                self.logs.append(log)

    def _resolvers(self, table: TableSpec) -> Mapping[str, tuple[str | None, Resolver]]:
        found: dict[str, tuple[str | None, Resolver]] = {"staff_id": (None, self._pseudonym)}
        if table.name == "indicators":
            found |= {"unit_id": ("unit_type", self._unit), "indicator_id": (None, _indicator)}
        for named, stem in _NAMED.items():
            if table.name != named:
                found[f"{stem}_id"] = (None, self.directories[named].resolve)
        # A field of another name (作成所属) that refers to such a list is written as id or name too.
        refers = {key.field: key.reference for key in table.foreign_keys if key.reference in _NAMED and key.reference != table.name}
        found |= {field_name: (None, self.directories[named].resolve) for field_name, named in refers.items()}
        present = {spec.name for spec in table.fields}
        return {key: value for key, value in found.items() if key in present}

    def _pseudonym(self, written: str) -> Cell:
        code = parse_code(written)
        if not isinstance(code, str) or PSEUDONYM.fullmatch(code):
            return code  # a blank, a refusal, or a pseudonym from an earlier pseudonymise
        return self.pseudonyms.of("id" + SEPARATOR + self.staff_codes.restore(code))

    def _unit(self, written: str) -> Cell:
        """The unit of an indicator, which is a person, a department or a process as its type says."""
        from kdx_eval.load.cells import parse_enum

        kind, _, code = written.partition(SEPARATOR)
        unit_type = parse_enum(kind, self.schema.table("indicators").field("unit_type"))
        if unit_type == "staff":
            return self._pseudonym(code)
        directory = {"department": "departments", "process": "processes"}.get(str(unit_type))
        return self.directories[directory].resolve(code) if directory else parse_code(code)

    def _finish(self, stage: Stage) -> tuple[str, ...]:
        table = stage.layout.table.name
        if table in _NAMED:
            stem = _NAMED[table]
            self.con.execute(f"UPDATE {stage.table} SET {stem}_id = coalesce({stem}_id, {stem}_name), {stem}_name = coalesce({stem}_name, {stem}_id)")
            entries = rows(self.con, f"SELECT {stem}_id, {stem}_name FROM {stage.table} WHERE {stem}_id IS NOT NULL")
            self.directories[table].fill((str(row[0]), str(row[1])) for row in entries)
        return clear_uncompleted(self.con, stage) if table == "training" else ()

    def match(self) -> MatchReport | None:
        """Give people without an id their pseudonym, after the references of those with one were checked."""
        staff = self.stages.get("staff", [])
        people.identify_roster(self.con, staff, pseudonyms=self.pseudonyms)
        self._derive()
        known = self._known()
        stages = self._all_stages()
        for number, stage in enumerate(stages):
            with self._step(f"{stage.layout.table.title} を確かめています", 0.8, 0.85, of=(number, len(stages))):
                checks.check_rows(self.con, stage)
                checks.check_references(self.con, stage, known=known)
        matchable = self._matchable()
        report = matching.match_people(self.con, self.stages.get("training", []), known=matchable)
        matching.write_unmatched(self.con, self.work / "unmatched.csv", known=matchable)
        self._check_duplicates()
        self.stages.update(note_spans(self.con, self.stages, accepted=self._accepted))
        self.stages.update(note_strangers(self.con, self.stages, accepted=self._accepted))
        called = [called for directory in self.directories.values() for called in (*directory.ids.values(), *directory.names)]
        self._remark(remark(self.con, self.stages, names=called))
        self._remark(policy_remarks(self.con, self.stages, policies=[load_policy(version, data=self.folder) for version in versions(self.folder)]))
        return report

    def _all_stages(self) -> list[Stage]:
        return [stage for stages in self.stages.values() for stage in stages]

    def _accepted(self, stage: Stage) -> str:
        refused = f"SELECT DISTINCT rid FROM {FAULTS} WHERE stage = {text(stage.key)}"
        but = f"ANTI JOIN ({refused}) f ON f.rid = a._rid" if scalar(self.con, f"SELECT count(*) FROM ({refused})") else ""
        return f"SELECT a.* FROM {stage.table} a {but}"

    def _matchable(self) -> matching.Known:
        lists = [self.stages.get(table, []) for table in ("staff", "assignments", "departments")]
        roster = read_roster(self.con, lists[0], postings=lists[1], departments=lists[2])
        directory = self.directories["departments"]
        return matching.Known(
            roster=roster, pseudonyms=self.pseudonyms, places=self._places(), departments=set() if directory.is_open else set(directory.ids.values())
        )

    def _places(self) -> dict[str, tuple[str, str]]:
        """Stage -> file and sheet."""
        places = {stage.key: (stage.grid.file, stage.grid.sheet) for stage in self._all_stages()}
        return places | {key: (grid.file, grid.sheet) for key, grid, _ in self.logs}

    def _check_duplicates(self) -> None:
        for number, (table, stages) in enumerate(self.stages.items()):
            spec = self.schema.table(table)
            key = (*spec.primary_key, "as_of") if table == "staff" else spec.primary_key
            self._view(f"all_{table}", stages)
            layouts = [stage.layout for stage in stages]
            shown = next((one for one in key if any(layout.has(one) for layout in layouts)), "")
            heading = headings_of(layouts, shown) if shown else ""
            with self._step(f"{spec.title} の重複を確かめています", 0.85, 0.9, of=(number, len(self.stages))):
                for place, part in enumerate(self._parts(spec)):
                    self._view(f"part_{table}_{place}", part)
                    alike = part[0].alike if len(part) == 1 and part[0].on_disk else f"part_{table}_{place}"
                    check_duplicates(self.con, f"part_{table}_{place}", alike=alike, spec=spec, key=key, heading=heading)
            if not key and len(stages) > 1:
                self._remark(refuse_repeated_periods(self.con, f"all_{table}", spec=spec))

    def _parts(self, spec: TableSpec) -> list[list[Stage]]:
        stages = self.stages.get(spec.name, [])
        return complementary(stages, spec) if stages and spec.primary_key and spec.name in _MEASURED else [stages]

    def _view(self, called: str, stages: Iterable[Stage]) -> None:
        union = " UNION ALL BY NAME ".join(f"SELECT * FROM {stage.table}" for stage in stages)
        self.con.execute(f"CREATE VIEW {called} AS {union}")

    def _remark(self, found: Mapping[str, list[str]]) -> None:
        for stage, notes in found.items():
            self.remarks.setdefault(stage, []).extend(notes)

    def _derive(self) -> None:
        """SQL for the tables that were not delivered but follow from others."""
        staff = [stage for stage in self.stages.get("staff", []) if stage.layout.has("department_id")]
        if staff and "assignments" not in self.stages:
            self.derived["assignments"] = people.derive_assignments(staff)
        for table, stem in _NAMED.items():
            directory = self.directories[table]
            if table not in self.stages and directory.ids and (table != "processes" or "workload" in self.stages or self.logs):
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
        logs = " UNION ALL BY NAME ".join(f"SELECT * FROM {log.table}" for _, _, log in self.logs)
        for number, spec in enumerate(self.schema.tables.values()):
            parts = [self._accepted(stage) for stage in self.stages.get(spec.name, ())]
            if len(self._parts(spec)) > 1:
                parts = [joined_sql(spec, " UNION ALL BY NAME ".join(parts))]
            parts += [logs] if spec.name == "workload" and logs else []
            parts += [self.derived[spec.name]] if spec.name in self.derived and not parts else []
            if parts:
                with self._step("表を書き出しています", 0.9, 0.99, of=(number, len(self.schema.tables))):
                    self._copy(spec, " UNION ALL BY NAME ".join(parts), target)
        if self.logs:
            union = " UNION ALL ".join(f"SELECT * FROM {log.durations}" for _, _, log in self.logs)
            self.con.execute(f"COPY (SELECT * FROM ({union}) ORDER BY ALL) TO {target_text(target / 'durations.parquet')} (FORMAT parquet)")
        self._write_rejected(target / "rejected.csv")
        (self.work / "unmatched.csv").replace(target / "unmatched.csv")

    def _copy(self, spec: TableSpec, source: str, target: Path) -> None:
        if spec.name == "staff":
            source = f"SELECT * FROM ({source}) QUALIFY row_number() OVER (PARTITION BY staff_id ORDER BY as_of DESC NULLS LAST, _stage, _rid) = 1"
        present = {str(row[0]) for row in rows(self.con, f"DESCRIBE {source}")}
        fields = [f"CAST({name(one.name) if one.name in present else 'NULL'} AS {one.database_type}) AS {name(one.name)}" for one in spec.kept]
        select = f"SELECT {', '.join(fields)} FROM ({source})"
        if any(stage.on_disk for stage in self.stages.get(spec.name, ())):
            # Too large to be put in order; the order of the file is kept. Several threads would lose it at a join, and so would sides swapped.
            self.con.execute("SET threads = 1")
            self.con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        else:
            # A key orders a table fully; without one all columns must, so that the order of files does not show.
            select += f" ORDER BY {', '.join(name(one) for one in spec.primary_key) or 'ALL'}"
        execute(self.con, f"COPY ({select}) TO {target_text(target / f'{spec.name}.parquet')} (FORMAT parquet)")
        self.con.execute("RESET disabled_optimizers")
        self.con.execute("RESET threads")

    def _write_rejected(self, path: Path) -> None:
        create_table(self.con, "places", columns=("stage", "file", "sheet"), values=[(key, *place) for key, place in self._places().items()])
        # In pieces, since a file whose every row is refused is no reason to run out of memory.
        found = self.con.execute(f'SELECT DISTINCT file, sheet, line, "column", rule FROM {FAULTS} JOIN places USING (stage) ORDER BY ALL')
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("file", "sheet", "row", "column", "rule", "reason", "hint"))
            while lines := found.fetchmany(_PIECE):
                writer.writerows((*line, *RULES[line[-1]]) for line in lines)

    def report(self, matched: MatchReport | None) -> LoadReport:
        """What was read; asserts that every row was either accepted or refused."""
        files = list(self.aside)
        for stage in self._all_stages():
            accepted = scalar(self.con, f"SELECT count(*) FROM ({self._accepted(stage)})")
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
        whole = FileReport(file=grid.file, sheet=grid.sheet, table=table, encoding=grid.encoding, rows_read=stage.rows_read)
        whole = replace(whole, notes=(*stage.notes, *self.remarks.get(stage.key, ())))
        return replace(whole, rows_accepted=accepted, rows_rejected=rejected, cells_repaired=dict(stage.repaired))


def _assert_all_counted(read: int, accepted: int, rejected: int, *, place: str) -> None:
    if accepted + rejected != read:
        reason = f"行の数が合いません（読んだ {read}、受け入れた {accepted}、除いた {rejected}）"
        raise DataError(reason, place=place, hint="kdx_eval の不具合です。この文を添えて知らせてください")


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
