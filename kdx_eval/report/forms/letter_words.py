"""What the request letters say, by whom they go to. ``[[...]]`` marks what the city must check or fill in before sending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kdx_eval.disclosure import SMALL_CELL
from kdx_eval.report.forms.calendar import RequestCalendar, short_date, wareki_month
from kdx_eval.units import wareki_date

if TYPE_CHECKING:
    from kdx_eval.report.forms.senders import Asked
    from kdx_eval.schema import Period, Sender

SUBJECT = "DX研修の効果検証に必要な資料の提供について（照会）"
SENT_BY = "DX推進課長"
_WHERE = "[[共有フォルダーの場所]]"


def opening(calendar: RequestCalendar) -> str:
    """The sentence before 記."""
    return (
        f"　{calendar.year.wareki}の予算要求に当たり、DX人材育成のための研修が業務時間などに与えた効果を検証します。"
        "つきましては、御多用のところ恐れ入りますが、下記のとおり資料を提供くださるようお願いいたします。"
    )


def purpose(calendar: RequestCalendar) -> str:
    """1 照会の目的."""
    return (
        f"研修を受けた課と受けていない課、受ける前と後を比べて、研修が職員の業務時間にどう影響したかを確かめ、その結果を{calendar.year.wareki}"
        "予算要求書の附属資料とするため。効果が認められなかった場合も、そのとおりに記載します。"
    )


def use(asked: Asked) -> Sequence[str]:
    """2 利用目的."""
    only = "DX研修の効果検証に限ります。ほかの目的には利用せず、庁外へは提供しません。"
    return (only, "個人情報を利用する根拠：[[個人情報保護の担当課に確認して記入]]") if asked.about_people else (only,)


def period(kind: Period, calendar: RequestCalendar) -> str:
    """Of which time a table is asked for."""
    first = calendar.first_year.first
    late = "・".join(str((calendar.last_month + ahead).month) for ahead in (1, 2))
    return {
        "current": f"{wareki_date(calendar.asked)}現在（{calendar.first_year.wareki}以後に廃止したものを含む）",
        "rosters": f"{calendar.first_year.wareki}から{calendar.current_year.wareki}までの各4月1日現在",
        "history": f"{wareki_date(first.first_day)}以後",
        "monthly": f"{wareki_month(first)}から{wareki_month(calendar.last_month)}までの各月（{late}月分は{_day(calendar)}までに追加）",
        "fiscal_years": f"{calendar.first_year.wareki}から{calendar.current_year.wareki}まで",
    }[kind]


def _day(calendar: RequestCalendar) -> str:
    return f"{calendar.frozen.month}月{calendar.frozen.day}日"


def deadline(asked: Asked, calendar: RequestCalendar) -> Sequence[str]:
    """4 提出期限."""
    texts = [f"{short_date(calendar.answered)}"]
    if asked.sender == "personnel":
        texts.append(f"研修担当及び勤怠・給与担当から貴課に集まる資料と合わせた、仮名化後の受渡し：{short_date(calendar.received)}")
    texts.append(
        f"その後の予定：データの凍結 {short_date(calendar.frozen)}、分析 {short_date(calendar.analysed)}まで、予算要求書の提出 {short_date(calendar.requested)}"
    )
    return texts


def how_to_hand_over(asked: Asked) -> Sequence[str]:
    """5 提出方法, the steps in order."""
    return _HAND_OVER[asked.sender]


_HAND_OVER: dict[Sender, Sequence[str]] = {
    "personnel": (
        "職員ごとの資料は、研修担当の受講記録などと合わせて、貴課の一つのフォルダー（例「人事データ」）に入れてください。",
        (
            "貴課のパソコンで、次の命令を実行してください（kdx-eval は当課が用意します。外部との通信はしません）。\n"
            "kdx-eval pseudonymise 人事データ --out 渡すデータ --key 鍵\\仮名化.key"
        ),
        (
            "氏名とカナが除かれ、職員番号が符号に置き換わったCSVが「渡すデータ」にできます。このフォルダーだけを"
            f"{_WHERE}へ置いてください。元の資料と鍵は、当課へ渡さないでください。"
        ),
        "鍵（仮名化.key）は貴課だけで保管してください。鍵がなければ、符号から職員番号へは戻せません。来年度も同じ鍵を使うと、年度をまたいで同じ人と分かります。",
        (
            "受講者の名簿に職員番号がなく氏名だけのときは、必ず職員名簿と同じフォルダーに入れて、一度に仮名化してください。"
            "別々に処理すると氏名が先に失われ、後から突き合わせることができません。職員番号がある名簿は、同じ鍵を使えば別の日に処理しても突き合わせられます。"
        ),
        "読み取れずに外した行の場所と理由は rejected.csv に出ます（氏名などの値は載りません）。",
    ),
    "training": (
        "「受講記録」「スキル評価」は職員ごとの資料なので、当課ではなく人事課へ提出してください。人事課が職員名簿と一緒に仮名化し、当課は仮名化後のものだけを受け取ります。",
        (
            "受講記録には、必ず職員番号を書いてください。氏名だけの名簿は、人事課で職員名簿と同時に仮名化しない限り、誰の受講か分からなくなります。"
            "番号が分からないときは、氏名・カナ・所属を書き、その旨を人事課へお伝えください。"
        ),
        f"「研修」（一覧）には個人の情報がないので、{_WHERE}へ直接提出して構いません。",
        "研修管理の仕組みから出したCSVやExcelがあれば、様式に写さず、そのまま提出してください。",
    ),
    "payroll": (
        f"「勤務時間」は、所属ごとの月の合計で構いません。その場合と「人件費単価」は、{_WHERE}へ直接提出してください。",
        "職員ごとに提出いただける場合は、当課ではなく人事課へ提出してください。人事課が仮名化し、当課は仮名化後のものだけを受け取ります。職員番号は、名簿と同じ番号で書いてください。",
        "時間外勤務がなかった月は 0、集計していない月は空欄にしてください。",
        "システムから出したCSVや、課を縦、月を横に並べた表があれば、様式に写さず、そのまま提出してください。",
    ),
    "department": (
        f"添付の記入様式（Excel）に記入し、{_WHERE}へ置いてください。使わないシートは空のままで構いません。",
        "職員個人の情報は求めていません。氏名や職員番号は書かないでください。",
        "件数や時間を調べていない月は空欄に、調べて 0 だった月は 0 としてください。新たに調べていただく必要はありません。",
        "システムから出したCSVやExcelがあれば、様式に写さず、そのまま提出してください。",
    ),
    "finance": (
        f"添付の記入様式（Excel）に記入し、{_WHERE}へ置いてください。財務会計の仕組みから出したCSVでも構いません。",
        "「前年度要求時の見込み」は、昨年度の予算要求で見込んだ効果です。実績と突き合わせて附属資料に載せます。",
        "職員個人の情報は求めていません。",
    ),
}


def handling(asked: Asked, calendar: RequestCalendar) -> Sequence[str]:
    """6 資料の取扱い."""
    kept = f"[[{wareki_date(calendar.year.last.first_day.replace(day=31))}]]まで保存し、その後速やかに廃棄します。"
    if asked.about_people:
        return (
            "職員の人事評価、給与、異動その他の個人の処遇には用いません。研修を受けなかったことを理由とする取扱いもしません。",
            f"個人が分かる形では公表しません。集計の結果も、{SMALL_CELL}人未満の区分は伏せます。",
            "分析は、庁内の通信から切り離したパソコンで行い、利用できる者を[[担当者の範囲]]に限ります。",
            f"仮名化した資料は、{kept}",
        )
    return (
        "職員の人事評価にも、課の評価や定数の査定にも用いません。",
        f"個人が分かる形では公表しません。集計の結果も、{SMALL_CELL}人未満の区分は伏せます。",
        f"資料は、{kept}",
    )


def contact() -> str:
    """7 問い合わせ先."""
    return "DX推進課　担当：[[氏名]]　内線：[[番号]]　メール：[[アドレス]]"
