"""safe: guards at the boundary, by example."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kdx_eval.errors import OutputError, ParameterError
from kdx_eval.safe import (
    check_parameters,
    ensure_output_dir,
    escape_html,
    replace_missing_glyphs,
    replacing,
    safe_child,
    safe_name,
    spreadsheet_text,
    write_atomic,
)


@pytest.mark.parametrize("name", ["市民課", "DX推進課", "こども・子育て支援課", "税務課(市民税)", "髙﨑支所", "𠮷野支所", "第1 係", "a.b"])
def test_an_ordinary_department_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name


@pytest.mark.parametrize(
    ("name", "start"),
    [("../../etc/passwd", "_"), ("CON", "_CON-"), ("nul.csv", "_nul.csv-"), ("課名. ", "課名-"), ("", "_-"), ("a/b", "a_b-"), ("=1+1", "_1_1-"), ("..", "_-")],
)
def test_a_name_that_had_to_change_carries_a_hash(name: str, start: str) -> None:
    assert safe_name(name).startswith(start)
    assert len(safe_name(name).rpartition("-")[2]) == 10


def test_two_names_that_clean_to_the_same_text_stay_apart() -> None:
    assert len({safe_name(name) for name in ("a/b", "a:b", "a_b", "a?b", safe_name("a/b"))}) == 5


def test_a_decomposed_name_is_composed_and_kept_apart_from_the_composed_one() -> None:
    composed, decomposed = "がん対策課", "か\u3099ん対策課"
    assert safe_name(composed) == composed
    assert safe_name(decomposed).startswith(composed + "-")


def test_a_child_lies_in_its_folder(tmp_path: Path) -> None:
    assert safe_child(tmp_path, "results/effects.json") == tmp_path / "results" / "effects.json"


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a\\b", "C:x", "C:/x", "a\0b", "NUL", "aux.txt", "x.", " x", "a\nb", "//server/share"]
)
def test_a_child_that_would_leave_or_break_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError):
        safe_child(tmp_path, name)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right on Windows")
def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "out"
    inside.mkdir()
    (inside / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(OutputError):
        safe_child(inside, "link/x.txt")


def test_an_output_folder_is_created_with_its_parents(tmp_path: Path) -> None:
    out = ensure_output_dir(tmp_path / "報告　書" / "令和9年度", tmp_path / "data")
    assert out.is_dir()
    assert list(out.iterdir()) == []


def test_an_output_folder_inside_the_data_folder_is_refused_and_not_created(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for out in (data, data / "out", data / "a" / ".." / "out"):
        with pytest.raises(OutputError, match="データフォルダーの中"):
            ensure_output_dir(out, data)
    assert list(data.iterdir()) == []


def test_a_data_folder_inside_the_output_folder_is_refused_but_for_the_demo(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(OutputError, match="出力先の中"):
        ensure_output_dir(tmp_path, tmp_path / "data")
    assert ensure_output_dir(tmp_path, tmp_path / "data", data_inside=True) == tmp_path.resolve()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right on Windows")
def test_a_link_into_the_data_folder_is_seen_through(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data", target_is_directory=True)
    with pytest.raises(OutputError):
        ensure_output_dir(tmp_path / "link" / "out", tmp_path / "data")


def test_a_neighbour_whose_name_begins_alike_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert ensure_output_dir(tmp_path / "data2", tmp_path / "data").is_dir()


def test_a_file_is_no_output_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError):
        ensure_output_dir(tmp_path / "out", None)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+cmd", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝HYPERLINK()", " =1", "　=1", "-cmd", "|calc", "\n=1", "=", "--1"]
)
def test_a_text_that_could_run_in_a_spreadsheet_is_guarded(text: str) -> None:
    expected = text if text == "=" else "'" + text
    assert spreadsheet_text(text) == expected


@pytest.mark.parametrize("value", ["市民課", "-", "－", "", "-12", "-1,234.5", "+3%", "△12", 5, -5, 1.5, None, True])
def test_an_innocent_cell_stays_as_it_is(value: object) -> None:
    assert spreadsheet_text(value) is value


def test_markup_is_escaped_and_direction_changes_are_shown() -> None:
    assert escape_html("<b a=\"x\" c='y'>&") == "&lt;b a=&quot;x&quot; c=&#x27;y&#x27;&gt;&amp;"
    assert escape_html("課\u202egnp") == "課〓gnp"
    assert escape_html("a\0b\x1bc") == "a〓b〓c"


def test_what_the_font_lacks_is_replaced_and_named() -> None:
    assert replace_missing_glyphs("髙﨑①㈱市民課") == ("髙﨑①㈱市民課", ())
    assert replace_missing_glyphs("𠮷野と𠮷田😀") == ("〓野と〓田〓", ("U+20BB7", "U+1F600"))
    assert replace_missing_glyphs("辻\U000e0100井\n") == ("辻井\n", ("U+E0100",))
    assert replace_missing_glyphs("\ue000課") == ("〓課", ("U+E000",))


def test_text_is_written_whole_with_unix_line_ends_and_nothing_beside_it(tmp_path: Path) -> None:
    path = write_atomic(tmp_path / "深い" / "記録.txt", "一\r\n二\r三\n")
    assert path.read_bytes() == "一\n二\n三\n".encode()
    assert [child.name for child in path.parent.iterdir()] == ["記録.txt"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_written_file_has_the_permissions_that_the_user_chose(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    path = write_atomic(tmp_path / "x", b"1")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = write_atomic(tmp_path / "x.json", "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_target_that_cannot_be_replaced_is_an_output_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OutputError, match="x: ファイルを書き込めません"):
        write_atomic(tmp_path / "x", b"1")
    assert [child.name for child in tmp_path.iterdir()] == ["x"]


def test_half_a_character_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_atomic(tmp_path / "x", "\ud842")
    assert list(tmp_path.iterdir()) == []


DECLARED: dict[str, type] = {"data_dir": str, "draws": int, "share": float, "public": bool, "courses": list}


def test_exact_names_and_types_pass_and_missing_ones_keep_their_default() -> None:
    check_parameters({"data_dir": "x", "draws": 3, "share": 0.5, "public": True, "courses": ["a", 1, None]}, DECLARED)
    check_parameters({}, DECLARED)


@pytest.mark.parametrize(
    "given",
    [{"draws": True}, {"draws": 1.0}, {"share": 1}, {"public": 1}, {"data_dir": None}, {"data_dir": Path("x")}, {"courses": ("a",)}, {"courses": [object()]}],
)
def test_a_wrong_type_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        check_parameters(given, DECLARED)


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ParameterError, match="「draws」ではありませんか"):
        check_parameters({"drows": 3}, DECLARED)


def test_a_subclass_whose_text_runs_as_code_is_refused_without_running() -> None:
    class Hostile(str):
        __slots__ = ()

        def __str__(self) -> str:
            raise AssertionError("was run")

        __repr__ = __format__ = __str__  # type: ignore[assignment]

    with pytest.raises(ParameterError):
        check_parameters({"data_dir": Hostile("x")}, DECLARED)
    with pytest.raises(ParameterError):
        check_parameters({Hostile("data_dir"): "x"}, DECLARED)


@pytest.mark.parametrize("name", ["x = 1\nimport os", "data_dir ", "class", "データ", "__import__('os')"])
def test_a_name_that_is_code_is_refused_and_printed_harmlessly(name: str) -> None:
    with pytest.raises(ParameterError) as caught:
        check_parameters({name: "x"}, DECLARED)
    assert "\n" not in caught.value.message
    assert "'" not in caught.value.message


def test_a_message_never_shows_the_value() -> None:
    with pytest.raises(ParameterError) as caught:
        check_parameters({"draws": "山田太郎"}, DECLARED)
    assert "山田" not in str(caught.value)
