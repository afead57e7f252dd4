"""Costs, unit prices and the other small tables of the full delivery; every amount is invented."""

from __future__ import annotations

import pandas as pd

from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.design import stream

_SOURCE = "合成データ（架空の市の給与・定員管理公表から計算）"
# 節, 細節, 単価（円）, 財源, 研修番号, 数量: R7当初 R7補正 R7決算 R8当初 R8決算見込 R9要求, 経常・臨時
_LINES: tuple[tuple[str, str, int, str, str, tuple[int, ...], str], ...] = (
    ("委託料", "BPR・業務改善研修 業務委託（1回24人）", 385_000, "一般財源", "DXBPR", (8, 0, 8, 9, 9, 10), "経常"),
    ("委託料", "ビジネスアーキテクト育成研修 業務委託", 2_310_000, "特別交付税", "BA", (1, 0, 1, 1, 1, 1), "経常"),
    ("委託料", "DX概論・マインド醸成研修 業務委託", 242_000, "一般財源", "DXLIT", (3, 0, 3, 3, 3, 3), "経常"),
    ("委託料", "ネットワーク・セキュリティ対策研修 業務委託", 297_000, "一般財源", "DXNET", (2, 0, 2, 2, 2, 2), "経常"),
    ("使用料及び賃借料", "生成AI研修用利用環境（1人1年）", 3_960, "その他特財", "AITOOL", (180, 20, 188, 240, 236, 300), "経常"),
    ("報償費", "オンライン申請ツール合同研修会 講師謝礼", 33_000, "一般財源", "FORMTOOL", (6, 0, 6, 6, 6, 6), "経常"),
    ("負担金補助及び交付金", "J-LIS研修 受講負担金", 11_000, "一般財源", "JLIS_PM", (20, 0, 17, 20, 19, 22), "経常"),
    ("旅費", "CYDER受講旅費", 2_640, "一般財源", "CYDER", (30, 0, 26, 30, 28, 30), "経常"),
    ("需用費", "研修教材印刷", 1_100, "一般財源", "DXBPR", (200, 0, 187, 220, 220, 250), "経常"),
    ("委託料", "研修効果の検証支援（初年度のみ）", 396_000, "その他特財", "", (0, 0, 0, 0, 0, 1), "臨時"),
)
_STAGES = ((2025, "当初"), (2025, "補正"), (2025, "決算"), (2026, "当初"), (2026, "決算見込"), (2027, "要求"))
# 研修番号, 受講予定者数: R8 R9, 事務局の時間, 庁内講師の時間 (R7), 1回の定員と他団体の席 (R9, neighbours asked to share what is paid by the class)
_PLANS: tuple[tuple[str, tuple[int, int], int, int, tuple[int, int] | None], ...] = (
    ("DXBPR", (215, 240), 120, 0, (24, 24)),
    ("FORMTOOL", (150, 150), 36, 48, None),
    ("AITOOL", (240, 300), 60, 30, None),
    ("BA", (8, 8), 24, 0, (20, 12)),
    ("DXLIT", (80, 80), 24, 0, (40, 30)),
    ("DXNET", (50, 50), 16, 0, (30, 0)),
)
# Yen per hour in 2025; later years by a rise of the pay scale.
_PRICES = {"wage_only": 2_610, "fully_loaded": 4_020, "marginal_overtime": 2_560}


def costs() -> pd.DataFrame:
    """The cost lines of all stages; ``yen`` is quantity times unit_price in each row."""
    rows = []
    for place, (year, stage) in enumerate(_STAGES):
        for number, (section, detail, price, funding, course, quantities, recurring) in enumerate(_LINES, start=1):
            quantity = quantities[place]
            if quantity == 0:
                continue
            quoted = stage == "要求" and section == "委託料"
            rows.append(
                {
                    "fiscal_year": year,
                    "stage": stage,
                    "account": "2-1-10",
                    "project": "DX人材育成事業",
                    "section": section,
                    "detail": detail,
                    "quantity": quantity,
                    "unit_price": price,
                    "quote_reference": f"見積R9-{number:02d}（2者の低い方）" if quoted else "",
                    "yen": quantity * price,
                    "recurring": recurring,
                    "funding": funding,
                    "course_id": course,
                }
            )
    return pd.DataFrame(rows)


