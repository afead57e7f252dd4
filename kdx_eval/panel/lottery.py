"""Who applied, who was drawn, and who of them took part: the log of a lottery, and applicants as the comparison of volunteers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """A lottery with its log.

    Attributes
    ----------
    n_drawn, n_drawn_attended : int
        Applicants who won a place, and how many of them took part.
    n_lost, n_lost_attended : int
        Applicants who did not (落選・補欠), and how many of them took part all the same.
    n_strata : int
        Groups within which lots were drawn.
    """

    n_drawn: int
    n_drawn_attended: int
    n_lost: int
    n_lost_attended: int
    n_strata: int

    @property
    def compliance(self) -> float:
        """Share of those drawn who took part, less the share of the others who did: what the draw itself moved."""
        return self.n_drawn_attended / self.n_drawn - self.n_lost_attended / self.n_lost
