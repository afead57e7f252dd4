"""別冊, hours in detail: by department and process, per person, how long they last, where they went, who else claims them, what the books show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Bullets, Figure, Heading, Paragraph, Table, columns, shorten, without_empty_columns
from kdx_eval.report.claims_hours import ABSENT, MOST_SPLIT, class_rows, overlap_name, row_name, shown_processes, shows_departments
from kdx_eval.report.hours_figures import split_lines
from kdx_eval.report.words_hours import TABLES
from kdx_eval.savings.bases import BASIS_WORDS, SHORT_WORDS
from kdx_eval.savings.details import CLASS_WORDS
from kdx_eval.units import FiscalYear

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.report.pictures import Pictures
    from kdx_eval.results import Results
    from kdx_eval.savings import RegisterRow, Savings, SavingsLine

PUBLIC_NOTE = "公表用のため、課や業務ごとの表は載せていません。"
FULL_YEAR_NOTE = "年換算は、評価年度に受講済みの課が1年を通して同じ効果だったとした場合の計算値で、実績ではありません。実績には足しません。"
REGISTER_NOTE = "「評価年度」は使った月の分。アンケートは、答えなかった人を0時間とした下限。" + "、".join(
    f"{SHORT_WORDS[basis]}＝{words}" for basis, words in BASIS_WORDS.items() if SHORT_WORDS[basis] != words
)
SHORT_CLASSES = dict(zip(CLASS_WORDS.values(), ("歳出削減", "手当の縮減", "時間の創出", "定性的"), strict=True))
MOST_YEARS = 5
MOST_ON_PAPER = 10  # departments, processes or claims that the printed 別冊 lists of a long table, the largest ones
BRIDGE = ("created", "redeployed", "unexplained")
REGISTER_PARTS = (
    ("claimed", "主張をそのまま足した場合"),
    ("measured", "重なりを除いて測った時間"),
    ("training", "　うち研修"),
    ("other", "　うちほかの取組（測ったもの）"),
    ("disputed", "　うちどちらの成果とも言い切れない時間"),
    ("training_before", "参考：研修（重なりを分ける前）"),
)
UNIT_NOTE = "「全体に寄せた値」は、課ごとの誤差が大きいほど全体の割合に寄せたもの。どちらの列も合計は全体の時間と同じです。課どうしの順位付けには使えません。"


def hours_blocks(results: Results, ledger: Ledger, *, pictures: Pictures) -> Iterator[Block]:
    """All blocks on hours beyond the totals; nothing where hours were not counted."""
    savings = results.savings
    if savings is None:
        return
    yield Heading(text="時間の内訳", level=3)
    if ledger.has("savings.annualised"):
        name = "savings.annualised"
        yield Paragraph(text=f"年換算の時間：{ledger.text(name)}（{ledger.range_text(name)}）。{FULL_YEAR_NOTE}")
    yield from _class_table(savings, ledger)
    yield from _person_table(savings, ledger)
    yield from _since_blocks(savings, ledger, pictures=pictures)
    if not shows_departments(results):
        yield Paragraph(text=PUBLIC_NOTE)
    else:
        yield from _unit_tables(savings, ledger)
    yield Heading(text="生まれた時間の使い道", level=3)
    yield from _figure(pictures, "bridge")
    yield from _bridge_table(results, savings, ledger=ledger)
    yield Heading(text="効果の一覧（同じ時間を二重に数えない）", level=3)
    yield from _register_blocks(results, savings, ledger=ledger, pictures=pictures)
    yield Heading(text="帳簿との突き合わせ", level=3)
    yield from _book_blocks(savings, ledger)


def _figure(pictures: Pictures, kind: str) -> Iterator[Block]:
    for item in pictures.hours:
        if item.file.startswith(f"hours-{kind}"):
            yield Figure(name=item.file.removesuffix(".png"), png=pictures.content[item.file], alt=item.alt, caption=item.caption)


def _texts(ledger: Ledger, name: str, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(ledger.text(f"{name}.{field}") for field in fields)


def _class_table(savings: Savings, ledger: Ledger) -> Iterator[Block]:
    rows = tuple((name, *_texts(ledger, f"class.{place}", ("hours", "yen", "note"))) for place, (name, *_) in enumerate(class_rows(savings)))
    heads = columns("区分", "年間", "予算が減る額（千円）", "説明", right=(1, 2), widths=(1.6, 0.9, 1.1, 3))
    yield Table(columns=heads, rows=rows, caption=TABLES["class"])


def _person_table(savings: Savings, ledger: Ledger) -> Iterator[Block]:
    if not savings.per_person:
        return
    lines = {line.question_id: line for line in savings.lines}
    rows = tuple(
        (shorten(lines[one.question_id].title, 44), *_texts(ledger, f"person.{place}", ("hours", "persons", "each")),
         ledger.range_text(f"person.{place}.each"), lines[one.question_id].verdict)
        for place, one in enumerate(savings.per_person)
    )  # fmt: skip
    heads = columns("問い", "生まれた時間", "実員", "1人当たり", "幅（95％）", "判定", right=(1, 2, 3), widths=(3, 1.1, 0.9, 1, 1.6, 1))
    sources = "、".join(dict.fromkeys(one.source for one in savings.per_person))
    yield Table(columns=heads, rows=rows, caption=TABLES["person"], note=f"実員：{sources}。判定不能の行は、生まれたとは言えません。")


def _since_blocks(savings: Savings, ledger: Ledger, *, pictures: Pictures) -> Iterator[Block]:
    if not savings.persistence:
        return
    yield from _figure(pictures, "persistence")
    lines = {line.question_id: line for line in savings.lines}
    rows = tuple(
        (shorten(lines[year.question_id].title, 44), f"{year.year}年目", ledger.text(f"since.{place}.hours"), ledger.range_text(f"since.{place}.hours"),
         ledger.text(f"since.{place}.units"))
        for place, year in enumerate(savings.persistence)
    )  # fmt: skip
    heads = columns("問い", "年数", "1単位・1か月", "幅（95％）", "単位", right=(2, 4), widths=(3, 0.8, 1.1, 1.6, 0.7))
    yield Table(columns=heads, rows=rows, caption=TABLES["since"], note="年数が進むほど単位が減り、異動で受講した職員も入れ替わるため、幅が広がります。")


def _unit_tables(savings: Savings, ledger: Ledger) -> Iterator[Block]:
    place = {"dept": 0, "proc": 0}
    split = split_lines(savings)
    for line, one in split[:MOST_SPLIT]:
        if one.note:
            yield Paragraph(text=f"{shorten(line.title, 50)}：{one.note}")
        for kind, units in (("dept", one.departments), ("proc", shown_processes(one.processes))):
            rows = []
            for unit in units:
                name = f"{kind}.{place[kind]}"
                place[kind] += 1
                fields = _texts(ledger, name, ("hours", "plain", "baseline", "share"))
                rows.append((shorten(unit.name, 30), fields[0], ledger.range_text(f"{name}.hours"), *fields[1:]))
            # Of a question that may not be claimed the rows by department would be read as results: paper leaves them to the site.
            kept = _largest([unit.shrunken for unit in units]) if line.may_claim else ()
            if rows and kind == "dept":
                rows.append(("計", *_totals(line, ledger)))
                kept = (*kept, len(rows) - 1) if kept else ()
            if rows:
                first = "課" if kind == "dept" else "業務"
                heads = columns(first, "寄せた値", "幅（95％）", "そのまま", "研修前の時間", "割合", right=(1, 3, 4, 5), widths=(2.4, 1, 1.6, 1, 1.1, 0.7))
                some = len(one.processes) > len(rows) and kind == "proc"
                note = UNIT_NOTE if kind == "dept" else "時間の大きいものから。残りはノート 04 にあります。" if some else ""
                yield Table(columns=heads, rows=tuple(rows), caption=f"{TABLES[kind]}（{shorten(line.title, 40)}）", note=note, on_paper=kept)
    if len(split) > MOST_SPLIT:
        yield Paragraph(text="ほかの問いの課ごとの時間は、ノート 04 にあります。")


def _totals(line: SavingsLine, ledger: Ledger) -> tuple[str, ...]:
    """The question's own total under its departments."""
    name = f"question.{line.question_id}"
    saved, width = ledger.text(f"{name}.saved"), ledger.range_text(f"{name}.saved")
    return saved, width, saved, ledger.text(f"{name}.baseline"), ledger.text(f"{name}.share")


