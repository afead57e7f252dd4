"""Tables for notebooks: results in Japanese, ready to show; nothing is computed here but the wording."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from kdx_eval.errors import ParameterError
from kdx_eval.report.budget_tables import BUDGET_TABLES, payback_texts
from kdx_eval.report.hours_tables import HOURS_TABLES
from kdx_eval.report.policy_parts import POLICY_TABLES
from kdx_eval.report.quality_tables import QUALITY_TABLES
from kdx_eval.report.wording import change_range_text, change_text, size_range_text, size_text
from kdx_eval.units import format_hours, format_number, format_p_value, format_share, format_thousand_yen

if TYPE_CHECKING:
    from kdx_eval.effect.study import EffectStudy, Entry

_CELL = re.compile(r"<td>([^<]*)</td>")
_NUMBER = re.compile(r"[-－−△+＋]?[\d,]+(\.\d+)?\s*(%|千円|円|時間|分|人|人分|件|課|回|か月|年|点|位|倍|KB)?")
_HEADING = re.compile(r"<th>([^<]*)</th>")
_NO_BREAK = ";white-space:nowrap"
_FEW_COLUMNS = 5
_SHORT_HEADING = 4
_MOST_ROWS = 40
_SHORT, _SHORT_AMONG_MANY = 10, 7  # characters
_CHECKS = {"passed": "問題なし", "failed": "問題あり", "powerless": "判断できない", "not_applicable": "行えない"}
_DOCUMENTS = {
    "budget_appendix": "予算要求書の附属資料（2ページ）", "annex": "附属資料の別冊", "calculation": "積算表（数式入り）", "expected_questions": "想定問答",
    "spoken_answers": "答弁要旨", "slides": "市長査定・部長レクのスライド", "paste_texts": "財務会計システムに貼り付ける文",
    "ledger": "数字の台帳（kdx-eval trace が使います）", "prior_claims": "今年の見込み（来年度のデータのフォルダーに入れます）",
    "restoration": "復活要求のときの附属資料",
}  # fmt: skip
_NAIVE = {
    "naive_before_after": "受けた課の前と後を引いただけ",
    "naive_trained_untrained": "受けた課と受けていない課を引いただけ",
    "naive_twfe": "よく使われる回帰（二方向固定効果）",
}


def _cell_html(text: str, *, short: int) -> str:
    if _NUMBER.fullmatch(text):
        return f'<td style="text-align:right{_NO_BREAK}">{text}</td>'
    return f'<td style="text-align:left{_NO_BREAK if len(text) <= short else ""}">{text}</td>'


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table to look at; ``frame`` holds the same texts for further use."""

    frame: pd.DataFrame

    def _repr_html_(self) -> str:
        if not len(self.frame):
            return "<p>（該当なし）</p>"
        with pd.option_context("display.max_colwidth", None):
            html = str(self.frame.to_html(index=False, escape=True, border=0, justify="left", na_rep=""))
        # JupyterLab sets every cell to the right unless the cell itself says otherwise.
        html = _HEADING.sub(lambda cell: f'<th style="text-align:left{_NO_BREAK if len(cell[1]) <= _SHORT_HEADING else ""}">{cell[1]}</th>', html)
        # A short word broken over two lines beside a long sentence is hard to read; many columns need every break they can get.
        short = _SHORT if len(self.frame.columns) <= _FEW_COLUMNS else _SHORT_AMONG_MANY
        html = _CELL.sub(lambda cell: _cell_html(cell[1], short=short), html)
        if len(self.frame) <= _MOST_ROWS:
            return html
        # A page of a hundred rows hides what comes after it.
        return f'<p>全{len(self.frame):,}行（枠の中を上下に動かして見ます）</p><div style="max-height:36em;overflow:auto">{html}</div>'

    def __repr__(self) -> str:
        return str(self.frame.to_string(index=False)) if len(self.frame) else "（該当なし）"


def show_table(thing: Any, kind: str) -> Sheet:
    """One table about a dataset, panels, studies, evidence, savings, a budget case or a part of the policy.

    Parameters
    ----------
    thing : Dataset, QualityReport, Panels, mapping of studies or of evidence, Savings or BudgetCase
    kind : str
        One of ``KINDS``.

    Raises
    ------
    ParameterError
        When there is no such table.
    """
    if kind not in _MAKERS:
        raise ParameterError("この名前の表はありません", place=kind[:40], hint=f"使えるのは {'、'.join(KINDS)} です")
    headers, make = _MAKERS[kind]
    return Sheet(pd.DataFrame(list(make(thing)), columns=list(headers), dtype=object))


