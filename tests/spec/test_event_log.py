"""Event logs: recognised by their headings, read from CSV and XES, counted in lead time, office time and working time, by hand-worked cases."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from kdx_eval.errors import DataError, ParameterError, SchemaError
from kdx_eval.load import Dataset, load_dataset
from kdx_eval.load.business_time import business_seconds, read_office_hours

HEADER = "受付番号,処理,処理日時,担当者\n"
# Case A: Tuesday 9:00 to Wednesday 10:00, 435 + 90 office minutes; case B over Golden Week, 15 + 30 office minutes; C has one event.
LOG = (
    "A,受付,2025/4/15 9:00,田中\nA,審査,2025/4/15 16:00,田中\nA,交付,2025/4/16 10:00,佐藤\n"
    "B,受付,2025/5/2 17:00,佐藤\nB,交付,2025/5/7 9:00,佐藤\nC,受付,2025/5/7 9:10,田中\n"
)


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KDX_EVAL_HOME", str(tmp_path_factory.mktemp("home")))


def load(folder: Path, content: str = HEADER + LOG, *, said: str = "", file: str = "住民票.csv", encoding: str = "utf-8") -> Dataset:
    (folder / file).write_text(content, encoding=encoding)
    if said:
        (folder / "mapping.yaml").write_text(f"files: {{{file}: {{event_log: {{{said}}}}}}}", encoding="utf-8")
    return load_dataset(folder)


def workload(dataset: Dataset) -> list[tuple[str, str, int, float | None, str]]:
    frame = dataset.frame("workload", ["process_id", "month", "cases", "minutes", "measure_basis"])
    return [
        (process, str(month)[:7], cases, None if minutes != minutes or minutes is None else float(minutes), basis)
        for process, month, cases, minutes, basis in frame.itertuples(index=False)
    ]


def notes(dataset: Dataset) -> str:
    return "\n".join(note for file in dataset.report.files for note in file.notes)


@pytest.mark.parametrize("encoding", ["utf-8", "cp932"])
def test_japanese_headings_are_recognised_without_a_mapping(tmp_path: Path, encoding: str) -> None:
    dataset = load(tmp_path, encoding=encoding)
    # A: 25 hours; B: 5 days less 8 hours = 112 hours; C has one event and lasts 0 minutes.
    assert workload(dataset) == [("住民票", "2025-04", 1, 1500.0, "lead_time"), ("住民票", "2025-05", 2, 6720.0, "lead_time")]
    assert "案件=「受付番号」" in notes(dataset)
    assert "担当者=「担当者」" in notes(dataset)
    assert "働いた時間ではありません" in notes(dataset)


@pytest.mark.parametrize(
    "header",
    [
        "case:concept:name,concept:name,time:timestamp,org:resource\n", "case_id,activity,timestamp,resource\n", "案件番号,工程,日時,担当\n",
        "\ufeff案件 番号,作業 名,処理 日時,処理 者\n",
    ],
)  # fmt: skip
def test_xes_names_english_and_japanese_headings_mean_the_same(tmp_path: Path, header: str) -> None:
    assert [row[1:4] for row in workload(load(tmp_path, header + LOG))] == [("2025-04", 1, 1500.0), ("2025-05", 2, 6720.0)]


def test_title_rows_above_the_header_and_split_date_and_time_are_read(tmp_path: Path) -> None:
    body = LOG.replace("/4/15 ", "/4/15,").replace("/4/16 ", "/4/16,").replace("/5/2 ", "/5/2,").replace("/5/7 ", "/5/7,")
    dataset = load(tmp_path, "住民票の処理記録,,,,\n\n受付番号,処理,処理日,処理時刻,担当者\n" + body)
    assert [row[1:4] for row in workload(dataset)] == [("2025-04", 1, 1500.0), ("2025-05", 2, 6720.0)]
    assert dataset.report.rows_read == 6


def test_office_time_follows_the_japanese_calendar_and_the_mapping(tmp_path: Path) -> None:
    dataset = load(tmp_path, said="measure: business, complete: 交付")
    # A: 15 April 9:00-17:15 less lunch = 435, then 8:30-10:00 = 90. B: 2 May 17:00-17:15 and 7 May 8:30-9:00.
    assert workload(dataset) == [("住民票", "2025-04", 1, 525.0, "lead_time"), ("住民票", "2025-05", 1, 45.0, "lead_time")]
    assert "終わっていない処理1件" in notes(dataset)
    durations = dataset.frame("durations")
    assert durations["lead_minutes"].astype(float).tolist() == [1500.0, 6720.0]
    assert durations["working_minutes"].isna().all()


def test_without_the_calendar_holidays_count_as_work_days(tmp_path: Path) -> None:
    dataset = load(tmp_path, said="measure: business, complete: 交付, calendar: none, hours: '9:00-17:00', lunch: なし")
    # B: Friday 17:00 to Wednesday 9:00: Monday 5 and Tuesday 6 May, 8 hours each.
    assert [row[3] for row in workload(dataset)] == [480.0 + 60.0, 960.0]


def test_pairs_of_start_and_completion_are_working_time_and_a_person_works_once(tmp_path: Path) -> None:
    log = "case_id,activity,timestamp,resource,lifecycle:transition\n"
    log += "1,審査,2025-04-15 09:00,r1,start\n1,審査,2025-04-15 10:00,r1,complete\n"
    log += "2,審査,2025-04-15 09:30,r1,start\n2,審査,2025-04-15 10:30,r1,complete\n"  # half an hour of it is already counted
    log += "2,入力,2025-04-15 19:00,r2,start\n2,入力,2025-04-15 20:00,r2,complete\n"  # overtime is work
    log += "3,審査,2025-04-30 17:00,r2,start\n3,審査,2025-05-01 09:00,r2,complete\n"  # over a night: 15 + 30 office minutes, in May
    log += "3,入力,2025-05-01 11:30,r1,start\n3,入力,2025-05-01 11:45,r1,suspend\n3,入力,2025-05-01 12:30,r1,resume\n3,入力,2025-05-01 13:30,r1,complete\n"
    log += "3,交付,2025-05-01 14:00,r1,start\n"
    dataset = load(tmp_path, log, file="log.csv")
    assert workload(dataset) == [("log", "2025-04", 2, 60 + 30 + 60, "log"), ("log", "2025-05", 1, 45 + 15 + 30, "log")]
    assert "重なっていた延べ30分" in notes(dataset)
    assert "完了の記録がない作業1件" in notes(dataset)
    assert sorted(dataset.frame("durations")["working_minutes"].astype(float)) == [60, 90, 90]


def test_rows_with_a_start_and_an_end_are_working_time_too(tmp_path: Path) -> None:
    log = "受付番号,作業,開始日時,完了日時,担当者\n1,審査,2025-04-15 09:00,2025-04-15 09:40,甲\n1,交付,2025-04-15 13:00,2025-04-15 13:20,乙\n"
    log += "2,審査,2025-04-16 10:00,2025-04-16 09:00,甲\n"
    dataset = load(tmp_path, log)
    assert workload(dataset) == [("住民票", "2025-04", 1, 60.0, "log")]
    assert dataset.frame("durations")["lead_minutes"].astype(float).tolist() == [260.0]
    assert refused(dataset) == [("住民票.csv", "4", "完了日時", "date_order")]


def test_gaps_between_records_of_one_person_are_an_estimate_and_capped(tmp_path: Path) -> None:
    dataset = load(tmp_path, said="measure: working, cap: 30, complete: 交付")
    # A: 田中 9:00 to 16:00, capped at 30; B: 佐藤 over the holidays, 45 office minutes, capped at 30.
    assert workload(dataset) == [("住民票", "2025-04", 1, 30.0, "estimate"), ("住民票", "2025-05", 1, 30.0, "estimate")]
    with pytest.raises(SchemaError, match="手がかり"):
        load(tmp_path, said="measure: working, resource: なし")


def test_each_activity_can_be_a_process(tmp_path: Path) -> None:
    dataset = load(tmp_path, said="process: activity")
    found = {(process, month): (cases, minutes) for process, month, cases, minutes, _ in workload(dataset)}
    assert found[("審査", "2025-04")] == (1, 420.0)
    assert found[("交付", "2025-04")] == (1, 1080.0)
    assert found[("受付", "2025-05")] == (2, 0.0)


def test_cases_that_began_before_the_log_are_named_in_the_notes(tmp_path: Path) -> None:
    assert "始まりの作業の記録がない処理1件（うち1件は終わりにもまだ途中）" in notes(
        load(tmp_path, HEADER + LOG + "D,審査,2025/4/15 8:00,田中\n", said="begin: 受付, complete: 交付")
    )
    assert "まだ途中かもしれません" in notes(load(tmp_path, HEADER + LOG, file="戸籍.csv"))


def test_a_case_received_before_the_first_day_of_the_log_is_left_censored(tmp_path: Path) -> None:
    log = "受付番号,受付日,処理,処理日時\n1,R7.3.20,審査,R7.4.1 9:00\n1,R7.3.20,交付,R7.4.2 9:00\n2,R7.4.1,受付,R7.4.1 10:00\n"
    assert "受付が記録の初日より前の処理1件" in notes(load(tmp_path, log))


def refused(dataset: Dataset) -> list[tuple[str, str, str, str]]:
    with dataset.rejected.open(encoding="utf-8-sig", newline="") as stream:
        return [(row["file"], row["row"], row["column"], row["rule"]) for row in csv.DictReader(stream)]


def test_bad_events_are_refused_by_line_and_column_and_nothing_is_lost(tmp_path: Path) -> None:
    log = HEADER + LOG + ",受付,2025/4/15 9:00,田中\nE,受付,きのう,田中\nF,受付,,田中\nG,受付,2025/4/15 25:10,田中\nH,受付,7.4.15 9:00,田中\n,,,\n"
    dataset = load(tmp_path, log)
    assert refused(dataset) == [
        ("住民票.csv", "8", "受付番号", "required"), ("住民票.csv", "9", "処理日時", "not_a_date"), ("住民票.csv", "10", "処理日時", "required"),
        ("住民票.csv", "11", "処理日時", "not_a_time"), ("住民票.csv", "12", "処理日時", "ambiguous_date"),
    ]  # fmt: skip
    assert (dataset.report.rows_read, dataset.report.rows_accepted, dataset.report.rows_rejected) == (11, 6, 5)


@pytest.mark.parametrize(
    "written", ["R7.4.15 9:00", "令和7年4月15日 9時00分", "２０２５／４／１５　９：００", "20250415090000", "2025年4月15日(火) 午前9:00"]
)
def test_moments_may_be_written_as_people_write_them(tmp_path: Path, written: str) -> None:
    dataset = load(tmp_path, f"{HEADER}1,受付,{written},甲\n1,交付,2025-04-15 10:30,甲\n2,受付,2025-04-15 11:00,甲\n")
    assert workload(dataset)[0][2:4] == (2, 90.0)


def test_offsets_are_honoured_and_the_local_clock_decides_the_month(tmp_path: Path) -> None:
    log = "case_id,activity,timestamp\n1,a,2025-03-30T01:30:00+01:00\n1,b,2025-03-30T03:30:00+02:00\n"
    log += "2,a,2025-04-30T23:30:00+09:00\n2,b,2025-05-01T00:30:00+09:00\n"
    assert [row[1:4] for row in workload(load(tmp_path, log))] == [("2025-03", 1, 60.0), ("2025-05", 1, 60.0)]


def test_a_log_in_utc_is_pointed_out_and_can_be_shifted(tmp_path: Path) -> None:
    log = "case_id,activity,timestamp\n1,a,2025-04-29T23:30:00Z\n1,b,2025-04-30T16:30:00Z\n"
    dataset = load(tmp_path, log)
    assert "utc_offset: 9" in notes(dataset)
    assert workload(dataset)[0][1] == "2025-04"
    shifted = load(tmp_path, log, file="b.csv", said="measure: business, utc_offset: 9")
    # 30 April 8:30 to 1 May 1:30 in Japan: one whole office day, and it ends in May.
    assert ("b", "2025-05", 1, 465.0, "lead_time") in workload(shifted)
    assert workload(load(tmp_path, log, file="b.csv", said="measure: business, utc_offset: +9:00"))[0] == ("b", "2025-05", 1, 465.0, "lead_time")


def test_no_name_of_a_person_leaves_the_log(tmp_path: Path) -> None:
    dataset = load(tmp_path)
    folder = dataset.rejected.parent
    assert all("田中".encode() not in path.read_bytes() for path in folder.iterdir())
    assert "田中" not in notes(dataset) + dataset.frame("workload").to_csv() + dataset.frame("durations").to_csv()


def test_departments_are_resolved_against_their_list_and_unknown_ones_refused(tmp_path: Path) -> None:
    (tmp_path / "所属.csv").write_text("所属コード,所属名\n01,市民課\n", encoding="utf-8")
    log = "受付番号,処理,処理日時,担当課\n1,受付,2025-04-15 09:00,市民課\n1,交付,2025-04-15 10:00,市民課\n2,受付,2025-04-15 09:00,税務課\n"
    dataset = load(tmp_path, log)
    assert dataset.frame("workload")["department_id"].tolist() == ["01"]
    assert refused(dataset) == [("住民票.csv", "4", "担当課", "unknown_department")]


def test_a_column_only_taken_for_the_department_is_left_out_when_it_names_none(tmp_path: Path) -> None:
    (tmp_path / "所属.csv").write_text("所属コード,所属名\n01,市民課\n", encoding="utf-8")
    log = "case_id,activity,timestamp,org:group\n1,a,2025-04-15 09:00,Group 1\n1,b,2025-04-15 10:00,Group 2\n"
    dataset = load(tmp_path, log, file="log.csv")
    assert dataset.frame("workload")["department_id"].isna().tolist() == [True]
    assert "所属として使いませんでした" in notes(dataset)
    said = load(tmp_path, log, file="log.csv", said="department: org:group")
    assert [rule for *_, rule in refused(said)] == ["unknown_department"] * 2
    assert said.rows("workload") == 0


def test_a_list_with_one_row_a_case_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="どの表か分かる"):
        load(tmp_path, HEADER + "1,受付,2025/4/15 9:00,甲\n2,受付,2025/4/15 9:00,甲\n")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("case: 番号", "見出しがありません"), ("measure: 全部", "measure"), ("cap: たくさん", "分の数"), ("utc_offset: 東京", "utc_offset"),
        ("utc_offset: 99", "utc_offset"),
        ("timestmp: 処理日時", "知らない語"), ("hours: 朝から", "時間帯"), ("timestamp: なし", "timestamp がありません"),
    ],
)  # fmt: skip
def test_what_the_mapping_cannot_mean_is_refused_in_japanese(tmp_path: Path, said: str, message: str) -> None:
    with pytest.raises((SchemaError, ParameterError), match=message):
        load(tmp_path, said=said)


XES = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
 <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
 <global scope="event"><string key="concept:name" value="?"/></global>
 <trace>
  <string key="concept:name" value="1"><string key="nested" value="x"/></string>
  <list key="members"><values><string key="member" value="甲"/></values></list>
  <event>
   <string key="concept:name" value="審査 &amp; 決定"/><string key="org:resource" value="甲"/>
   <string key="lifecycle:transition" value="start"/><date key="time:timestamp" value="2025-04-15T09:00:00.000+09:00"/></event>
  <event><string key="concept:name" value="審査 &amp; 決定"/><string key="org:resource" value="甲"/><string key="extra" value="1"/>
   <string key="lifecycle:transition" value="complete"/><date key="time:timestamp" value="2025-04-15T09:45:00.000+09:00"/></event>
 </trace>
 <trace><string key="concept:name" value="2"/>
  <event><string key="concept:name" value="審査 &amp; 決定"/><date key="time:timestamp" value="いつか"/></event>
 </trace>
 <event><string key="concept:name" value="だれの"/><date key="time:timestamp" value="2025-04-15T09:45:00"/></event>
</log>
"""


