"""The whole table of speed and memory of the effects: against diff-diff and R's figures, CPU seconds in one run, and peak memory.

Run: python tests/benchmarks/bench_effect.py            (prints the table; some three minutes)
     python tests/benchmarks/bench_effect.py --write    (also writes docs/SPEED.md and docs/speed.csv)

Every line comes from a process of its own on one thread. diff-diff is measured in the same process on the same panel as kdx_eval.
"""

from __future__ import annotations

import csv
import gc
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
R_TIMES = ROOT.parent / "shared" / "reference" / "timing_all.csv"
SIZES = {1_000: 5, 10_000: 10, 100_000: 20}  # units -> at least how many times less CPU than diff-diff
REPEATS, DRAWS = 5, 999
PARTS = (100_000, 300_000, 1_000_000)
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
R_METHODS = ("did_att_gt_analytic_reg_fasterTRUE", "did_aggte_dynamic_analytic_fasterTRUE")
HEAD = ("what", "goal", "kdx_eval", "the other", "reached", "met")

Line = tuple[str, str, str, str, str, str]


def cpu(action: Callable[[], object], repeats: int = REPEATS) -> float:
    """Smallest CPU time of several runs: what the code needs, not what the machine was doing."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def make_frame(units: int = 10_000, periods: int = 48) -> pd.DataFrame:
    """Eight cohorts and never treated, noise with unit and period effects, effect growing with exposure."""
    rng = np.random.default_rng(0)
    cohort = rng.choice([0, 13, 16, 19, 22, 25, 28, 31, 34], units)
    period = np.arange(1, periods + 1)
    treated = (cohort[:, None] > 0) & (period[None, :] >= cohort[:, None])
    outcome = rng.normal(0, 1, (units, 1)) + rng.normal(0, 1, (1, periods)) + rng.normal(0, 1, (units, periods))
    outcome += np.where(treated, 0.1 * (period[None, :] - cohort[:, None] + 1), 0.0)
    return pd.DataFrame({"id": np.repeat(np.arange(units), periods), "t": np.tile(period, units), "g": np.repeat(cohort, periods), "y": outcome.ravel()})


def diff_diff(frame: pd.DataFrame, draws: int = 0) -> tuple[Any, Any]:
    """All effects, and the event study, by diff-diff from the frame."""
    from diff_diff import CallawaySantAnna

    model = CallawaySantAnna(control_group="not_yet_treated", n_bootstrap=draws, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.fit(frame, outcome="y", unit="id", time="t", first_treat="g")
        return found, found.aggregate("event_study")


def effects_child(units: int) -> dict[str, float]:
    """CPU seconds from the panel and from the frame, with pointwise intervals and with simultaneous bands, and diff-diff's."""
    from kdx_eval.effect import group_time_effects, moments
    from kdx_eval.panel.type import Panel

    frame = make_frame(units)

    def panel() -> Panel:
        return Panel.from_frame(frame, unit="id", period="t", cohort="g", outcome="y", never=0)

    def pointwise(given: Panel) -> object:
        effects = group_time_effects(moments(given))
        study = effects.aggregate("event_time")
        return effects.table(), study.rows.estimate(study.moments), study.covariance()

    def bands(given: Panel) -> object:
        effects = group_time_effects(moments(given))
        return effects.table(), effects.aggregate("event_time").table()

    one = panel()
    require_same(group_time_effects(moments(one)).table(), diff_diff(frame)[0])
    return {
        "panel": cpu(lambda: pointwise(one)),
        "frame": cpu(lambda: pointwise(panel())),
        "bands": cpu(lambda: bands(panel())),
        "theirs": cpu(lambda: diff_diff(frame), 2),
    }


def require_same(ours: pd.DataFrame, theirs: Any) -> None:
    """Stop unless every effect is the same: a quick answer to another question is no answer."""
    known: Mapping[tuple[float, float], Mapping[str, float]] = theirs.group_time_effects
    other = {(float(g), float(t)): float(found["effect"]) for (g, t), found in known.items()}
    same = {(float(row.cohort), float(row.period)): float(row.estimate) for row in ours.itertuples()}
    if other.keys() != same.keys() or max(abs(other[key] - same[key]) for key in other) > 1e-8:
        raise SystemExit("the effects differ")


