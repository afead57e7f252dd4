"""Does the loader ever change a result without saying so? Thousands of damaged copies of valid deliveries, each with its outcome.

Run: python run.py fuzz-data [--copies 10000] [--seed 1] [--jobs 2]; writes docs/fuzz_data.csv and docs/FUZZ.md. Ends with status 1 when a
copy was changed silently or made the loader fail. One copy again: --only NAME:SEED. The table is written after each batch; with --keep FILE
the outcome of each copy is kept there too, and a run that was killed goes on where it was.
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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias, cast

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import fuzz_excel  # noqa: E402, F401  (enters its mutations)
from fuzz_base import DELIVERIES, base_delivery  # noqa: E402
from fuzz_judge import OUTCOMES, Loaded, Outcome, judge, load  # noqa: E402
from fuzz_text import MUTATIONS, Copy, NotApplicableError  # noqa: E402

from kdx_eval.manifest import code_digest, digest_file, digest_json  # noqa: E402

BATCH = 200  # copies between two signs of progress
Task: TypeAlias = tuple[str, int]  # mutation, seed
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


def try_copy(task: Task) -> Result:
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


def tasks_of(copies: int, *, seed: int, only: Iterable[str] = ()) -> list[Task]:
    """Which mutations under which seeds: every mutation equally often; the same seed gives the same copies."""
    names = sorted(only or MUTATIONS)
    return [(names[number % len(names)], seed * 1_000_000 + number // len(names)) for number in range(copies)]


def run(tasks: Sequence[Task], *, jobs: int) -> Iterator[list[Result]]:
    """The results of ``tasks``, batch by batch."""
    batches = [tasks[start : start + BATCH] for start in range(0, len(tasks), BATCH)]
    if jobs == 1:
        yield from ([try_copy(task) for task in batch] for batch in batches)
        return
    pool = ProcessPoolExecutor(jobs)
    try:
        for batch in batches:
            try:
                yield list(pool.map(try_copy, batch, chunksize=8))
            except BrokenProcessPool:
                yield [_alone(task) for task in batch]
                pool = ProcessPoolExecutor(jobs)
    finally:
        pool.shutdown(cancel_futures=True)


def _alone(task: Task) -> Result:
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


def as_markdown(table: dict[str, Counter[str]], results: list[Result], *, command: str, of: int = 0) -> str:
    """The page docs/FUZZ.md; it says so when it has less than ``of`` copies."""
    total = sum(table.values(), Counter())
    finished = [] if total.total() >= of else [f"**Not finished: {total.total():,} of {of:,} copies so far.**", ""]
    lines = [
        "# Damaged copies",
        "",
        f"Made by `{command}`: {total.total():,} copies, {len(MUTATIONS)} mutations, three small deliveries (tests/studies/fuzz_base.py).",
        "",
        *finished,
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


@cache
def _code() -> str:
    """What the outcomes depend on: the package and the harness."""
    return digest_json({"code": code_digest()} | {path.name: digest_file(path) for path in sorted(Path(__file__).parent.glob("fuzz_*.py"))})


def kept(path: Path | None) -> list[Result]:
    """The results that an earlier run of the same code kept in ``path``."""
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as stream:
        mine = [row[1:] for row in csv.reader(stream) if row[0] == _code() and len(row) == 1 + len(Result.__slots__)]
    return [Result(row[0], int(row[1]), row[2], row[3], cast("Outcome", row[4]), row[5]) for row in mine]


def keep(path: Path | None, results: Iterable[Result]) -> None:
    """Add ``results`` to the file ``path``."""
    if path is not None:
        with path.open("a", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows((_code(), *astuple(result)) for result in results)


def write_tables(out: Path, results: list[Result], *, command: str, of: int) -> str:
    """fuzz_data.csv and FUZZ.md in ``out``; the page is returned."""
    table = summarise(results)
    page = as_markdown(table, results, command=command, of=of)
    with (out / "fuzz_data.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("family", *OUTCOMES))
        writer.writerows((family, *(counts[outcome] for outcome in OUTCOMES)) for family, counts in table.items())
    (out / "FUZZ.md").write_text(page, encoding="utf-8", newline="\n")
    return page


def main(arguments: list[str]) -> int:
    """Run, show progress, write the tables; 1 when a copy was changed silently or made the loader fail."""
    parser = argparse.ArgumentParser(prog="python run.py fuzz-data", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--copies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", default="", help="a mutation, or NAME:SEED for one copy")
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    parser.add_argument("--keep", type=Path, help="a file that keeps the outcome of each copy; a run with the same file goes on")
    chosen = parser.parse_args(arguments)
    name, _, one = chosen.only.partition(":")
    command = f"python run.py fuzz-data --copies {chosen.copies} --seed {chosen.seed}"
    home = tempfile.mkdtemp(prefix="kdx_fuzz_")
    os.environ["KDX_EVAL_HOME"] = home
    try:
        if one:
            print(try_copy((name, int(one))))
            return 0
        tasks = tasks_of(chosen.copies, seed=chosen.seed, only=[name] if name else [])
        wanted = set(tasks)
        results = [result for result in kept(chosen.keep) if (result.mutation, result.seed) in wanted]
        done = {(result.mutation, result.seed) for result in results}
        for batch in run([task for task in tasks if task not in done], jobs=chosen.jobs):
            results += batch
            keep(chosen.keep, batch)
            for fault in (result for result in batch if result.outcome in FAULTS):
                print(f"\n{fault.outcome}: --only {fault.mutation}:{fault.seed} ({fault.delivery}, {fault.file}) {fault.detail}", flush=True)
            print(f"\r{len(results):,} / {len(tasks):,}", end="", flush=True)
            if not name:
                write_tables(chosen.out, results, command=command, of=len(tasks))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    page = as_markdown(summarise(results), results, command=command) if name else write_tables(chosen.out, results, command=command, of=len(tasks))
    print(f"\n{page}")
    return int(any(result.outcome in FAULTS for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
