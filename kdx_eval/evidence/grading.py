"""Verdict and grade of one question (METHODS 8), and Holm's adjustment over the questions of a year."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from kdx_eval.effect.lottery_checks import BALANCE
from kdx_eval.effect.study import Better, CheckResult, EffectStudy, Entry
from kdx_eval.evidence.types import Basis, Interval, Verdict
from kdx_eval.evidence.wording import group_words, reason_text
from kdx_eval.panel.lottery import Draw
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.plan import Plan, Question
from kdx_eval.schema import parameter
from kdx_eval.units import format_share

ALPHA = 0.05
FULL_YEAR = 12
DOCUMENTED_LOTTERY = 5
CLAIM_GRADE: tuple[int, str] = (0, "Lv4")  # claims and self-reports, METHODS 8
# Without these a comparison carries no weight: not having found anything is then not enough.
KEY_CHECKS = ("pre_trend", "balance", "rank_placebo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """Both scales, the words for finance, and why the grade is not higher."""

    maryland: int | None
    japan: str | None
    basis: Basis
    reasons: tuple[str, ...]


def good_direction(interval: Interval, *, better: Better) -> Interval:
    """The interval turned so that positive is good, lower end first."""
    low, high = interval
    return (-high, -low) if better == "lower" else (low, high)


def decide_verdict(interval: Interval, *, interval90: Interval, smallest: float) -> Verdict:
    """The verdict of METHODS 8 from intervals in the good direction.

    An interval can exclude zero and lie within the smallest meaningful effect at once. A difference that was shown is then named
    (小さい効果, 逆効果) before equivalence (実質的効果なし): METHODS lists it first, and no harm may hide behind "practically none".

    Parameters
    ----------
    interval, interval90 : (float, float)
        95 % and 90 % interval of the effect, positive is good, outcome's unit per unit-period.
    smallest : float
        Smallest meaningful effect, above zero; with NaN neither 効果あり nor 実質的効果なし can be reached.

    Returns
    -------
    str
        判定不能 also where an interval could not be computed.
    """
    low, high = interval
    if not (math.isfinite(low) and math.isfinite(high)):
        return "判定不能"
    if low > smallest:
        return "効果あり"
    if low > 0:
        return "小さい効果"
    if high < 0:
        return "逆効果"
    return "実質的効果なし" if is_equivalent(interval90, smallest=smallest) else "判定不能"


def is_equivalent(interval90: Interval, *, smallest: float) -> bool:
    """Two one-sided tests at 5 % (TOST): the 90 % interval lies strictly within ± the smallest meaningful effect."""
    return -smallest < interval90[0] and interval90[1] < smallest


def interval_at(entry: Entry, *, alpha: float) -> Interval:
    """Interval of the estimate at confidence ``1 - alpha``; at 95 % the one that the inference itself gave."""
    from scipy import stats

    if alpha == ALPHA:
        return entry.conf_low, entry.conf_high
    if not math.isfinite(entry.std_error):
        return math.nan, math.nan
    degrees = entry.df if entry.df > 0 else math.nan
    reach = float(stats.t.ppf(1 - alpha / 2, degrees)) * entry.std_error
    return entry.estimate - reach, entry.estimate + reach


def holm(p_values: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Holm's step-down adjustment.

    Returns
    -------
    dict
        For each key the adjusted p value and the level of an interval that excludes zero exactly where Holm rejects at 5 %.
        A p value that is not a number counts as 1, so that a question without a result still costs its place.
    """
    known = {key: p if math.isfinite(p) else 1.0 for key, p in p_values.items()}
    ordered = sorted(known, key=lambda key: (known[key], key))
    found: dict[str, tuple[float, float]] = {}
    adjusted, level, rejecting = 0.0, ALPHA, True
    for rank, key in enumerate(ordered):
        left = len(ordered) - rank
        adjusted = max(adjusted, min(1.0, left * known[key]))
        if rejecting:
            level = ALPHA / left
            rejecting = adjusted < ALPHA
        found[key] = (adjusted, level)
    return found