def bootstrap_child(units: int) -> dict[str, float]:
    """CPU seconds from the frame to all effects and the event study with bootstrap errors and bands."""
    from kdx_eval.effect import group_time_effects, moments, multiplier_bootstraps
    from kdx_eval.panel.type import Panel

    frame = make_frame(units)

    def event_study_only(*, whole: bool) -> object:
        panel = Panel.from_frame(frame, unit="id", period="t", cohort="g", outcome="y", never=0)
        effects = group_time_effects(moments(panel))
        study = effects.aggregate("event_time")
        return [found.table() for found in multiplier_bootstraps([effects, study] if whole else [study], panel, draws=DRAWS)]

    ours = {"all": cpu(lambda: event_study_only(whole=True)), "study": cpu(lambda: event_study_only(whole=False))}
    return {**ours, "theirs": cpu(lambda: diff_diff(frame, DRAWS), 2)}


def memory_child(units: int, *, library: bool) -> dict[str, float]:
    """Peak resident memory from the frame to the results, over what the process held before the frame was there, as a multiple of the frame.

    The peak is the kernel's (VmHWM, set back before the work), so that NumPy's memory counts too.
    """
    from kdx_eval.effect import group_time_effects, moments
    from kdx_eval.panel.type import Panel

    small = make_frame(300)
    group_time_effects(moments(Panel.from_frame(small, unit="id", period="t", cohort="g", outcome="y", never=0))).aggregate("event_time").table()
    if library:
        diff_diff(small)
    frame = make_frame(units)
    gc.collect()
    size = float(frame.memory_usage(index=True).sum()) / 2**20
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    if library:
        diff_diff(frame)
    else:
        effects = group_time_effects(moments(Panel.from_frame(frame, unit="id", period="t", cohort="g", outcome="y", never=0)))
        effects.table(), effects.aggregate("event_time").table()
    added = resident("VmHWM") - before
    return {"frame": size, "added": added, "times": (size + added) / size}


def resident(what: str) -> float:
    """Megabytes of this process now (VmRSS) or at most (VmHWM); Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith(what + ":"))) / 1024


def tests_child() -> dict[str, float]:
    """CPU seconds of the randomisation test (2 000 draws, 60 units) and of relative magnitudes (four bounds and the breakdown value)."""
    from bench_sensitivity import lottery, random_study

    from kdx_eval.effect import fisher_test, relative_magnitudes

    panel, study = lottery(60, 48), random_study(24, 12)
    found = {f"fisher {kind}": cpu(lambda kind=kind: fisher_test(panel, estimand=kind, draws=2000), 2) for kind in ("simple", "event_time")}
    return {**found, "magnitudes": cpu(lambda: relative_magnitudes(**study), 2)}


def child(*words: str) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--child", *words]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.1f} ms"


def ratio_line(what: str, goal: float, ours: float, theirs: float) -> Line:
    times = theirs / ours
    return (what, f"≥ {goal:g}x", milliseconds(ours), milliseconds(theirs), f"{times:.1f}x", "yes" if times >= goal else "**no**")


def limit_line(what: str, limit: float, found: float, unit: str, other: str = "") -> Line:
    return (what, f"≤ {limit:g} {unit}", f"{found:.2f} {unit}", other, f"{found:.2f} {unit}", "yes" if found <= limit else "**no**")


def lines() -> list[Line]:
    """The whole table."""
    found: list[Line] = []
    ours: dict[int, dict[str, float]] = {}
    for units, goal in SIZES.items():
        one = ours[units] = child("effects", str(units))
        found.append(ratio_line(f"N = {units:,}, 376 effects and event study, from the panel; diff-diff from its frame", goal, one["panel"], one["theirs"]))
        found.append(ratio_line(f"N = {units:,}, the same from the long frame", goal, one["frame"], one["theirs"]))
        found.append(ratio_line(f"N = {units:,}, from the long frame, with simultaneous bands (diff-diff has none)", goal, one["bands"], one["theirs"]))
    drawn = child("bootstrap", "10000")
    found.append(ratio_line(f"N = 10,000, {DRAWS} draws, event study, from the frame", 20, drawn["study"], drawn["theirs"]))
    found.append(ratio_line(f"N = 10,000, {DRAWS} draws, all effects and event study, from the frame", 20, drawn["all"], drawn["theirs"]))
    found += r_lines(ours)
    memory, other = child("memory", "100000", "ours"), child("memory", "100000", "library")
    found.append(limit_line("N = 100,000, peak memory with the frame, from the frame to results", 2, memory["times"], "x", f"{other['times']:.2f} x"))
    tests = child("tests")
    found += [limit_line(f"randomisation test, 60 units, 2 000 draws, {kind}", 1, tests[f"fisher {kind}"], "s") for kind in ("simple", "event_time")]
    found.append(limit_line("relative magnitudes, 24 + 12 periods, 4 bounds and breakdown", 2, tests["magnitudes"], "s"))
    return found + parts_lines()


def r_lines(ours: Mapping[int, Mapping[str, float]]) -> list[Line]:
    """Against R's did (its faster mode, effects and event study), CPU seconds of another machine; nothing where they are not at hand."""
    if not R_TIMES.is_file():
        return [("N = 10,000 against R's did", "≥ 100x", "", "figures not at hand", "", "not measured")]
    with R_TIMES.open(encoding="utf-8", newline="") as stream:
        taken = {row["method"]: float(row["user"]) + float(row["sys"] or 0) for row in csv.DictReader(stream) if row["N"] == "10000"}
    theirs = sum(taken[method] for method in R_METHODS)
    return [
        ratio_line("N = 10,000, from the long frame, against R's did 2.3 (another machine)", 100, ours[10_000]["frame"], theirs),
        ratio_line("N = 10,000, the same with simultaneous bands", 100, ours[10_000]["bands"], theirs),
    ]


