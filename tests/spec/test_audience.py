"""What leaves the office: no cell under ten persons, and none that subtraction or division gives away."""

from __future__ import annotations

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from kdx_eval.batch.publishing import publish_outside
from kdx_eval.budget import Reach
from kdx_eval.report.audience import PUBLIC_NOTE, TOO_FEW, for_audience
from kdx_eval.report.ledger import Ledger
from kdx_eval.results import Results, write_results
from tests.report_city import AS_OF, city

# (enrolled, completed, cost); what must be hidden in each: the course with eight seats; the one in which seven gave up; the smallest beside them.
COURSES = {"ア": (8, 7, 811_000), "イ": (207, 200, 902_000), "ウ": (341, 320, 1_300_007), "エ": (2550, 2512, None), "オ": (61, 40, 503_000)}


def reach(name: str, enrolled: int, completed: int, cost: int | None) -> Reach:
    """One course; every share and price is worked out from the counts, so that it would give them away."""
    each = None if cost is None else round(cost / completed)
    shares = {"completion_share": completed / enrolled, "reach_share": completed / 2600}
    counts: dict[str, Any] = {"enrolled": enrolled, "completed": completed, "staff": 2600, "attendance_hours": 3.0 * enrolled}
    return Reach(course_id=name, course_name=f"研修{name}", cost_yen=cost, cost_per_completion_yen=each, **counts, **shares)


