"""Workload events written by the synthetic city, loaded, and read again from the cache, against one bare DuckDB GROUP BY over the same file.

Run: python tests/benchmarks/bench_scale.py [rows, default 1000000]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def seconds(action: Callable[[], object]) -> float:
    """Elapsed seconds of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    import duckdb

    from kdx_eval.load import load_dataset
    from kdx_eval.synthetic_city import write_workload

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ["KDX_EVAL_HOME"] = str(Path(folder) / "home")
        path = Path(folder) / "data" / "workload.parquet"
        written = seconds(lambda: write_workload(path, rows=rows, seed=1))
        query = f"""SELECT department_id, date_trunc('month', "date") AS month, sum("minutes") FROM '{path.as_posix()}' GROUP BY ALL"""
        bare = seconds(lambda: duckdb.sql(query).fetchall())
        loaded = seconds(lambda: load_dataset(path.parent))
        again = seconds(lambda: load_dataset(path.parent))
    print(f"{rows:,} rows: written {written:.1f} s; bare GROUP BY {bare:.2f} s; loaded {loaded:.1f} s; from the cache {again:.2f} s")
    print(f"load / bare = {loaded / bare:.0f}; cache / load = {again / loaded:.3f}")


if __name__ == "__main__":
    main()
