"""Checks on what surrounds the trained departments: rotation, spillover and displaced work, staffing and overtime allotment.

Each runs where the delivery tells, and otherwise names the file that would be needed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.check_parts import BESIDE, Finding, Headline, made, not_made
from kdx_eval.effect.inference import Estimate, make_estimate
from kdx_eval.effect.lee import LeeBounds, lee_bounds
from kdx_eval.effect.study import CheckOutcome, CheckResult
from kdx_eval.effect.unit_contrast import effect_on, fiscal_year_weights, judge_unit_weights, unit_weights
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.panel.surroundings import Surroundings
from kdx_eval.panel.type import FloatArray, Panel
from kdx_eval.units import format_measure, format_share

BoolArray = npt.NDArray[np.bool_]
ROTATION, SPILLOVER, STAFFING = "rotation", "spillover", "staffing"
NOT_RECORDED = "unrecorded_overtime"
LEE = "turnover_bounds"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """A headline, its panel and what is known around it."""

    held: Headline
    panel: Panel
    known: Surroundings

    @property
    def treated(self) -> BoolArray:
        """Units whose effect is counted, (N,)."""
        counted = np.asarray(self.held.found.cells.any(axis=1))
        return np.asarray(counted[self.held.m.groups_of(self.panel)])

    @property
    def never(self) -> BoolArray:
        """Units that were not trained within the panel, (N,)."""
        return np.asarray(self.panel.cohort > self.panel.periods[-1])

    def table(self, values: FloatArray) -> FloatArray:
        """Values by department and month for the units and periods of the panel."""
        return self.known.rows(values, units=self.panel.units, periods=self.panel.periods)

    def without(self, dropped: BoolArray) -> Estimate | str:
        """Change of the headline when these units are left out, with the variance of the change."""
        if not dropped.any():
            return "当てはまる課がありません"
        return self.changed_to(_subset(self.panel, ~dropped), ~dropped)

    def changed_to(self, other: Panel, rows: BoolArray) -> Estimate | str:
        """Estimate of another panel of the same outcome less the headline; ``rows`` are its units among those of this panel."""
        try:
            found = fiscal_year_weights(other, self.held.target)
        except NotIdentifiedError:
            return "その条件では比べられる相手や月が残りません"
        weights = -unit_weights(self.held.found.effect.weights[0], self.panel, m=self.held.m)
        weights[rows] += found
        if np.allclose(weights, 0.0, atol=1e-12):
            return "条件を変えても使うデータが同じです"
        return judge_unit_weights(weights, self.panel, pooled=self.held.pooled, m=self.held.m)

    def effect_on(self, outcome: FloatArray, *, cohort: FloatArray | None = None, keep: BoolArray | None = None, drop_months: bool = False) -> Estimate | str:
        """Effect on another outcome (N, T) of the units and months for which it is known."""
        panel = replace(self.panel, outcome=outcome) if cohort is None else replace(self.panel, outcome=outcome, cohort=cohort)
        panel = panel if keep is None else _subset(panel, keep)
        if drop_months:  # months that nobody tells of lie before the records begin
            some = ~np.isnan(panel.outcome).all(axis=0)
            panel = replace(panel, outcome=panel.outcome[:, some], periods=panel.periods[some], exposure=None)
        seen = np.asarray(~np.isnan(panel.outcome).any(axis=1))
        if not seen.any() or not panel.n_periods:
            return "値のそろう課がありません"
        try:
            return effect_on(_subset(panel, seen), self.held.target)
        except NotIdentifiedError:
            return "値のそろう課だけでは比べられません"

    def in_outcome(self, hours: Estimate | str) -> Estimate | str:
        """Hours in the outcome's own unit."""
        per_unit = self.held.hours_per_unit
        return hours if isinstance(hours, str) or not per_unit else _scaled(hours, 1.0 / per_unit)


def surrounding_findings(held: Headline, panel: Panel) -> list[Finding]:
    """All checks on the surroundings that enter the family; none where the panel was not built from a delivery."""
    if panel.surroundings is None:
        return []
    around = _Around(held=held, panel=panel, known=panel.surroundings)
    return [replace(check(around), place=BESIDE) for check in _CHECKS]