def _bridge_table(results: Results, savings: Savings, *, ledger: Ledger) -> Iterator[Block]:
    bridge = savings.bridge
    if not bridge.recorded:
        yield Paragraph(text="使い道の記録（再配分）がないため、生まれた時間が何に使われたかは示せません。")
        return
    rows = [(shorten(name, 40), ledger.text(f"bridge.destination.{place}")) for place, (name, _) in enumerate(bridge.destinations)]
    total = [("再配分を記録した時間の計", ledger.text("bridge.redeployed")), ("使い道の記録がない時間", ledger.text("bridge.unexplained"))]
    total.append(("生まれた時間", ledger.text("bridge.created")))
    yield Table(columns=columns("使い道", "年間", right=(1,), widths=(3, 1)), rows=(*rows, *total), caption="生まれた時間の使い道")
    if not bridge.departments or not shows_departments(results):
        return
    by_department = tuple(
        (shorten(row.name, 24), *_texts(ledger, f"use.{place}", BRIDGE), shorten("、".join(name for name, _ in row.destinations), 40))
        for place, row in enumerate(bridge.departments)
    )
    whole = ("計", *_texts(ledger, "bridge", BRIDGE), "")
    kept = _largest([row.redeployed_hours for row in bridge.departments])
    heads = columns("課", "生まれた時間", "再配分", "記録なし", "使い道", right=(1, 2, 3), widths=(1.6, 1, 1, 1, 2.4))
    note = "△は、時間が増えた課、または生まれた時間より多く使い道を記録した課。行の和が計と合うように端数を処理しています（最大剰余法）。"
    yield Table(columns=heads, rows=(*by_department, whole), caption=TABLES["use"], note=note, on_paper=(*kept, len(by_department)))


