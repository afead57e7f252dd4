"""Names as people write them, pseudonyms for rosters without ids, and the postings that dated rosters show."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kdx_eval.load.database import create_table, text
from kdx_eval.load.pseudonyms import Pseudonyms
from kdx_eval.load.staging import SEPARATOR, Stage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Characters of names that are typed in a commoner form. Exact spelling is tried first.
_VARIANTS = str.maketrans(
    "髙﨑碕𠮷邊邉齋齊斉澤濵濱栁桒廣德惠國嶋嶌眞櫻瀨冨曾靑黑",
    "高崎崎吉辺辺斎斎斎沢浜浜柳桑広徳恵国島島真桜瀬富曽青黒",
)
_ALL_TIME = dt.date(1900, 1, 1)  # a roster without a date is held to be in force throughout
_AS_OF = re.compile(r"(令和|平成|[RHrh])\s*\.?\s*(\d{1,2}|元)\s*[年.\-/]\s*(\d{1,2})\s*[月.\-/]\s*(\d{1,2})|20\d{2}[年./-]\d{1,2}[月./-]\d{1,2}")


def fold_person(written: str) -> str:
    """A person's name for comparison: without spaces; characters are left as they are."""
    return re.sub(r"[\s\u3000]", "", written)


def fold_variants(written: str) -> str:
    """A person's name with uncommon forms of characters replaced by the common ones."""
    return fold_person(written).translate(_VARIANTS)


def fold_kana(written: str) -> str:
    """カナ for comparison: half-width and hiragana become full-width katakana, without spaces."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", written))
    return "".join(chr(ord(char) + 0x60) if "ぁ" <= char <= "ゖ" else char for char in plain)


def roster_date(texts: Iterable[str]) -> dt.date | None:
    """The day on which a roster holds, from its title, sheet or file name (令和6年4月1日現在)."""
    from kdx_eval.load.dates import Refusal, parse_date

    for candidate in texts:
        found = _AS_OF.search(unicodedata.normalize("NFKC", candidate))
        if found:
            day = parse_date(found[0])
            if not isinstance(day, Refusal):
                return day
    return None


def identify_roster(con: DuckDBPyConnection, stages: list[Stage], *, pseudonyms: Pseudonyms) -> None:
    """Give people on rosters without ids a pseudonym: by name and カナ where these are unique on each roster, else with the department.

    Two people who agree in all three cannot be told apart: they get different pseudonyms and later count as ambiguous.
    """
    for stage in stages:
        day = roster_date((stage.layout.title, stage.grid.sheet, stage.grid.file))
        con.execute(f"UPDATE {stage.table} SET as_of = coalesce(as_of, {text(day.isoformat() if day else None)}::DATE)")
    columns = "_stage, _rid, full_name, kana, department_id, as_of"
    union = " UNION ALL ".join(f"SELECT {columns} FROM {stage.table} WHERE staff_id IS NULL AND full_name IS NOT NULL" for stage in stages)
    rows = con.execute(f"SELECT * FROM ({union}) ORDER BY _stage, _rid").fetchall() if stages else []
    keyed = [(stage, rid, fold_person(called), fold_kana(kana or ""), department or "", as_of) for stage, rid, called, kana, department, as_of in rows]
    on_one_roster = Counter((called, kana, as_of) for _, _, called, kana, _, as_of in keyed)
    repeated = {(called, kana) for (called, kana, _), count in on_one_roster.items() if count > 1}
    seen: Counter[tuple[object, ...]] = Counter()
    values: list[tuple[str | None, ...]] = []
    for stage_key, rid, called, kana, department, as_of in keyed:
        parts = (called, kana, department) if (called, kana) in repeated else (called, kana)
        seen[*parts, as_of] += 1
        ordinal = seen[*parts, as_of]
        values.append((stage_key, str(rid), pseudonyms.of(SEPARATOR.join(("name", *parts, str(ordinal))))))
    if values:
        create_table(con, "identified", columns=("stage", "rid", "staff_id"), values=values)
        for stage in stages:
            con.execute(f"UPDATE {stage.table} s SET staff_id = i.staff_id FROM identified i WHERE i.stage = s._stage AND i.rid::BIGINT = s._rid")
        con.execute("DROP TABLE identified")


def derive_assignments(stages: list[Stage]) -> str:
    """SQL of the postings that dated rosters show: from a roster's date until the day before the next one on which the posting is another.

    Who is missing on the next roster ends the day before it; nobody is posted before the first roster; a roster without a date is held to
    be in force throughout; the last roster is in force until today. Two departments on one roster are two postings. What happened between
    two rosters is not known, which ``posting_kind = 'roster'`` says.
    """
    columns = f"staff_id, department_id, coalesce(as_of, DATE '{_ALL_TIME}') AS as_of"
    union = " UNION ".join(f"SELECT {columns} FROM {stage.table} WHERE staff_id IS NOT NULL AND department_id IS NOT NULL" for stage in stages)
    return f"""WITH seen AS ({union}), days AS (SELECT as_of, lead(as_of) OVER (ORDER BY as_of) AS following FROM (SELECT DISTINCT as_of FROM seen)),
        spells AS (SELECT seen.*, following FROM seen JOIN days USING (as_of)),
        numbered AS (SELECT *, CASE WHEN lag(following) OVER w IS NOT DISTINCT FROM as_of THEN 0 ELSE 1 END AS new
            FROM spells WINDOW w AS (PARTITION BY staff_id, department_id ORDER BY as_of)),
        runs AS (SELECT *, sum(new) OVER (PARTITION BY staff_id, department_id ORDER BY as_of) AS run FROM numbered)
        SELECT staff_id, department_id, min(as_of) AS valid_from, arg_max_null(following, as_of) - INTERVAL 1 DAY AS valid_to,
               'roster' AS posting_kind
        FROM runs GROUP BY staff_id, department_id, run"""