def _files(dataset: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.schema import load_schema

    tables = load_schema().tables
    for item in dataset.report.files:
        title = tables[item.table].title if item.table in tables else "使いません"
        numbers = (f"{count:,}" for count in (item.rows_read, item.rows_accepted, item.rows_rejected))
        repaired = "、".join(f"{kind} {count:,}" for kind, count in sorted(item.cells_repaired.items()))
        yield item.file, item.sheet, title, item.encoding, *numbers, repaired, "。".join(item.notes)


def _matched(dataset: Any) -> Iterable[Sequence[str]]:
    matched = dataset.report.matched
    if matched is not None:
        counts = (f"{count:,}" for count in (matched.n_people, matched.n_matched, matched.n_ambiguous, matched.n_unmatched))
        yield *counts, format_share(matched.share)


def _rejected(dataset: Any) -> Iterable[Sequence[str]]:
    frame = pd.read_csv(dataset.rejected, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    keys = ["file", "sheet", "column", "reason", "hint"]
    counted = frame.groupby(keys, sort=False).size().sort_values(ascending=False, kind="stable")
    for key, count in counted.items():
        yield *(key if isinstance(key, tuple) else (key,)), f"{count:,}"


def _answerable(dataset: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.load import answerable, most_useful_missing

    for item in answerable(dataset):
        yield "○ 答えられる" if item.possible else "× 答えられない", item.title, item.sentence
    yield "次に加えるなら", "", most_useful_missing(dataset)


def _questions(plan: Any) -> Iterable[Sequence[str]]:
    for item in plan.questions:
        yield item.question_id, item.title, "、".join(item.courses), item.outcome.label, item.outcome.unit_label, item.reason


def _gaps(panels: Any) -> Iterable[Sequence[str]]:
    for name, panel in panels.panels.items():
        gaps = panel.gaps
        if gaps is not None:
            dropped = "。".join(f"{panel.names.get(unit, unit)}: {reason}" for unit, reason in gaps.dropped_units[:10])
            yield name, f"{panel.n_units:,}", f"{panel.n_periods:,}", gaps.sentence, dropped or "なし"


def _comparison(panels: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.panel.comparison import comparison_table

    for name, panel in panels.panels.items():
        question = panels.question(name)
        for row in comparison_table(panel, question=question).to_dict("records"):
            counts = (f"{row[key]:,}" for key in ("n_units", "n_persons", "months_before", "months_after"))
            yield question.title, row["label"], *counts, format_share(row["share_at_start"])


def _units_used(panels: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.panel.comparison import coverage_sentences

    for name, panel in panels.panels.items():
        yield from ((panels.question(name).title, sentence) for sentence in coverage_sentences(panel))


def _refused(panels: Any) -> Iterable[Sequence[str]]:
    yield from panels.refused.items()


def _completion(panels: Any) -> Iterable[Sequence[str]]:
    for row in panels.completion.itertuples(index=False):
        share = "－" if pd.isna(row.completion_share) else format_share(float(row.completion_share))
        persons = (f"{row.n_enrolled:,}", f"{row.n_completed:,}")
        hours = "記録なし" if pd.isna(row.attendance_hours) else format_hours(row.attendance_hours)
        yield row.course_name or row.course_id, f"{row.fiscal_year}年度", *persons, share, hours


def _timing(studies: Mapping[str, EffectStudy]) -> Iterable[Sequence[str]]:
    for study in studies.values():
        for row in study.timing.itertuples(index=False):
            yield study.title, str(row.label), f"{row.n_units:,}", f"{row.n_persons:,}"


def _tiers(dataset: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.panel.tiers import count_by_tier

    for row in count_by_tier(dataset).to_dict("records"):
        yield row["course_name"] or row["course_id"], row["tier"], f"{row['n_persons']:,}"


def _detectable(studies: Mapping[str, EffectStudy]) -> Iterable[Sequence[str]]:
    for study in studies.values():
        share = format_share(study.detectable / abs(study.baseline_mean)) if study.baseline_mean else "－"
        size = size_text(study.detectable, study.unit_label)
        if study.detectable_range is not None:
            size += f"（{size_range_text(*study.detectable_range, unit_label=study.unit_label)}）"
        yield study.title, f"{study.n_treated_units:,}", f"{study.n_control_units:,}", size, share


def _smallest(smallest: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for name, item in smallest.items():
        yield name, format_number(item.value, 3), "－" if item.hours is None else format_hours(item.hours), item.sentence


def _entry(study: EffectStudy, entry: Entry) -> tuple[str, str, str]:
    return change_text(entry.estimate, study.unit_label), change_range_text(entry.conf_low, entry.conf_high, unit_label=study.unit_label), f"{entry.n_units:,}"


def _effects(studies: Mapping[str, EffectStudy]) -> Iterable[Sequence[str]]:
    for study in studies.values():
        yield study.title, study.outcome_label, *_entry(study, study.headline), format_p_value(study.headline.p_value)


def _naive(studies: Mapping[str, EffectStudy]) -> Iterable[Sequence[str]]:
    for study in studies.values():
        yield study.title, "この評価（比べる相手あり）", *_entry(study, study.headline)[:2]
        for entry in study.entries:
            if entry.estimand in _NAIVE:
                yield study.title, f"参考: {_NAIVE[entry.estimand]}", *_entry(study, entry)[:2]


def _checks(studies: Mapping[str, EffectStudy]) -> Iterable[Sequence[str]]:
    for study in studies.values():
        for place, check in enumerate(study.checks):
            yield study.title if place == 0 else "", check.title, _CHECKS[check.outcome], check.sentence


def _verdicts(evidence: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for item in evidence.values():
        yield item.title, item.verdict, item.basis_plain, item.headline_sentence


def _may_say(evidence: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for item in evidence.values():
        yield from ((item.title, "○ 言ってよい", sentence) for sentence in item.sentences)
        yield from ((item.title, "× 言ってはいけない", sentence) for sentence in item.forbidden)


def _reasons(evidence: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for item in evidence.values():
        grade = "－" if item.maryland is None else f"メリーランド尺度 {item.maryland}（5が最も強い）"
        japan = "－" if item.japan is None else f"国内の段階 {item.japan}（Lv1が最も強い）"
        yield item.title, grade, japan, "。".join(one.rstrip("。") for one in (*item.reasons, *item.limits)) or "特になし"


def _hours(savings: Any) -> Iterable[Sequence[str]]:
    for line in savings.lines:
        saved = line.saved
        span = ("金額換算なし", "") if saved is None else (format_hours(saved.hours), f"{format_hours(saved.conf_low)} ～ {format_hours(saved.conf_high)}")
        share = "－" if line.share_of_baseline is None else format_share(line.share_of_baseline)
        yield line.title, line.verdict, line.benefit_class, *span, share, "数える" if line.in_total else "数えない", line.note


def _hours_total(savings: Any) -> Iterable[Sequence[str]]:
    if savings.gross is not None and savings.gross != savings.created:
        ends = f"{format_hours(savings.gross.conf_low)} ～ {format_hours(savings.gross.conf_high)}"
        yield "測った時間（ほかの取組と分ける前）", format_hours(savings.gross.hours), ends
    for label, item in (("生み出した時間の合計", savings.created), ("差し引き（受講時間を引いた後）", savings.net)):
        if item is not None:
            yield label, format_hours(item.hours), f"{format_hours(item.conf_low)} ～ {format_hours(item.conf_high)}"
    yield "受講にかかった時間", format_hours(savings.attendance_hours), ""
    if savings.person_equivalent is not None:
        yield "人数に換算すると（参考）", f"{format_number(savings.person_equivalent, 1)}人分", savings.person_basis
    yield "予算が実際に減る額", f"{format_thousand_yen(savings.cash.cash_yen)}千円", savings.cash.sentence


def _request(budget: Any) -> Iterable[Sequence[str]]:
    rows = (
        ("要求額", budget.request_yen, ""),
        ("前年度予算額", budget.previous_yen, ""),
        ("増減", budget.change_yen, budget.change_reason),
        ("予算が実際に減る額", budget.cash_reduction_yen, budget.cash_sentence),
    )
    for label, yen, reason in rows:
        yield label, "未入力" if yen is None else f"{format_thousand_yen(yen)}千円", reason
    if budget.reference_value is not None:
        low, high = (format_thousand_yen(yen) for yen in (budget.reference_value.low, budget.reference_value.high))
        yield "人件費に換算すると（参考）", f"{format_thousand_yen(budget.reference_value.yen)}千円", f"{low} ～ {high} 千円。{budget.price_sentence}"
    else:
        yield "人件費に換算すると（参考）", "－", budget.price_sentence
    for sentence in budget.missing:
        yield "足りないもの", "", sentence


def _scenarios(budget: Any) -> Iterable[Sequence[str]]:
    for item in budget.scenarios:
        name = f"{item.years}年・割引率{format_share(item.discount_rate, 0)}・毎年{format_share(item.retention, 0)}残る"
        amounts = (f"{format_thousand_yen(yen)}千円" for yen in (item.benefit.yen, item.cost_yen, item.net_yen))
        yield name, *amounts, *payback_texts(item), "基準" if item.base else ""


def _break_even(budget: Any) -> Iterable[Sequence[str]]:
    if budget.break_even is not None:
        yield "分岐点", budget.break_even.sentence
    yield from ((item.assumption, item.sentence) for item in budget.switching_values)


def _cuts(budget: Any) -> Iterable[Sequence[str]]:
    yield from ((item.name, f"{format_thousand_yen(item.yen)}千円", item.sentence) for item in budget.cuts)


def _expected_questions(results: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.report.claims import build_ledger
    from kdx_eval.report.questions import expected_answers

    yield from ((item.objection, item.standing, item.text, item.needed) for item in expected_answers(results, build_ledger(results)))


def _paste_texts(results: Any) -> Iterable[Sequence[str]]:
    from kdx_eval.report.claims import build_ledger
    from kdx_eval.report.spoken import paste_texts

    yield from ((item.field, item.text, f"{item.length:,}", f"{item.limit:,}") for item in paste_texts(results, build_ledger(results)))


def _documents(paths: Any) -> Iterable[Sequence[str]]:
    for path in paths:
        what = next((words for start, words in _DOCUMENTS.items() if path.name.startswith(start)), "市の様式に数字を入れたもの")
        yield path.name, what, f"{max(path.stat().st_size / 1024, 1):,.0f} KB"


_Maker = tuple[tuple[str, ...], Callable[[Any], Iterable[Sequence[str]]]]
_MAKERS: dict[str, _Maker] = {
    "files": (("ファイル", "シート", "表", "文字コード", "読んだ行", "取り込んだ行", "外した行", "書き方を直したセル", "備考"), _files),
    "matched": (("突き合わせた人数", "一致", "決められない（同姓同名など）", "該当なし", "一致した割合"), _matched),
    "rejected": (("ファイル", "シート", "列", "理由", "直し方", "件数"), _rejected),
    "answerable": (("", "問い", "説明"), _answerable),
    "questions": (("番号", "問い", "研修", "見るもの", "単位", "この比べ方にした理由"), _questions),
    "gaps": (("問い", "課など", "月数", "値のあるところ・ないところ", "外したもの"), _gaps),
    "comparison": (("問い", "始めた時期", "課など", "人", "前の月数", "後の月数", "始めた月の受講割合"), _comparison),
    "units_used": (("問い", "分析に使った単位と使わなかった単位"), _units_used),
    "refused": (("問い", "比べられない理由"), _refused),
    "completion": (("研修", "年度", "受講", "修了", "修了率", "受講にかかった時間"), _completion),
    "tiers": (("研修", "受けた日の人材区分", "人"), _tiers),
    "timing": (("問い", "始めた時期", "課など", "人"), _timing),
    "detectable": (("問い", "受けた課など", "比べる課など", "見つけられる最小の変化", "ふだんの値に対して"), _detectable),
    "smallest": (("問い", "意味のある最小の変化", "年間の時間にすると", "決め方"), _smallest),
    "effects": (("問い", "見るもの", "研修による変化", "幅（95%）", "課など", "p値"), _effects),
    "naive": (("問い", "比べ方", "変化", "幅（95%）"), _naive),
    "checks": (("問い", "確認したこと", "結果", "説明"), _checks),
    "verdicts": (("問い", "判定", "比べ方", "言えること"), _verdicts),
    "may_say": (("問い", "", "文"), _may_say),
    "reasons": (("問い", "証拠の強さ", "国内の段階", "もっと強く言えない理由"), _reasons),
    "hours": (("問い", "判定", "効果の区分", "年間の時間", "幅（95%）", "もとの時間に対して", "合計に", "備考"), _hours),
    "hours_total": (("", "年間", "幅・説明"), _hours_total),
    "request": (("", "金額", "説明"), _request),
    "scenarios": (("前提（見込み）", "時間の価値", "費用", "差し引き", "価値÷費用", "費用を回収する年数", ""), _scenarios),
    "break_even": (("前提", "これを下回る（上回る）と見合わない値"), _break_even),
    "cuts": (("予算", "金額", "どうなるか"), _cuts),
    "expected_questions": (("聞かれそうなこと", "答えられるか", "答え", "足りないもの"), _expected_questions),
    "paste_texts": (("欄", "文", "字数", "上限"), _paste_texts),
    "documents": (("文書", "何に使うか", "大きさ"), _documents),
    **QUALITY_TABLES,
    **POLICY_TABLES,
    **HOURS_TABLES,
    **BUDGET_TABLES,
}
KINDS: tuple[str, ...] = tuple(_MAKERS)
