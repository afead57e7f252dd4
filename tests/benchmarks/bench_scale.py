"""Workload events by the million: loaded, validated and made into panels, against one bare DuckDB GROUP BY over the same file.

Run: python tests/benchmarks/bench_scale.py [rows ...]        (default 1000000 10000000; 100000000 takes some ten minutes and 3 GB of disk)

Each figure comes from a child process of its own, so that peak memory is its own too. Ratios are of CPU seconds (wall seconds stand in
brackets): on a shared machine only these tell something. docs/SCALE.md says what is timed.
"""

from __future__ import annotations

import csv
import datetime as dt
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STAFF, DEPARTMENTS, PROCESSES = 2_600, 60, 150
CSV_UP_TO = 10_000_000
# Which rows are spoilt, with what, and the rule that must name them: six kinds, ten rows each.
FAULTS = {
    "process_id": ("NULL", "required"), "department_id": ("'D999'", "unknown_department"), "staff_id": ("'1.23E+05'", "lost_digits"),
    "cases": ("1000000000000", "too_large"), "minutes": ("-1", "minimum"), "measure_basis": ("'目分量'", "enum"),
}  # fmt: skip

# A table with a key of three columns and dates in order: postings of 20 000 people, a fortnight each.
POSTINGS = """
COPY (
    SELECT 'S' || (10000 + range % 20000) AS staff_id, 'D' || (100 + turn % 60) AS department_id, DATE '2000-04-01' + CAST(turn * 14 AS INTEGER) AS valid_from,
        DATE '2000-04-14' + CAST(turn * 14 - CASE WHEN range IN {reversed} THEN 20 ELSE 0 END AS INTEGER) AS valid_to
    FROM (SELECT range, range // 20000 - CASE WHEN range IN {again} THEN 1 ELSE 0 END AS turn FROM range({rows}))
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or [1_000_000, 10_000_000]
    print("| rows | GROUP BY | both panels | validation | keyed table | whole load | second run | MB: panels, validation, keyed, load | cp932 CSV |")
    print("|---|---|---|---|---|---|---|---|---|")
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            print(row_of_table(rows, Path(folder)), flush=True)


def row_of_table(rows: int, folder: Path) -> str:
    """One line of the table for ``rows`` events."""
    events, full, keys, text = (folder / name for name in ("events", "full", "keys", "text"))
    child("prepare", folder, folder, rows=rows)  # not here: a child's peak memory begins with its parent's
    load, again = child("load", events, folder), child("load", events, folder)
    bare_events, panels = child("bare", events, folder), child("panels", events, folder)
    bare, checked = child("bare", full, folder), child("validate", full, folder)
    bare_keys, unique = child("bare", keys, folder), child("validate", keys, folder)
    cells = [
        f"{rows:,}", f"{bare_events['cpu']:.2f} ({bare_events['wall']:.2f})", against(panels, bare_events), against(checked, bare),
        against(unique, bare_keys), against(load, bare_events), f"{again['wall']:.2f} s = {again['wall'] / load['wall']:.1%}",
        f"{panels['mb']:.0f}, {checked['mb']:.0f}, {unique['mb']:.0f}, {load['mb']:.0f}",
    ]  # fmt: skip
    if rows <= CSV_UP_TO:
        read = child("load", text, folder)
        cells.append(f"{read['cpu']:.1f} s ({read['wall']:.1f}), {read['mb']:.0f} MB")
    return f"| {' | '.join(cells)} |"


def against(one: dict[str, float], bare: dict[str, float]) -> str:
    """CPU seconds, wall seconds and the ratio of CPU seconds."""
    return f"{one['cpu']:.2f} ({one['wall']:.2f}) = {one['cpu'] / bare['cpu']:.1f}x"


def child(what: str, data: Path, folder: Path, *, rows: int = 0) -> dict[str, float]:
    """Measure one thing in a process of its own."""
    environment = {**os.environ, "KDX_EVAL_HOME": str(folder / "home"), "BENCH_MEASURE": what}
    done = subprocess.run([sys.executable, __file__, str(data), str(rows)], env=environment, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def prepare(folder: Path, rows: int) -> None:
    """Events that do not tell their department with postings; events with lists and seeded faults; the same as a cp932 CSV."""
    import duckdb

    from kdx_eval.synthetic_city import write_workload

    events, full, keys, text = (folder / name for name in ("events", "full", "keys", "text"))
    write_workload(events / "workload.parquet", rows=rows, seed=1, with_department=False)
    write_postings(events / "assignments.csv")
    write_workload(full / "clean.parquet", rows=rows, seed=1)
    # One thread: with several, rows change places at the joins that spoil them.
    with duckdb.connect(config={"memory_limit": "1GB", "temp_directory": str(full / "tmp"), "threads": 1}) as con:
        spoilt = {column: f"[{', '.join(map(str, lines))}]" for column, lines in seeded(rows).items()}
        cases = ", ".join(f"CASE WHEN file_row_number IN {lines} THEN {FAULTS[column][0]} ELSE {column} END AS {column}" for column, lines in spoilt.items())
        source = f"read_parquet('{(full / 'clean.parquet').as_posix()}', file_row_number=true)"
        select = f"SELECT * EXCLUDE (file_row_number) REPLACE ({cases}) FROM {source}"
        con.execute(f"COPY ({select}) TO '{(full / 'workload.parquet').as_posix()}' (FORMAT parquet, COMPRESSION zstd)")
        (full / "clean.parquet").unlink()
        keys.mkdir()
        con.execute(POSTINGS.format(rows=rows, path=(keys / "assignments.parquet").as_posix(), again=again_at(rows), reversed=reversed_at(rows)))
        if rows <= CSV_UP_TO:
            text.mkdir()
            plain = text / "plain.txt"
            con.execute(f"COPY (FROM '{(full / 'workload.parquet').as_posix()}') TO '{plain.as_posix()}' (FORMAT csv, HEADER)")
            with plain.open(encoding="utf-8", newline="") as source_file, (text / "業務量.csv").open("w", encoding="cp932", newline="") as target:
                while chunk := source_file.read(1 << 20):
                    target.write(chunk)
            plain.unlink()
    for data in (full, text) if rows <= CSV_UP_TO else (full,):
        (data / "departments.csv").write_text("所属コード,所属名\n" + "".join(f"D{100 + n},課{n}\n" for n in range(DEPARTMENTS)), encoding="utf-8")
        (data / "processes.csv").write_text("業務コード,業務名\n" + "".join(f"P{1000 + n},業務{n}\n" for n in range(PROCESSES)), encoding="utf-8")


def again_at(rows: int) -> list[int]:
    """Rows (from 0) of the keyed table that say the same as the one 20 000 before."""
    return [rows // 21 * n for n in range(11, 21)]


def reversed_at(rows: int) -> list[int]:
    """Rows (from 0) of the keyed table that end before they begin."""
    return [rows // 21 * n for n in range(1, 11)]


def seeded(rows: int) -> dict[str, list[int]]:
    """Column -> rows (from 0) that are spoilt."""
    step = rows // 61
    return {column: [step * (10 * kind + n + 1) for n in range(10)] for kind, column in enumerate(FAULTS)}


def write_postings(path: Path) -> None:
    """Four years of postings for everybody; one in twenty moves within a year, on any day."""
    chance = random.Random(3)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["staff_id", "department_id", "valid_from", "valid_to"])
        for number in range(STAFF):
            for year in range(2022, 2026):
                day, last = dt.date(year, 4, 1), dt.date(year + 1, 3, 31)
                if chance.random() < 0.05:
                    move = day + dt.timedelta(days=chance.randrange(20, 340))
                    writer.writerow([f"S{10_000 + number}", f"D{100 + chance.randrange(DEPARTMENTS)}", day, move - dt.timedelta(days=1)])
                    day = move
                writer.writerow([f"S{10_000 + number}", f"D{100 + chance.randrange(DEPARTMENTS)}", day, last])


def bare_group_by(data: Path) -> None:
    """One bare GROUP BY by the department written on the row (by the process where the file has none) and month."""
    import duckdb

    by, month, measure = ("process_id" if data.name == "events" else "department_id"), '"date"', 'sum("minutes")'
    if data.name == "keys":
        month, measure = "valid_from", "count(*)"
    file = next(data.glob("*.parquet")).as_posix()
    with duckdb.connect() as con:
        con.execute(f"SELECT {by}, date_trunc('month', {month}) AS month, {measure} FROM '{file}' GROUP BY ALL").fetchall()


def load(data: Path) -> None:
    """The whole load: digests, validation, pseudonyms and the typed copy; or the cache."""
    from kdx_eval.load import load_dataset

    dataset = load_dataset(data)
    if data.name == "text":
        with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
            named = {(int(row["row"]), row["rule"]) for row in csv.DictReader(stream)}
        require_all_named(named, expected_events(dataset.rows("workload") + len(named), header=1))


def validate(data: Path) -> None:
    """Types, words, patterns, limits, required cells, references, keys and orders of every row, without writing a copy."""
    from kdx_eval.load.database import connect
    from kdx_eval.load.mapping import read_mappings
    from kdx_eval.load.pipeline import Pipeline
    from kdx_eval.load.pseudonyms import read_key
    from kdx_eval.load.staging import FAULTS as TABLE
    from kdx_eval.load.staging import create_faults
    from kdx_eval.schema import load_schema

    schema = load_schema()
    with tempfile.TemporaryDirectory() as work, connect(Path(work)) as con:
        create_faults(con)
        pipeline = Pipeline(
            con=con, folder=data, work=Path(work), schema=schema, mappings=read_mappings(data, schema), pseudonyms=read_key(), progress=lambda *_: None
        )
        pipeline.type(pipeline.read())
        pipeline.match()
        named = {(int(line), str(rule)) for line, rule in con.execute(f"SELECT line, rule FROM {TABLE}").fetchall()}
        rows = con.execute(f"SELECT count(*) FROM {'all_assignments' if data.name == 'keys' else 'all_workload'}").fetchall()[0][0]
    require_all_named(named, expected_keys(rows) if data.name == "keys" else expected_events(rows, header=0))


def expected_events(rows: int, *, header: int) -> set[tuple[int, str]]:
    """Line and rule of every fault seeded into the events."""
    return {(line + 1 + header, FAULTS[column][1]) for column, lines in seeded(rows).items() for line in lines}


def expected_keys(rows: int) -> set[tuple[int, str]]:
    """Line and rule of every fault seeded into the keyed table."""
    return {(line + 1, "date_order") for line in reversed_at(rows)} | {(line + 1, "duplicate") for line in again_at(rows)}


def require_all_named(named: set[tuple[int, str]], expected: set[tuple[int, str]]) -> None:
    """Stop unless exactly the seeded faults were named, each with its line."""
    if named != expected:
        raise SystemExit(f"faults named wrongly: {len(named & expected)} of {len(expected)}, {len(named - expected)} others")


def panels(data: Path) -> None:
    """Department x month, each event in the posting of its day, and staff x month, from the loaded dataset."""
    from kdx_eval.load import load_dataset
    from kdx_eval.panel.cells import read_cells
    from kdx_eval.plan import plan_from_dict

    dataset = load_dataset(data)
    measured = begin()
    for unit in ("department", "staff"):
        question = {"question_id": "q", "title": "題", "courses": ["C"], "unit": unit, "outcome": "workload.minutes"}
        plan = plan_from_dict({"request_fiscal_year": 2027, "evaluated_fiscal_year": 2025, "evaluated_through": "2026-03", "questions": [question]})
        with dataset.connect() as con:
            cells = read_cells(con, dataset, question=plan.questions[0], plan=plan)
        if cells.matrix.shape != ({"department": DEPARTMENTS, "staff": STAFF}[unit], 48):
            raise SystemExit(f"a panel of the wrong shape: {cells.matrix.shape}")
    report(measured)


def begin() -> tuple[float, float]:
    """Wall and CPU seconds now."""
    return time.perf_counter(), time.process_time()


def report(since: tuple[float, float]) -> None:
    """Print seconds and peak memory of this process as JSON."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    print(json.dumps({"wall": time.perf_counter() - since[0], "cpu": time.process_time() - since[1], "mb": peak}))


def measure(what: str, data: Path, rows: int) -> None:
    """One measurement, in the child process."""
    for module in ("duckdb", "pandas", "kdx_eval.load.dataset", "kdx_eval.panel.cells"):
        importlib.import_module(module)  # what a program imports is not its work
    if what == "panels":
        panels(data)
        return
    since = begin()
    if what == "prepare":
        prepare(data, rows)
    else:
        {"bare": bare_group_by, "load": load, "validate": validate}[what](data)
    report(since)


if __name__ == "__main__":
    if wanted := os.environ.pop("BENCH_MEASURE", ""):
        measure(wanted, Path(sys.argv[1]), int(sys.argv[2]))
    else:
        main()