def parts_lines() -> list[Line]:
    """From Parquet through DuckDB, in parts."""
    from bench_parts import measured

    taken = {units: measured(units) for units in PARTS}
    each = {units: 1e6 * one["cpu"] / units for units, one in taken.items()}
    found = [
        limit_line(f"{units:,} units x 48 months, Parquet to event study, peak RSS", 1024, one["mb"], "MB", f"{one['cpu']:.1f} CPU s")
        for units, one in taken.items()
    ]
    growth = each[PARTS[-1]] / each[PARTS[0]]
    return [*found, limit_line(f"CPU a unit at {PARTS[-1]:,} against {PARTS[0]:,} (1 is linear)", 1.25, growth, "x")]


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        what, *rest = sys.argv[2:]
        if what == "memory":
            print(json.dumps(memory_child(int(rest[0]), library=rest[1] == "library")))
        else:
            print(json.dumps(tests_child() if what == "tests" else {"effects": effects_child, "bootstrap": bootstrap_child}[what](int(rest[0]))))
        return
    table = lines()
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in (HEAD, ("---",) * len(HEAD), *table)) + "\n"
    print(text)
    if "--write" in sys.argv:
        (ROOT / "docs" / "SPEED.md").write_text(PAGE.format(table=text), encoding="utf-8", newline="\n")
        with (ROOT / "docs" / "speed.csv").open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows([HEAD, *([cell.strip("*") for cell in line] for line in table)])


PAGE = """# Speed and memory

Made by `python tests/benchmarks/bench_effect.py --write`; the same table as data: [speed.csv](speed.csv). How the loader scales: [SCALE.md](SCALE.md).

{table}
How it is measured

- CPU seconds, user and system, on one thread, smallest of several runs; every line from a process of its own, kdx_eval and diff-diff (3.13.0) in the
  same process on the same panel (48 periods, eight cohorts and never treated, 376 effects). All 376 effects must agree to 1e-8 or the benchmark stops.
- "From the panel" leaves out reading the long frame, which diff-diff's time contains; "from the long frame" does not. With simultaneous bands kdx_eval
  also simulates the sup-t critical value of the event study, a fixed cost.
- The multiplier bootstrap of kdx_eval and of diff-diff both draw {draws} times with Rademacher weights; R's figures are CPU seconds recorded on another
  machine, so their ratio is of two machines.
- Memory is resident memory of a child process: the kernel's peak (VmHWM), set back to the present just before the work, less what was resident then,
  plus the frame, over the frame. It counts NumPy's memory.
- Parquet to event study: DuckDB (limit 300 MB, two threads) sorts by unit, one range of units after the other, and hands over panels of 10,000 units, of
  which only the cohort moments are kept (`panel/parts.py`). The file is in the order of units; in another order it gives the same bits and is read once a
  range. Peak RSS is of the whole process, libraries included.
- The machine was shared with other work, which makes CPU seconds larger.
""".replace("{draws}", str(DRAWS))


if __name__ == "__main__":
    main()
