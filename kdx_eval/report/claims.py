"""Fills the ledger from the results: nothing is estimated here, each figure is read, worded once and given its formula."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kdx_eval.manifest import digest_json
from kdx_eval.report.blocks import shorten
from kdx_eval.report.claims_background import enter_background
from kdx_eval.report.claims_budget import enter_budget_parts
from kdx_eval.report.claims_documents import enter_document_claims
from kdx_eval.report.claims_hours import enter_hours
from kdx_eval.report.ledger import Ledger, LedgerBook
from kdx_eval.report.lineage import with_lineage
from kdx_eval.report.policy_parts import policy_claims
from kdx_eval.report.wording import change_range_text, change_text, digits_for, hours_range_text, ordered_evidence, size_range_text, size_text, yen_text
from kdx_eval.results import effect_rows
from kdx_eval.savings.bases import BASIS_WORDS, HEADLINE_BASES
from kdx_eval.units import FiscalYear, format_hours, format_number, format_share, round_to_total

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kdx_eval.budget import BudgetCase, Scenario
    from kdx_eval.effect.study import EffectStudy, Entry
    from kdx_eval.evidence import Evidence
    from kdx_eval.results import Results
    from kdx_eval.savings import Hours, Savings, SavingsLine

MARYLAND, JAPAN = "メリーランド尺度", "国内の段階（Lv1が最も強い）"
NAIVE = {"naive_before_after": "単純な前後比較", "naive_trained_untrained": "受講・未受講の単純比較", "naive_twfe": "二方向固定効果"}
_BASES = {"break_even": "費用と釣り合う大きさ", "declared": "計画で定めた大きさ", "fallback": "計算できないため仮に置いた大きさ"}
_ESTIMANDS = {
    "fiscal_year": "評価年度の平均。受けた側の変化から比較対照の変化を引いたもの",
    "simple": "受講後の全期間の平均。受けた側とまだ受けていない側の差",
    "cohort": "受講の時期ごとの平均",
    "calendar": "暦の月ごとの平均",
    "event_time": "受講からの月数ごとの平均",
    **NAIVE,
}
_KINDS = {"line": "積算", "funding": "財源", "changes": "増減", "prior": "前年度の見込み", "cut": "案", "reach": "受講"}


def build_ledger(results: Results) -> Ledger:
    """The ledger of one run.

    Returns
    -------
    Ledger
        Every figure that a document may print, in a fixed order: request, funding, lines, prior claims, cuts, reach, questions,
        hours, yen, the parts of the policy, data quality.

    Raises
    ------
    ParameterError
        Two questions share an id.
    """
    book = LedgerBook(results_digest(results))
    if results.budget is not None:
        _request(book, results.budget)
        _prior_and_cuts(book, results.budget)
        _reach(book, results.budget)
    for number, item in enumerate(ordered_evidence(results), start=1):
        _question(book, item, number=number, study=results.studies.get(item.question_id))
    if results.savings is not None:
        for line in results.savings.lines:
            _line(book, line, item=results.evidence.get(line.question_id), study=results.studies.get(line.question_id))
        _savings(book, results.savings)
        enter_hours(book, results)
    if results.budget is not None:
        _yen(book, results.budget)
        enter_budget_parts(book, results.budget)
    policy_claims(book, results.policy)
    _quality(book, results)
    enter_document_claims(book, results)
    enter_background(book, results)
    return with_lineage(book.close(), results)


def results_digest(results: Results) -> str:
    """SHA-256 of the results that the documents are made from."""
    stops = [repr(stop) for stop in (results.plan, results.savings, results.budget, results.policy)]
    return digest_json([effect_rows(results.studies, results.evidence), *stops, results.quality])


def grade_text(item: Evidence) -> str:
    """Both scales, each with its name; for the 別冊 only."""
    if item.maryland is None:
        return "格付なし"
    return f"{MARYLAND}{item.maryland}（5が最も強い）・{JAPAN}{item.japan or 'なし'}"


def _request(book: LedgerBook, budget: BudgetCase) -> None:
    asked, before = FiscalYear(budget.request_fiscal_year), FiscalYear(budget.request_fiscal_year - 1)
    source = ("costs",)
    book.figure("request.yen", budget.request_yen, text=yen_text(budget.request_yen), unit="円", formula=f"{asked.wareki}の要求の合計", inputs=source)
    book.figure("previous.yen", budget.previous_yen, text=yen_text(budget.previous_yen), unit="円", formula=f"{before.wareki}の当初の合計", inputs=source)
    text = yen_text(budget.change_yen)
    signed = f"＋{text}" if (budget.change_yen or 0) > 0 else text
    inputs = ("request.yen", "previous.yen")
    book.figure("change.yen", budget.change_yen, text=signed, unit="円", formula="要求額－前年度予算額", inputs=inputs)
    book.sentence("change.reason", budget.change_reason, inputs=source)
    for place, item in enumerate(budget.funding):
        _about(book, f"funding.{place}", item.source)
        book.figure(f"funding.{place}.yen", item.yen, text=yen_text(item.yen), unit="円", formula="財源別の合計", inputs=source)
        book.figure(f"funding.{place}.previous", item.previous_yen, text=yen_text(item.previous_yen), unit="円", formula="財源別の合計", inputs=source)
    for place, line in enumerate(budget.lines):
        _about(book, f"line.{place}", f"{line.section} {line.detail or line.project}")
        quantity = None if line.quantity is None else float(line.quantity)
        price = None if line.unit_price is None else float(line.unit_price)
        digits = 0 if quantity is None or quantity == round(quantity) else 1
        book.figure(f"line.{place}.quantity", quantity, text="－" if quantity is None else format_number(quantity, digits), unit="", inputs=source)
        book.figure(f"line.{place}.unit_price", price, text="－" if price is None else format_number(price), unit="円", inputs=source)
        book.figure(f"line.{place}.yen", line.yen, text=yen_text(line.yen), unit="円", formula="数量×単価", inputs=source)
    for place, change in enumerate(budget.changes):
        _about(book, f"changes.{place}", f"{change.section} {change.detail}")
        book.figure(f"changes.{place}.yen", change.yen, text=yen_text(change.yen), unit="円", inputs=source)
        book.sentence(f"changes.{place}.sentence", change.sentence, inputs=source)


def _prior_and_cuts(book: LedgerBook, budget: BudgetCase) -> None:
    for place, item in enumerate(budget.prior_claims):
        name, source = f"prior.{place}", ("prior_claims",)
        _about(book, name, item.basis or item.claim_id)
        hours = "－" if item.claimed_hours is None else format_hours(item.claimed_hours)
        book.figure(f"{name}.claimed_hours", item.claimed_hours, text=hours, unit="時間", inputs=source)
        book.figure(f"{name}.claimed_yen", item.claimed_yen, text=yen_text(item.claimed_yen), unit="円", inputs=source)
        result = "まだ分からない" if item.result_hours is None else format_hours(item.result_hours)
        has_range = item.result_low is not None and item.result_high is not None
        width = hours_range_text(item.result_low or 0.0, item.result_high or 0.0) if has_range else ""
        book.figure(
            f"{name}.result", item.result_hours, text=result, unit="時間", low=item.result_low, high=item.result_high, range_text=width, inputs=("savings",)
        )
        share = "－" if item.realised_share is None else format_share(item.realised_share, 0)
        inputs = (f"{name}.result", f"{name}.claimed_hours")
        book.figure(f"{name}.share", item.realised_share, text=share, unit="割合", formula="実績÷見込み", inputs=inputs)
        book.sentence(f"{name}.sentence", item.sentence)
    for place, cut in enumerate(budget.cuts):
        _about(book, f"cut.{place}", cut.name)
        book.figure(f"cut.{place}.yen", cut.yen, text=yen_text(cut.yen), unit="円", inputs=("request.yen",))
        seats = "－" if cut.seats is None else f"{format_number(cut.seats)}人分"
        book.figure(f"cut.{place}.seats", cut.seats, text=seats, unit="人")
        lost = "－" if cut.forgone_seats is None else f"{format_number(cut.forgone_seats)}人分"
        book.figure(f"cut.{place}.forgone_seats", cut.forgone_seats, text=lost, unit="人", formula="満額との差")
        hours = "－" if cut.forgone_hours is None else format_hours(cut.forgone_hours)
        book.figure(f"cut.{place}.forgone_hours", cut.forgone_hours, text=hours, unit="時間", formula="人数に比例（見込み）", inputs=("savings",))
        book.sentence(f"cut.{place}.sentence", cut.sentence)


def _reach(book: LedgerBook, budget: BudgetCase) -> None:
    for place, item in enumerate(budget.reach):
        name, source = f"reach.{place}", ("training",)
        _about(book, name, item.course_name)
        for field, number in (("enrolled", item.enrolled), ("completed", item.completed)):
            book.figure(f"{name}.{field}", number, text=f"{format_number(number)}人", unit="人", inputs=source)
        share = "－" if item.completion_share is None else format_share(item.completion_share, 0)
        inputs = (f"{name}.completed", f"{name}.enrolled")
        book.figure(f"{name}.completion_share", item.completion_share, text=share, unit="割合", formula="修了者÷受講者", inputs=inputs)
        reach = "－" if item.reach_share is None else format_share(item.reach_share, 0)
        book.figure(f"{name}.reach_share", item.reach_share, text=reach, unit="割合", formula="修了者÷職員", inputs=("training", "staff"))
        cost = "－" if item.cost_yen is None else yen_text(item.cost_yen)
        book.figure(f"{name}.cost", item.cost_yen, text=cost, unit="円", inputs=("costs",))
        unit = "－" if item.cost_per_completion_yen is None else format_number(item.cost_per_completion_yen)
        inputs = (f"{name}.cost", f"{name}.completed")
        book.figure(f"{name}.unit_cost", item.cost_per_completion_yen, text=unit, unit="円", formula="費用÷修了者", inputs=inputs)
    unit = "－" if budget.cost_per_completion_yen is None else f"{format_number(budget.cost_per_completion_yen)}円"
    formula = "費用÷修了者（費用の分かる研修。なければ全研修）"
    book.figure("reach.unit_cost", budget.cost_per_completion_yen, text=unit, unit="円", formula=formula, inputs=("costs", "training"))


def _about(book: LedgerBook, prefix: str, subject: str) -> None:
    kind, _, place = prefix.partition(".")
    book.about(prefix, f"{_KINDS[kind]}{int(place) + 1}　{shorten(subject, 40)}")


def _entry(book: LedgerBook, entry: Entry, *, name: str, unit_label: str, grade: str) -> None:
    book.figure(
        name,
        entry.estimate,
        text=change_text(entry.estimate, unit_label, digits=digits_for(entry.estimate, entry.conf_low, entry.conf_high)),
        unit=unit_label,
        low=entry.conf_low,
        high=entry.conf_high,
        range_text=change_range_text(entry.conf_low, entry.conf_high, unit_label=unit_label),
        formula=_ESTIMANDS.get(entry.estimand, entry.estimand),
        inputs=("results/effects.json",),
        question_id=entry.question_id,
        method=entry.method,
        grade=grade,
    )


def _could_find(book: LedgerBook, item: Evidence, common: Mapping[str, str]) -> None:
    found = (
        ("detectable", item.detectable, "80％の確からしさで見つけられる大きさ（受講前の動きから）"),
        ("could_find", item.could_find, "受講前の動きから見込んだ大きさと、結果の95％の幅から見つけられる大きさの、大きいほう"),
    )
    span: dict[str, Any] = {}
    if item.detectable_range is not None:
        low, high = item.detectable_range
        span = {"low": low, "high": high, "range_text": size_range_text(low, high, unit_label=item.unit_label)}
    for name, value, formula in found:
        if value is not None:
            text, more = size_text(value, item.unit_label), span if name == "detectable" else {}
            book.figure(f"question.{item.question_id}.{name}", value, text=text, unit=item.unit_label, formula=formula, **more, **common)


def _question(book: LedgerBook, item: Evidence, *, number: int, study: EffectStudy | None) -> None:
    name, grade = f"question.{item.question_id}", grade_text(item)
    book.about(name, f"問{number}")
    common = {"question_id": item.question_id, "grade": grade}
    book.sentence(f"{name}.headline", item.headline_sentence, **common)
    for kind, sentences in (("sentence", item.sentences), ("forbidden", item.forbidden), ("limit", item.limits), ("reason", item.reasons)):
        for place, sentence in enumerate(sentences):
            book.sentence(f"{name}.{kind}.{place}", sentence, **common)
    for check in item.checks:
        book.sentence(f"{name}.check.{check.check_id}", check.sentence.removeprefix(f"{check.title}："), **common)
    _could_find(book, item, common)
    if item.smallest is not None:
        text = size_text(item.smallest.value, item.unit_label)
        book.figure(f"{name}.smallest", item.smallest.value, text=text, unit=item.unit_label, formula=_BASES[item.smallest.basis], **common)
        book.sentence(f"{name}.smallest_sentence", item.smallest.sentence, **common)
    if study is None:
        return
    for place, (what, how) in enumerate(study.settings.items()):
        book.sentence(f"{name}.setting.{place}", f"{what}：{how}", **common)
    for place, note in enumerate(study.notes):
        book.sentence(f"{name}.note.{place}", note, **common)
    for place, sentence in enumerate(study.coverage):
        book.sentence(f"{name}.coverage.{place}", sentence, **common)
    book.figure(f"{name}.treated_units", study.n_treated_units, text=format_number(study.n_treated_units), unit="単位", **common)
    book.figure(f"{name}.control_units", study.n_control_units, text=format_number(study.n_control_units), unit="単位", **common)
    book.figure(f"{name}.persons", study.persons_treated, text=f"{format_number(study.persons_treated)}人", unit="人", **common)
    _entry(book, study.headline, name=f"{name}.estimate", unit_label=study.unit_label, grade=grade)
    for entry in study.entries:
        if entry.estimand in NAIVE and not book.has(f"{name}.{entry.estimand}"):
            _entry(book, entry, name=f"{name}.{entry.estimand}", unit_label=study.unit_label, grade="効果とは言えない")


def _hours(book: LedgerBook, name: str, *, hours: Hours | None, **more: Any) -> None:
    if hours is None:
        book.figure(name, None, text="金額換算なし", unit="時間／年", **more)
        return
    width = hours_range_text(hours.conf_low, hours.conf_high)
    text = format_hours(hours.hours)
    book.figure(name, hours.hours, text=text, unit="時間／年", low=hours.conf_low, high=hours.conf_high, range_text=width, **more)


def _line(book: LedgerBook, line: SavingsLine, *, item: Evidence | None, study: EffectStudy | None) -> None:
    name, grade = f"question.{line.question_id}", "" if item is None else grade_text(item)
    measured = line.saved is None or line.basis in HEADLINE_BASES
    if not measured:  # the documents lead with what is a figure under this name
        book.figure(f"{name}.saved", None, text=f"参考のみ（{BASIS_WORDS[line.basis]}）", unit="時間／年", question_id=line.question_id)
    divided = line.gross is not None and line.gross != line.saved
    formula = "効果×受講単位・月数×換算時間（符号は減が正）"
    inputs: tuple[str, ...] = (f"{name}.estimate",)
    if divided:
        _hours(book, f"{name}.gross", hours=line.gross, formula=formula, inputs=inputs, question_id=line.question_id, grade=grade)
        formula, inputs = "分ける前の時間－ほかの取組に分けた時間", (f"{name}.gross", "interventions")
    target = f"{name}.saved" if measured else f"{name}.reference_hours"
    _hours(book, target, hours=line.saved, formula=formula, inputs=inputs, question_id=line.question_id, grade=grade)
    naive = None if study is None or study.hours_per_unit is None else study.entry("naive_before_after")
    if naive is not None and study is not None and study.hours_per_unit is not None:
        sign = -1.0 if study.better == "lower" else 1.0
        hours = sign * naive.estimate * study.unit_periods * study.hours_per_unit
        formula = "単純な前後差×受講単位・月数×換算時間（効果とは言えない）"
        inputs = (f"{name}.naive_before_after",)
        book.figure(f"{name}.naive_hours", hours, text=format_hours(hours), unit="時間／年", formula=formula, inputs=inputs, question_id=line.question_id)
    share = "－" if line.share_of_baseline is None else format_share(line.share_of_baseline)
    baseline = "－" if line.baseline_hours is None else format_hours(line.baseline_hours)
    book.figure(f"{name}.baseline", line.baseline_hours, text=baseline, unit="時間／年", formula="研修前の同じ月の平均", question_id=line.question_id)
    book.figure(f"{name}.share", line.share_of_baseline, text=share, unit="割合", formula="創出時間÷研修前の時間", inputs=(f"{name}.saved", f"{name}.baseline"))
    book.figure(f"{name}.attendance", line.attendance_hours, text=format_hours(line.attendance_hours), unit="時間／年", inputs=("training",))
    book.sentence(f"{name}.note", line.note, question_id=line.question_id)


def _savings(book: LedgerBook, savings: Savings) -> None:
    parts = tuple(f"question.{line.question_id}.saved" for line in savings.lines if line.in_total)
    _hours(book, "savings.created", hours=savings.created, formula="合計に数える問いの和（幅は共分散を含む）", inputs=parts)
    if savings.gross is not None and savings.created is not None and savings.gross != savings.created:
        before = tuple(f"question.{line.question_id}.gross" for line in savings.lines if line.in_total and line.gross != line.saved)
        _hours(book, "savings.gross", hours=savings.gross, formula="合計に数える問いの和（ほかの取組と分ける前）", inputs=before)
        overlap = savings.gross.hours - savings.created.hours
        inputs = ("savings.gross", "savings.created", "interventions")
        book.figure("savings.overlap", overlap, text=format_hours(overlap), unit="時間／年", formula="分ける前－分けた後", inputs=inputs)
    book.figure("savings.attendance", savings.attendance_hours, text=format_hours(savings.attendance_hours), unit="時間／年", inputs=("training",))
    _hours(book, "savings.net", hours=savings.net, formula="創出時間－受講時間", inputs=("savings.created", "savings.attendance"))
    share = "－" if savings.share_of_baseline is None else format_share(savings.share_of_baseline)
    book.figure("savings.share", savings.share_of_baseline, text=share, unit="割合", formula="創出時間÷研修前の時間", inputs=("savings.created",))
    persons = "－" if savings.person_equivalent is None else f"{format_number(savings.person_equivalent, 1)}人分"
    book.figure("savings.persons", savings.person_equivalent, text=persons, unit="人分", formula="差引の時間÷1人の年間時間", inputs=("savings.net",))
    book.sentence("savings.person_basis", savings.person_basis)
    bridge = savings.bridge
    parts_of_created = dict(zip(("redeployed", "unexplained"), round_to_total((bridge.redeployed_hours, bridge.unexplained_hours)), strict=True))
    for field in ("created", "redeployed", "unexplained"):
        hours = float(getattr(bridge, f"{field}_hours"))
        text = format_hours(parts_of_created.get(field, hours))
        book.figure(f"bridge.{field}", hours, text=text, unit="時間／年", inputs=("redeployment",) if field != "created" else ("savings.created",))
    for place, (_, hours) in enumerate(bridge.destinations):
        book.figure(f"bridge.destination.{place}", hours, text=format_hours(hours), unit="時間／年", inputs=("redeployment",))
    cash = savings.cash
    book.figure("cash.hours", cash.cash_hours, text=format_hours(cash.cash_hours), unit="時間／年", formula="効果と実際の減の小さい方", inputs=("worktime",))
    book.sentence("savings.cash", cash.sentence)
    for place, note in enumerate(savings.notes):
        book.sentence(f"savings.note.{place}", note)


def _yen(book: LedgerBook, budget: BudgetCase) -> None:
    inputs = ("savings", "costs")
    book.figure("cash.yen", budget.cash_reduction_yen, text=f"{yen_text(budget.cash_reduction_yen)}千円", unit="円", inputs=inputs)
    book.sentence("cash.sentence", budget.cash_sentence)
    book.figure("cost.yen", budget.cost_yen, text=yen_text(budget.cost_yen), unit="円", formula=budget.cost_stage, inputs=("costs",))
    value = budget.reference_value
    if value is not None:
        width = f"幅{yen_text(value.low)}～{yen_text(value.high)}千円"
        text, formula = f"{yen_text(value.yen)}千円", "差引の時間×時間単価（参考）"
        book.figure("value.yen", value.yen, text=text, unit="円", low=value.low, high=value.high, range_text=width, formula=formula, inputs=("savings.net",))
    if budget.price is not None:
        price = budget.price
        text = f"{format_number(price.yen_per_hour)}円"
        book.figure("price.yen", price.yen_per_hour, text=text, unit="円／時間", formula=price.source, inputs=("wages",), grade=price.status)
    book.sentence("price.sentence", budget.price_sentence)
    if budget.break_even is not None:
        even = budget.break_even
        book.figure("even.cost", even.cost_yen, text=f"{yen_text(even.cost_yen)}千円", unit="円", inputs=("costs",))
        book.figure("even.hours", even.hours_per_year, text=format_hours(even.hours_per_year), unit="時間／年", inputs=("even.cost", "price.yen"))
        minutes = "－" if even.minutes_per_person_month is None else f"{format_number(even.minutes_per_person_month)}分"
        book.figure("even.minutes", even.minutes_per_person_month, text=minutes, unit="分／人・月", inputs=("even.hours",))
        book.sentence("even.sentence", even.sentence)
    for place, item in enumerate(budget.scenarios):
        name = f"scenario.{place}"
        book.about(name, scenario_label(item))
        benefit = item.benefit
        width = f"幅{yen_text(benefit.low)}～{yen_text(benefit.high)}"
        book.figure(f"{name}.benefit", benefit.yen, text=yen_text(benefit.yen), unit="円", low=benefit.low, high=benefit.high, range_text=width)
        for field, text, unit in (
            ("factor", format_number(item.factor, 4), "倍"),
            ("retention", format_share(item.retention, 0), "割合"),
            ("discount_rate", format_share(item.discount_rate, 0), "割合"),
            ("cost_yen", yen_text(item.cost_yen), "円"),
            ("net_yen", yen_text(item.net_yen), "円"),
        ):
            book.figure(f"{name}.{field}", float(getattr(item, field)), text=text, unit=unit)
    for place, value_at in enumerate(budget.switching_values):
        book.about(f"switch.{place}", value_at.assumption)
        book.figure(f"switch.{place}.value", value_at.threshold, text=_plain_number(value_at.threshold), unit=value_at.unit)
        book.sentence(f"switch.{place}.sentence", value_at.sentence)
    for kind, sentences in (("missing", budget.missing), ("budget_note", budget.notes), ("alternative", budget.alternatives)):
        for place, sentence in enumerate(sentences):
            book.sentence(f"{kind}.{place}", sentence)


def scenario_label(item: Scenario) -> str:
    """``5年・定着80%・割引4%``."""
    return f"{item.years}年・定着{format_share(item.retention, 0)}・割引{format_share(item.discount_rate, 0)}"


def _plain_number(value: float | None) -> str:
    return "－" if value is None else format_number(value, 0 if abs(value) >= 100 else 2)


def _quality(book: LedgerBook, results: Results) -> None:
    for name, value in quality_counts(results).items():
        book.figure(f"quality.{name}", value, text=format_number(value), unit="行", inputs=("results/quality.json",))


def quality_counts(results: Results) -> dict[str, int]:
    """Rows read, accepted and rejected, when they were recorded."""
    quality = results.quality
    return {name: int(quality[name]) for name in ("rows_read", "rows_accepted", "rows_rejected") if isinstance(quality.get(name), int)}
