"""Handing data over without names: the loaded tables as CSV files."""

from __future__ import annotations

from pathlib import Path

from kdx_eval.load.database import name, rows, text
from kdx_eval.load.dataset import load_dataset
from kdx_eval.load.report import LoadReport
from kdx_eval.safe import ensure_output_dir, write_atomic
from kdx_eval.schema import load_schema

_FORMULA = r"^[=+@\-\t\r]"


def pseudonymise(folder: Path, out: Path) -> LoadReport:
    """Write the tables of ``folder`` to ``out`` as CSV (UTF-8 with BOM, Japanese headings), without names and with pseudonyms for ids.

    Returns what was read and refused; rejected.csv is written too, and unmatched.csv where somebody must decide.

    Raises
    ------
    DataError, SchemaError
        As `load_dataset` does.
    OutputError
        When ``out`` lies within ``folder`` or cannot be written.
    """
    dataset = load_dataset(folder)
    out = ensure_output_dir(out, Path(folder))
    schema = load_schema()
    with dataset.connect() as con:
        for table in dataset.tables:
            if table not in schema.tables:
                continue
            kept = [spec for spec in schema.tables[table].kept if spec.name in dataset.columns(table)]
            columns = [f"{_guarded(name(spec.name)) if spec.type == 'string' else name(spec.name)} AS {name(spec.title)}" for spec in kept]
            if columns and rows(con, f"SELECT 1 FROM {name(table)} LIMIT 1"):
                frame = con.execute(f"SELECT {', '.join(columns)} FROM {name(table)}").df()
                write_atomic(out / f"{schema.tables[table].title}.csv", "\ufeff" + frame.to_csv(index=False, lineterminator="\n"))
    write_atomic(out / "rejected.csv", dataset.rejected.read_bytes())
    if dataset.report.matched is not None and dataset.report.matched.open:
        write_atomic(out / "unmatched.csv", dataset.rejected.with_name("unmatched.csv").read_bytes())
    return dataset.report


def _guarded(column: str) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe."""
    apostrophe = text("'")
    return f"CASE WHEN regexp_matches({column}, {text(_FORMULA)}) THEN {apostrophe} || {column} ELSE {column} END"
