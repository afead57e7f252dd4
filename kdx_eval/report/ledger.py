"""The claims ledger: every figure and every figured sentence that a document prints is one claim here, under one id."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from kdx_eval.errors import ParameterError
from kdx_eval.report.labels import label_of
from kdx_eval.units import format_number

SCHEMA_VERSION = 1
_UNITS_NOT_IN_TEXT = frozenset(("行", "単位", "倍", "時間/年", "円/時間", "年"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One printed figure.

    Attributes
    ----------
    id : str
        ``F1``, ``F2`` ...; shown in the 別冊 and the workbook, never on the two pages.
    name : str
        Where the documents look it up: ``request.yen``, ``question.q1.saved``.
    subject, label : str
        What the figure is about (``受講　生成AI研修``, empty for the whole) and what it is (``修了者``), in Japanese.
    value, low, high : float or None
        Unrounded, in ``unit``; None for a sentence.
    text : str
        Exactly what is printed.
    range_text : str
        Exactly how the interval is printed; empty when there is none.
    formula : str
        How the value follows from its inputs.
    inputs : tuple of str
        Names of other claims, or of result files and tables.
    grade : str
        The evidence grade of the question, with the name of its scale.
    digest : str
        SHA-256 of the results that it was read from.
    """

    id: str
    name: str
    subject: str = ""
    label: str
    value: float | None
    text: str
    unit: str
    low: float | None = None
    high: float | None = None
    range_text: str = ""
    formula: str = ""
    inputs: tuple[str, ...] = ()
    question_id: str = ""
    method: str = ""
    grade: str = ""
    digest: str = ""

    @property
    def is_figure(self) -> bool:
        """Whether a number stands behind it: sentences and figures that do not exist need no row in print."""
        return self.value is not None

    @property
    def title(self) -> str:
        """Subject and label in one."""
        return f"{self.subject}：{self.label}" if self.subject else self.label

    @property
    def full_text(self) -> str:
        """The value with its unit; yen to the yen, where the documents show 千円."""
        if self.unit == "円" and self.value is not None:
            return f"{format_number(self.value)}円"
        return f"{self.text}{self.unit}" if self.unit in _UNITS_NOT_IN_TEXT else self.text

    @property
    def full_range(self) -> str:
        """The interval, yen to the yen."""
        if self.unit != "円" or self.low is None or self.high is None:
            return self.range_text
        return f"幅{format_number(self.low)}～{format_number(self.high)}円"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All claims of one run, in the order in which they were entered; ``note`` is printed with them where some are masked."""

    claims: tuple[Claim, ...]
    digest: str
    note: str = ""
    _by_name: dict[str, Claim] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {claim.name: claim for claim in self.claims})
        if len(self._by_name) != len(self.claims):
            raise ParameterError("台帳に同じ名前の数字が二つあります", hint="問いの番号が重なっていないか確かめてください")

    def claim(self, key: str) -> Claim:
        """The claim of that name or id.

        Raises
        ------
        ParameterError
            When there is none.
        """
        found = self._by_name.get(key) or next((claim for claim in self.claims if claim.id == key), None)
        if found is None:
            raise ParameterError("台帳にこの番号の数字はありません", place=key, hint="documents/ledger.json の番号（F1 など）を指定してください")
        return found

    def text(self, key: str) -> str:
        """What is printed for that name or id."""
        return self.claim(key).text

    def range_text(self, key: str) -> str:
        """How the interval is printed for that name or id."""
        return self.claim(key).range_text

    def has(self, name: str) -> bool:
        """Whether a claim of that name exists."""
        return name in self._by_name

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``documents/ledger.json``; figures that are not finite become null."""
        return {"schema_version": SCHEMA_VERSION, "digest": self.digest, "claims": [_plain(asdict(claim)) for claim in self.claims]}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}


class LedgerBook:
    """Collects claims while the ledger is built, and numbers them."""

    def __init__(self, digest: str) -> None:
        self._digest = digest
        self._claims: list[Claim] = []
        self._names: set[str] = set()
        self._subjects: dict[str, str] = {}

    def about(self, prefix: str, subject: str) -> None:
        """All later claims whose names begin with ``prefix`` and a dot are about that subject."""
        self._subjects[f"{prefix}."] = subject

    def figure(self, name: str, value: float | None, *, text: str, unit: str, **more: Any) -> None:
        """Enter one figure; ``more`` holds the other fields of `Claim`."""
        number = None if value is None else float(value)
        self._names.add(name)
        prefix = max((known for known in self._subjects if name.startswith(known)), key=len, default="")
        label = label_of(name.partition(".")[0], name.removeprefix(prefix)) if prefix else label_of("", name)
        more = {"subject": self._subjects.get(prefix, ""), "label": label, "digest": self._digest, **more}
        self._claims.append(Claim(id=f"F{len(self._claims) + 1}", name=name, value=number, text=text, unit=unit, **more))

    def sentence(self, name: str, text: str, **more: Any) -> None:
        """Enter a sentence that another step worded; it stands for the figures inside it."""
        self.figure(name, None, text=text, unit="文", **more)

    def has(self, name: str) -> bool:
        """Whether that name was entered already."""
        return name in self._names

    def close(self) -> Ledger:
        """The finished ledger."""
        return Ledger(claims=tuple(self._claims), digest=self._digest)
