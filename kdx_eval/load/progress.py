"""How far a long step has come: told from where the work is done to whoever shows it, without passing it through every call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Progress: TypeAlias = Callable[[str, float], None]
_POLL = 0.2  # seconds
_TELL: ContextVar[Callable[[float], None] | None] = ContextVar("tell", default=None)


@contextlib.contextmanager
def telling(progress: Progress, sentence: str, *, start: float, end: float) -> Iterator[None]:
    """While inside, what `tell` is told (0 to 1) is shown as ``sentence`` with a share between ``start`` and ``end``, never falling."""
    reached = start

    def told(share: float) -> None:
        nonlocal reached
        reached = max(reached, start + (end - start) * min(max(share, 0.0), 1.0))
        progress(sentence, reached)

    told(0.0)
    token = _TELL.set(told)
    try:
        yield
    finally:
        _TELL.reset(token)


def tell(share: float) -> None:
    """Say how far the step under way has come, 0 to 1; nothing happens when nobody asked."""
    told = _TELL.get()
    if told is not None:
        told(share)


def execute(con: DuckDBPyConnection, sql: str, *, start: float = 0.0, end: float = 1.0) -> None:
    """Run a long statement and tell meanwhile, from ``start`` to ``end``, how far the database has come. Ctrl-C stops it.

    Raises whatever the statement raises.
    """
    counts = _let_it_count(con)
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(lambda: con.execute(sql).fetchall())
        try:
            while not wait((running,), timeout=_POLL).done:
                if counts:
                    tell(start + (end - start) * max(con.query_progress(), 0.0) / 100)
        except BaseException:
            con.interrupt()
            raise
        running.result()
    tell(end)


def _let_it_count(con: DuckDBPyConnection) -> bool:
    """Whether the database counts how far it is: inside a notebook it refuses to without a package that would draw its own bar."""
    import duckdb

    try:
        con.execute("SET enable_progress_bar = true")
    except duckdb.InvalidInputException:
        return False
    con.execute("SET enable_progress_bar_print = false")
    return True
