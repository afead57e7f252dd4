"""The site as a reader meets it: in a browser without a network, by keyboard, by a screen reader, in black and white."""

from __future__ import annotations

import itertools
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest

from kdx_eval.report.site import write_site
from kdx_eval.resources import root_dir
from tests.report_city import AS_OF, city

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [f"--{name}" for name in ("disable-background-networking", "disable-component-update", "disable-sync", "no-first-run", "no-default-browser-check")]
VENDOR = re.compile(rb"^(?:GET|POST|CONNECT) (?:https?://)?[\w.-]*\.(?:google|gstatic|googleapis|gvt1)\.com\b")  # the browser's own, whatever page it shows
UNITS = [
    {"question_id": "q1", "unit": "010", "name": "市民課", "began": "2024-10"},
    {"question_id": "q1", "unit": "020", "name": "税務課", "began": ""},
    {"question_id": "q2", "unit": "010", "name": "市民課", "began": "2025"},
]
browser_only = pytest.mark.skipif(CHROMIUM is None, reason="Chromium がないため、ブラウザーでは確かめない")


class Outline(HTMLParser):
    """Headings in order, and every element with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("サイト 確認")
    results = city()
    return write_site(replace(results, quality={**results.quality, "units": UNITS}), out, as_of=AS_OF).parent


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(site.glob("*.html"))}


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A proxy that answers nothing and keeps what it was asked for."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    asked.append(connection.recv(400))

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], asked
        server.shutdown(socket.SHUT_RDWR)


def shown(page: Path, folder: Path, *, port: int = 9, part: str = "") -> str:
    """The page as the browser has it after its script ran, every request sent to the proxy at ``port``."""
    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", *QUIET, f"--user-data-dir={folder / 'profile'}", f"--proxy-server=127.0.0.1:{port}", "--dump-dom"]
    done = subprocess.run([*command, page.as_uri() + part], capture_output=True, encoding="utf-8", check=True, timeout=120)
    return done.stdout


@browser_only
def test_no_request_leaves_the_browser(site: Path, tmp_path: Path, listener: tuple[int, list[bytes]]) -> None:
    port, asked = listener
    for name in ("index.html", "search.html"):
        assert "</html>" in shown(site / name, tmp_path, port=port)
    assert [request for request in asked if not VENDOR.search(request)] == []
    # The same browser does ask when a page refers to another place: the check can fail.
    elsewhere = tmp_path / "elsewhere.html"
    elsewhere.write_text('<img src="http://example.invalid/x.png">', encoding="utf-8")
    shown(elsewhere, tmp_path, port=port)
    assert any(b"example.invalid" in request for request in asked)


@browser_only
def test_a_department_is_found_by_name_in_the_browser(site: Path, tmp_path: Path) -> None:
    dom = shown(site / "search.html", tmp_path, part=f"#q={quote('市民 課')}")
    entries = re.findall(r"<li( hidden=\"\")?><a[^>]*>(.*?)</a><span>(.*?)</span>", dom)
    assert [(title, text) for gone, title, text in entries if not gone] == [("市民課", "問1：令和6年10月に受講を始めた。問2：令和7年度に受講を始めた")]
    assert re.search(r'<p id="found" role="status">1件</p>', dom)


@browser_only
def test_a_table_is_sorted_by_its_heads(site: Path, tmp_path: Path) -> None:
    html = (site / "ledger.html").read_text(encoding="utf-8")
    # The page's own policy would stop a further script, as it should.
    page = tmp_path / "ledger.html"
    press = "<script>const head = document.querySelectorAll('th button')[2]; head.click(); head.click();</script>"
    page.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html).replace("</body>", f"{press}</body>"), encoding="utf-8")
    dom = shown(page, tmp_path)
    values = [re.findall(r"<td[^>]*>(.*?)</td>", row)[2] for row in re.findall(r'<tr id="F\d+">(.*?)</tr>', dom)]
    leading = [float(found[0].replace(",", "")) for found in (re.findall(r"^[\d,]+(?:\.\d+)?", value) for value in values) if found]
    assert len(leading) > 50
    assert 'aria-sort="descending"' in dom
    assert leading[:20] == sorted(leading[:20], reverse=True)


def test_headings_go_down_one_level_at_a_time(pages: dict[str, str]) -> None:
    for name, html in pages.items():
        levels = Outline(html).levels
        assert levels[0] == 1, name
        assert levels.count(1) == 1, name
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), name


def test_every_page_says_its_language_and_names_what_is_not_text(pages: dict[str, str]) -> None:
    for name, html in pages.items():
        elements = Outline(html).elements
        assert ("html", {"lang": "ja"}) in elements, name
        assert all(attributes.get("alt") for tag, attributes in elements if tag == "img"), name
        labels = {attributes["for"] for tag, attributes in elements if tag == "label" and "for" in attributes}
        assert all(attributes.get("id") in labels for tag, attributes in elements if tag == "input"), name
        assert all(attributes.get("aria-label") for tag, attributes in elements if attributes.get("role") in ("region", "group", "img")), name
        assert all(attributes.get("scope") == "col" for tag, attributes in elements if tag == "th"), name
        (menu,) = [attributes for tag, attributes in elements if tag == "nav"]
        assert menu["aria-label"] == "目次"


def test_the_keyboard_reaches_the_content_first_and_every_row_of_the_chart(pages: dict[str, str]) -> None:
    elements = Outline(pages["index.html"]).elements
    first = next(attributes for tag, attributes in elements if tag in ("a", "button", "input"))
    assert first == {"class": "skip", "href": "#main"}
    rows = [attributes for tag, attributes in elements if attributes.get("class", "").startswith("row ")]
    assert [row["tabindex"] for row in rows] == ["0", "0"]
    assert "1,488時間　幅816～2,160時間" in rows[0]["aria-label"]
    assert "open" in rows[1]["class"]  # 判定不能: hollow, not told by colour alone
    assert ":focus-visible" in (root_dir("templates") / "site.css").read_text(encoding="utf-8")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_of_text_stands_out_from_every_ground() -> None:
    css = (root_dir("templates") / "site.css").read_text(encoding="utf-8")
    names = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", css))
    texts = {names.get(found.strip("var(-) "), found) for found in re.findall(r"(?<![-\w])color: (var\(--\w+\)|#[0-9a-f]{3,6})", css)}
    assert len(texts) >= 4
    dark = {colour for colour in texts if luminance(colour) < 0.5}
    pairs = [(colour, ground) for colour in dark for ground in ("#fff", names["pale"])] + [("#fff", names["warn"])]
    for colour, ground in pairs:
        light, deep = sorted((luminance(colour), luminance(ground)), reverse=True)
        assert (light + 0.05) / (deep + 0.05) >= 4.5, (colour, ground)


def test_what_may_and_may_not_be_said_stands_side_by_side(pages: dict[str, str]) -> None:
    html = pages["wording.html"]
    allowed, forbidden = html.index('<section class="sentence">'), html.index('<section class="forbidden">')
    assert allowed < forbidden
    assert "○</span>言ってよい" in html
    assert "×</span>言ってはいけない" in html
    assert html.count('<div class="sides">') == 3


def test_every_figure_can_be_linked_to_and_names_its_tables(pages: dict[str, str]) -> None:
    row = re.search(r'<tr id="F1">(.*?)</tr>', pages["ledger.html"])
    assert row is not None
    assert "費用" in row[1]
    assert 'href="ledger.html#F1"' in pages["search.html"]


def test_departments_are_no_part_of_a_public_site(tmp_path: Path) -> None:
    results = city()
    index = write_site(replace(results, quality={**results.quality, "units": UNITS}), tmp_path, as_of=AS_OF, audience="public")
    assert "市民課" not in "".join(path.read_text(encoding="utf-8") for path in index.parent.glob("*.html"))