def planted() -> Results:
    """Small cells in every place where persons are counted."""
    results = city()
    assert results.budget is not None
    courses = tuple(reach(name, *numbers) for name, numbers in COURSES.items())
    paid = [item for item in courses if item.cost_yen]
    whole = round(sum(item.cost_yen or 0 for item in paid) / sum(item.completed for item in paid))
    first = results.studies["q1"]
    timing = first.timing.assign(n_persons=[4, 13, 323, 500], share_at_start=[0.5, 0.5, 0.02, np.nan], months_before=30, months_after=12)
    event = first.event_study.assign(n_units=np.where(first.event_study["event_time"] > 15, 8, 24))
    study = replace(first, timing=timing, event_study=event, coverage=("どの課にも結び付かない受講者が6人おり、数えていません。",))
    small = replace(results.studies["q2"], persons_treated=9)
    files = [{"file": "応募者.csv", "sheet": "", "table": "applicants", "rows_read": 5, "rows_accepted": 5, "rows_rejected": 0}]
    return city(
        budget=replace(results.budget, reach=courses, cost_per_completion_yen=whole),
        studies={"q1": study, "q2": small},
        quality={"rows_read": 12000, "rows_accepted": 11950, "rows_rejected": 50, "files": files},
        reach=pd.DataFrame({"course_name": ["研修ア"], "n_enrolled": [8]}),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    write_results(out / "results", planted())
    publish_outside(out, as_of=AS_OF)
    return out / "public"


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return for_audience(planted(), "public")[1]


@pytest.fixture(scope="module")
def shown(folder: Path) -> dict[str, str]:
    """The text of every file, numbers of sheets and parts of Office files as they are written."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".png"):
        if path.suffix == ".pdf":
            found[path.name] = "\n".join(page.extract_text() for page in PdfReader(path).pages)
        elif path.suffix in (".docx", ".xlsx", ".pptx"):
            with zipfile.ZipFile(path) as package:
                found[path.name] = "\n".join(package.read(name).decode("utf-8") for name in package.namelist() if name.endswith((".xml", ".rels")))
        else:
            found[path.name] = path.read_text(encoding="utf-8")
    return found


def test_documents_and_site_are_there_and_nothing_that_belongs_inside(folder: Path) -> None:
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {"documents/annex.pdf", "documents/budget_appendix.pdf", "documents/ledger.json", "site/index.html"} <= names
    assert not [name for name in names if "notebook" in name or name.endswith(".parquet") or name.startswith("results")]


@pytest.mark.parametrize(
    "secret",
    [
        *("8人", "7人", "200人", "6人おり", "9人"),  # small counts, and the completions that the seven who left would be subtracted from
        *(repr(7 / 8), repr(200 / 207), repr(7 / 2600), repr(200 / 2600)),  # shares, unrounded
        *(f"{811_000 // 7:,}", str(round(811_000 / 7)), f"{902_000 // 200:,}", str(902_000 // 200)),  # cost of one completion
        *("応募者.csv", "88%"),
    ],
)
def test_no_public_file_holds_a_small_cell_or_what_gives_it_away(secret: str, shown: dict[str, str]) -> None:
    pattern = re.compile(rf"(?<![\d,.]){re.escape(secret)}")
    assert [name for name, text in shown.items() if pattern.search(text)] == []


def test_inside_the_office_counts_are_shown() -> None:
    inside = for_audience(planted(), "internal")[1]
    assert (inside.text("reach.0.enrolled"), inside.text("reach.1.completed")) == ("8人", "200人")


def test_what_a_total_minus_the_shown_cells_leaves_is_never_a_small_cell(ledger: Ledger) -> None:
    """Attack by subtraction: every total that is printed less every cell that is printed."""
    hidden = [name for place, name in enumerate(COURSES) if ledger.claim(f"reach.{place}.completed").value is None]
    assert {"ア", "イ"} <= set(hidden)
    assert ledger.claim("reach.unit_cost").value is not None
    paid = {name: COURSES[name] for name in COURSES if COURSES[name][2]}
    completions = round(sum(cost or 0 for _, _, cost in paid.values()) / (ledger.claim("reach.unit_cost").value or 1))
    left = completions - sum(COURSES[name][1] for name in paid if name not in hidden)
    assert len([name for name in hidden if name in paid]) >= 2
    assert left >= 10
    for place, name in enumerate(COURSES):
        enrolled, completed = (ledger.claim(f"reach.{place}.{field}").value for field in ("enrolled", "completed"))
        assert enrolled is None or enrolled >= 10, name
        assert completed is None or enrolled is None or not 0 < enrolled - completed < 10, name


def test_a_small_starting_group_is_hidden_together_with_another(ledger: Ledger) -> None:
    shown = for_audience(planted(), "public")[0].studies["q1"].timing
    trained = shown[np.isfinite(shown["cohort"])]
    assert trained["n_persons"].isna().sum() >= 2
    assert 340 - trained["n_persons"].sum() >= 10  # 340 persons in all are printed
    assert shown["share_at_start"].isna().all()  # half of 13 and a fiftieth of 323 are fewer than ten persons
    assert "秘匿" in ledger.text("question.q1.timing.0")


def test_months_that_only_the_small_group_reaches_are_not_drawn() -> None:
    shown = for_audience(planted(), "public")[0].studies["q1"].event_study
    assert shown["event_time"].max() == 15


def test_a_question_on_nine_persons_is_silent_and_so_are_the_totals_that_hold_it(ledger: Ledger) -> None:
    results, _ = for_audience(planted(), "public")
    assert "q2" not in results.studies
    assert ledger.text("question.q2.headline") == TOO_FEW
    assert [claim.name for claim in ledger if claim.question_id == "q2" and claim.is_figure] == []
    assert [claim.name for claim in ledger if claim.name.startswith(("savings.", "value.", "scenario.")) and claim.is_figure] == []


def test_the_public_digest_does_not_confirm_a_guess(ledger: Ledger) -> None:
    assert ledger.digest != for_audience(planted(), "internal")[1].digest
    assert {claim.digest for claim in ledger} == {ledger.digest}


def test_every_public_document_says_what_it_is(shown: dict[str, str]) -> None:
    for name in ("annex.pdf", "budget_appendix.pdf", "budget_appendix.docx", "index.html"):
        assert "公表用です" in re.sub(r"\s", "", shown[name])
    assert json.loads(shown["ledger.json"])["claims"]
    assert "秘匿" in PUBLIC_NOTE


def test_the_plan_may_say_that_all_is_for_the_public() -> None:
    results = planted()
    assert results.plan is not None
    assert for_audience(replace(results, plan=replace(results.plan, audience="public")))[1].note == PUBLIC_NOTE


def test_a_city_without_small_cells_loses_no_figure() -> None:
    inside, outside = (for_audience(city(), audience)[1] for audience in ("internal", "public"))
    assert [claim.text for claim in inside if claim.is_figure] == [claim.text for claim in outside if claim.is_figure]
