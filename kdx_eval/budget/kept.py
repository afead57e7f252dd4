"""What share of an effect is left after a year: as measured in the run, else as the plan assumes; never a figure of this toolkit's own."""

from __future__ import annotations

from kdx_eval.budget.parts import KeptShare
from kdx_eval.plan import Plan
from kdx_eval.savings import Savings
from kdx_eval.units import format_number, format_share

MEASURED, ASSUMED = "この市での測定（95％の幅）", "計画の前提（出典なし・未検証）"


def find_kept(savings: Savings, *, plan: Plan) -> tuple[KeptShare | None, str]:
    """The share with its range, and a Japanese sentence on where it comes from or why there is none.

    A measured share is drawn into 0 to 1, since an effect that grows is no ground for a promise. The plan's assumption serves only where
    nothing was measured.
    """
    found = savings.retention
    if found is not None:
        low, central, high = (min(1.0, max(0.0, value)) for value in (found.conf_low, found.share, found.conf_high))
        capped = "0～100％を超える分は見込みに使いません。" if (low, high) != (found.conf_low, found.conf_high) else ""
        sentence = (
            f"2年目に残った効果は1年目の{format_share(found.share, 0)}（95％の幅{format_share(found.conf_low, 0)}～{format_share(found.conf_high, 0)}、"
            f"{format_number(found.n_units)}単位）でした。同じ課・同じ月で比べた測定値で、異動や忘れによる減りも、広がりによる増えも含みます。3年目以降も同じ割合で残るとみなします。{capped}"
        )
        return KeptShare(low=low, central=central, high=high, measured=True, source=MEASURED), sentence
    assumed = plan.retention
    if assumed is None:
        why = savings.retention_note or "効果がどれだけ残るかを測っていません。"
        return None, f"{why}計画にも前提（retention）がないため、2年目以降に残る効果は見込みません。"
    cases = {"低位": assumed.low, "中位": assumed.central, "高位": assumed.high}
    shares = "・".join(f"{name}{format_share(value, 0)}" for name, value in cases.items())
    sentence = f"1年後に残る割合（{shares}）は計画に書かれた前提で、出典がなく未検証です（理由：{assumed.reason}）。本文の数字には使いません。"
    return KeptShare(low=assumed.low, central=assumed.central, high=assumed.high, measured=False, source=ASSUMED), sentence
