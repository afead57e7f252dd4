"""From a Parquet file of N units x 48 months to the event study, in parts through DuckDB: seconds and peak memory, a process for each size.

Run: python tests/benchmarks/bench_parts.py [units ...]   (default 100000 300000 1000000)
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PERIODS = 48


def write(path: Path, units: int) -> None:
    """Eight cohorts and never treated; noise from hashes, so that DuckDB writes it without holding it."""
    import duckdb

    with duckdb.connect(config={"memory_limit": "600MB", "temp_directory": str(path.parent)}) as connection:
        connection.execute(f"""COPY (
            SELECT u AS id, t, (CASE WHEN u % 9 = 0 THEN 0 ELSE 9 + 4 * (u % 9 - 1) END)::BIGINT AS g,
                (hash(u * 48 + t) % 1000000) / 1e6 + (hash(u) % 1000) / 1e3 + CASE WHEN u % 9 > 0 AND t >= 9 + 4 * (u % 9 - 1) THEN 0.1 ELSE 0 END AS y
            FROM range({units}) a(u), range(1, {PERIODS + 1}) b(t)) TO '{path.as_posix()}' (FORMAT parquet)""")


def measure(path: Path, units: int) -> dict[str, float]:
    """Seconds, CPU seconds and peak megabytes of this process, and the overall effect."""
    import duckdb

    from kdx_eval.effect import add_moments, group_time_effects, moments
    from kdx_eval.panel.parts import LongTable, panel_parts

    table = LongTable(source="long", unit="id", period="t", cohort="g", outcome="y", never=0)
    begin, cpu = time.perf_counter(), time.process_time()
    with duckdb.connect(config={"memory_limit": "300MB", "temp_directory": str(path.parent), "threads": 2}) as connection:
        connection.execute(f"CREATE VIEW long AS SELECT * FROM read_parquet('{path.as_posix()}')")
        total = add_moments(map(moments, panel_parts(connection, table)))
    study = group_time_effects(total).aggregate("event_time")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = {"wall": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
    return {"units": units, **seconds, "mb": peak, "overall": study.overall.estimate}


def measured(units: int) -> dict[str, float]:
    """The same in a process of its own, whose file is written by another: a child's peak memory begins with its parent's."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.parquet"
        subprocess.run([sys.executable, __file__, "--write", str(path), str(units)], check=True)
        done = subprocess.run([sys.executable, __file__, "--child", str(path), str(units)], check=True, stdout=subprocess.PIPE, encoding="utf-8")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    if sys.argv[1:2] == ["--write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(Path(sys.argv[2]), int(sys.argv[3]))))
        return
    for units in [int(word) for word in sys.argv[1:]] or [100_000, 300_000, 1_000_000]:
        found = measured(units)
        each = f"{1e6 * found['cpu'] / units:.1f} us a unit"
        print(f"{units:>9,} units: {found['wall']:6.1f} s, {found['cpu']:6.1f} CPU s ({each}), peak {found['mb']:,.0f} MB, overall {found['overall']:.4f}")


if __name__ == "__main__":
    main()
