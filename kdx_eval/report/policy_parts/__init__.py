"""The parts of the policy in the report: one module a part, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kdx_eval.report.blocks import Block, Figure, Heading, Picture
from kdx_eval.report.policy_parts import cycle, levels, partnership, reach, review, rollout, skills, specialists, stage_b, targeting, vision
from kdx_eval.report.policy_parts.section import Maker, Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from kdx_eval.report.ledger import Ledger, LedgerBook

SECTIONS: tuple[Section, ...] = (
    vision.SECTION, skills.SECTION, reach.SECTION, cycle.SECTION, stage_b.SECTION, levels.SECTION, targeting.SECTION, specialists.SECTION, rollout.SECTION,
    partnership.SECTION, review.SECTION,
)  # fmt: skip
POLICY_TABLES: Mapping[str, Maker] = {kind: maker for section in SECTIONS for kind, maker in section.tables.items()}


def section_of(name: str) -> Section | None:
    """The section to which a claim of that name belongs, if any."""
    return next((section for section in SECTIONS if section.holds(name)), None)


def policy_claims(book: LedgerBook, policy: Mapping[str, object]) -> None:
    """Enter the figures of every part that was studied."""
    for section, result in _studied(policy):
        section.claims(book, result)


def policy_blocks(ledger: Ledger, policy: Mapping[str, object], *, figures: Mapping[str, tuple[Figure, ...]]) -> Iterator[Block]:
    """Every part that was studied: its heading, pictures first, then text and tables."""
    for section, result in _studied(policy):
        yield Heading(text=section.title, level=3)
        yield from figures.get(section.part, ())
        yield from section.blocks(ledger, result)


def policy_drawings(policy: Mapping[str, object], *, synthetic: bool) -> Iterator[tuple[str, Picture, Drawing]]:
    """Part, picture and figure of all that the parts draw."""
    for section, result in _studied(policy):
        for picture, drawing in section.pictures(result, synthetic):
            yield section.part, picture, drawing


def _studied(policy: Mapping[str, object]) -> Iterator[tuple[Section, Any]]:
    return ((section, policy[section.part]) for section in SECTIONS if section.part in policy)
