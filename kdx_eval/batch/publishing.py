"""The site of a run, made in a folder of its own and put in place when whole."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kdx_eval.errors import OutputError


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
        try:
            if (out / made.name).exists():
                shutil.move(out / made.name, Path(folder) / "earlier")
            made.rename(out / made.name)
        except OSError as error:
            raise OutputError("サイトを書き込めません", place=made.name, hint="サイトのファイルを開いている場合は閉じてください") from error