def surrounding_notes(held: Headline, panel: Panel) -> tuple[CheckResult, ...]:
    """What stands beside the family: bounds under differential turnover, and what no record tells."""
    if panel.surroundings is None:
        return ()
    around = _Around(held=held, panel=panel, known=panel.surroundings)
    return (_turnover_bounds(around), *_unrecorded(held))


def _subset(panel: Panel, keep: BoolArray) -> Panel:
    return replace(
        panel,
        outcome=panel.outcome[keep],
        units=panel.units[keep],
        cohort=panel.cohort[keep],
        persons=panel.persons[keep],
        cluster=None,
        weight=None if panel.weight is None else panel.weight[keep],
        stratum=None,
        within=None if panel.within is None else panel.within[keep],
        exposure=None,
        covariates={},
    )


def _scaled(found: Estimate, factor: float) -> Estimate:
    return make_estimate(found.estimate * factor, found.std_error * abs(factor), df=found.df)


def _posting(around: _Around) -> Finding:
    """Who is posted where now, instead of before April: staff who moved carry their training along."""
    finding = Finding(check_id="posting", title="異動の影響（今の所属で計算）", about="受講者を今の所属で数え直した場合との差", row=ROTATION)
    now, panel = around.known.cohort_now, around.panel
    if isinstance(panel.draw, OrderDraw):
        return replace(finding, missing="抽選で決まった時期で比べているため、受講者の数え方には左右されません")
    if now is None:
        return replace(finding, missing="発令日付きの所属履歴（assignments）があれば確かめられます")
    cohort = np.array([now.get(str(unit), np.inf) for unit in panel.units])
    # Dilution by moves is honest: only a change of half the effect, and of more than its own width, says that the result rests on the counting.
    held = around.held
    finding = replace(finding, tolerance=max(held.half_width, abs(held.estimate.estimate) / 2))
    if np.array_equal(cohort, panel.cohort):
        return replace(finding, missing="数え直しても、受けた課と時期は同じです")
    return made(finding, around.changed_to(replace(panel, cohort=cohort), np.ones(panel.n_units, dtype=bool)))


def _turnover(around: _Around) -> Finding:
    """Whether trained departments changed their staff more than others, as hours if all that newcomers do were lost."""
    finding = Finding(check_id="turnover", title="職員の入れ替わりの違い", about="入れ替わった人の分がすべて抜けたとした見かけの差", row=ROTATION)
    if around.known.newcomers is None:
        return replace(finding, missing="2年以上の所属履歴（assignments）があれば確かめられます")
    share = around.table(around.known.newcomers)
    level = around.panel.outcome[:, _before(around)].mean(axis=1, keepdims=True)
    finding = replace(finding, tolerance=abs(around.held.estimate.estimate))
    return made(finding, around.effect_on(share * level, drop_months=True))


def _before(around: _Around) -> BoolArray:
    """Months before anybody was trained, else all, (T,)."""
    panel = around.panel
    before = panel.periods < panel.cohort.min()
    return before if before.any() else np.ones(panel.n_periods, dtype=bool)


def _neighbours(around: _Around) -> BoolArray | None:
    """Untrained departments of a division in which some department was trained, (N,); None where divisions are unknown."""
    divisions = around.known.division
    if divisions is None:
        return None
    own = np.array([divisions.get(str(unit), "") for unit in around.panel.units], dtype=object)
    trained = set(own[around.treated]) - {""}
    return around.never & np.isin(own, list(trained))


def _far_controls(around: _Around) -> Finding:
    """Only departments of other divisions as comparison: what spills over to neighbours or is pushed onto them does not reach those."""
    finding = Finding(check_id="far_controls", title="波及の影響（離れた課とだけ比較）", about="同じ部の未受講の課を相手から除いた場合との差", row=SPILLOVER)
    near = _neighbours(around)
    if near is None:
        return replace(finding, missing="所属の表（departments）に部（division）があれば確かめられます")
    if not (around.never & ~near).any():
        return replace(finding, missing="どの部にも受けた課があり、離れた相手がありません")
    return made(finding, around.without(near))


