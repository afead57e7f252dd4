"""The delivered data, typed: the one thing later steps receive from the files."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from kdx_eval.errors import DataError
from kdx_eval.load.answers import Answerable, Span, answerable_from, measured_spans, most_useful
from kdx_eval.load.database import connect, name, path_text, rows, scalar
from kdx_eval.load.files import discover
from kdx_eval.load.mapping import FILE_NAMES, read_mappings
from kdx_eval.load.pipeline import Pipeline
from kdx_eval.load.progress import Progress
from kdx_eval.load.pseudonyms import home_dir, private_dir, read_key
from kdx_eval.load.report import LoadReport, PolicyUsed
from kdx_eval.load.staging import create_faults
from kdx_eval.manifest import code_digest, digest_file, digest_json
from kdx_eval.schema import load_schema
from kdx_eval.schema.policy_version import PolicyVersion, load_policy, versions

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection

_STALE_AFTER = 86_400.0  # seconds; what a killed load left behind is removed after a day


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Dataset:
    """Typed tables of one delivery, without names, with pseudonyms for ids.

    Attributes
    ----------
    folder : Path
        Where the files came from; never written to.
    tables : mapping
        Table -> Parquet file in the user's cache directory.
    rejected : Path
        rejected.csv: file, sheet, row, column, rule, reason, hint of every refused row, never a value.
    digest : str
        SHA-256 of inputs, schema, mapping, key fingerprint and code.
    """

    folder: Path
    tables: Mapping[str, Path]
    report: LoadReport
    rejected: Path
    digest: str

    def __repr__(self) -> str:
        shapes = ", ".join(f"{table} {self.rows(table)}×{len(self.columns(table))}" for table in self.tables)
        return f"Dataset({shapes})"

    def _repr_html_(self) -> str:
        titles = {spec.name: spec.title for spec in load_schema().tables.values()}
        counted = "、".join(f"{titles.get(table, table)} {self.rows(table):,}行" for table in self.tables)
        return f"<p>{len(self.tables)}の表を読みました: {counted}</p>"

    def has(self, table: str) -> bool:
        """Whether the table was delivered or could be derived."""
        return table in self.tables

    def columns(self, table: str) -> tuple[str, ...]:
        """Columns of ``table`` that hold a value; one that the city does not keep is not among them, though `frame` shows it empty.

        Raises DataError when the table is missing.
        """
        self._view(table)
        return _columns_with_values(tuple(self.tables.values()))[self.tables[table]]

    def rows(self, table: str) -> int:
        """Number of rows of ``table``. Raises DataError when it is missing."""
        with self.connect() as con:
            return scalar(con, f"SELECT count(*) FROM {self._view(table)}")

    def connect(self) -> DuckDBPyConnection:
        """A DuckDB connection with one view for each table; close it, or use it in a ``with``."""
        con = connect(private_dir(home_dir("cache") / "tmp"))
        for table, path in self.tables.items():
            con.execute(f"CREATE VIEW {name(table)} AS SELECT * FROM read_parquet({path_text(path)})")
        return con

    def frame(self, table: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """``table`` (or some of its columns) as a pandas frame, in its stored order. Raises DataError when it is missing."""
        wanted = "*" if columns is None else ", ".join(name(column) for column in columns)
        with self.connect() as con:
            return con.execute(f"SELECT {wanted} FROM {self._view(table)}").df()

    def policies(self) -> tuple[PolicyVersion, ...]:
        """Every version of the policy that is shipped or lies in the data folder, earliest first."""
        return tuple(load_policy(version, data=self.folder) for version in versions(self.folder))

    def _view(self, table: str) -> str:
        if table not in self.tables:
            title = load_schema().tables[table].title if table in load_schema().tables else table
            raise DataError(f"表「{title}」がありません", place=str(self.folder), hint="kdx-eval check で足りない表を確かめてください")
        return name(table)


@functools.lru_cache(maxsize=32)
def _columns_with_values(paths: tuple[Path, ...]) -> Mapping[Path, tuple[str, ...]]:
    # All tables at once and kept, since panels ask for every column they may need, and a database takes longer to start than to answer.
    # A cached table never changes: its folder bears its digest.
    found: dict[Path, tuple[str, ...]] = {}
    with connect(private_dir(home_dir("cache") / "tmp")) as con:
        for path in paths:
            table = f"read_parquet({path_text(path)})"
            named = [str(row[0]) for row in rows(con, f"DESCRIBE SELECT * FROM {table}")]
            counts = rows(con, f"SELECT {', '.join(f'count({name(column)})' for column in named)} FROM {table}")[0]  # from the file's statistics
            found[path] = tuple(column for column, count in zip(named, counts, strict=True) if count)
    return found


def load_dataset(folder: Path, *, progress: Progress | None = None, cache_dir: Path | None = None, key_file: Path | None = None) -> Dataset:
    """Read every file of ``folder`` into typed tables, or take them from the cache when nothing has changed.

    Parameters
    ----------
    progress : callable
        Called with a Japanese sentence and the share done, 0 to 1.
    cache_dir : Path
        Where to keep the tables; by default the user's cache directory. Never inside ``folder``.
    key_file : Path
        The key of the pseudonyms, created when missing; by default the user's own.

    Raises
    ------
    DataError
        When the folder is missing or empty, or a file is cut off, protected or in a wrong encoding.
    SchemaError
        When a table lacks a required column, mapping.yaml says something unknown, or a file in policy/ is wrong.
    """
    folder = Path(folder)
    show: Progress = progress or (lambda _sentence, _share: None)
    schema = load_schema()
    if not folder.is_dir():
        raise DataError("データのフォルダがありません", place=str(folder), hint="フォルダの場所を確かめてください")
    mappings = read_mappings(folder, schema)
    policies = _policies(folder)
    pseudonyms = read_key(key_file)
    cache = private_dir(cache_dir) if cache_dir else home_dir("cache")
    if cache.resolve().is_relative_to(folder.resolve()):
        raise DataError("作業用のフォルダがデータのフォルダの中にあります", place=str(cache), hint="KDX_EVAL_HOME を別の場所にしてください")
    show("ファイルを確かめています", 0.0)
    inputs = _input_digests(folder)
    digest = digest_json({"inputs": inputs, "key": pseudonyms.fingerprint, "code": code_digest(), "policies": [one.digest for one in policies]})
    target = private_dir(cache / "datasets") / digest
    if not (target / "report.json").is_file():

        def pipeline(con: DuckDBPyConnection, work: Path) -> Pipeline:
            return Pipeline(con=con, folder=folder, work=work, schema=schema, mappings=mappings, pseudonyms=pseudonyms, progress=show)

        _build(target, pipeline)
    report = replace(LoadReport.from_dict(json.loads((target / "report.json").read_text(encoding="utf-8"))), policies=policies)
    show("読み終わりました", 1.0)
    tables = MappingProxyType({path.stem: path for path in sorted(target.glob("*.parquet"))})
    return Dataset(folder=folder, tables=tables, report=report, rejected=target / "rejected.csv", digest=digest)


def _policies(folder: Path) -> tuple[PolicyUsed, ...]:
    """Every version of the policy, with the city's own; the tables do not depend on them, the remarks on the files do."""
    found = [load_policy(version, data=folder) for version in versions(folder)]
    return tuple(PolicyUsed(version=one.version, label=one.label, effective_from=one.effective_from.isoformat(), digest=one.digest) for one in found)


