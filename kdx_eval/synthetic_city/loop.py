"""What comes round in the synthetic city: knowledge and where it is used, fees that fell or did not, targets, measures."""

from __future__ import annotations

import pandas as pd

from kdx_eval.synthetic_city.city import City
from kdx_eval.synthetic_city.design import stream

_PLAN = "合成データ（架空の行財政運営方針）"
# 節, 細節, 単価, 財源, 研修番号, R6決算の数量. 概論 is taught by own staff from R7 on and its invoice fell; security too, but its invoice did not.
_EARLIER: tuple[tuple[str, str, int, str, str, int], ...] = (
    ("委託料", "BPR・業務改善研修 業務委託（1回24人）", 385_000, "一般財源", "DXBPR", 6),
    ("委託料", "ビジネスアーキテクト育成研修 業務委託", 2_310_000, "一般財源", "BA", 1),
    ("委託料", "DX概論・マインド醸成研修 業務委託", 242_000, "一般財源", "DXLIT", 5),
    ("委託料", "ネットワーク・セキュリティ対策研修 業務委託", 297_000, "一般財源", "DXNET", 2),
    ("報償費", "オンライン申請ツール合同研修会 講師謝礼", 33_000, "一般財源", "FORMTOOL", 6),
    ("委託料", "DXアドバイザー業務委託（1人1か月）", 990_000, "一般財源", "", 6),
)
_TARGETS: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("DXリテラシーのばらつき（標準偏差）", (0.85, 0.8, 0.75)),
    ("改善の案件がある課の割合", (0.25, 0.3, 0.35)),
    ("ナレッジを使う課の割合", (0.45, 0.5, 0.55)),
    ("オンライン申請率", (0.3, 0.35, 0.4)),
    ("処理日数", (9, 8.5, 8)),
)
_MEASURES: tuple[tuple[str, str, str, str, str, str, str], ...] = (
    ("窓口の混み具合にもとづく職員配置", "EBPM", "R7.7.1", "実施中", "窓口での相談対応", "満足度", "番号札の発券記録"),
    ("転入手続のオンライン事前受付", "手続の見直し", "R7.10.1", "試行", "市民向け手続の見直し", "オンライン申請率", "届出の件数と時間帯"),
    ("孤立の早期発見のための訪問", "EBPM", "R7.6.1", "実施中", "訪問支援", "", "訪問記録"),
    ("審査の手順の統一", "手続の見直し", "R6.10.1", "実施中", "手引きの整備", "処理日数", "差戻しの理由の集計"),
    ("生成AIによる相談記録の要約", "イノベーション", "", "検討中", "データにもとづく施策の検討", "処理日数", ""),
    ("申請フォームの順次公開", "手続の見直し", "R6.10.1", "実施中", "市民向け手続の見直し", "オンライン申請率", "紙の申請の件数"),
)


def earlier_costs() -> pd.DataFrame:
    """What was paid in 令和6年度, with the columns of ``finance.costs``."""
    rows = [
        {
            "fiscal_year": 2024, "stage": "決算", "account": "2-1-10", "project": "DX人材育成事業" if course else "DX高度専門人材活用事業", "section": section,
            "detail": detail, "quantity": quantity, "unit_price": price, "quote_reference": "", "yen": quantity * price, "recurring": "経常",
            "funding": funding, "course_id": course,
        }
        for section, detail, price, funding, course, quantity in _EARLIER
    ]  # fmt: skip
    return pd.DataFrame(rows)


def knowledge(city: City) -> pd.DataFrame:
    """Manuals and internal courses: written by specialists at first, used by more departments as time goes on; two replace a contracted course."""
    rng = stream(city.seed, "knowledge")
    count = 14
    ids = city.departments["department_id"].to_numpy()
    kinds = rng.choice(["手引き", "動画", "ひな形", "内製研修"], count, p=[0.5, 0.2, 0.2, 0.1])
    users = [sorted(rng.choice(ids[1:], min(2 + k // 3, len(ids) - 1), replace=False)) for k in range(count)]
    replaced = {8: "DXLIT", 9: "DXNET"}
    return pd.DataFrame(
        {
            "資産番号": [f"K-{k + 1:03d}" for k in range(count)],
            "種類": ["内製研修" if k in replaced else kind for k, kind in enumerate(kinds)],
            "作成日": [f"R{6 + k // 8}.{k % 8 + 4}.20" for k in range(count)],
            "作成者の区分": ["DX推進人材" if k % 5 == 4 else "DXスペシャリスト人材" for k in range(count)],
            "作成所属": ids[0],
            "利用所属": ["、".join(names) for names in users],
            "置き換えた研修": [replaced.get(k, "") for k in range(count)],
        }
    )


def targets() -> pd.DataFrame:
    """Yearly targets of some indicators; others have none, as in a real city."""
    rows = [(name, 2025 + place, value, _PLAN) for name, values in _TARGETS for place, value in enumerate(values)]
    return pd.DataFrame(rows, columns=["指標", "年度", "目標値", "出典"])


def measures(city: City) -> pd.DataFrame:
    """Measures for which freed hours are said to be used."""
    home = {"満足度": "窓口", "オンライン申請率": "窓口", "": "福祉・保健", "処理日数": "福祉・保健"}
    first = city.departments.drop_duplicates("department_type").set_index("department_type")["department_id"]
    rows = [
        (f"M-{place:03d}", name, first.get(home[indicator], "") if "R7.10" in start else "", kind, start, status, use, indicator, evidence)
        for place, (name, kind, start, status, use, indicator, evidence) in enumerate(_MEASURES, start=1)
    ]
    return pd.DataFrame(
        rows, columns=["施策番号", "施策名", "所属コード", "施策の種類", "施策の開始日", "施策の状況", "再配分先", "施策の成果指標", "根拠としたもの"]
    )