def _register_blocks(results: Results, savings: Savings, *, ledger: Ledger, pictures: Pictures) -> Iterator[Block]:
    register = savings.register
    if register is None or not (register.rows or register.forecasts):
        yield Paragraph(text="主張された時間がないため、重なりはありません。")
        return
    yield from _figure(pictures, "register")
    yield Paragraph(text=f"分け方：{ledger.text('register.rule')}")
    rows = tuple((label, ledger.text(f"register.{field}"), ledger.claim(f"register.{field}").id) for field, label in REGISTER_PARTS)
    yield Table(columns=columns("項目", "年間", "台帳", right=(1,), widths=(3, 1, 0.6)), rows=rows, caption="重なりの結果")
    if register.notes:
        yield Bullets(items=tuple(ledger.text(f"register.note.{place}") for place in range(len(register.notes))))
    if not shows_departments(results):
        return
    titles = ("課", "業務", "取組", "区分", "根拠", "年間の主張", "評価年度", "分けた後", "合計に", "減った予算（千円）")
    heads = columns(*titles, right=(5, 6, 7, 9), widths=(1.2, 1.5, 1.4, 1.3, 1, 1, 1, 1, 0.6, 0.9))
    listed = (*register.rows, *register.forecasts)
    table = tuple(_register_cells(row, ledger, name=f"reg.{place}", live=place < len(register.rows)) for place, row in enumerate(listed))
    kept = _largest([row.claimed_hours or 0.0 for row in listed])
    yield without_empty_columns(Table(columns=heads, rows=table, caption=TABLES["reg"], note=REGISTER_NOTE, on_paper=kept))
    asked = tuple(f"{row_name(row)}：{ledger.text(f'reg.{place}.note')}" for place, row in enumerate(listed) if row.basis == "survey" and row.note)
    if asked:
        yield Bullets(items=asked)
    keys = tuple(
        (shorten(overlap_name(one), 30), f"{one.n_claims}", *_texts(ledger, f"key.{place}", ("claimed", "estate", "baseline")), one.ground)
        for place, one in enumerate(register.overlaps)
    )
    heads = columns("課／業務", "件", "主張の合計", "分ける時間", "もとの時間", "全体の決め方", right=(1, 2, 3, 4), widths=(2.4, 0.4, 1, 1, 1, 2))
    if keys:
        yield Table(columns=heads, rows=keys, caption=TABLES["key"], on_paper=_largest([one.claimed_hours for one in register.overlaps]))


