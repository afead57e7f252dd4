"""On what a figure of saved hours rests: five bases, of which three may stand in a headline; a survey shows its lower bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kdx_eval.errors import RuleError
from kdx_eval.units import format_hours, format_number, format_share

SavingsBasis: TypeAlias = Literal["claimed", "task_measured", "survey", "usage_log", "observed"]
HEADLINE_BASES: frozenset[SavingsBasis] = frozenset(("task_measured", "usage_log", "observed"))
BASIS_WORDS: dict[SavingsBasis, str] = {
    "claimed": "見込み",
    "task_measured": "実測（件数×前後の時間差）",
    "survey": "アンケートからの推計",
    "usage_log": "利用記録・処理記録",
    "observed": "実際の勤務時間",
}
SHORT_WORDS: dict[SavingsBasis, str] = {"claimed": "見込み", "task_measured": "実測", "survey": "アンケート", "usage_log": "記録", "observed": "勤務時間"}
# How work was measured -> the basis of hours saved of it; the weaker of two counts.
MEASURED_BY: dict[str, SavingsBasis] = {
    "timesheet": "observed",
    "log": "usage_log",
    "stopwatch": "task_measured",
    "survey": "survey",
    "allocation": "claimed",
    "estimate": "claimed",
}
_STRENGTH: tuple[SavingsBasis, ...] = ("claimed", "survey", "task_measured", "usage_log", "observed")
MONTHS_A_YEAR = 12


def weakest(bases: frozenset[SavingsBasis]) -> SavingsBasis | None:
    """The basis that a figure made of several must be called by; None without any."""
    return next((basis for basis in _STRENGTH if basis in bases), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Hours that respondents said they saved, and what a headline makes of them.

    Attributes
    ----------
    reported_hours : float
        Sum of the answers over ``months`` months.
    respondents, population : int
        Those who answered, and those to whom the headline figure is applied.

    Raises
    ------
    RuleError
        Nobody answered, more answered than there are, or no month was asked about.
    """

    reported_hours: float
    respondents: int
    population: int
    months: int

    def __post_init__(self) -> None:
        if not 0 < self.respondents <= self.population or not 1 <= self.months <= MONTHS_A_YEAR or self.reported_hours < 0:
            raise RuleError(
                "アンケートの回答者数・対象者数・月数の組み合わせが正しくありません",
                place="interventions（支援案件）",
                hint="回答者数は1以上で対象者数以下、調べた月数は1〜12としてください",
            )

    @property
    def extrapolated_hours(self) -> float:
        """A year's hours if those who did not answer saved as much as those who did: the usual headline, which no document may lead with."""
        return self.reported_hours / self.respondents * self.population * MONTHS_A_YEAR / self.months

    @property
    def lower_hours(self) -> float:
        """A year's hours if those who did not answer saved nothing."""
        return self.reported_hours * MONTHS_A_YEAR / self.months

    @property
    def response_share(self) -> float:
        """Respondents over population."""
        return self.respondents / self.population

    @property
    def sentence(self) -> str:
        """The arithmetic of both figures, ready to print."""
        told, asked, staff = format_number(self.reported_hours), format_number(self.respondents), format_number(self.population)
        months = "" if self.months == MONTHS_A_YEAR else f"×{MONTHS_A_YEAR}÷{self.months}か月"
        return (
            f"アンケートからの推計：{told}時間÷{asked}人×{staff}人{months}＝年{format_hours(self.extrapolated_hours)}。"
            f"答えたのは{format_share(self.response_share, 0)}で、残り{format_number(self.population - self.respondents)}人も同じと置いている。"
            f"答えなかった人を0時間とした下限は、{told}時間{months}＝年{format_hours(self.lower_hours)}。"
        )


def realised_share(realised_hours: float, claimed_hours: float) -> float | None:
    """Realised over claimed hours; None where nothing was claimed."""
    return realised_hours / claimed_hours if claimed_hours > 0 else None
