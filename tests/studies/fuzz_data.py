"""Does the loader ever change a result without saying so? Thousands of damaged copies of valid deliveries, each with its outcome.

Run: python run.py fuzz-data [--copies 10000] [--seed 1] [--jobs 2]; writes docs/fuzz_data.csv and docs/FUZZ.md. Ends with status 1 when a
copy was changed silently or made the loader fail. One copy again: --only NAME:SEED.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import fuzz_excel  # noqa: E402, F401  (enters its mutations)
from fuzz_base import DELIVERIES, base_delivery  # noqa: E402
from fuzz_judge import OUTCOMES, Loaded, Outcome, judge, load  # noqa: E402
from fuzz_text import MUTATIONS, Copy, NotApplicableError  # noqa: E402

BATCH = 500  # copies between two signs of progress
FAULTS: tuple[Outcome, ...] = ("silent", "crash")


@dataclass(frozen=True, slots=True)
class Result:
    """One damaged copy: which mutation, under which seed, in which delivery, and what became of it."""

    mutation: str
    seed: int
    delivery: str
    file: str
    outcome: Outcome
    detail: str


@cache
def original(called: str) -> Loaded:
    """The undamaged delivery, read once in each process."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "data"
        write(folder, base_delivery(called))
        found = load(folder, Path(place) / "cache")
        assert found.said  # while its files are there
        return found


def write(folder: Path, files: dict[str, bytes]) -> None:
    """The files of a delivery into a new folder."""
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_bytes(content)


def try_copy(task: tuple[str, int]) -> Result:
    """Damage a copy, load it, and say what became of it."""
    name, seed = task
    draw = random.Random(f"{name}:{seed}")
    for called in draw.sample(sorted(DELIVERIES), len(DELIVERIES)):
        copy = Copy(files=dict(base_delivery(called)), random=draw)
        try:
            MUTATIONS[name].apply(copy)
        except NotApplicableError:
            continue
        with tempfile.TemporaryDirectory() as place:
            write(Path(place) / "data", copy.files)
            verdict = judge(Path(place) / "data", Path(place) / "cache", original(called))
        return Result(name, seed, called, copy.touched, verdict.outcome, verdict.detail)
    raise AssertionError(f"{name} fits no delivery")


def run(copies: int, *, seed: int, jobs: int, only: Iterable[str] = ()) -> Iterator[Result]:
    """Results of ``copies`` damaged copies, every mutation equally often; the same seed gives the same copies."""
    names = sorted(only or MUTATIONS)
    tasks = [(names[number % len(names)], seed * 1_000_000 + number // len(names)) for number in range(copies)]
    if jobs == 1:
        yield from map(try_copy, tasks)
        return
    for start in range(0, len(tasks), BATCH):
        batch = tasks[start : start + BATCH]
        try:
            with ProcessPoolExecutor(jobs) as pool:
                results = list(pool.map(try_copy, batch, chunksize=8))
        except BrokenProcessPool:
            results = [_alone(task) for task in batch]
        yield from results


def _alone(task: tuple[str, int]) -> Result:
    """One copy in a process of its own, since a library that aborts takes its process with it."""
    try:
        with ProcessPoolExecutor(1) as pool:
            return pool.submit(try_copy, task).result()
    except BrokenProcessPool:
        return Result(*task, "", "", "crash", "the process died")


def summarise(results: Iterable[Result]) -> dict[str, Counter[str]]:
    """Family -> outcome -> number of copies."""
    table: dict[str, Counter[str]] = {}
    for result in results:
        table.setdefault(MUTATIONS[result.mutation].family, Counter())[result.outcome] += 1
    return dict(sorted(table.items()))


def as_markdown(table: dict[str, Counter[str]], results: list[Result], *, command: str) -> str:
    """The page docs/FUZZ.md."""
    total = sum(table.values(), Counter())
    lines = [
        "# Damaged copies",
        "",
        f"Made by `{command}`: {total.total():,} copies, {len(MUTATIONS)} mutations, three small deliveries (tests/studies/fuzz_base.py).",
        "",
        f"| family | copies | {' | '.join(OUTCOMES)} |",
        f"|---|{'---:|' * (len(OUTCOMES) + 1)}",
    ]
    lines += [f"| {family} | {counts.total():,} | {' | '.join(f'{counts[outcome]:,}' for outcome in OUTCOMES)} |" for family, counts in table.items()]
    lines += [f"| **all** | {total.total():,} | {' | '.join(f'{total[outcome]:,}' for outcome in OUTCOMES)} |", ""]
    lines += [
        "- **same**: every table equals the original's. **refused**: a message in Japanese, without a value, and no result.",
        "  **quarantined**: the tables lack rows that rejected.csv names, and nothing else. **flagged**: the tables differ, and a note, the",
        "  quality report or rejected.csv says so. **silent** and **crash** must be 0.",
        "- **indistinguishable**: the copy is another valid delivery, and nothing in it could tell (the rules stand in tests/studies/fuzz_judge.py).",
        "  Every such copy is counted here and not under *same*. There are five kinds:",
        "  1. cells of columns that the delivery says only once (`SAID_ONCE`): no total, no second file, no hole in a grid. A bit that turns a grade 3",
        "     into a 1 is another person's grade;",
        "  2. an id written otherwise, which all tables follow, or all staff numbers where no list of staff was delivered: another label;",
        "  3. two departments of the cross-tab that exchanged their names: totals down and across stay right;",
        "  4. a list without a total that ends earlier, at a line end: a shorter list. A row lost in its beginning or middle is noticed by the running number;",
        "  5. an optional column that is not in the file: a city that does not keep it.",
        "",
        "  By table and column, with the number of copies:",
        "",
    ]
    unseen = Counter(result.detail for result in results if result.outcome == "indistinguishable")
    lines += [f"  - {detail} ({count})" for detail, count in sorted(unseen.items())] or ["  none"]
    faults = [result for result in results if result.outcome in FAULTS]
    if faults:
        lines += ["", "## To be mended", "", *dict.fromkeys(f"- {fault.outcome}: `{fault.mutation}` on {fault.file}: {fault.detail}" for fault in faults)]
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Run, show progress, write the table; 1 when a copy was changed silently or made the loader fail."""
    parser = argparse.ArgumentParser(prog="python run.py fuzz-data", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--copies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="a mutation, or NAME:SEED for one copy")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    chosen = parser.parse_args(arguments)
    home = tempfile.mkdtemp(prefix="kdx_fuzz_")
    os.environ["KDX_EVAL_HOME"] = home
    try:
        name, _, one = chosen.only.partition(":")
        if one:
            print(try_copy((name, int(one))))
            return 0
        results = []
        for result in run(chosen.copies, seed=chosen.seed, jobs=chosen.jobs, only=[name] if name else []):
            results.append(result)
            if result.outcome in FAULTS:
                print(f"\n{result.outcome}: --only {result.mutation}:{result.seed} ({result.delivery}, {result.file}) {result.detail}", flush=True)
            if len(results) % 50 == 0:
                print(f"\r{len(results):,} / {chosen.copies:,}", end="", flush=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    table = summarise(results)
    page = as_markdown(table, results, command=f"python run.py fuzz-data --copies {chosen.copies} --seed {chosen.seed}")
    if not name:
        with (chosen.out / "fuzz_data.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(("family", *OUTCOMES))
            writer.writerows((family, *(counts[outcome] for outcome in OUTCOMES)) for family, counts in table.items())
        (chosen.out / "FUZZ.md").write_text(page, encoding="utf-8", newline="\n")
    print(f"\n{page}")
    return int(any(counts[outcome] for counts in table.values() for outcome in FAULTS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
