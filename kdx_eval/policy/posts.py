"""Where people are posted, each on a day of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from kdx_eval.panel.postings import Postings


def posted_on(postings: Postings, people: pd.Series, *, days: pd.Series) -> pd.Series:
    """Main post of each person on the day beside it, in the order given; missing where nobody is posted.

    The same rule as `Postings.on`: of several main posts the one that began last, a concurrent post (兼務) only where there is no main one.
    """
    asked = pd.DataFrame({"staff_id": people.to_numpy(dtype=object), "day": days.to_numpy(dtype="datetime64[s]")})
    unique = asked.drop_duplicates().reset_index(drop=True)
    unique["row"] = np.arange(len(unique))
    both = unique.merge(postings.frame, on="staff_id")
    held = both[(both["valid_from"] <= both["day"]) & (both["day"] <= both["valid_to"])]
    order = ["row", "main", "valid_from", "valid_to", "department_id"]
    last = held.sort_values(order, kind="stable").drop_duplicates("row", keep="last").set_index("row")["department_id"]
    unique["department"] = last.reindex(unique["row"]).to_numpy(dtype=object)
    return asked.merge(unique, on=["staff_id", "day"], how="left")["department"]