def wages() -> pd.DataFrame:
    """Unit prices by fiscal year and basis, yen an hour."""
    rows = [
        {
            "fiscal_year": year,
            "basis": basis,
            "grade": "",
            "yen_per_hour": round(price * 1.02 ** (year - 2025)),
            "source": _SOURCE,
            "status": "derived",
        }
        for year in (2025, 2026, 2027)
        for basis, price in _PRICES.items()
    ]
    return pd.DataFrame(rows)


def course_plans() -> pd.DataFrame:
    """Attendees planned for each course, the hours that the city's own staff spend on organising and teaching, and seats that neighbours would take."""
    rows = [
        (year, course, planned or "", office, teaching, *(shared if shared and year == 2027 else ("", "")))
        for place, year in enumerate((2025, 2026, 2027))
        for course, plans, office, teaching, shared in _PLANS
        for planned in (plans[place - 1] if place else 0,)
    ]
    return pd.DataFrame(rows, columns=["年度", "研修番号", "受講予定者数", "事務局の時間", "庁内講師の時間", "1回の定員", "他団体の席"])


def alternatives() -> pd.DataFrame:
    """Other ways to the same end; one has no figures, as in a real comparison."""
    return pd.DataFrame(
        [
            (2027, "J-LIS", 660_000, 1_500, 1_900, "見込み", "合成データ（架空の負担金の案内）", "動画が中心で、自分の業務を題材にした演習がない"),
            (2027, "内製", 440_000, 4_600, 5_200, "見込み", "合成データ（架空の試算）", "講師になれる職員が2人しかいない"),
            (2027, "近隣との共同", 4_290_000, 2_900, "", "", "合成データ（架空の照会への回答）", "生まれる時間は相手の団体が測っていない"),
        ],
        columns=["年度", "方法", "年間の費用", "職員が使う時間", "生まれる時間", "時間の根拠", "出典", "備考"],
    )


def pay_table() -> pd.DataFrame:
    """The published table of pay, in thousands of yen as cities publish it."""
    return pd.DataFrame(
        [(2025, 2_600, 9_672_000, 2_158_000, 4_030_000, 2_730_000, "合成データ（架空の市の給与・定員管理等について）")],
        columns=["年度", "職員数A", "給料（千円）", "職員手当（千円）", "期末・勤勉手当（千円）", "共済費（千円）", "出典"],
    )


def events() -> pd.DataFrame:
    """What else happened in the city."""
    return pd.DataFrame(
        [
            ("R4.4.1", "R5.5.7", "全庁", "COVID", "新型コロナウイルス感染症への対応（5類移行まで）。福祉・保健部門で業務が増えた"),
            ("R5.5.1", "", "全庁", "標準化", "基幹業務システムの標準化により、業務時間が毎年およそ5％減っている"),
            ("R5.4.9", "R5.4.23", "全庁", "選挙", "統一地方選挙"),
            ("R7.4.1", "R8.3.31", "全庁", "枠配当", "時間外勤務手当の枠配当（前年度より3％減）"),
        ],
        columns=["開始日", "終了日", "範囲", "種類", "備考"],
    )


def prior_claims() -> pd.DataFrame:
    """What was promised when the previous budget was asked for."""
    return pd.DataFrame(
        [
            (2025, "q1_bpr_hours", 24_000, 96_480_000, "BPR・業務改善研修による業務時間の創出（前年度要求時の見込み）"),
            (2025, "q2_form_hours", 2_000, 8_040_000, "オンライン申請ツール合同研修会による業務時間の創出（前年度要求時の見込み）"),
        ],
        columns=["年度", "見込み番号", "見込み時間", "見込み額", "根拠"],
    )


def redeployment(city: City) -> pd.DataFrame:
    """Where departments say the freed hours went, for half of those trained early; every third names two uses."""
    early = city.cohorts[(city.cohorts["course_id"] == "DXBPR") & (city.cohorts["month"] < "2025-01")]
    rng = stream(city.seed, "redeployment")
    uses = ("窓口での相談対応", "訪問支援", "データにもとづく施策の検討", "手引きの整備")
    chosen = early["department_id"].to_numpy()[::2]
    first = pd.DataFrame({"所属コード": chosen, "年度": 2025, "時間": rng.integers(15, 45, len(chosen)) * 10, "再配分先": rng.choice(uses, len(chosen))})
    second = first.iloc[::3].assign(時間=lambda frame: rng.integers(5, 15, len(frame)) * 10, 再配分先="市民向け手続の見直し")
    return pd.concat([first, second]).sort_values("所属コード", kind="stable", ignore_index=True)