@pytest.mark.parametrize("packed", [False, True])
def test_an_xes_file_is_read_with_its_lines(tmp_path: Path, *, packed: bool) -> None:
    content = XES.encode()
    (tmp_path / ("log.xes.gz" if packed else "log.xes")).write_bytes(gzip.compress(content) if packed else content)
    dataset = load_dataset(tmp_path)
    assert workload(dataset) == [("log", "2025-04", 1, 45.0, "log")]
    assert [place[1:] for place in refused(dataset)] == [("15", "time:timestamp", "not_a_date"), ("17", "case:concept:name", "required")]
    assert dataset.report.rows_read == 4


def test_a_csv_and_an_xes_log_with_the_same_events_give_the_same(tmp_path: Path) -> None:
    rows = [line.split(",") for line in LOG.splitlines()]
    traces: dict[str, str] = {}
    for case, activity, moment, person in rows:
        event = f'<event><string key="concept:name" value="{activity}"/><date key="time:timestamp" value="{moment}"/>'
        traces[case] = traces.get(case, "") + event + f'<string key="org:resource" value="{person}"/></event>'
    whole = "".join(f'<trace><string key="concept:name" value="{case}"/>{events}</trace>' for case, events in traces.items())
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "住民票.xes").write_text(f"<log>{whole}</log>", encoding="utf-8")
    assert workload(load_dataset(tmp_path / "a")) == workload(load(tmp_path / "b"))


