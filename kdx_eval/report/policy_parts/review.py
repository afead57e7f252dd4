"""随時見直し in the report: the versions of the policy and what changed between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kdx_eval.report.blocks import Block, Bullets, Paragraph, Table, columns
from kdx_eval.report.policy_parts.section import Section
from kdx_eval.units import format_number

if TYPE_CHECKING:
    from kdx_eval.policy.review import PolicyReview
    from kdx_eval.report.ledger import Ledger, LedgerBook


def _claims(book: LedgerBook, review: PolicyReview) -> None:
    count = len(review.versions)
    book.figure("review.versions", count, text=f"{format_number(count)}つ", unit="版", label="方針の版の数", inputs=("policy",))
    book.sentence("review.sentence", review.sentence, label="方針の見直し")


def _blocks(ledger: Ledger, review: PolicyReview) -> Iterator[Block]:
    count = f"方針の版は{ledger.text('review.versions')}です。" if len(review.versions) > 1 else ""
    yield Paragraph(text=f"{count}{ledger.text('review.sentence')}")
    yield Table(columns=columns("方針の版", "施行", "評価年度末", widths=(4, 1.2, 1)), rows=tuple(_versions(review)))
    changes = tuple(sentence for version in review.versions for sentence in version.changes)
    if changes:
        yield Bullets(items=changes)


def _versions(review: PolicyReview) -> Iterable[tuple[str, str, str]]:
    return ((one.label, one.effective_from, "有効" if one.in_force else "") for one in review.versions)


def _changes(review: PolicyReview) -> Iterable[Sequence[str]]:
    for version in review.versions:
        yield version.label, version.effective_from, "。".join(version.changes) or "－"


SECTION = Section(
    part="review", title="方針の見直し", rests_on=("policy",), claims=_claims, blocks=_blocks,
    tables={"policy_versions": (("方針の版", "施行", "前の版からの変更"), _changes)}
)