def interventions(city: City) -> pd.DataFrame:
    """Projects in which specialists supported a department: most of them claims, some measured, a few on the same hours as others."""
    rng = stream(city.seed, "interventions")
    count = min(14, len(city.outcomes.processes))
    chosen = city.outcomes.processes.iloc[sorted(rng.choice(len(city.outcomes.processes), count, replace=False))]
    started = rng.integers(0, 18, count)
    frame = pd.DataFrame(
        {
            "案件番号": [f"I-{k + 1:03d}" for k in range(count)],
            "所属コード": chosen["department_id"].to_numpy(),
            "業務コード": chosen["process_id"].to_numpy(),
            "種類": rng.choice(["BPR", "RPA", "電子申請", "生成AI"], count),
            "着手日": [f"R{6 + (k + 3) // 12}.{(k + 3) % 12 + 1}.10" for k in started],
            "稼働日": [f"R{6 + (k + 6) // 12}.{(k + 6) % 12 + 1}.1" for k in started],
            "見込み削減時間": rng.integers(4, 60, count) * 10,
            "削減時間の根拠": "見込み",
            "実績削減時間": "",
        }
    )
    everything = pd.concat([frame, _overlapping(city, first=count + 1)], ignore_index=True).fillna("")
    return everything.assign(支援した人=["外部" if place % 5 == 1 else "庁内" for place in range(len(everything))])


# Kind, in use from, claimed, basis, realised; of a survey: hours told, respondents, population, months. Whether the row names a process stands last.
_OVERLAPS: tuple[tuple[str, str, int, str, int | str, tuple[int, int, int, int] | None, bool], ...] = (
    ("RPA", "R7.4.1", 260, "実測", 110, None, True),
    ("BPR", "R7.4.1", 180, "実測", 90, None, True),
    ("生成AI", "R7.4.1", 480, "アンケート", "", (42, 14, 80, 6), True),
    ("ツール導入", "R7.10.1", 120, "ログ", 45, None, True),
    ("生成AI", "R7.4.1", 150, "アンケート", "", (60, 20, 50, 12), False),
    ("RPA", "R8.7.1", 400, "見込み", "", None, True),
)


def _overlapping(city: City, *, first: int) -> pd.DataFrame:
    """Projects on hours that the training or one another also claim, in departments trained early."""
    early = city.cohorts[(city.cohorts["course_id"] == "DXBPR") & (city.cohorts["month"] < "2025-01")]["department_id"].to_numpy()
    homes = city.outcomes.processes.drop_duplicates("department_id").set_index("department_id")["process_id"]
    rows = []
    for place, (kind, live, claimed, basis, realised, asked, named) in enumerate(_OVERLAPS):
        department = early[(0, 0, 0, 1, 2, 1)[place] % len(early)]
        survey = asked or ("", "", "", "")
        rows.append(
            {
                "案件番号": f"I-{first + place:03d}", "所属コード": department, "業務コード": homes[department] if named else "", "種類": kind,
                "着手日": "R6.10.10", "稼働日": live, "見込み削減時間": claimed, "削減時間の根拠": basis, "実績削減時間": realised,
                **dict(zip(("アンケートの回答時間", "回答者数", "対象者数", "調べた月数"), survey, strict=True)),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def partner_results() -> pd.DataFrame:
    """Contrasts that three invented neighbours sent for the same question."""
    rows = (("990001", -61.5, 20.4, 48), ("990002", -96.0, 31.0, 30), ("990003", -40.2, 26.5, 36))
    return pd.DataFrame(
        [
            {"団体コード": code, "問い番号": "q1_bpr_hours", "推定対象": "fiscal_year", "推定値": estimate, "標準誤差": error, "単位数": units}
            for code, estimate, error, units in rows
        ]
    )
