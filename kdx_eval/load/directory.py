"""Departments, courses and processes by id or by name, as people write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from kdx_eval.load.cells import Cell, is_missing, parse_code, tidy
from kdx_eval.load.codes import KnownCodes
from kdx_eval.load.dates import Refusal


def fold_name(written: str) -> str:
    """A name of an organisation or course for comparison: NFKC, lower case, without spaces."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", written)).lower()


_SUFFIXES = ("課", "室", "所", "局", "センター")
_BESIDE = re.compile(r"[(\[](兼|兼務|併任|本務|旧.+?|注\d*|※\d*)[)\]]$|[※*]\d*$")
_CODE_BEFORE = re.compile(r"^([(\[]\d{2,8}[)\]]|\d{2,8}[\s:_-]+)(?=\D)")


def plain_office(written: str) -> str:
    """The name of an office without what people write beside it: 101 市民課, 市民課（兼）, 保険年金課（旧国保課）."""
    plain = tidy(written)
    return _BESIDE.sub("", _CODE_BEFORE.sub("", plain)).strip() or plain


class Directory:
    """Finds the id meant by a text. ``is_open`` while no list was delivered: then every new name becomes an id of its own.

    ``offices``: names are those of offices, of which people leave out the end or write a code beside.
    """

    def __init__(self, *, offices: bool = False) -> None:
        self.offices = offices
        self._freely: set[str] = set()
        self.ids: dict[str, str] = {}
        self.names: dict[str, set[str]] = {}
        self.is_open = True
        self.codes = KnownCodes()

    def close_if_known(self) -> None:
        """From now on only the names seen so far are known, if there are any."""
        self.is_open = self.is_open and not self.ids
        if not self.is_open:
            self.codes = KnownCodes(self.ids.values())

    def fill(self, entries: Iterable[tuple[str | None, str | None]]) -> None:
        """Take in the (id, name) pairs of a delivered list."""
        self.is_open = False
        for identity, called in entries:
            if identity:
                self.ids.setdefault(fold_name(identity), identity)
                if called:
                    self.names.setdefault(fold_name(called), set()).add(identity)
        self.codes = KnownCodes(self.ids.values())

    def resolve(self, written: str) -> Cell:
        """The id for an id or a name; the tidied text itself when unknown (the check of references then refuses the row)."""
        if is_missing(written):
            return None
        code = parse_code(written)
        if isinstance(code, Refusal) or code is None:
            return code
        folded = fold_name(written)
        if folded in self.ids:
            return self.ids[folded]
        if folded in self.names:
            return self._single(self.names[folded])
        if self.offices and plain_office(written) != tidy(written):
            self._freely.add(written)
            return self.resolve(plain_office(written))
        if self.is_open:
            # Spaces within a Japanese name are typed or not; in a name of Latin letters they part words.
            plain = tidy(written)
            return self.ids.setdefault(folded, re.sub(r"\s+", "" if re.search(r"[^\x00-\x7f]", plain) else " ", plain))
        restored = self.codes.restore(code)
        if restored != code:
            return restored
        if self.offices and len(meant := {known for known in (*self.names, *self.ids) if known in {folded + end for end in _SUFFIXES}}) == 1:
            self._freely.add(written)
            return self.resolve(next(iter(meant)))
        # 市民生活部市民課 or 市民生活部　市民課: the longest known name at the end.
        ends = sorted((known for known in (*self.names, *self.ids) if len(known) >= 2 and folded.endswith(known)), key=len)
        if ends and re.search("(部|局|室|センター)$", folded[: -len(ends[-1])] or "-"):
            longest = ends[-1]
            return self.ids[longest] if longest in self.ids else self._single(self.names[longest])
        return tidy(written)

    def take_freely(self) -> int:
        """How many spellings of offices were matched to a known one since the last call."""
        count = len(self._freely)
        self._freely.clear()
        return count

    def _single(self, found: set[str]) -> Cell:
        return next(iter(found)) if len(found) == 1 else Refusal("ambiguous_department")


def reading_notes(staff: KnownCodes, departments: Directory) -> list[str]:
    """Notes on the numbers whose zeros were restored, and on offices written otherwise than on the list, since the last call."""
    counts = {"職員番号": staff.take_count()} | {"所属コード": departments.codes.take_count()}
    notes = [f"先頭の 0 が落ちた{title}{count}種類を、一覧の番号に合わせて読みました" for title, count in counts.items() if count]
    freely = departments.take_freely()
    return [*notes, f"所属の書き方の違い（「課」の省略、（兼）、番号など）{freely}種類をそろえて読みました"] if freely else notes
