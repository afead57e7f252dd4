"""Handing data over without names: the loaded tables as CSV files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kdx_eval.errors import OutputError
from kdx_eval.load.database import name, rows, text
from kdx_eval.load.dataset import load_dataset
from kdx_eval.load.report import LoadReport
from kdx_eval.safe import check_output_dir, ensure_output_dir, write_atomic
from kdx_eval.schema import load_schema

_FORMULA = r"^[=+@\-\t\r]"


def pseudonymise(folder: Path, out: Path, *, key_file: Path | None = None) -> LoadReport:
    """Write the tables of ``folder`` to ``out`` as CSV (UTF-8 with BOM, Japanese headings), without names and with pseudonyms for ids.

    Returns what was read and refused; rejected.csv is written too, and unmatched.csv where somebody must decide. Any tables will do. What it
    wrote itself comes out unchanged, and files that bear ids may be done one after the other under one key; files that bear names only must be done
    together with the roster.

    Parameters
    ----------
    key_file : Path
        The key of the pseudonyms, created when missing; by default the user's own. Never inside ``folder`` or ``out``.

    Raises
    ------
    DataError, SchemaError
        As `load_dataset` does.
    OutputError
        When ``out`` lies within ``folder``, holds files of another origin, cannot be written, or when the key would lie beside the data.
    """
    out = check_output_dir(out, Path(folder))
    if key_file is not None and any(key_file.expanduser().resolve().is_relative_to(place.resolve()) for place in (Path(folder), out)):
        raise OutputError("鍵をデータと同じフォルダーに置けません", place=str(key_file), hint="渡すデータとは別の、人事課だけが開ける場所を指定してください")
    dataset = load_dataset(folder, key_file=key_file)
    out = ensure_output_dir(out, Path(folder))
    schema = load_schema()
    contents: dict[str, bytes | str] = {"rejected.csv": dataset.rejected.read_bytes()}
    with dataset.connect() as con:
        for table in dataset.tables:
            if table not in schema.tables:
                continue
            kept = [spec for spec in schema.tables[table].kept if spec.name in dataset.columns(table)]
            columns = [f"{_guarded(name(spec.name)) if spec.type == 'string' else name(spec.name)} AS {name(spec.title)}" for spec in kept]
            if columns and rows(con, f"SELECT 1 FROM {name(table)} LIMIT 1"):
                frame = con.execute(f"SELECT {', '.join(columns)} FROM {name(table)}").df()
                contents[f"{schema.tables[table].title}.csv"] = "\ufeff" + frame.to_csv(index=False, lineterminator="\n")
    if dataset.report.matched is not None and dataset.report.matched.open:
        contents["unmatched.csv"] = dataset.rejected.with_name("unmatched.csv").read_bytes()
    _refuse_strangers(out, contents)
    for called, content in contents.items():
        write_atomic(out / called, content)
    return dataset.report


def _refuse_strangers(out: Path, written: Collection[str]) -> None:
    # The whole folder is handed over: a list with names that lay there before would go along.
    if any(path.name not in written for path in out.iterdir()):
        raise OutputError("出力先にほかのファイルがあります", place=str(out), hint="渡すものだけが入るように、空のフォルダーを --out で指定してください")


def _guarded(column: str) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe."""
    apostrophe = text("'")
    return f"CASE WHEN regexp_matches({column}, {text(_FORMULA)}) THEN {apostrophe} || {column} ELSE {column} END"
