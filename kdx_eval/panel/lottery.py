"""Who applied, who was drawn, and who of them took part: the log of a lottery, and applicants as the comparison of volunteers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kdx_eval.errors import NotIdentifiedError, PlanError
from kdx_eval.panel.attendance import Attendance
from kdx_eval.panel.tables import Tables, column, month_index
from kdx_eval.plan import Question
from kdx_eval.units import format_number, format_share

if TYPE_CHECKING:
    import duckdb

# Who won a place and gave it up was drawn all the same: leaving them out would undo the lottery.
DRAWN = ("selected", "declined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A lottery with its log.

    Attributes
    ----------
    n_drawn, n_drawn_attended : int
        Applicants who won a place (those who gave it up included), and how many of them took part.
    n_lost, n_lost_attended : int
        Applicants who did not (落選・補欠), and how many of them took part all the same.
    n_strata : int
        Groups within which lots were drawn.
    """

    n_drawn: int
    n_drawn_attended: int
    n_lost: int
    n_lost_attended: int
    n_strata: int

    @property
    def compliance(self) -> float:
        """Share of those drawn who took part, less the share of the others who did: what the draw itself moved."""
        return self.n_drawn_attended / self.n_drawn - self.n_lost_attended / self.n_lost

    @property
    def sentence(self) -> str:
        """Compliance in words."""
        drawn, lost = self.n_drawn_attended / self.n_drawn, self.n_lost_attended / self.n_lost
        groups = f"（{format_number(self.n_strata)}つの区分で抽選）" if self.n_strata > 1 else ""
        return (
            f"抽選の結果どおりに受けたか{groups}：当選{format_number(self.n_drawn)}人のうち受講したのは{format_number(self.n_drawn_attended)}人"
            f"（{format_share(drawn, 0)}。辞退も当選に数えます）、落選・補欠{format_number(self.n_lost)}人のうち受講したのは"
            f"{format_number(self.n_lost_attended)}人（{format_share(lost, 0)}）。"
            "見出しの効果は、実際に受けたかによらず、当選した側と落選した側を比べたものです。"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exits:
    """Units of a lottery whose outcome is not known throughout, by side: how many were drawn to begin within the panel, how many to wait, and lost of each."""

    n_treated: int = 0
    lost_treated: int = 0
    n_waiting: int = 0
    lost_waiting: int = 0

    def and_lost(self, treated: npt.NDArray[np.bool_]) -> Exits:
        """The same after these units (whether they were drawn to begin) are left out too."""
        more = int(treated.sum())
        return replace(self, lost_treated=self.lost_treated + more, lost_waiting=self.lost_waiting + len(treated) - more)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Applicants:
    """Everyone who applied for the courses of a question.

    Attributes
    ----------
    frame : DataFrame
        person, drawn (bool), stratum (text, empty where lots were not drawn by group), month of the first application (missing where unknown);
        one row a person, drawn if ever drawn.
    """

    frame: pd.DataFrame = field(repr=False)

    def draw(self, attendance: Attendance) -> Draw:
        """Who was drawn and took part."""
        came = self.frame["person"].isin(attendance.frame["person"])
        drawn = self.frame["drawn"]
        return Draw(
            n_drawn=int(drawn.sum()),
            n_drawn_attended=int((drawn & came).sum()),
            n_lost=int((~drawn).sum()),
            n_lost_attended=int((~drawn & came).sum()),
            n_strata=int(self.frame["stratum"].nunique()),
        )

    def as_drawn(self, attendance: Attendance) -> Attendance:
        """Attendance as the draw would have had it: every winner from the month in which the first winner of the same group and round began.

        Nothing that a person did after the draw decides on the side or the month: intention to treat. Raises NotIdentifiedError where no month is known.
        """
        came = attendance.frame[["person", "month", "listed_department"]]
        winners = self.frame[self.frame["drawn"]].merge(came, on="person", how="left", suffixes=("", "_began"))
        began = winners.groupby(["stratum", winners["month"].fillna(-1)])["month_began"].transform("min")
        begun = winners.assign(month=began.fillna(winners["month_began"].min()).fillna(winners["month"]), matched=True)
        if begun["month"].isna().any():
            raise NotIdentifiedError("当選した人がいつから受けられたかがわかりません", hint="応募者の表に応募日、または受講記録に受講日を入れてください")
        return replace(attendance, frame=begun[["person", "matched", "listed_department", "month"]].reset_index(drop=True))


def read_applicants(connection: duckdb.DuckDBPyConnection, tables: Tables, *, courses: list[str], question: Question) -> Applicants | None:
    """The applicants of the courses, where the design needs them; None for a lottery without their table.

    Raises
    ------
    PlanError
        ``control: applicants`` without a row of applicants for these courses.
    NotIdentifiedError
        Every applicant was chosen, or in a lottery none.
    """
    of_departments = question.design == "lottery" and question.departments  # whole departments were drawn: applications say nothing of it
    if question.control != "applicants" and (question.design != "lottery" or of_departments):
        return None
    frame = pd.DataFrame({"person": [], "drawn": []})
    if tables.has("applicants") and "course_id" in tables.columns("applicants"):
        stratum = column(tables, "applicants", name="lottery_stratum", kind="VARCHAR")
        applied = month_index(column(tables, "applicants", name="applied_on", kind="DATE"))
        frame = connection.execute(
            f"""SELECT staff_id AS person, bool_or(list_contains($drawn, outcome)) AS drawn, coalesce(min({stratum}), '') AS stratum, min({applied}) AS month
                FROM applicants WHERE list_contains($courses, course_id) AND staff_id IS NOT NULL AND outcome IS NOT NULL
                GROUP BY staff_id ORDER BY staff_id""",
            {"courses": courses, "drawn": list(DRAWN)},
        ).df()
    if len(frame):
        if frame["drawn"].all() or (question.design == "lottery" and not frame["drawn"].any()):
            who = "全員が選ばれた" if frame["drawn"].all() else "誰も選ばれていない"
            hint = "応募者の表の選考結果を確かめるか、計画の design を staggered、control を not_yet_treated にしてください"
            raise NotIdentifiedError(f"応募した人の{who}ため、応募者どうしでは比べられません", hint=hint)
        return Applicants(frame=frame)
    if question.control == "applicants":
        raise PlanError(
            "「応募者」の表に、この研修の応募の記録がありません",
            place=f"{question.question_id}.control",
            hint="応募者（選考結果つき）の一覧を入れるか、control を not_yet_treated にしてください",
        )
    return None
