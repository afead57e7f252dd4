"""The texts that go with the full delivery: its analysis plan and a note on what the folder holds."""

from __future__ import annotations

PLAN_TEXT = """\
# 分析計画（合成データ）。成果を見る前に、何をどう比べるかを決めておく。
title: DX人材育成研修の効果の検証
city: 架空市（合成データ）
synthetic: true
request_fiscal_year: 2027
evaluated_fiscal_year: 2025
evaluated_through: "2026-03"
max_rejected_share: 0.05
audience: internal
price_basis: fully_loaded
questions:
  - question_id: q1_bpr_hours
    title: BPR・業務改善研修により、課の業務時間は減ったか
    courses: [DXBPR]
    unit: department
    outcome: workload.minutes
    design: staggered
    control: not_yet_treated
    treated_from: enrolled
    threshold_share: 0.15
    cohort_width: quarter
    excluded_periods:
      - ["2022-04", "2023-04"]  # 新型コロナウイルス感染症の期間
    smallest_effect: break_even
    role: primary
  - question_id: q2_form_hours
    title: オンライン申請ツール合同研修会により、課の業務時間は減ったか
    courses: [FORMTOOL]
    unit: department
    outcome: workload.minutes
    design: staggered
    control: not_yet_treated
    treated_from: enrolled
    threshold_share: 0.15
    cohort_width: quarter
    excluded_periods:
      - ["2022-04", "2023-04"]
    smallest_effect: break_even
    role: primary
  - question_id: q3_bpr_overtime
    title: BPR・業務改善研修により、時間外勤務は減ったか
    courses: [DXBPR]
    unit: department
    outcome: worktime.overtime_hours
    design: staggered
    control: not_yet_treated
    treated_from: enrolled
    threshold_share: 0.15
    cohort_width: quarter
    excluded_periods:
      - ["2022-04", "2023-04"]
    smallest_effect: break_even
    role: secondary
    note: 時間外勤務の減少は業務時間の減少の一部であり、足し合わせない
  - question_id: q4_genai_uses
    title: 生成AI庁内活用推進研修により、生成AIの利用は増えたか
    courses: [AITOOL]
    unit: department
    outcome: indicators.genai_uses
    design: staggered
    control: not_yet_treated
    treated_from: enrolled
    threshold_share: 0.15
    cohort_width: quarter
    excluded_periods:
      - ["2022-04", "2023-04"]
    smallest_effect: 5.0
    role: secondary
    note: 定性的効果として示し、金額には換算しない
  - question_id: q5_security
    title: セキュリティe-ラーニングを全員が修了したか
    courses: [SECURITY]
    unit: department
    outcome: worktime.overtime_hours
    design: everyone
    role: completion_only
    note: 全職員必修のため比べる相手がなく、修了率だけを示す
  - question_id: q6_processing_days
    title: BPR・業務改善研修により、市民が待つ処理日数は短くなったか
    courses: [DXBPR]
    unit: department
    outcome: indicators.processing_days
    design: staggered
    control: not_yet_treated
    treated_from: enrolled
    threshold_share: 0.15
    cohort_width: quarter
    excluded_periods:
      - ["2022-04", "2023-04"]
    smallest_effect: 0.3  # 日
    role: secondary
    note: 生まれた時間で始めた施策（EBPM・イノベーション）の行き着く先。定性的効果として示し、金額には換算しない
  - question_id: q7_online_share
    title: オンライン申請ツール合同研修会により、オンライン申請率は上がったか
    courses: [FORMTOOL]
    unit: department
    outcome: indicators.online_share
    design: staggered
    control: not_yet_treated
    treated_from: enrolled
    threshold_share: 0.15
    cohort_width: quarter
    excluded_periods:
      - ["2022-04", "2023-04"]
    smallest_effect: 1.0  # ポイント
    role: secondary
    note: 生まれた時間で始めた施策（EBPM・イノベーション）の行き着く先。定性的効果として示し、金額には換算しない
"""

README_TEXT = """\
合成データ

このフォルダのファイルはすべて、架空の市の合成データです。実在の職員・組織・金額とは関係がありません。
研修の真の効果をあらかじめ決めてつくってあり、その値はひとつ上のフォルダの truth.json と truth_effects.csv にあります。
実際のデータらしくするため、文字コードや日付の書き方をそろえず、誤った行もわざと入れてあります。
"""
