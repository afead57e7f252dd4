"""What the departments are told about the order: one page for their heads, and the list itself."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from kdx_eval.panel.successors import JOIN
from kdx_eval.report.forms.word_pages import heading, item, new_page, numbered, page_bytes, paragraph
from kdx_eval.safe import spreadsheet_text
from kdx_eval.schema import load_schema
from kdx_eval.units import Month, format_number

if TYPE_CHECKING:
    from kdx_eval.policy.rollout import Rollout

_TITLE = "研修を受ける順番について"
HEADINGS = tuple(field.title for field in load_schema().table("rollout_order").fields)


def order_table(found: Rollout) -> bytes:
    """順番表.csv (UTF-8 with BOM, for Excel): the lottery's log, one row a department, as next year's delivery takes it."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(HEADINGS)
    for one in found.order:
        for department in one.department_id.split(JOIN):  # departments that are one unit begin together
            texts = (spreadsheet_text(text) for text in (department, one.department, one.stratum))
            writer.writerow((found.draw_id, one.wave, one.start, *texts, one.number, spreadsheet_text(found.word)))
    return ("\ufeff" + stream.getvalue()).encode("utf-8")


def rollout_notice(found: Rollout, *, synthetic: bool) -> bytes:
    """One A4 page for heads of departments as a Word file: why not all at once, how the order was drawn, what is asked of them."""
    document = new_page(_TITLE)
    if synthetic:
        paragraph(document, "合成データ（実在の団体・職員の数値ではありません）")
    paragraph(document, "　各課長　様")
    paragraph(document, f"　　　{_TITLE}", before=8)
    option = found.options[found.chosen]
    first, last = Month.parse(option.starts[0]), Month.parse(option.starts[-1])
    heading(document, "なぜ全部の課が同時に受けないのか", number=1)
    item(document, "全部の課が同時に受けると、業務の時間が減っても、研修のおかげなのか、ほかの理由なのかが分かりません。")
    item(document, "少しずつ始めれば、先の課とあとの課を比べられます。")
    item(document, "効果が分かれば、来年度以降の予算と、受講にかかる皆さんの時間が無駄でないことを示せます。分からなければ、やめることもできます。")
    heading(document, "順番の決め方", number=2)
    item(document, f"対象の{format_number(len(found.order))}課を、課の区分ごとの抽選で{format_number(len(option.sizes))}回に分けました（{option.name}）。")
    item(document, f"抽選は、種「{found.word}」と課の番号だけから計算しています。同じ種を使えば、どなたでも同じ順番を確かめられます（SHA-256）。")
    item(document, "順番は別紙（順番表）のとおりです。課の忙しさ、成績、希望は使っていません。順番は評価ではありません。")
    heading(document, "お願い", number=3)
    numbered(document, f"決まった回（{first.year}年{first.month}月～{last.year}年{last.month}月）より前に、この研修を受けないでください。", number=1)
    numbered(document, "やむを得ず変えるときは、先にお知らせください。順番表は書き換えません。抽選で決まった時期のまま比べるので、分析はできます。", number=2)
    numbered(document, "業務量・時間外勤務の記録は、順番にかかわらず、これまでどおり続けてください。", number=3)
    heading(document, "記録の取扱い", number=4)
    item(document, "個人の成績や人事評価には使いません。課ごと・月ごとの合計だけを使います。")
    heading(document, "問い合わせ先", number=5)
    item(document, "[[担当課・担当者・内線]]")
    return page_bytes(document)