def test_office_time_in_the_database_equals_that_of_the_vectorised_count(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    starts = np.datetime64("2024-11-01T00:00:00") + rng.integers(0, 500 * 86_400, 400).astype("timedelta64[s]")
    ends = starts + np.concatenate([rng.integers(0, 30_000, 200), rng.integers(0, 20 * 86_400, 200)]).astype("timedelta64[s]")
    lines = [f"{case},a,{start}\n{case},b,{end}\n" for case, (start, end) in enumerate(zip(starts, ends, strict=True))]
    dataset = load(tmp_path, "case_id,activity,timestamp\n" + "".join(lines), file="log.csv", said="hours: '9:00-17:30'")
    office = read_office_hours(hours="9:00-17:30")
    expected = np.sort(business_seconds(starts, ends, office=office) / 60)
    found = np.sort(dataset.frame("durations")["business_minutes"].astype(float))
    np.testing.assert_allclose(found, expected, atol=0.0051)  # stored to a hundredth of a minute
    assert (expected > 0).sum() > 200


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    lines = LOG.splitlines(keepends=True)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert workload(load(tmp_path / "a", HEADER + "".join(lines))) == workload(load(tmp_path / "b", HEADER + "".join(reversed(lines))))


def test_dates_with_the_year_last_are_read_in_the_order_that_a_number_above_twelve_tells(tmp_path: Path) -> None:
    american = LOG.replace("2025/4/15", "4/15/2025").replace("2025/4/16", "4/16/2025").replace("2025/5/2", "5/2/2025").replace("2025/5/7", "5/7/2025")
    european = LOG.replace("2025/4/15", "15.4.2025").replace("2025/4/16", "16.4.2025").replace("2025/5/2", "2.5.2025").replace("2025/5/7", "7.5.2025")
    for log, order in ((american, "月・日・年"), (european, "日・月・年")):
        dataset = load(tmp_path, HEADER + log)
        assert [row[1:4] for row in workload(dataset)] == [("2025-04", 1, 1500.0), ("2025-05", 2, 6720.0)]
        assert f"{order}の順に読みました" in notes(dataset)


def test_dates_whose_order_nothing_tells_are_refused_unless_the_mapping_says_it(tmp_path: Path) -> None:
    log = HEADER + "A,受付,4/5/2025 9:00,田中\nA,交付,4/6/2025 9:00,田中\n"
    dataset = load(tmp_path, log)
    assert refused(dataset) == [("住民票.csv", "2", "処理日時", "ambiguous_date"), ("住民票.csv", "3", "処理日時", "ambiguous_date")]
    assert workload(load(tmp_path, log, said="date_order: mdy")) == [("住民票", "2025-04", 1, 1440.0, "lead_time")]
    assert workload(load(tmp_path, log, said="date_order: dmy")) == [("住民票", "2025-06", 1, 31 * 1440.0, "lead_time")]  # 4 May to 4 June
    with pytest.raises(SchemaError, match="date_order"):
        load(tmp_path, log, said="date_order: 米国")


def test_starts_that_all_equal_the_end_are_no_working_time_of_zero(tmp_path: Path) -> None:
    log = "case_id,activity,start_timestamp,complete_timestamp,resource\n1,a,2025-04-15 09:00,2025-04-15 09:00,x\n1,b,2025-04-15 13:00,2025-04-15 13:00,x\n"
    dataset = load(tmp_path, log, file="log.csv")
    assert workload(dataset) == [("log", "2025-04", 1, 240.0, "lead_time")]
    assert "すべて完了と同じ時刻" in notes(dataset)


def test_headings_of_an_r_event_log_are_recognised(tmp_path: Path) -> None:
    log = "case_id;activity_id;activity_instance_id;lifecycle_id;timestamp;resource_id\n1;a;7;start;2025-04-15 09:00;x\n1;a;7;complete;2025-04-15 09:20;x\n"
    assert workload(load(tmp_path, log, file="log.csv")) == [("log", "2025-04", 1, 20.0, "log")]