def _input_digests(folder: Path) -> dict[str, str]:
    """What the result depends on: the content of data files and of the mapping, and the names of files left aside (a plan may change)."""
    found = discover(folder)
    mapping = [folder / called for called in FILE_NAMES if (folder / called).is_file()]
    digests = {path.relative_to(folder).as_posix(): digest_file(path) for path in (*found.readable, *mapping)}
    return {path.relative_to(folder).as_posix(): "" for path, _ in found.ignored} | digests


def _build(target: Path, pipeline: Callable[[DuckDBPyConnection, Path], Pipeline]) -> None:
    """Load into a folder of its own and move it into place when whole, so that a killed load leaves no half result."""
    _sweep(target.parent)
    work = Path(tempfile.mkdtemp(prefix="work-", dir=target.parent))
    try:
        result = private_dir(work / "result")
        with connect(work) as con:
            create_faults(con)
            running = pipeline(con, work)
            running.type(running.read())
            matched = running.match()
            running.write(result)
            report = running.report(matched)
        (result / "report.json").write_text(json.dumps(report.to_dict(), ensure_ascii=False, sort_keys=True, indent=1), encoding="utf-8", newline="\n")
        if sys.platform != "win32":
            for path in result.iterdir():
                path.chmod(0o600)
        with contextlib.suppress(OSError):  # another process was faster: its result is the same
            result.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _sweep(folder: Path) -> None:
    for left in folder.glob("work-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_AFTER:
                shutil.rmtree(left, ignore_errors=True)


def answerable(dataset: Dataset) -> tuple[Answerable, ...]:
    """For each kind of question: whether the delivered tables answer it, what is missing, and a Japanese sentence.

    Questions that compare before and after also say how many months lie before the first training.
    """
    titles, present = _titles(), list(dataset.tables)
    with dataset.connect() as con:
        if dataset.has("workload") and not _holds_staff_time(con):
            present.remove("workload")
            timed = rows(con, """SELECT 1 FROM workload WHERE "minutes" IS NOT NULL LIMIT 1""")
            titles = titles | {"workload": f"業務量（働いた時間。いまあるのは{'所要期間' if timed else '件数'}だけです）"}
        summed = ("worktime",) if dataset.has("worktime") and not _tells_of_persons(con) else ()
        spans = measured_spans(con, {table: dataset.columns(table) for table in dataset.tables})
    return answerable_from(present, titles, spans=spans, summed=summed)


def _holds_staff_time(con: DuckDBPyConnection) -> bool:
    """Whether any minutes of the workload were worked; those of a log without working times are lead time."""
    return bool(rows(con, """SELECT 1 FROM workload WHERE "minutes" IS NOT NULL AND coalesce(measure_basis, '') <> 'lead_time' LIMIT 1"""))


def _tells_of_persons(con: DuckDBPyConnection) -> bool:
    """Whether anybody's own overtime is there."""
    return bool(rows(con, "SELECT 1 FROM worktime WHERE staff_id IS NOT NULL AND overtime_hours IS NOT NULL LIMIT 1"))


def most_useful_missing(dataset: Dataset) -> str:
    """One Japanese sentence: which missing table, or which earlier months, would add most."""
    spans = _spans(dataset)
    return most_useful(answerable_from(dataset.tables, _titles(), spans=spans), _titles(), spans=spans)


def _spans(dataset: Dataset) -> dict[str, Span]:
    with dataset.connect() as con:
        return measured_spans(con, {table: dataset.columns(table) for table in dataset.tables})


def _titles() -> dict[str, str]:
    return {spec.name: spec.title for spec in load_schema().tables.values()}
