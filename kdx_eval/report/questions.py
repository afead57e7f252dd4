"""想定問答: each objection of finance, council and critics, answered from the run's own checks, or 「答えられない」 and what would be needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.report.answers import Answer, Standing
from kdx_eval.report.asked import Case, Ground, grouped, make_case, note_names, spans
from kdx_eval.report.logic import is_questionnaire
from kdx_eval.report.wording import CHECK_WORDS, VERDICT_ORDER, ordered_evidence, part_of, plan_note, planned
from kdx_eval.schema import parameter
from kdx_eval.units import Month

if TYPE_CHECKING:
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

NOT_ESTIMATED = "効果を推定できた問いがないため、答えられません。"
_NEED_ESTIMATE = "受講前の記録が12か月以上あり、受けた課と受けていない課を比べられるデータ"


def expected_answers(results: Results, ledger: Ledger) -> tuple[Answer, ...]:
    """Sixteen objections in the order in which they are usually raised, each with what this run can say.

    Raises
    ------
    DataError
        When the results hold no plan.
    """
    case = make_case(results, ledger)
    return tuple(answer(case) for answer in _ANSWERS)


def _budget_falls(case: Case) -> Answer:
    objection = "人件費は減らないのに、効果があると言えるのか。"
    if case.results.budget is None:
        return Answer(objection=objection, text="費用の記録がないため、答えられません。", standing="答えられない", needed="費用の一覧と、時間外勤務手当の実績")
    text = (
        f"研修で職員の給料が減ることはなく、そうは主張していません。{case.text('cash.sentence')}"
        "目的は、職員の時間を空けて、ほかの仕事に振り向けることです。円に換算した値は参考で、予算の減には数えません。"
    )
    savings = case.results.savings
    used = savings is not None and savings.bridge.recorded and savings.may_claim
    grounds = [f"予算が実際に減る額：{case.text('cash.yen')}"]
    grounds += [f"時間の使い道の記録：{case.text('bridge.redeployed')}、記録のない時間：{case.text('bridge.unexplained')}"] if used else []
    needed = "" if used or savings is None or not savings.may_claim else "空いた時間の使い道の記録（再配分）"
    return Answer(objection=objection, text=text, grounds=tuple(grounds), needed=needed)


def _counted_twice(case: Case) -> Answer:
    objection = "RPAや業務改善など、ほかの取組の効果と二重に数えていないか。"
    inside = [(number, part_of(case.results, item.question_id)) for number, item in enumerate(ordered_evidence(case.results), start=1)]
    parts = [f"問{number}は問{whole}の一部のため、合計に入れていません。" for number, whole in inside if whole]
    registered = [claim.text for claim in case.ledger if claim.name.startswith("register.") and claim.unit == "文" and claim.text][:4]
    if registered:
        lead = "ほかの取組が主張する時間とは、課・業務・年度ごとに突き合わせています。"
        if case.ledger.has("savings.overlap"):
            lead += f"重なる{case.text('savings.overlap')}は研修の時間から除き、時間・円・使い道の数字はすべて除いた後のものです。"
        return Answer(objection=objection, text=f"{''.join(parts)}{lead}", grounds=tuple(registered))
    text = f"この評価の中では、同じ時間を二度足していません。{''.join(parts)}ほかの取組が主張する時間との突合は、この資料では行っていません。"
    return Answer(objection=objection, text=text, standing="一部だけ答えられる", needed="ほかの取組の一覧（課・業務・年度・主張した時間）")


def _by_checks(case: Case, ids: Sequence[str], *, objection: str, lead: str, needed: str, at_best: Standing = "答えられる") -> Answer:
    """An objection that checks answer: what they found, question by question."""
    found = [(number, item, check) for number, item in case.items for check in item.checks if check.check_id in ids]
    if not found:
        text = f"{lead}これを確かめる点検は行っていません。" if case.items else f"{lead}{NOT_ESTIMATED}"
        return Answer(objection=objection, text=text, standing="答えられない", needed=needed if case.items else _NEED_ESTIMATE)
    grounds = grouped([
        Ground(
            number=number,
            heading=f"{check.title}：{CHECK_WORDS[check.outcome]}",
            text=case.text(f"question.{item.question_id}.check.{check.check_id}"),
            bad=check.outcome == "failed",
        )
        for number, item, check in found
    ])
    outcomes = {check.outcome for _, _, check in found}
    failed = spans(number for number, _, check in found if check.outcome == "failed")
    standing: Standing
    if failed:
        standing, text = "問題が見つかった", f"確かめたところ、{failed}で懸念のとおりの問題が見つかりました。その分、確からしさを下げています。"
    elif outcomes == {"passed"}:
        standing, text = at_best, "確かめたところ、問題は見つかりませんでした。"
    elif "passed" in outcomes:
        standing, text = "一部だけ答えられる", "確かめた範囲では問題は見つかりませんでしたが、データが足りず確かめられない点が残ります。"
    else:
        standing, text = "答えられない", "データが足りず、問題があっても見つけられません。"
    return Answer(objection=objection, text=lead + text, standing=standing, grounds=grounds, needed="" if standing == "答えられる" else needed)


def _fell_back(case: Case) -> Answer:
    return _by_checks(
        case,
        ("selection_months", "placebo_date"),
        objection="忙しかった課が選ばれ、放っておいても元に戻っただけではないか（平均への回帰）。",
        lead="受講直前の月を使わない場合との差と、受講の1年前に始まったとみなした場合の差を確かめます。",
        needed="受講前の24か月以上の記録",
    )


def _volunteers(case: Case) -> Answer:
    drawn = bool(case.items) and all(item.maryland == 5 for _, item in case.items)
    return _by_checks(
        case,
        ("pre_trends", "trend_carried_on"),
        objection="やる気のある課や職員だけが受けたのではないか（庁内公募・志願）。",
        lead="受講の順番はくじで決めています。"
        if drawn
        else "受ける前から動きが違っていなかったかを確かめます。同じように応募して受けられなかった人との比較ではありません。",
        needed="応募して選ばれなかった人の記録、または抽選で決めた受講の順番",
        at_best="答えられる" if drawn else "一部だけ答えられる",
    )


def _covid(case: Case) -> Answer:
    objection = "新型コロナの影響ではないか。"
    if not case.studies:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    ended = parameter("covid_end")
    last = Month.of_date(ended.valid_from)
    starts = {number: Month(int(study.series["period"].min())) for number, study in case.studies if study.monthly and len(study.series)}
    if starts and min(starts.values()) > last:
        first = min(starts.values())
        return Answer(objection=objection, text=f"使ったのは{first.year}年{first.month}月からの記録で、5類への移行より後です。影響は入りません。")
    lead = (
        "移行前の期間も使っていますが、同じ時期の比較対照の動きを差し引いており、全庁に共通の影響は除かれます。課によって違う影響は残ります。"
        "計画で除いた期間を使った場合との差も確かめます。"
    )
    needed = "5類への移行より後だけの記録で、受講前を12か月以上"
    return _by_checks(case, ("concurrent_events",), objection=objection, lead=lead, needed=needed, at_best="一部だけ答えられる")


def _transfers(case: Case) -> Answer:
    objection = "4月の人事異動で、受けた職員がいなくなったのではないか。"
    if not case.studies:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    # Only its first sentence: the rest is an estimate under an assumption that cannot be tested.
    notes = note_names(case, "参考（受講の割合）", claimed_only=False)
    grounds = grouped([Ground(number=number, heading="", text=f"{text.partition('。')[0]}。") for number, text in notes])
    text = (
        "異動で受けた職員が減った分は、効果が小さくなる形で結果に含まれています（受けた課を、異動があっても受けた課のまま数えるため）。"
        "出た職員と残った職員に分けた比較はしていません。"
    )
    return Answer(objection=objection, text=text, standing="一部だけ答えられる", grounds=grounds, needed="月ごとの所属履歴（年度途中の異動を含む）")


def _season(case: Case) -> Answer:
    objection = "年度末・年度始めの繁忙の差ではないか。"
    same = [(number, study) for number, study in case.studies if study.headline.method == "matched_months"]
    if not case.studies:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    if len(same) < len(case.studies):
        text = "同じ月どうしを比べる方法を使えなかった問いがあり、季節の差を除けているとは言い切れません。"
        return Answer(objection=objection, text=text, standing="一部だけ答えられる", needed="受講前の12か月以上の月ごとの記録")
    grounds = grouped([
        Ground(number=number, heading="", text=f"受講前の月数は最短{study.shortest_before}か月", bad=study.shortest_before < 24)
        for number, study in same
        if study.shortest_before is not None
    ])
    text = "受講前の同じ月の平均と比べ、同じ時期の比較対照の動きも差し引いているため、毎年の繁忙の差は除かれます。"
    short = [study for _, study in same if study.shortest_before is not None and study.shortest_before < 24]
    needed = "受講前の24か月以上の記録（季節の動きそのものを確かめるため）" if short else ""
    return Answer(objection=objection, text=text, standing="一部だけ答えられる" if short else "答えられる", grounds=grounds, needed=needed)


def _spill(case: Case) -> Answer:
    return _by_checks(
        case,
        ("fixed_comparison",),
        objection="受けていない課にも知識が伝わっているのではないか。仕事をほかの課に回しただけではないか（波及・付け替え）。",
        lead="知識が伝わっていれば、比べた相手も良くなり、差は小さめに出ます。仕事を回していれば、差は大きめに出ます。一度も受けていない相手だけと比べた場合との差を確かめます。",
        needed="どの課の知識・手順を使ったかの記録と、仕事を回した先の課の時間",
        at_best="一部だけ答えられる",
    )


def _watched(case: Case) -> Answer:
    objection = "測られていると知って、よく見せただけではないか。自己申告ではないか。"
    questions = {question.question_id: question for question in planned(case.results).questions}
    asked = [number for number, item in case.items if item.question_id in questions and is_questionnaire(questions[item.question_id])]
    if asked:
        text = f"{spans(asked)}の成果は本人の回答によるもので、この懸念は除けません。"
        return Answer(objection=objection, text=text, standing="答えられない", needed="勤務時間や業務の記録など、本人の回答によらない成果")
    if not case.items:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    outcomes = "、".join(dict.fromkeys(item.outcome_label for _, item in case.items))
    text = f"成果はアンケートではなく、庁内の記録（{outcomes}）で測っています。研修の後しばらくだけの変化かどうかは、受講からの年数ごとの動きで見ます。"
    if any(questions[item.question_id].outcome.table == "workload" for _, item in case.items if item.question_id in questions):
        text += "業務量の記録に本人の見積りが混ざっているかどうかは、ここでは分けていません。"
        return Answer(objection=objection, text=text, standing="一部だけ答えられる", needed="業務量をどう測ったか（時刻の記録か、本人の見積りか）")
    return Answer(objection=objection, text=text)


def _best_case(case: Case) -> Answer:
    objection = "うまくいった課だけを見せていないか（チャンピオンデータ）。"
    plan = planned(case.results)
    tally = "、".join(f"{verdict}{case.text(f'tally.{verdict}')}" for verdict in VERDICT_ORDER if case.ledger.claim(f"tally.{verdict}").value)
    text = f"計画に定めた問い{case.text('tally.all')}を、結果によらずすべて示しています（{tally}）。平均を使い、最もよい課の値は使いません。{plan_note(plan)}"
    if plan.evaluated_after_period or plan.changed_since_freeze:
        return Answer(objection=objection, text=text, standing="一部だけ答えられる", needed="評価する期間が始まる前に計画を定めて固定すること")
    return Answer(objection=objection, text=text)


def _no_reply(case: Case) -> Answer:
    objection = "答えなかった人も同じだけ減ったと仮定していないか。"
    if not case.studies:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    grounds = grouped([
        Ground(number=number, heading="", text="".join(case.text(f"question.{study.question_id}.coverage.{place}") for place in range(len(study.coverage))))
        for number, study in case.studies
        if study.coverage
    ])
    return Answer(
        objection=objection,
        text="回答を全員に引き伸ばす計算はしていません。記録のある課だけを数え、記録のない月を0で埋めていません。調べていない課や年度には広げません。",
        grounds=grounds,
    )


def _fewer_cases(case: Case) -> Answer:
    objection = "業務の量そのものが減っただけではないか。"
    if not case.studies:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    each = [number for number, study in case.studies if "件" in study.unit_label.partition("/")[2]]
    if len(each) == len(case.studies):
        return Answer(objection=objection, text="1件当たりで測っているため、件数の増減は結果に入りません。")
    text = "全庁に共通の業務量の増減は、比較対照の動きを差し引くことで除かれます。受けた課だけで業務量が変わった場合は、分けられません。"
    return Answer(objection=objection, text=text, standing="一部だけ答えられる", needed="業務ごとの処理件数（件数当たりで比べるため）")


def _reform(case: Case) -> Answer:
    return _by_checks(
        case,
        ("concurrent_events",),
        objection="制度改正、システムの更新・標準化、増員など、同じ時期の別の出来事のためではないか。",
        lead="出来事のあった期間を除いて計算し、除かない場合との差を確かめます。",
        needed="同時施策・外部要因の一覧（いつ、どの課に、何があったか）",
    )


def _few(case: Case) -> Answer:
    objection = "課の数が少なく、たまたまではないか。"
    told = [(number, item) for number, item in case.items if case.ledger.has(f"question.{item.question_id}.detectable")]
    if not told:
        return Answer(objection=objection, text=NOT_ESTIMATED, standing="答えられない", needed=_NEED_ESTIMATE)
    grounds = []
    for number, item in told:
        name = f"question.{item.question_id}"
        units = (
            f"受けた側{case.text(f'{name}.treated_units')}、比べた相手{case.text(f'{name}.control_units')}。"
            if case.ledger.has(f"{name}.treated_units")
            else ""
        )
        text = f"{units}見つけられる最小の大きさ：{case.text(f'{name}.detectable')}"
        grounds.append(Ground(number=number, heading=f"判定：{item.verdict}", text=text, bad=item.verdict == "判定不能"))
    text = "たまたまの振れは95％の幅で示し、見つけられる最小の大きさを結果の前に示しています。これより小さい効果は、あっても判定できません。"
    wide = [(number, item.headline) for number, item in told if item.verdict == "判定不能" and item.headline is not None]
    undecided = [number for number, entry in wide if entry.conf_low <= 0 <= entry.conf_high]
    if undecided:
        text += f"{spans(undecided)}は、幅が広いため判定不能です。"
    needed = "受ける課を増やすか、もう1年分の記録を加えること" if undecided else ""
    return Answer(objection=objection, text=text, grounds=grouped(grounds), needed=needed)


def _lasts(case: Case) -> Answer:
    objection = "効果は続くのか。"
    notes = note_names(case, "参考（続き方）", claimed_only=True)
    grounds = grouped([Ground(number=number, heading="", text=text) for number, text in notes])
    budget = case.results.budget
    if budget is not None and budget.kept is not None and budget.kept.measured and budget.outlook is not None and budget.outlook.cases:
        text = f"{case.text('outlook.kept_sentence')}3年・5年の試算は見込みで、実績に足していません。3年目以降は測っていません。"
        needed = "同じ課を、受講から3年追った記録"
        return Answer(objection=objection, text=text, standing="一部だけ答えられる", grounds=grounds, needed=needed)
    if not grounds:
        text = "効果があると言える問いで、2年以上追えたものがないため、答えられません。費用との比較は1年を基本にしています。"
        return Answer(objection=objection, text=text, standing="答えられない", needed="同じ課を、受講から2年以上追った記録")
    text = (
        "受け始めてからの年ごとの変化を追っています。年によって対象の課が違うため、続くと言い切ることはできません。"
        "3年・5年の試算は見込みで、実績に足していません。"
    )
    return Answer(objection=objection, text=text, standing="一部だけ答えられる", grounds=grounds, needed="同じ課を、受講から3年追った記録")


def _otherwise(case: Case) -> Answer:
    objection = "研修以外の方法（何もしない、J-LIS、内製、近隣との共同）でもできたのではないか。"
    budget = case.results.budget
    told = () if budget is None else tuple(case.text(f"alternative.{place}") for place in range(len(budget.alternatives)))
    told += tuple(f"{claim.subject}：{claim.text}" for claim in case.ledger if claim.name.startswith("ladder.") and claim.unit == "文" and claim.text)
    if not told:
        text = "ほかの方法の費用と効果を並べた記録がないため、答えられません。何もしない場合との差は、受けていない課との比較で見ています。"
        return Answer(objection=objection, text=text, standing="答えられない", needed="ほかの方法の見積り（1人当たりの費用と、同じ内容を学べるか）")
    text = "ほかの方法を並べています。効果の違いは、同じ方法で調べていないため比べられません。"
    return Answer(objection=objection, text=text, standing="一部だけ答えられる", grounds=told[:5], needed="ほかの方法の効果を同じ比べ方で調べた記録")


_ANSWERS: tuple[Callable[[Case], Answer], ...] = (
    _budget_falls, _counted_twice, _fell_back, _volunteers, _covid, _transfers, _season, _spill, _watched, _best_case, _no_reply, _fewer_cases,
    _reform, _few, _lasts, _otherwise,
)  # fmt: skip


def standing_count(answers: Iterable[Answer]) -> Iterator[tuple[str, int]]:
    """How many are answered, in part, not at all, or with a fault found; standings that do not occur are left out."""
    found = [answer.standing for answer in answers]
    for standing in ("答えられる", "一部だけ答えられる", "問題が見つかった", "答えられない"):
        if standing in found:
            yield standing, found.count(standing)