def grade_study(study: EffectStudy, question: Question, *, plan: Plan, pre_months: int | None) -> Grade:
    """Both grades of an estimated question by the table of METHODS 8, each lowering with its reason."""
    words = group_words(question.unit)
    if study.n_control_units == 0 or not question.is_estimated:
        return Grade(maryland=1, japan="Lv3", basis="前後比較のみ", reasons=(reason_text("no_comparison", **words),))
    maryland, japan, reasons = _grade_of_design(study, question)
    weak = _failed_checks(study.checks, drawn=maryland == DOCUMENTED_LOTTERY)
    weak += [*_missing_checks(study.checks, question), *_short_history(pre_months, monthly=study.monthly)]
    if not math.isfinite(study.headline.std_error):
        weak.append(reason_text("few_controls" if question.design == "single" else "few_units", **words))
    if plan.evaluated_after_period or plan.changed_since_freeze:
        weak.append(reason_text("after_period", detail=plan.freeze_note))
    if weak:
        maryland, japan = 2, "Lv2b"
    return Grade(maryland=maryland, japan=japan, basis="比較対照あり", reasons=(*reasons, *weak))


def _grade_of_design(study: EffectStudy, question: Question) -> tuple[int, str, tuple[str, ...]]:
    """Grade of the design if every check holds."""
    reasons: tuple[str, ...] = ()
    if question.design == "lottery":
        reasons = _lottery_lacks(study.draw, question)
        if not reasons:
            return DOCUMENTED_LOTTERY, "Lv1", ()
    if question.order_argument:
        if any(check.check_id.startswith("balance") and check.outcome == "passed" for check in study.checks):
            return 4, "Lv2a", reasons
        return 3, "Lv2a", (*reasons, reason_text("order_not_balanced"))
    return 3, "Lv2a", reasons


def _lottery_lacks(draw: Draw | OrderDraw | None, question: Question) -> tuple[str, ...]:
    """What keeps a lottery from counting as a documented one that was followed; empty where nothing does."""
    if not question.lottery_log:
        return (reason_text("lottery_without_log"),)
    if draw is None:
        return (reason_text("lottery_without_compliance" if question.unit == "staff" else "lottery_without_order"),)
    if isinstance(draw, OrderDraw) and draw.reproduced is False:
        return (reason_text("lottery_not_reproduced"),)
    # What the draw moved, of persons; who began when told to, of departments.
    least = parameter("lottery_order_followed_min" if isinstance(draw, OrderDraw) else "lottery_take_up_min").value
    if draw.compliance >= float(least):
        return ()
    key = "lottery_order_not_followed" if isinstance(draw, OrderDraw) else "lottery_not_taken_up"
    return (reason_text(key, share=format_share(draw.compliance, 0), least=format_share(float(least), 0)),)


def _failed_checks(checks: tuple[CheckResult, ...], *, drawn: bool) -> list[str]:
    """Failed checks, and key checks that could have found little.

    Where the order was drawn it is the draw that makes the units alike: the balance before is its check, and months before training too noisy to show a
    slope take nothing away.
    """
    key = _is_balance if drawn else _is_key
    found = [reason_text("check_failed", check=check.title) for check in checks if check.outcome == "failed"]
    found += [reason_text("check_powerless", check=check.title) for check in checks if check.outcome == "powerless" and key(check)]
    if not any(_is_key(check) and check.outcome != "not_applicable" for check in checks):
        found.append(reason_text("no_pre_trends"))
    return found


def _missing_checks(checks: tuple[CheckResult, ...], question: Question) -> list[str]:
    """Checks that the plan calls indispensable and that could not be made."""
    made = {check.check_id for check in checks if check.outcome != "not_applicable"}
    return [reason_text("check_missing", check=name) for name in question.checks if name not in made]


def _is_balance(check: CheckResult) -> bool:
    return check.check_id == BALANCE


def _is_key(check: CheckResult) -> bool:
    return check.check_id.startswith(KEY_CHECKS)


def _short_history(pre_months: int | None, *, monthly: bool) -> list[str]:
    if not monthly:
        return []
    if pre_months is None:
        return [reason_text("history_unknown")]
    return [reason_text("short_history", months=pre_months)] if pre_months < FULL_YEAR else []