def _partners(around: _Around) -> Finding:
    """Work pushed onto untrained departments of the same division, for each trained one."""
    finding = Finding(check_id="partner_departments", title="隣の課への移し替え", about="同じ部の未受講の課に移った量（受けた1課当たり）", row=SPILLOVER)
    near = _neighbours(around)
    if near is None:
        return replace(finding, missing="所属の表（departments）に部（division）があれば確かめられます")
    panel, divisions = around.panel, around.known.division or {}
    first: dict[str, float] = {}
    for unit, cohort in zip(panel.units[around.treated], panel.cohort[around.treated], strict=True):
        name = divisions.get(str(unit), "")
        first[name] = min(first.get(name, np.inf), float(cohort))
    # A neighbour counts from the first start in its division.
    cohort = np.array([first.get(divisions.get(str(unit), ""), np.inf) if is_near else np.inf for unit, is_near in zip(panel.units, near, strict=True)])
    found = around.effect_on(panel.outcome, cohort=cohort, keep=around.never)
    if not isinstance(found, str):
        found = _scaled(found, float(near.sum()) / float(around.treated.sum()))
    return made(replace(finding, bad_sign=around.held.bad_sign, after=_net(around, found)), found)


def _net(around: _Around, moved: Estimate | str) -> str:
    if isinstance(moved, str):
        return ""
    net = format_measure(around.held.estimate.estimate + moved.estimate)
    return f"移った分を合わせると、変化は{net}{around.held.unit_label}です。"


def _adopters(around: _Around) -> Finding:
    """Without untrained departments that took over what trained ones wrote: they are treated in part."""
    about = "手引きなどを使っている未受講の課を相手から除いた場合との差"
    finding = Finding(check_id="knowledge_adopters", title="ナレッジの横展開の影響", about=about, row=SPILLOVER)
    if around.known.adopters is None:
        return replace(finding, missing="ナレッジの表（knowledge）に利用所属（reused_by）があれば確かめられます")
    return made(finding, around.without(around.never & _named(around, around.known.adopters)))


def _named(around: _Around, names: Collection[str]) -> BoolArray:
    return np.array([str(unit) in names for unit in around.panel.units], dtype=bool)


def _total_worktime(around: _Around) -> Finding:
    """Hours that were freed here and turn up elsewhere in the same department raise nothing; a rise of all hours means work was moved or added."""
    finding = Finding(check_id="total_worktime", title="勤務時間の総量", about="正規の勤務と時間外を合わせた総量の変化", row=SPILLOVER)
    if not around.held.hours_per_unit:
        return replace(finding, missing="時間に換算する成果ではありません")
    if around.panel.weight is not None:
        return replace(finding, missing="課を単位とする問いで確かめます")
    if around.known.worktime is None:
        return replace(finding, missing="勤務時間の表（worktime）があれば確かめられます")
    found = around.in_outcome(around.effect_on(around.table(around.known.worktime)))
    return made(replace(finding, bad_sign=around.held.bad_sign), found)


def _other_work(around: _Around) -> Finding:
    """Hours of the processes that no support was aimed at, in the same departments: where they rise, work was moved within."""
    finding = Finding(check_id="other_work", title="支援していない業務への移し替え", about="支援していない業務の時間の変化", row=SPILLOVER)
    if not around.held.hours_per_unit:
        return replace(finding, missing="時間に換算する成果ではありません")
    if around.known.other_work is None:
        return replace(finding, missing="業務別の業務量（workload）と、対象業務を書いた支援案件（interventions）があれば確かめられます")
    found = around.in_outcome(around.effect_on(around.table(around.known.other_work)))
    return made(replace(finding, bad_sign=around.held.bad_sign), found)


def _per_head(around: _Around) -> Finding:
    """At the headcount before training: each unit's outcome moved to the staff it had then, the difference being its own outcome."""
    finding = Finding(check_id="per_head", title="人員の増減の影響（実員1人当たり）", about="受講前の人数にそろえた場合との差", row=STAFFING)
    if around.known.staff is None:
        return replace(finding, missing="人員の表（headcount）か所属履歴（assignments）があれば確かめられます")
    staff = around.table(around.known.staff)
    with np.errstate(invalid="ignore"):
        usual = _known_mean(staff[:, _before(around)])[:, None]
        change = around.panel.outcome * (usual / staff - 1.0)
    if np.nanmax(np.abs(change), initial=0.0) == 0.0:
        return replace(finding, missing="人数がどの月も同じです")
    return made(replace(finding, tolerance=around.held.half_width), around.effect_on(change))


