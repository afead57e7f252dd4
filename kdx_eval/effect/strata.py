"""Within which strata of a lottery units are compared: those of the draw, small ones joined where their chances were the same."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from kdx_eval.effect.fiscal_year import SMALLEST_COMPARISON
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.rollout_order import OrderDraw
from kdx_eval.panel.type import Panel

_JOIN = "・"


def compared_within_strata(panel: Panel) -> Panel:
    """The panel of a lottery, compared within its strata; the panel itself where lots were not drawn by stratum.

    A difference between strata in who was drawn and in how the outcome goes on would else pass for an effect. A stratum in which fewer than three units
    wait until the end cannot be compared within itself: it is joined with others in which every unit had the same chances, which compares no unlike
    with like. Departments dealt out to the waves in turn (`draw_order`) all had the same; among applicants, strata of which the same share was drawn.
    A stratum that stays alone is not counted. Without the log of the draw nothing is known of chances, and all are compared with all.

    Raises
    ------
    NotIdentifiedError
        No stratum has both a treated unit and three that wait.
    """
    if panel.stratum is None or panel.draw is None:
        return panel
    joined = _joined(panel)
    if not any(_stands(panel, joined == name) for name in np.unique(joined.astype(str))):
        reason = f"抽選のどの区分にも、受けた側と、比べる相手{SMALLEST_COMPARISON}つがそろいません"
        raise NotIdentifiedError(reason, hint="区分をまとめて抽選するか、落選・補欠の人も応募者の表に入れてください")
    return panel if len(np.unique(joined.astype(str))) < 2 else replace(panel, within=joined)


def strata_sentence(panel: Panel) -> str | None:
    """How many strata are compared, and which units none could be found for; None where there is nothing to say."""
    if panel.within is None:
        return None
    names = np.unique(panel.within.astype(str))
    alone = [name for name in names if not _stands(panel, panel.within == name)]
    lost = int(np.isin(panel.within.astype(str), alone).sum())
    said = f"抽選の区分ごと（{len(names) - len(alone)}区分）に比べ、受けた側の数で重みを付けて合わせました。"
    return said if not alone else f"{said}{len(alone)}区分の{lost}単位は、同じ区分の中に比べる相手が{SMALLEST_COMPARISON}つないため、数えていません。"


def _joined(panel: Panel) -> npt.NDArray[np.object_]:
    assert panel.stratum is not None
    drawn = panel.stratum.astype(str)
    groups: dict[Hashable, list[tuple[str, ...]]] = {}
    for name in np.unique(drawn):
        groups.setdefault(_chances(panel, drawn == name), []).append((str(name),))
    label: dict[str, str] = {}
    for alike in groups.values():
        stand = [one for one in alike if _stands(panel, np.isin(drawn, one))]
        stand.sort(key=lambda one: (int(np.isin(drawn, one).sum()), one))
        rest = tuple(name for one in alike if one not in stand for name in one)
        while rest and stand and not _stands(panel, np.isin(drawn, rest)):
            rest = (*rest, *stand.pop(0))
        for members in (*stand, rest):
            label |= dict.fromkeys(members, _JOIN.join(sorted(members)))
    return np.array([label[name] for name in drawn], dtype=object)


def _stands(panel: Panel, members: npt.NDArray[np.bool_]) -> bool:
    """Some unit is treated, and three wait until the end."""
    waiting = panel.cohort[members] > panel.periods[-1]
    return bool((~waiting).any() and waiting.sum() >= SMALLEST_COMPARISON)


def _chances(panel: Panel, members: npt.NDArray[np.bool_]) -> Hashable:
    if isinstance(panel.draw, OrderDraw):
        return None
    starts, counts = np.unique(panel.cohort[members], return_counts=True)
    return tuple((float(start), Fraction(int(count), int(members.sum()))) for start, count in zip(starts, counts, strict=True))
