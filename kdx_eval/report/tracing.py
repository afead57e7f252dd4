"""From a printed figure back to files, sheets and rows: what ``kdx-eval trace`` shows, read from a run's folder."""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kdx_eval.errors import DataError, ParameterError
from kdx_eval.report.blocks import shorten
from kdx_eval.report.ledger import Claim, Ledger
from kdx_eval.report.lineage import PARAMETERS, PEERS, PLAN, POLICY

LEDGER = "documents/ledger.json"
_SHOWN_DIGITS = 12  # of a digest: enough to compare by eye
_WIDTH = 90
_MOST_DEEP = 12
_NUMBER = re.compile(r"[△\d][\d,.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run's folder tells about its figures."""

    ledger: Ledger
    files: tuple[Mapping[str, Any], ...]
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]
    plan: Mapping[str, Any]


def read_run(folder: Path) -> Run:
    """The ledger, the row counts and the digests of a run.

    Raises
    ------
    DataError
        When the folder is not one that a run wrote.
    """
    stored = _read(folder / LEDGER)
    if stored is None:
        hint = "kdx-eval run か demo が書き出したフォルダーを --run で指定してください"
        raise DataError("数字の台帳がありません", place=f"{folder.name}/{LEDGER}", hint=hint)
    names = {field.name for field in fields(Claim)}
    try:
        claims = tuple(Claim(**{**{key: value for key, value in row.items() if key in names}, "inputs": tuple(row["inputs"])}) for row in stored["claims"])
        ledger = Ledger(claims=claims, digest=stored["digest"])
    except (KeyError, TypeError) as error:
        raise DataError("数字の台帳の形が違います", place=LEDGER, hint="同じ版の kdx-eval で実行し直してください") from error
    quality = (_read(folder / "results" / "quality.json") or {}).get("quality", {})
    recorded = _read(folder / "manifest.json") or {}
    return Run(
        ledger=ledger,
        files=tuple(quality.get("files", ())),
        inputs={entry["path"]: entry["sha256"] for entry in recorded.get("inputs", ())},
        outputs={entry["path"]: entry["sha256"] for entry in recorded.get("outputs", ())},
        plan=_read(folder / "results" / "plan.json") or {},
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise DataError("実行の記録を読めません", place=path.name, hint="kdx-eval run で作り直してください") from error


def find_claims(ledger: Ledger, text: str) -> tuple[Claim, ...]:
    """The claims that an id, a name or a printed text means.

    Returns
    -------
    tuple of Claim
        One for an id or a name; else those printed exactly so, else those in whose text it stands as a whole number; figures first.

    Raises
    ------
    ParameterError
        When there is none; the message names what comes near.
    """
    wanted = _plain(text)
    exact = [claim for claim in ledger if _plain(claim.id) == wanted or _plain(claim.name) == wanted]
    exact = exact or [claim for claim in ledger if wanted in {_plain(printed) for printed in _printed(claim)}]
    if not exact and len(wanted) > 1:
        whole = re.compile(rf"(?<![\d,.△]){re.escape(wanted)}(?![\d]|[,.]\d)" if wanted[0] in "△0123456789" else re.escape(wanted))
        exact = [claim for claim in ledger if any(whole.search(_plain(printed)) for printed in (*_printed(claim), claim.title))]
    if exact:
        return tuple(sorted(exact, key=lambda claim: not claim.is_figure))
    near = difflib.get_close_matches(text, [claim.name for claim in ledger], n=5, cutoff=0.5)
    hint = f"近いもの: {'、'.join(near)}" if near else "kdx-eval trace --list で、すべての数字の番号と名前を見られます"
    raise ParameterError("台帳に、この番号・名前・表示の数字はありません", place=shorten(text, 40), hint=hint)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def _printed(claim: Claim) -> tuple[str, ...]:
    thousand = (f"{claim.text}千円",) if claim.unit == "円" and not claim.text.endswith("円") else ()
    return tuple(filter(None, (claim.text, claim.full_text, claim.range_text, claim.full_range, *thousand)))


def list_rows(ledger: Ledger, word: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Id, title, printed text and name of every figure, or of those in which the word stands."""
    wanted = _plain(word)
    for claim in ledger:
        if claim.is_figure and (not wanted or wanted in _plain("".join((claim.id, claim.title, claim.name, *_printed(claim))))):
            yield claim.id, claim.title, " ".join(filter(None, (claim.full_text, claim.full_range))), claim.name


def trace_lines(run: Run, claim: Claim) -> list[str]:
    """The tree below one figure, a line each: formula, inputs, and at the ends the files with sheets and rows."""
    walk = _Walk(run)
    lines = [*_heading(claim), *walk.below(claim, indent="", seen=(claim.name,))]
    return [*lines, f"照合番号（計算結果）{run.ledger.digest[:_SHOWN_DIGITS]}…"]


def _heading(claim: Claim) -> Iterator[str]:
    yield f"{claim.id}　{claim.title}　{_value(claim)}"
    details = (("名前", claim.name), ("計算", claim.formula), ("方法", claim.method), ("根拠", claim.grade), ("値（丸める前）", _raw(claim)))
    yield from (f"  {label}: {text}" for label, text in details if text)


def _raw(claim: Claim) -> str:
    if claim.value is None:
        return ""
    ends = "" if claim.low is None or claim.high is None else f"（{claim.low!r} ～ {claim.high!r}）"
    return f"{claim.value!r}{ends} {claim.unit}"


def _value(claim: Claim) -> str:
    shown = claim.full_text if claim.is_figure else f"「{shorten(claim.text, _WIDTH)}」"
    return f"{shown}（{claim.full_range}）" if claim.full_range else shown


class _Walk:
    """Follows the inputs of claims; what was shown once is only named the second time."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._shown: set[str] = set()

    def below(self, claim: Claim, *, indent: str, seen: tuple[str, ...]) -> Iterator[str]:
        """The lines below a claim."""
        parts = [name for name in claim.inputs if name not in seen]
        for place, name in enumerate(parts):
            last = place == len(parts) - 1
            head, inner = indent + ("└ " if last else "├ "), indent + ("　 " if last else "│ ")
            if not self._run.ledger.has(name):
                yield from self._end(name, head=head, inner=inner)
                continue
            found = self._run.ledger.claim(name)
            formula = f"　＝ {found.formula}" if found.formula else ""
            if name in self._shown or len(seen) > _MOST_DEEP:
                yield f"{head}{found.id}　{found.title}　{_value(found)}（上に示したとおり）"
                continue
            self._shown.add(name)
            yield f"{head}{found.id}　{found.title}　{_value(found)}{formula}"
            yield from self.below(found, indent=inner, seen=(*seen, name))

    def _end(self, name: str, *, head: str, inner: str) -> Iterator[str]:
        if name == PLAN:
            yield f"{head}評価の計画{_digest((self._run.plan.get('frozen') or {}).get('sha256', ''))}"
        elif name == POLICY:
            yield f"{head}方針の版（data_schema/policy と、データのフォルダーの policy/）"
        elif name == PEERS:
            yield f"{head}他団体の公表例 {PEERS}（例ごとに出典と確かさ）"
        elif name == PARAMETERS:
            yield f"{head}前提の一覧 {PARAMETERS}（割引率・定着・年間の勤務時間。値ごとに出所と有効期間）"
        elif name.startswith("results/"):
            yield f"{head}計算結果 {name}{_digest(self._run.outputs.get(name, ''))}"
        else:
            yield from self._table(name, head=head, inner=inner)

    def _table(self, name: str, *, head: str, inner: str) -> Iterator[str]:
        from kdx_eval.schema import load_schema

        tables = load_schema().tables
        title = tables[name].title if name in tables else name
        files = [item for item in self._run.files if item.get("table") == name]
        if not files:
            yield f"{head}表「{title}」（この実行では受け取っていない）"
            return
        if name in self._shown:
            yield f"{head}表「{title}」（上に示したとおり）"
            return
        self._shown.add(name)
        yield f"{head}表「{title}」 採用{sum(item['rows_accepted'] for item in files):,}行"
        for place, item in enumerate(files):
            mark = "└ " if place == len(files) - 1 else "├ "
            sheet = f" シート「{item['sheet']}」" if item.get("sheet") else ""
            rows = f"読み込み{item['rows_read']:,}行・採用{item['rows_accepted']:,}行・除外{item['rows_rejected']:,}行"
            yield f"{inner}{mark}{item['file']}{sheet}　{rows}{_digest(self._run.inputs.get(item['file'], ''))}"


def _digest(text: str) -> str:
    return f"　SHA-256 {text[:_SHOWN_DIGITS]}…" if text else ""


def ends_of(ledger: Ledger, claim: Claim) -> frozenset[str]:
    """Every table and file below a claim; empty when following its inputs leads nowhere."""
    found: set[str] = set()
    waiting: list[str] = list(claim.inputs)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if ledger.has(name):
            waiting += ledger.claim(name).inputs
        else:
            found.add(name)
    return frozenset(found)


def latest_run(folders: Iterable[Path]) -> Path | None:
    """The folder whose ledger was written last, None when none has one."""
    found = [folder for folder in folders if (folder / LEDGER).is_file()]
    return max(found, key=lambda folder: (folder / LEDGER).stat().st_mtime, default=None)
