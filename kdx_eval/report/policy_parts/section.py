"""What a part of the policy contributes to the report: its figures for the ledger, its blocks, pictures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kdx_eval.report.blocks import Block, Picture
    from kdx_eval.report.ledger import Ledger, LedgerBook

Maker: TypeAlias = tuple[tuple[str, ...], Callable[[Any], Iterable[Sequence[str]]]]


def no_pictures(_result: Any, _synthetic: bool) -> Iterable[tuple[Picture, Figure]]:
    """For a part that has nothing to draw."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the policy as the report shows it.

    Attributes
    ----------
    part : str
        As in `study_policy`; also the kind for ``show_figures``.
    title : str
        Heading in the 別冊 and on the site.
    claims : callable (book, result)
        Enters every figure; names begin with the part (``review.versions``), each with its own ``label``.
    blocks : callable (ledger, result)
        The text and tables, with figures from the ledger.
    pictures : callable (result, synthetic) -> pairs of Picture and Figure
        Drawn once for all documents; file names begin with the part.
    tables : mapping of kind to (headings, maker)
        For ``show_table`` in the notebook.
    prefix : str
        What the names of its claims begin with, where that is not the part.
    rests_on : tuple of str
        Tables (or ``plan``, ``policy``) behind claims that name no inputs of their own.
    """

    part: str
    title: str
    rests_on: tuple[str, ...]
    claims: Callable[[LedgerBook, Any], None]
    blocks: Callable[[Ledger, Any], Iterable[Block]]
    pictures: Callable[[Any, bool], Iterable[tuple[Picture, Figure]]] = no_pictures
    tables: Mapping[str, Maker] = field(default_factory=dict)
    prefix: str = ""

    def holds(self, name: str) -> bool:
        """Whether a claim of that name is this part's."""
        return name.startswith(f"{self.prefix or self.part}.")
