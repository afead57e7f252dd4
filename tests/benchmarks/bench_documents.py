"""All documents of one run: at most 10 s of CPU for a city like the demo's, and 20 s for the 別冊 of a run of 200 questions.

Run: PYTHONPATH=. python tests/benchmarks/bench_documents.py [results folder of a run]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kdx_eval.report.annex import annex_pdf
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.documents import write_documents
from kdx_eval.report.pictures import draw_pictures
from kdx_eval.results import Results, read_results
from tests.report_city import AS_OF, city, evidence, plan, question, study


def many_questions(number: int) -> Results:
    """The small city with that many questions, each with a study, checks and sentences of its own."""
    titles = {f"q{place}": f"{place}番目の研修は、窓口と内部事務の時間外勤務時間をどれだけ減らしたと言えるか" for place in range(number)}
    studies = {key: study(key, title, -1.0) for key, title in titles.items()}
    found = {key: evidence(key, title, "判定不能", headline=studies[key].headline) for key, title in titles.items()}
    return city(studies=studies, evidence=found, plan=plan(tuple(question(key, title) for key, title in titles.items())))


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process for one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def annex_of(results: Results) -> bytes:
    """The ledger, the plots and the 別冊 from nothing."""
    return annex_pdf(results, build_ledger(results), pictures=draw_pictures(results), as_of=AS_OF)


if __name__ == "__main__":
    results = read_results(Path(sys.argv[1])) if len(sys.argv) > 1 else city()
    with tempfile.TemporaryDirectory() as folder:
        print(f"all documents of one run: CPU {cpu_seconds(lambda: write_documents(results, Path(folder), as_of=AS_OF)):.1f} s")
    many = many_questions(200)
    print(f"別冊 of 200 questions: CPU {cpu_seconds(lambda: annex_of(many)):.1f} s")
