"""Hostile department names never leave the folder, and never become a device, markup or a formula."""

from __future__ import annotations

import re
import tempfile
import unicodedata
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kdx_eval.errors import OutputError
from kdx_eval.safe import escape_html, replace_missing_glyphs, safe_child, safe_name, spreadsheet_text, write_atomic

HOSTILE = [
    "../../../etc/passwd", "..\\..\\Windows\\win.ini", "/etc/passwd", "C:\\Windows", "C:", "\\\\server\\share", "~root", "$HOME", "%TEMP%", "`id`", "$(id)",
    "CON", "con", "PRN", "AUX", "NUL", "nul.txt", "COM1", "com1.csv", "LPT9", "COM¹", "CONIN$", "NUL .txt", "aux.tar.gz",
    "=HYPERLINK(\"http://x\")", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "＝1+1", "\t=1", "\r=1",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg/onload=1>", "&lt;", "[x](javascript:1)", "{{ 7*7 }}", "{% include 'x' %}",
    "#eval(sys.inputs)", "#import \"x.typ\"", "$x$", "\\input{x}", "実績[R7]", "*", "?", "a|b", "a;b", "-rf", "--help",
    "課\u202egnp.exe", "\u2066課\u2069", "\u200b課", "\ufeff課", "a\0b", "a\x1b[31mb", "a\nb", "a\r\nb", "\x7f", "\u2028", "\ud800",
    "課" * 300, "𠮷" * 300, "a" * 300, "が" * 200, "か\u3099" * 200,
    "𠮷髙﨑課", "課.", "課...", "課 ", "課　", " 課", ".", "..", "...", "", " ", "　", ".hidden", "課\u0301\u0301",
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=120), st.text(alphabet=st.characters(), max_size=40))
DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(\..*)?", re.IGNORECASE)


def assert_harmless_part(name: str) -> None:
    assert name
    assert name not in (".", "..")
    assert ".." not in name
    assert not set(name) & set('/\\:*?"<>|[]{}$`%&;\'=#!\0')
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") for char in name)
    assert name[0] not in " .-　"
    assert name[-1] not in " .　"
    assert len(name) <= 80
    assert len(name.encode()) <= 200
    assert not DEVICES.fullmatch(name)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_becomes_a_harmless_file_in_the_folder(tmp_path: Path, text: str) -> None:
    name = safe_name(text)
    assert_harmless_part(name)
    path = write_atomic(safe_child(tmp_path, f"{name}.json"), "{}")
    assert path.parent == tmp_path
    assert [child.name for child in tmp_path.iterdir()] == [f"{name}.json"]


@given(TEXTS)
def test_any_text_becomes_a_harmless_part(text: str) -> None:
    assert_harmless_part(safe_name(text))
    assert safe_name(text) == safe_name(text)


@given(TEXTS, TEXTS)
def test_two_texts_never_share_a_name(one: str, other: str) -> None:
    assert (safe_name(one) == safe_name(other)) == (one == other)


@given(TEXTS)
def test_a_name_cannot_be_forged(text: str) -> None:
    # The name another text was given, taken as a text, gets a name of its own.
    assert safe_name(safe_name(text)) != safe_name(text) or safe_name(text) == text


@given(TEXTS)
def test_a_child_is_inside_or_refused(text: str) -> None:
    folder = Path(tempfile.gettempdir()) / "kdx_eval_folder_that_need_not_exist"
    try:
        child = safe_child(folder, text)
    except OutputError as error:
        assert "\n" not in error.message
    else:
        assert child.resolve().is_relative_to(folder.resolve())
        assert child.resolve() != folder.resolve()


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes = attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@given(TEXTS)
def test_no_text_becomes_markup(text: str) -> None:
    parser = _Tags()
    parser.feed(f'<p title="{escape_html(text)}">{escape_html(text)}</p>')
    parser.close()
    assert parser.tags == ["p"]
    assert [name for name, _ in parser.attributes] == ["title"]


@given(TEXTS)
@example("\t0")  # a tab is dropped on import: one character after it is not alone
def test_no_text_becomes_a_formula(text: str) -> None:
    cell = str(spreadsheet_text(text))
    assert cell.endswith(text)
    assert not re.match(r"[\s　]*[=@＝＠\t\r|].", cell, re.DOTALL)
    assert not re.match(r"[\s　]*[-+＋－].*[^\d.,%％+＋－-]", cell, re.DOTALL)


@given(TEXTS)
def test_every_text_can_be_drawn_after_replacement(text: str) -> None:
    drawable, replaced = replace_missing_glyphs(text)
    assert replace_missing_glyphs(drawable) == (drawable, ())
    assert all(re.fullmatch(r"U\+[0-9A-F]{4,6}", point) for point in replaced)
    assert bool(replaced) == (drawable != unicodedata.normalize("NFC", text))


@given(st.one_of(st.binary(max_size=200), st.text(alphabet=st.characters(codec="utf-8"), max_size=200)))
def test_what_was_written_is_read_back(content: bytes | str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write_atomic(Path(folder) / "x", content)
        expected = content if isinstance(content, bytes) else content.replace("\r\n", "\n").replace("\r", "\n").encode()
        assert path.read_bytes() == expected
        assert [child.name for child in Path(folder).iterdir()] == ["x"]
