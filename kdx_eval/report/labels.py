"""What each figure of the ledger is called in Japanese; the documents look it up by its English name."""

from __future__ import annotations

from kdx_eval.report.words_hours import WORDS_HOURS

WORDS = {
    "request.yen": "要求額",
    "previous.yen": "前年度予算額",
    "change.yen": "前年度からの増減",
    "change.reason": "増減の理由",
    "funding.yen": "要求額",
    "funding.previous": "前年度",
    "line.quantity": "数量",
    "line.unit_price": "単価",
    "line.yen": "要求額",
    "changes.yen": "増減額",
    "changes.sentence": "説明",
    "prior.claimed_hours": "見込んだ時間",
    "prior.claimed_yen": "見込んだ金額",
    "prior.result": "実績",
    "prior.share": "見込みに対する割合",
    "prior.sentence": "説明",
    "cut.yen": "要求額",
    "cut.seats": "受講できる人数",
    "cut.forgone_seats": "受講できない人数",
    "cut.forgone_hours": "失う時間",
    "cut.sentence": "説明",
    "reach.enrolled": "受講者",
    "reach.completed": "修了者",
    "reach.completion_share": "修了率",
    "reach.reach_share": "職員に占める修了者",
    "reach.cost": "費用",
    "reach.unit_cost": "修了1人当たり費用",
    "question.headline": "結論",
    "question.sentence": "言ってよいこと",
    "question.forbidden": "言ってはいけないこと",
    "question.limit": "必ず添えること",
    "question.reason": "根拠の強さの理由",
    "question.check": "確認の結果",
    "question.detectable": "見つけられる最小の大きさ（結果を見る前）",
    "question.could_find": "見つけられる最小の大きさ（結果の幅も見て）",
    "question.smallest": "意味があるとみなす最小の大きさ",
    "question.smallest_sentence": "最小の大きさの説明",
    "question.treated_units": "受けた側の数",
    "question.control_units": "比べた相手の数",
    "question.persons": "受けた側の職員",
    "question.estimate": "効果",
    "question.naive_before_after": "単純な前後比較（効果ではない）",
    "question.naive_trained_untrained": "受講・未受講の単純比較（効果ではない）",
    "question.naive_twfe": "二方向固定効果（効果ではない）",
    "question.naive_hours": "単純な前後比較の年間時間（効果ではない）",
    "question.saved": "生まれた時間",
    "question.gross": "生まれた時間（ほかの取組と分ける前）",
    "question.baseline": "研修前の時間",
    "question.share": "研修前に対する割合",
    "question.attendance": "受講に使った時間",
    "question.note": "注記",
    "question.coverage": "使った単位と使わなかった単位",
    "savings.created": "生まれた時間の合計",
    "savings.gross": "生まれた時間の合計（ほかの取組と分ける前）",
    "savings.overlap": "ほかの取組に分けた時間",
    "savings.attendance": "受講に使った時間",
    "savings.net": "差引の時間",
    "savings.share": "研修前の時間に対する割合",
    "savings.persons": "人分",
    "savings.person_basis": "人分の換算",
    "savings.cash": "時間外勤務手当の説明",
    "savings.note": "時間の注記",
    "bridge.created": "生まれた時間（使い道の記録との突合）",
    "bridge.redeployed": "再配分を記録した時間",
    "bridge.unexplained": "使い道の記録がない時間",
    "bridge.destination": "再配分先の時間",
    "cash.hours": "時間外勤務手当の減に当たる時間",
    "cash.yen": "予算が実際に減る額",
    "cash.sentence": "予算が実際に減る額の説明",
    "cost.yen": "評価年度の費用",
    "value.yen": "参考：人件費換算",
    "price.yen": "1時間の単価",
    "price.sentence": "1時間の単価の説明",
    "even.cost": "分岐点の基準とした費用",
    "even.hours": "分岐点（年間の時間）",
    "even.minutes": "分岐点（受講者1人・1か月当たり）",
    "even.sentence": "分岐点の説明",
    "scenario.benefit": "時間の価値",
    "scenario.factor": "現在価値の係数",
    "scenario.retention": "定着",
    "scenario.discount_rate": "割引率",
    "scenario.cost_yen": "費用",
    "scenario.net_yen": "差引",
    "switch.value": "判断が変わる値",
    "switch.sentence": "判断が変わる条件",
    "missing": "足りないもの",
    "budget_note": "要求の注記",
    "alternative": "代替案",
    "quality.rows_read": "読み込んだ行",
    "quality.rows_accepted": "採用した行",
    "quality.rows_rejected": "除外した行",
    **WORDS_HOURS,
    "total.enrolled": "受講者の合計",
    "total.completed": "修了者の合計",
    "total.courses": "研修の数",
    "tally.all": "問いの数",
    "gap.yen": "減額で失う額",
}
_NUMBERED = frozenset(
    (
        "savings.note", "register.note", "books.sentence", "bridge.destination", "missing", "budget_note", "alternative", "sentence", "forbidden", "limit",
        "reason", "setting", "note", "coverage",
    )
)


def label_of(kind: str, field: str) -> str:
    """The Japanese name of a field of that kind (``line``, ``question``; empty where the field holds it); numbers at the end are counted from 1.

    A field without a name of its own is shown as it is.
    """
    stem, _, last = field.rpartition(".")
    number = f"{int(last) + 1}" if stem in _NUMBERED and last.isdecimal() else ""
    if number or (kind == "question" and stem == "check"):
        field = stem
    return WORDS.get(f"{kind}.{field}" if kind else field, field) + number
