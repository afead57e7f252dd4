"""The site of a run, and what may leave the office: made in a folder of its own and put in place when whole."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kdx_eval.errors import OutputError

PUBLIC = "public"  # the one folder that may leave the office


def publish(out: Path, *, as_of: dt.date, notebooks: Sequence[Path]) -> None:
    """Replace ``out/site`` by one made from ``out/results``; a page of an earlier run does not outlive its question.

    Raises
    ------
    DataError
        When the results cannot be read.
    OutputError
        When a page cannot be written; the site is then as it was.
    """
    from kdx_eval.report.site import write_site
    from kdx_eval.results import read_results

    results = read_results(out / "results")
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=out, ignore_cleanup_errors=True) as folder:
        made = write_site(results, Path(folder), as_of=as_of, notebooks=notebooks).parent
        _put(made, out / made.name, aside=Path(folder) / "earlier")


def publish_outside(out: Path, *, as_of: dt.date) -> None:
    """Replace ``out/public`` by documents and a site for readers outside the office; raises as `publish`."""
    from kdx_eval.report.documents import write_documents
    from kdx_eval.report.site import write_site
    from kdx_eval.results import read_results

    results = read_results(out / "results")
    with tempfile.TemporaryDirectory(prefix=".tmp-", dir=out, ignore_cleanup_errors=True) as folder:
        made = Path(folder) / PUBLIC
        write_documents(results, made, as_of=as_of, audience="public")
        write_site(results, made, as_of=as_of, audience="public")
        _put(made, out / PUBLIC, aside=Path(folder) / "earlier")


def _put(made: Path, target: Path, *, aside: Path) -> None:
    try:
        if target.exists():
            shutil.move(target, aside)
        made.rename(target)
    except OSError as error:
        raise OutputError("サイトを書き込めません", place=target.name, hint="サイトや文書のファイルを開いている場合は閉じてください") from error
