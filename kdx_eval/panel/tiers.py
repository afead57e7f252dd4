"""Tiers of staff change each April with the transfers: who was in which tier on which day, and the reach of courses by tier."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kdx_eval.panel.attendance import known_courses
from kdx_eval.panel.tables import Tables, column

if TYPE_CHECKING:
    import duckdb

UNKNOWN = "区分不明"
_FOREVER = dt.date(9999, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Tiers:
    """The history of tiers, both days included.

    Attributes
    ----------
    frame : DataFrame
        staff_id, tier, valid_from, valid_to (datetime64; never missing), ordered by the first and third.
    """

    frame: pd.DataFrame

    def tier_on(self, person: str, day: dt.date) -> str | None:
        """The tier of a person on a day, None where nothing holds; the row that began last counts where two overlap."""
        found = self.tiers_on(pd.Series([person]), pd.Series([pd.Timestamp(day)])).iloc[0]
        return None if pd.isna(found) else str(found)

    def tiers_on(self, people: pd.Series, days: pd.Series) -> pd.Series:
        """The tier of each person on the day beside it, in the order given; missing where nothing holds."""
        asked = pd.DataFrame({"staff_id": people.to_numpy(dtype=object), "day": days.to_numpy(dtype="datetime64[s]"), "row": np.arange(len(people))})
        both = asked.merge(self.frame, on="staff_id")
        held = both[(both["valid_from"] <= both["day"]) & (both["day"] <= both["valid_to"])]
        latest = held.sort_values(["row", "valid_from"], kind="stable").drop_duplicates("row", keep="last").set_index("row")["tier"]
        return latest.reindex(asked["row"]).reset_index(drop=True)


def read_tiers(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Tiers | None:
    """The history of tiers, or None without one; a row without an end is in force until the person's next begins."""
    if not tables.has("tiers") or not {"staff_id", "tier", "valid_from"} <= set(tables.columns("tiers")):
        return None
    end = column(tables, "tiers", name="valid_to", kind="DATE")
    frame = connection.execute(
        f"""SELECT staff_id, tier, valid_from, least(coalesce({end}, DATE '{_FOREVER}'), DATE '{_FOREVER}') AS valid_to
            FROM tiers WHERE staff_id IS NOT NULL AND tier IS NOT NULL AND valid_from IS NOT NULL ORDER BY staff_id, valid_from, valid_to, tier"""
    ).df()
    for name in ("valid_from", "valid_to"):
        frame[name] = frame[name].to_numpy().astype("datetime64[s]")
    return None if frame.empty else Tiers(frame=frame)


def count_by_tier(dataset: Tables) -> pd.DataFrame:
    """Reach of each course by the tier that people were in on the day they attended (enrolled, else completed, else offered).

    Returns
    -------
    DataFrame
        course_id, course_name, tier (``区分不明`` where no tier holds on that day), n_persons (each once in a course, in the tier of their
        first attendance); ordered by course and tier. Empty without a history of tiers.
    """
    connection = dataset.connect()
    try:
        names, tiers = known_courses(connection, dataset), read_tiers(connection, dataset)
        day = ", ".join(column(dataset, "training", name=f"{kind}_on", kind="DATE") for kind in ("enrolled", "completed", "offered"))
        staff = column(dataset, "training", name="staff_id", kind="VARCHAR")
        first = connection.execute(
            f"""SELECT course_id, {staff} AS staff_id, min(coalesce({day})) AS day FROM training
                WHERE {staff} IS NOT NULL AND course_id IS NOT NULL AND coalesce({day}) IS NOT NULL GROUP BY ALL ORDER BY ALL"""
        ).df()
    finally:
        connection.close()
    columns = ["course_id", "course_name", "tier", "n_persons"]
    if tiers is None:
        return pd.DataFrame(columns=columns)
    first["tier"] = tiers.tiers_on(first["staff_id"], first["day"]).fillna(UNKNOWN).to_numpy()
    counted = first.groupby(["course_id", "tier"], sort=True).size().rename("n_persons").reset_index()
    return counted.merge(names, on="course_id", how="left")[columns]
