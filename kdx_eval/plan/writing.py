"""A plan as YAML that explains itself: each key with a Japanese comment."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kdx_eval.plan.reading import LATER_KEYS, plan_to_dict
from kdx_eval.plan.types import Plan

_PLAN_COMMENTS = {
    "title": "文書の題名",
    "city": "団体名",
    "synthetic": "合成データなら true（全ページに「合成データ」と入ります）",
    "request_fiscal_year": "どの年度の予算要求か（2027、R9、令和9年度 のいずれか）",
    "evaluated_fiscal_year": "効果を数える年度",
    "evaluated_through": "評価に使う最後の月",
    "max_rejected_share": "読めない行の割合がこれを超えたら止める（0.05 = 5%）",
    "audience": "読む相手: internal（庁内）/ public（公開。少人数の数字を伏せます）",
    "price_basis": "人件費単価の考え方: wage_only / fully_loaded / marginal_overtime / avoided_cash",
    "ends_fiscal_year": "終期: 見直さなければ終える年度（空 = 附属資料で案を示します）",
    "continue_hours": "継続の条件: 年に何時間以上なら続けるか（空 = 費用と釣り合う時間）",
    "retention": "1年後に残る効果の割合の前提（測れないときだけ使う。low・central・high と reason。空 = 測れなければ見込みを立てない）",
    "questions": "問い（データを見る前に決めます）",
}
_QUESTION_COMMENTS = {
    "question_id": "問いの番号（重ならないように）",
    "title": "問い",
    "courses": "対象の研修（講座の番号）",
    "unit": "比べる単位: department（課）/ process（業務）/ staff（職員）",
    "outcome": "成果。better は減ると良いなら lower、hours_per_unit は1単位あたりの時間（空 = 金額換算なし）",
    "design": "比べ方: lottery（抽選）/ staggered（時期の差）/ single（1課だけ）/ everyone（全員。role が primary でも前後の推移を参考に示すだけ）",
    "control": "比べる相手: not_yet_treated（まだ受けていない課）/ never_treated（最後まで受けない課）/ applicants（応募したが選ばれなかった側）",
    "treated_from": "いつから「受けた」とするか: offered（案内）/ enrolled（受講開始）/ completed（修了）",
    "threshold_share": "課の職員のこの割合が受けたら「受けた課」とする",
    "cohort_width": "始めた時期のまとめ方: month / quarter（四半期）/ half_year（半年）",
    "buffer_months": "始めてから効果を数えない月数",
    "window": "使う期間 [始めの月, 終わりの月]（空 = データの全期間）",
    "excluded_periods": "除く期間（コロナ禍など、両端を含む）",
    "strata": "抽選を行った区分（抽選のときだけ使う）: department_type / division / 空",
    "cluster": "まとめて動く単位: department / division / 空",
    "no_row": "業務量に行のない月の意味: missing（わからない）/ zero（すべての仕事の記録なので0件）",
    "departments": "対象の課（抽選に加わった課だけを比べるときなど。空 = すべて）",
    "interval": "幅の取り方: plain（通常）/ straight（傾きの差が続いた場合も含む）/ honest（最大のぶれが毎期重なった場合も含む）。時間・金額も同じ幅",
    "smallest_effect": "意味のある最小の大きさ（成果の単位の数）、または break_even（費用に見合う大きさ）",
    "role": "役割: primary（主）/ secondary（副）/ completion_only（受講の実績だけ）",
    "lottery_log": "抽選の記録のファイル（design が lottery のとき）。後ろの（ ）の中に、どの抽選か（抽選の名前）を書ける",
    "order_argument": "受けた順番が偶然とみなせる理由（あれば）",
    "checks": "欠かせない点検の番号（点検は常にすべて行い、ここに書いたものが行えなければ格付けを下げる）",
    "note": "覚え書き",
    "explanation": "この比べ方にした理由",
}


def plan_to_yaml(plan: Plan) -> str:
    """YAML text with a Japanese comment for each key; :func:`read_plan` reads the same plan back."""
    whole = plan_to_dict(plan)
    lines = ["# 評価の計画。# から右は説明で、計算には使いません。"]
    for key, comment in _PLAN_COMMENTS.items():
        if key != "questions":
            lines += [f"# {comment}", f"{key}:{_value(whole.get(key), indent=2)}"]
    lines += [f"# {_PLAN_COMMENTS['questions']}", "questions:"]
    for given in whole["questions"]:
        question = {**LATER_KEYS, **given}  # left out of the plain values where it says nothing new
        lead = "  - "
        for key, comment in _QUESTION_COMMENTS.items():
            if lead == "    ":
                lines.append(f"    # {comment}")
            lines.append(f"{lead}{key}:{_value(question[key], indent=6)}")
            lead = "    "
    return "\n".join(lines) + "\n"


def _value(value: Any, *, indent: int) -> str:
    if isinstance(value, dict):
        return "".join(f"\n{' ' * indent}{key}: {_scalar(item)}" for key, item in value.items())
    return f" {_scalar(value)}"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(_escaped(character) for character in value) + '"'
    # YAML 1.1 reads 1e-05 as text, so numbers are written without exponent.
    return format(Decimal(repr(value)), "f")


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