def _largest(hours: Sequence[float]) -> tuple[int, ...]:
    """The places of the largest amounts, in the table's own order."""
    return tuple(sorted(sorted(range(len(hours)), key=lambda place: -abs(hours[place]))[:MOST_ON_PAPER]))


def _register_cells(row: RegisterRow, ledger: Ledger, *, name: str, live: bool) -> tuple[str, ...]:
    reduced = ledger.text(f"{name}.reduced") if ledger.has(f"{name}.reduced") else ""
    hours = _texts(ledger, name, ("claimed", "hours", "allocated")) if live else (ledger.text(f"{name}.claimed"), "見込み", ABSENT)
    counted = "○" if row.counted else "×"
    place = (row.department_name or "（全庁）", row.process_name or ("（課全体）" if row.department_name else row.note if row.kind == "研修" else ""))
    names = (*(shorten(text, 18) for text in place), shorten(row_name(row), 18))
    return (*names, SHORT_CLASSES[row.benefit_class], SHORT_WORDS[row.basis], *hours, counted, reduced)


def _book_blocks(savings: Savings, ledger: Ledger) -> Iterator[Block]:
    books = savings.reconciliation
    if books is None:
        return
    shown = list(enumerate(books.years))[-MOST_YEARS:]
    if shown:
        rows = [
            (label, *(ledger.text(f"year.{place}.{field}") for place, _ in shown))
            for field, label in (
                ("claimed", "測っていない主張"), ("measured", "測った時間（重なりを除く）"), ("redeployed", "使い道の記録"), ("overtime", "時間外勤務"),
                ("fall", "時間外勤務の前年度からの減"), ("paid", "時間外勤務手当（千円）"), ("staff", "実員"), ("staff_fall", "実員の前年度からの減"),
                ("budget", "事業費（千円）"), ("unexplained", "説明のつかない時間"),
            )
        ]  # fmt: skip
        rows.insert(6, ("時間外勤務の枠配当", *("あり" if year.allotment else "なし" for _, year in shown)))
        heads = columns("項目", *(FiscalYear(year.fiscal_year).short for _, year in shown), right=range(1, len(shown) + 1), widths=(2, *(1 for _ in shown)))
        stages = "、".join(dict.fromkeys(f"{FiscalYear(year.fiscal_year).short}は{year.budget_stage}" for _, year in shown if year.budget_stage))
        note = f"前年度からの減は、両方の年度に記録のある月の比較。「－」は記録がないか、評価していない年度。{f'事業費：{stages}。' if stages else ''}"
        yield Table(columns=heads, rows=tuple(rows), caption=TABLES["year"], note=note)
    yield Bullets(items=tuple(ledger.text(f"books.sentence.{place}") for place in range(len(books.sentences))))
