"""What the user sees: messages, progress bars, and errors as one Japanese message with an exit status."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from kdx_eval.errors import KdxError

if TYPE_CHECKING:
    from rich.console import Console

UNEXPECTED_STATUS = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED_STATUS = 130
_LOG_BYTES = 1_000_000
_FILE_WIDTH, _TEXT_WIDTH = 200, 10  # characters; of a text column at least so many stay
_NUMBER = re.compile(r"[-+±△]?[\d,]*\.?\d*%?|—|-")
_SHOWN = "\n\u3000"  # a full-width space is a blank that people type, in folder names too


def prepare_streams() -> None:
    """A Windows console in cp932 shows what it can and a question mark for the rest, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def console(*, stderr: bool = False) -> Console:
    """A console on the present standard output or error; text is never read as markup."""
    from rich.console import Console

    # File names and place names are data: brackets in them are not styles, ":" words no emoji.
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True)


def say(*lines: str) -> None:
    """Print lines on standard output."""
    screen = console()
    for line in lines:
        screen.print(_plain(line))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table on standard output."""
    from rich import box
    from rich.cells import cell_len
    from rich.table import Table

    screen = console()
    if not screen.is_terminal:
        screen.width = _FILE_WIDTH  # a file has no edge at which to break lines
    shown = Table(box=box.SIMPLE_HEAD if screen.encoding.lower().startswith("utf") else box.ASCII, header_style="bold", padding=(0, 1, 0, 0))
    for header, cells in zip(headers, zip(*rows, strict=True) if rows else ([] for _ in headers), strict=True):
        # A number broken over two lines would be read as two.
        number = bool(cells) and all(_NUMBER.fullmatch(str(cell)) for cell in cells)
        longest = max((cell_len(str(cell)) for cell in (header, *cells)), default=0)
        kept = longest if number else min(longest, _TEXT_WIDTH)
        shown.add_column(header, overflow="fold", no_wrap=number, min_width=kept, justify="right" if number else "left")
    for row in rows:
        shown.add_row(*(_plain(str(cell)) for cell in row))
    screen.print(shown)


def _plain(text: str) -> str:
    """Without control characters, which a hostile name could use to rewrite the screen; commands as they can be typed."""
    return as_typed("".join(char if char.isprintable() or char in _SHOWN else "〓" for char in text))


def quoted(path: Path) -> str:
    """A path as it is typed in a command: in quotation marks where it holds blanks, also full-width ones."""
    return f'"{path}"' if re.search(r"\s", str(path)) else str(path)


def as_typed(text: str) -> str:
    """``text`` with the commands in it as the user has to type them: started by run.py there is no program named kdx-eval."""
    return re.sub(r"kdx-eval(?=[ 」])", lambda _: os.environ.get("KDX_EVAL_COMMAND") or "kdx-eval", text)


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """A callback that moves a bar on a terminal, and prints one line a step elsewhere."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield _line_progress(screen)
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("準備しています", total=1.0)
        yield lambda text, share: bar.update(task, description=_plain(text), completed=share)


def _line_progress(screen: Console) -> Callable[[str, float], None]:
    last: list[str] = [""]

    def report(text: str, share: float) -> None:
        if text != last[0]:
            last[0] = text
            screen.print(f"[{share:4.0%}] {_plain(text)}")

    return report


def guarded(action: Callable[[], int | None]) -> int:
    """Run ``action`` and return the exit status; any error becomes one Japanese message on standard error."""
    guard = _Guard()
    with guard:
        guard.status = action() or 0
    return guard.status


class _Guard:
    """The last line of defence: no traceback and no cell value on the screen."""

    def __init__(self) -> None:
        self.status = UNEXPECTED_STATUS

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if isinstance(error, KdxError):
            self.status = error.exit_status
            _complain(error.message)
        elif isinstance(error, KeyboardInterrupt):
            self.status = INTERRUPTED_STATUS
            _complain("中断しました。もう一度実行すると、終わったところの次から始まります。")
        elif isinstance(error, BrokenPipeError):
            # The reader (less, head) has left; nothing more can be shown, not even at interpreter exit.
            self.status = 0
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        elif isinstance(error, Exception):
            log = _write_log(error)
            where = f"詳細（セルの値は含みません）: {log}" if log else "詳細は記録できませんでした"
            remedy = "同じ操作で繰り返すときは、記録を添えて開発元へ知らせてください"
            _complain(f"[UNEXPECTED] 予期しない誤りが起きました（{type(error).__name__}） → {remedy}。{where}")
        return error is None or isinstance(error, Exception | KeyboardInterrupt)


def _complain(message: str) -> None:
    console(stderr=True).print(_plain(message))


def _write_log(error: BaseException) -> Path | None:
    """Frames and class names only: messages of foreign exceptions may hold cell values."""
    from kdx_eval.safe import write_atomic

    frames = [f"  {Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    entry = "\n".join([type(error).__name__, *frames]) + "\n\n"
    try:
        log = log_folder() / "kdx-eval.log"
        earlier = log.read_text(encoding="utf-8") if log.is_file() else ""
        return write_atomic(log, (earlier + entry)[-_LOG_BYTES:])
    except (OSError, KdxError):
        return None


def log_folder() -> Path:
    """Where logs go: ``KDX_EVAL_HOME/log``, else the user's log folder."""
    home = os.environ.get("KDX_EVAL_HOME")
    if home:
        return Path(home) / "log"
    from platformdirs import user_log_path

    return user_log_path("kdx_eval", appauthor=False)
