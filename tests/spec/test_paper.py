"""What is handed to the finance division, the council, the mayor: within its limits, answered from the checks, claiming nothing that the verdict forbids."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pptx import Presentation
from pypdf import PdfReader

from kdx_eval.effect.checks import TREND_CARRIED_ON
from kdx_eval.effect.study import CheckResult
from kdx_eval.errors import OutputError
from kdx_eval.report.annex import annex_blocks, annex_pdf, prior_blocks, sensitivity_blocks, worth_blocks
from kdx_eval.report.answer_documents import questions_word, spoken_word
from kdx_eval.report.answers import counted_length, fill
from kdx_eval.report.appendix import appendix_pdf, appendix_word
from kdx_eval.report.blocks import Block, Bullets, Figure, Flow, Heading, Paragraph, Table
from kdx_eval.report.claims import build_ledger
from kdx_eval.report.content import appendix_content
from kdx_eval.report.logic import SURVEY_FLAG, is_questionnaire, logic_blocks, logic_model, outcome_table
from kdx_eval.report.pictures import draw_pictures
from kdx_eval.report.pptx_parts import Place, fit_paragraphs, fitting_size, lines_needed
from kdx_eval.report.questions import expected_answers
from kdx_eval.report.restoration import can_restore, restoration_content
from kdx_eval.report.slides import slides_bytes
from kdx_eval.report.spoken import PASTE_LIMITS, SPOKEN_LIMIT, paste_file, paste_texts, spoken_answers
from kdx_eval.resources import root_dir
from tests.report_city import AS_OF, CHECKS, city
from tests.verdict_cities import SILENT, forbidden_phrases, verdict_city

CITY = city()
FAILED = (replace(CHECKS[0], check_id="pre_trends", outcome="failed", sentence="研修前の動きに差があります（差 3.40、目安 1.20）。"),)
BARE = city(budget=None, savings=None)
CITIES = {"mixed": CITY, "bare": BARE, "failed": verdict_city("判定不能", checks=FAILED), **{verdict: verdict_city(verdict) for verdict in SILENT}}


def plain(block: Block) -> Iterator[str]:
    """All words of a block, without the tables of what must not be said."""
    match block:
        case Heading() | Paragraph():
            yield block.text
        case Bullets():
            yield from block.items
        case Figure():
            yield block.caption
        case Flow():
            yield from (text for stage in block.stages for text in (stage.title, *stage.items, stage.status, stage.evidence))
        case Table():
            if block.columns[0].title != "言ってはいけない":
                yield from (block.caption, block.note, *(cell for row in block.rows for cell in row))


def pdf_pages(content: bytes) -> list[str]:
    return [unicodedata.normalize("NFKC", re.sub(r"\s+", "", page.extract_text())) for page in PdfReader(io.BytesIO(content)).pages]


def office_text(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        parts = [package.read(name).decode() for name in sorted(package.namelist()) if re.search(r"(document|slide\d+|chart\d+)\.xml$", name)]
    return "".join(re.sub(r"<[^>]+>", "", part) for part in parts)


@lru_cache
def all_texts(name: str) -> dict[str, str]:
    """Every document of the city as text."""
    results = CITIES[name]
    ledger = build_ledger(results)
    pictures = draw_pictures(CITY)
    found = {
        "annex": "\n".join(text for block in annex_blocks(results, ledger, pictures=pictures) for text in plain(block)),
        "word": office_text(appendix_word(results, ledger, pictures=pictures, as_of=AS_OF)),
        "questions": office_text(questions_word(results, ledger, as_of=AS_OF)),
        "spoken": office_text(spoken_word(results, ledger, as_of=AS_OF)),
        "slides": office_text(slides_bytes(results, ledger, as_of=AS_OF)),
        "paste": paste_file(results, ledger).decode("utf-8-sig"),
    }
    if can_restore(ledger):
        found["restoration"] = office_text(appendix_word(results, ledger, pictures=pictures, as_of=AS_OF, restoring=True))
    return found


# --- nothing that the verdict forbids -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", SILENT)
def test_no_document_says_what_the_verdict_forbids(verdict: str) -> None:
    phrases = forbidden_phrases(verdict)
    assert phrases
    for name, text in all_texts(verdict).items():
        assert [phrase for phrase in phrases if phrase in text] == [], name


@pytest.mark.parametrize("verdict", SILENT)
def test_a_city_that_may_claim_nothing_names_no_value_in_yen_and_no_sum_of_hours(verdict: str) -> None:
    results = CITIES[verdict]
    ledger = build_ledger(results)
    numbers = [ledger.text("savings.created"), ledger.text("savings.net"), ledger.text("value.yen"), ledger.text("scenario.4.benefit")]
    for name, text in all_texts(verdict).items():
        if name != "annex":  # its ledger and its table of hours hold every figure, marked as not to be claimed
            assert [number for number in numbers if number in text] == [], name
    assert "円への換算" in all_texts(verdict)["annex"] or "人件費への換算" in all_texts(verdict)["annex"]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    verdict=st.sampled_from(SILENT), outcomes=st.lists(st.sampled_from(("passed", "failed", "powerless", "not_applicable")), min_size=2, max_size=2),
    missing=st.sampled_from(("", "budget", "savings", "reach", "prior")), secondary=st.booleans(),
)  # fmt: skip
def test_in_200_cities_no_text_says_what_the_verdict_forbids(verdict: str, outcomes: list[str], missing: str, secondary: bool) -> None:
    ids = ("pre_trends", "selection_months")
    checks = tuple(replace(CHECKS[0], check_id=key, outcome=outcome) for key, outcome in zip(ids, outcomes, strict=True))  # type: ignore[arg-type]
    results = CITIES[verdict]
    assert results.budget is not None
    gone = {"budget": {"budget": None}, "savings": {"savings": None}, "reach": {"budget": replace(results.budget, reach=(), cost_per_completion_yen=None)}}
    gone["prior"] = {"budget": replace(results.budget, prior_claims=())}
    found = {key: replace(item, role="secondary" if secondary and key == "q1" else item.role, checks=checks) for key, item in results.evidence.items()}
    results = replace(results, evidence=found, **gone.get(missing, {}))
    ledger = build_ledger(results)
    content = appendix_content(results, ledger, as_of=AS_OF)
    texts = [str(content), str(restoration_content(content, results, ledger=ledger)) if can_restore(ledger) else ""]
    texts += [str(expected_answers(results, ledger)), str(spoken_answers(results, ledger)), str(paste_texts(results, ledger))]
    blocks = [*logic_blocks(results, ledger), *worth_blocks(results, ledger), *sensitivity_blocks(results, ledger), *prior_blocks(results, ledger)]
    texts += [text for block in blocks for text in plain(block)]
    assert [phrase for phrase in forbidden_phrases(verdict) if any(phrase in text for text in texts)] == []


def test_phrases_would_be_found_if_they_stood_there() -> None:
    assert "効果があった" in forbidden_phrases("判定不能")
    assert "効果があった" in "\n".join(plain(Paragraph(text="研修には効果があった。")))


def test_page_one_makes_the_honest_case_when_nothing_can_be_told() -> None:
    results = CITIES["判定不能"]
    first = pdf_pages(appendix_pdf(results, build_ledger(results), pictures=draw_pictures(CITY), as_of=AS_OF))[0]
    for part in ("今の段階で言えること", "延べ2,890人", "修了1人当たり13,043円", "分岐点", "見つけられたのは", "判定し直す", "減額した場合の影響"):
        assert part in first


def test_page_one_says_nothing_of_the_kind_where_an_effect_may_be_claimed() -> None:
    assert appendix_content(CITY, build_ledger(CITY), as_of=AS_OF)["honest_case"] == ""


# --- texts of a fixed length ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CITIES)
def test_texts_to_paste_keep_their_limits_and_no_jargon(name: str) -> None:
    texts = paste_texts(CITIES[name], build_ledger(CITIES[name]))
    assert {item.field: item.limit for item in texts} == PASTE_LIMITS == {"事業概要": 200, "要求理由": 400, "効果": 200}
    for item in texts:
        assert 0 < len(item.text.encode("utf-16-le")) // 2 <= item.limit
        assert "\n" not in item.text
        assert not re.search(r"ATT|メリーランド|Lv\d|F\d|標準誤差|p値", item.text)


@pytest.mark.parametrize("name", CITIES)
def test_ten_spoken_answers_of_at_most_300_characters(name: str) -> None:
    answers = spoken_answers(CITIES[name], build_ledger(CITIES[name]))
    assert len(answers) == 10
    assert SPOKEN_LIMIT == 300
    assert all(0 < len(answer.text) <= counted_length(answer.text) <= 300 for answer in answers)


def test_the_file_to_paste_opens_in_notepad() -> None:
    content = paste_file(CITY, build_ledger(CITY))
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.count(b"\n") == content.count(b"\r\n") > 8


def test_a_sentence_that_does_not_fit_is_left_out_whole() -> None:
    assert fill(["あいう。", "えおかきく。", "け。"], 7) == "あいう。け。"
    assert fill(["𠮷" * 10], 7) == "𠮷𠮷𠮷…"  # each 𠮷 is two UTF-16 units: three of them and the ellipsis are seven
    assert fill([], 7) == ""


# --- 想定問答 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CITIES)
def test_each_objection_is_answered_or_says_what_would_be_needed(name: str) -> None:
    answers = expected_answers(CITIES[name], build_ledger(CITIES[name]))
    assert len({answer.objection for answer in answers}) == 16
    for answer in answers:
        assert answer.text.endswith("。")
        assert answer.needed or answer.standing == "答えられる", answer.objection


def test_an_answer_carries_the_checks_statistic_and_margin() -> None:
    checks = tuple(
        CheckResult(check_id=key, title=key, outcome="passed", sentence=f"差は0.{place}1（見つけられる大きさ 1.2{place}、目安 6.2{place}）。")
        for place, key in enumerate(("selection_months", "placebo_date"), start=1)
    )
    results = verdict_city("効果あり", checks=checks)
    answer = next(one for one in expected_answers(results, build_ledger(results)) if "平均への回帰" in one.objection)
    assert answer.standing == "答えられる"
    assert any("0.11" in ground and "目安 6.21" in ground for ground in answer.grounds)
    assert any("0.21" in ground and "目安 6.22" in ground for ground in answer.grounds)


@pytest.mark.parametrize(
    ("outcome", "standing"),
    [("failed", "問題が見つかった"), ("powerless", "答えられない"), ("not_applicable", "答えられない"), ("passed", "一部だけ答えられる")],
)
def test_a_check_decides_how_far_an_objection_is_answered(outcome: str, standing: str) -> None:
    check = CheckResult(check_id="pre_trends", title="受講前の傾き", outcome=outcome, sentence="差は0.10（目安 6.20）。")  # type: ignore[arg-type]
    results = verdict_city("判定不能", checks=(check,))
    answer = next(one for one in expected_answers(results, build_ledger(results)) if "志願" in one.objection)
    assert answer.standing == standing
    assert answer.needed


def test_without_estimates_objections_are_not_answered_by_assertion() -> None:
    results = city(studies={}, evidence={"q3": CITY.evidence["q3"]})
    answers = expected_answers(results, build_ledger(results))
    assert sum(answer.standing == "答えられない" for answer in answers) >= 10


# --- 復活要求 -------------------------------------------------------------------------------------------------------------------


def test_the_restoration_request_adds_up_and_says_why() -> None:
    ledger = build_ledger(CITY)
    content = restoration_content(appendix_content(CITY, ledger, as_of=AS_OF), CITY, ledger=ledger)
    full, reduced, gap = (int(item["value"].replace(",", "")) for item in content["amounts"])
    assert (full, reduced, gap) == (8120, 7000, 1120)
    assert content["breakdown"][-1]["amount"] == "7,000"
    assert content["breakdown"][-2]["amount"] == "△1,120"
    assert [row["option"] for row in content["reduction"]] == ["満額", "減額"]
    assert "受講ができない（見込み" in content["change_reason"]


def test_the_restoration_request_of_an_undecided_city_gives_no_hours_as_its_reason() -> None:
    results = CITIES["判定不能"]
    ledger = build_ledger(results)
    content = restoration_content(appendix_content(results, ledger, as_of=AS_OF), results, ledger=ledger)
    assert "時間の減少は理由としない" in content["change_reason"]
    assert "生まれる時間は" not in content["change_reason"]
    pages = pdf_pages(appendix_pdf(results, ledger, pictures=draw_pictures(CITY), as_of=AS_OF, restoring=True))
    assert len(pages) == 2
    assert "復活要求" in pages[0]


def test_nothing_is_restored_without_a_request() -> None:
    assert not can_restore(build_ledger(BARE))


# --- 別冊 ----------------------------------------------------------------------------------------------------------------------


def test_the_annex_stands_in_the_order_of_a_budget_file() -> None:
    blocks = annex_blocks(CITY, build_ledger(CITY), pictures=draw_pictures(CITY))
    titles = [block.text.partition("　")[2] for block in blocks if isinstance(block, Heading) and block.level == 2]
    assert titles == [
        "要約", "事業概要と上位計画との関係", "積算内訳と財源", "ロジックモデルと指標", "前年度までの効果の検証", "時間と費用対効果", "費用の全体と単価",
        "感度と分岐点", "代替案と他団体の例", "前年度の見込みと実績", "データ・前提・版", "想定問答", "用語解説", "数字の台帳",
    ]  # fmt: skip


def test_pdf_files_declare_pdf_a_2b_and_embed_their_fonts() -> None:
    ledger = build_ledger(CITY)
    for content in (appendix_pdf(CITY, ledger, pictures=draw_pictures(CITY), as_of=AS_OF), annex_pdf(CITY, ledger, pictures=draw_pictures(CITY), as_of=AS_OF)):
        reader = PdfReader(io.BytesIO(content))
        assert reader.xmp_metadata is not None
        xmp = reader.trailer["/Root"]["/Metadata"].get_data().decode()
        assert re.search(r"<pdfaid:part>2</pdfaid:part>", xmp)
        assert re.search(r"<pdfaid:conformance>B</pdfaid:conformance>", xmp)
        assert reader.trailer["/Root"]["/OutputIntents"]
        fonts = [font.get_object() for page in reader.pages for font in page["/Resources"].get("/Font", {}).values()]
        descriptors = [font["/DescendantFonts"][0].get_object()["/FontDescriptor"] for font in fonts if "/DescendantFonts" in font]
        assert descriptors
        assert all({"/FontFile2", "/FontFile3"} & set(one) for one in descriptors)


def test_each_arrow_of_the_logic_model_names_its_evidence_or_says_unverified() -> None:
    flow = logic_model(CITY, build_ledger(CITY))
    assert [stage.title.partition("（")[0] for stage in flow.stages] == [
        "インプット", "アクティビティ", "アウトプット", "初期アウトカム", "中期アウトカム", "長期アウトカム",
    ]  # fmt: skip
    assert [stage.status for stage in flow.stages] == ["", "記録あり", "記録あり", "未検証", "検証済み", "記録あり"]
    assert all(stage.evidence for stage in flow.stages[1:])


def test_a_city_without_results_shows_a_model_of_unverified_arrows() -> None:
    flow = logic_model(city(budget=None, savings=None, studies={}, evidence={}), build_ledger(city(budget=None, savings=None, studies={}, evidence={})))
    assert {stage.status for stage in flow.stages[1:]} == {"未検証"}


def test_an_undecided_arrow_is_not_called_verified() -> None:
    flow = logic_model(CITIES["判定不能"], build_ledger(CITIES["判定不能"]))
    assert flow.stages[4].status == "検証したが言えない"


def test_a_questionnaire_as_outcome_is_flagged_and_completion_is_no_outcome() -> None:
    assert CITY.plan is not None
    asked, *rest = CITY.plan.questions
    outcome = replace(
        asked.outcome, table="indicators", measure="value", indicator_id="satisfaction", label="満足度", unit_label="点/課・月", hours_per_unit=None
    )
    survey = replace(asked, outcome=outcome)
    assert is_questionnaire(survey)
    assert not is_questionnaire(asked)
    results = city(plan=replace(CITY.plan, questions=(survey, *rest)))
    table = outcome_table(results, build_ledger(results))
    assert [row[-1] for row in table.rows] == [SURVEY_FLAG, ""]
    assert outcome_table(CITY, build_ledger(CITY)).columns[-1].title == "判定"


# --- slides ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CITIES)
def test_slides_are_editable_and_stay_on_the_page(name: str) -> None:
    made = Presentation(io.BytesIO(slides_bytes(CITIES[name], build_ledger(CITIES[name]), as_of=AS_OF)))
    assert len(made.slides) == 2
    shapes = [shape for slide in made.slides for shape in slide.shapes]
    assert not [shape for shape in shapes if shape.shape_type == 13]  # a picture cannot be edited
    for shape in shapes:
        assert shape.left + shape.width <= made.slide_width
        assert shape.top + shape.height <= made.slide_height
        if shape.has_table:
            assert shape.top + sum(row.height for row in shape.table.rows) <= made.slide_height
    assert any(shape.has_table for shape in shapes) or name == "bare"
    assert any(shape.has_chart for shape in shapes) or name == "bare"


def test_an_unclaimed_question_shows_no_point_for_its_estimate_in_the_chart() -> None:
    slide = Presentation(io.BytesIO(slides_bytes(CITY, build_ledger(CITY), as_of=AS_OF))).slides[0]
    chart = next(shape.chart for shape in slide.shapes if shape.has_chart)
    assert [(series.name, len(list(series.values))) for series in chart.plots[0].series] == [("問1 効果あり", 3), ("問2 判定不能", 2)]


def test_slides_name_a_japanese_font_with_a_fallback_in_the_theme() -> None:
    content = slides_bytes(CITY, build_ledger(CITY), as_of=AS_OF)
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        slide = package.read("ppt/slides/slide1.xml").decode()
        theme = next(package.read(name).decode() for name in package.namelist() if "theme/theme" in name)
    assert slide.count('<a:ea typeface="BIZ UDPゴシック"/>') == slide.count("<a:rPr") > 20
    assert '<a:ea typeface="游ゴシック"/>' in theme


def test_text_takes_the_largest_size_that_fits_and_is_shortened_only_then() -> None:
    place = Place(left=0, top=0, width=102.4, height=20.8)  # inside: 100 mm, 283 points; 20 mm, 57 points
    assert lines_needed("あ" * 27, size=10, width_mm=100) == 1  # 28.3 characters of 10 points, one kept free
    assert lines_needed("あ" * 28, size=10, width_mm=100) == 2
    assert fitting_size(("あ" * 27,) * 4, place=place, sizes=(12, 10, 8)) == 10  # 4 lines x 13.2 points
    assert fitting_size(("あ" * 27,) * 6, place=place, sizes=(12, 10, 8)) is None
    shown, size = fit_paragraphs(("あ" * 400,), place=place, sizes=(10, 8))
    assert size == 8
    assert shown[0].endswith("…")
    assert fitting_size(shown, place=place, sizes=(8,)) == 8


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice がないため、描いて確かめることはしない")
def test_libreoffice_draws_two_pages_with_all_their_text(tmp_path: Path) -> None:
    results = CITIES["判定不能"]
    (tmp_path / "slides.pptx").write_bytes(slides_bytes(results, build_ledger(results), as_of=AS_OF))
    command = ["soffice", f"-env:UserInstallation={tmp_path.as_uri()}/profile", "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "slides.pptx")], check=True, capture_output=True, timeout=120)
    first, second = pdf_pages((tmp_path / "slides.pdf").read_bytes())
    assert all(word in first for word in ("今の段階で言えること", "減額した場合の影響", "判定し直す"))
    assert all(word in second for word in ("聞かれること", "来年度の計画", "必ず添えること"))


# --- Word templates of a city ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "write"), [("expected_questions.docx", questions_word), ("spoken_answers.docx", spoken_word)])
@pytest.mark.parametrize(
    ("text", "reason"),
    [("{{ no_such_field }}", "存在しない項目"), ("{{ items.__class__.__base__.__subclasses__() }}", "許されていない|存在しない|処理できません")],
)
def test_a_faulty_template_of_the_answers_is_refused(tmp_path: Path, name: str, write: object, text: str, reason: str) -> None:
    from docx import Document

    (tmp_path / "templates").mkdir()
    document = Document()
    document.add_paragraph(text)
    document.save(str(tmp_path / "templates" / name))
    assert callable(write)
    with pytest.raises(OutputError, match=reason) as refused:
        write(CITY, build_ledger(CITY), as_of=AS_OF, data=tmp_path)
    assert name in str(refused.value)


def test_the_committed_templates_of_the_answers_are_what_the_code_builds(tmp_path: Path) -> None:
    from kdx_eval.report.word_template_answers import build_answer_templates

    for built in build_answer_templates(tmp_path):
        with zipfile.ZipFile(built) as ours, zipfile.ZipFile(root_dir("templates") / built.name) as committed:
            for part in ("word/document.xml", "word/styles.xml", "word/header1.xml"):
                assert ours.read(part) == committed.read(part)


def test_results_are_told_the_same_in_every_document() -> None:
    ledger = build_ledger(CITY)
    saved = f"{ledger.text('question.q1.saved')}（{ledger.range_text('question.q1.saved')}）"
    for name in ("word", "slides", "spoken", "annex", "restoration"):
        assert saved in all_texts("mixed")[name], name


def test_a_claim_to_paste_says_where_its_strictest_interval_reaches_zero() -> None:
    plain = city()
    name = next(key for key, item in plain.evidence.items() if item.may_claim)
    said = {}
    for reach in (-9.0, 9.0):  # the end of the interval that allows for a slope; fewer hours are better, so the claim lies below zero
        trend = CheckResult(check_id=TREND_CARRIED_ON, title="傾き", outcome="passed", sentence="傾き：", conf_low=-20.0, conf_high=reach)
        doubted = replace(plain.evidence[name], checks=(trend,))
        strict = doubted.strict95
        assert strict is not None
        results = replace(plain, evidence={**plain.evidence, name: doubted})
        text = {item.field: item.text for item in paste_texts(results, build_ledger(results))}["効果"]
        said[strict[0] <= 0 <= strict[1]] = "効果がなかったこともあり得ます" in text
    assert said == {True: True, False: False}