def _known_mean(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0))


def _changed_staff(around: _Around) -> Finding:
    finding = Finding(check_id="staff_changed", title="人員が大きく変わった課", about="職員数が2割を超えて変わった課を除いた場合との差", row=STAFFING)
    if around.known.changed is None:
        return replace(finding, missing="人員の表（headcount）か所属履歴（assignments）があれば確かめられます")
    return made(replace(finding, tolerance=around.held.half_width), around.without(_named(around, around.known.changed)))


def _allotment(around: _Around) -> Finding:
    finding = Finding(check_id="allotment", title="時間外の枠配当・増員・欠員", about="枠配当などの変更があった課を除いた場合との差", row=STAFFING)
    if around.known.allotted is None:
        return replace(finding, missing="枠配当・増員・欠員とその対象の課を同時施策の表（events）に書けば確かめられます")
    if not _named(around, around.known.allotted).any():
        return replace(finding, missing="課を限った枠配当・増員・欠員の記録がなく、全庁の変更は比べる相手にも同じように及びます")
    return made(replace(finding, tolerance=around.held.half_width), around.without(_named(around, around.known.allotted)))


def _turnover_bounds(around: _Around) -> CheckResult:
    """Bounds for those who would have stayed either way (Lee 2009), from the persons' own records; never a failure."""
    title, persons = "入れ替わりを踏まえた上下限", around.known.persons
    if persons is None:
        return not_made(LEE, title, reason="職員別の勤務時間か業務量と所属履歴（assignments）があれば確かめられます")
    own = dict(zip(around.panel.units.astype(str), np.where(around.treated, 1, np.where(around.never, 0, -1)), strict=True))
    side = persons["unit"].astype(str).map(own).fillna(-1).to_numpy()
    seen = (side >= 0) & persons["before"].notna().to_numpy()
    change = (persons["after"] - persons["before"]).to_numpy(dtype=float)
    stayed = persons["stayed"].to_numpy(dtype=bool) & np.isfinite(change)
    try:
        found = lee_bounds(change[seen], stayed=stayed[seen], treated=side[seen] == 1, cluster=persons["unit"].to_numpy(dtype=object)[seen])
    except NotIdentifiedError as error:
        return not_made(LEE, title, reason=error.reason)
    return _bounds_result(found, around.held, title=title)


def _bounds_result(found: LeeBounds, held: Headline, *, title: str) -> CheckResult:
    sure = found.conf_low * found.conf_high > 0 and found.low * held.estimate.estimate > 0
    outcome: CheckOutcome = "passed" if sure else "powerless"
    verdict = "入れ替わりの違いがあっても、変化の向きは変わりません" if sure else "入れ替わりの違いまで考えると、変化の向きははっきりしません"
    unit = held.unit_label.partition("/")[0]
    sentence = (
        f"{title}：同じ課に残った職員は、受けた課{format_share(found.stayed_treated, 0)}、受けていない課{format_share(found.stayed_untreated, 0)}。"
        f"どちらでも残った人の変化は、1人1か月当たり{format_measure(found.low)}～{format_measure(found.high)}{unit}"
        f"（95%の幅：{format_measure(found.conf_low)}～{format_measure(found.conf_high)}）。{verdict}。残った人・移った人の比較は説明のためのものです。"
    )
    middle = (found.low + found.high) / 2
    return CheckResult(check_id=LEE, title=title, outcome=outcome, sentence=sentence, statistic=middle, conf_low=found.conf_low, conf_high=found.conf_high)


def _unrecorded(held: Headline) -> Iterator[CheckResult]:
    if held.hours_per_unit:
        title = "記録されない時間外勤務"
        sentence = f"{title}：確かめられません。申告や命令のない残業（サービス残業）は、この資料のどの数字にも表れません。"
        yield CheckResult(check_id=NOT_RECORDED, title=title, outcome="not_applicable", sentence=sentence)


_CHECKS: tuple[Callable[[_Around], Finding], ...] = (
    _posting, _turnover, _far_controls, _partners, _adopters, _total_worktime, _other_work, _per_head, _changed_staff, _allotment,
)  # fmt: skip
