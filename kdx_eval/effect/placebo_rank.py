"""What a comparison with placebo units can say: a rank p value, the interval that goes with it, and what would have been found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kdx_eval.effect.inference import LEVEL, POWER, Estimate, t_quantile
from kdx_eval.panel.type import FloatArray

ERROR = 1 - LEVEL
SAME = 1e-12  # relative; a placebo as large as the estimate counts as large in spite of rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceboRank:
    """An estimate among the same figure for each untreated unit taken as treated.

    Two ranks are taken, of the figure itself and of the figure over how badly the unit was imitated before treatment (Abadie, Diamond &
    Hainmueller 2010): a large department varies more than the others in the first, a well imitated one counts for too much in the
    second. A difference counts only where both say so.

    Attributes
    ----------
    p_value, smallest_p_value : float
        The larger of both (1 + at least as large in size) / (1 + placebos), and the smallest it could have been.
    half_width : float
        The 95 % interval is the estimate plus and minus this: it excludes exactly what the ranks reject at 5 %, for an effect that is the same
        in every period. NaN where fewer than 19 placebos cannot reject anything.
    detectable : float
        The size found with 80 % probability, inf where nothing can be.
    """

    estimate: float
    p_value: float
    smallest_p_value: float
    half_width: float
    detectable: float
    n_placebos: int

    @property
    def interval(self) -> Estimate:
        """As an estimate; ``std_error`` is what makes Student's t with placebos - 1 degrees of freedom give the same 95 % interval."""
        df = float(max(self.n_placebos - 1, 1))
        return Estimate(
            estimate=self.estimate,
            std_error=self.half_width / t_quantile(0.5 + LEVEL / 2, df),
            conf_low=self.estimate - self.half_width,
            conf_high=self.estimate + self.half_width,
            p_value=self.p_value,
            df=df,
        )


def placebo_rank(estimate: float, placebos: FloatArray, *, fit: float, fits: FloatArray) -> PlaceboRank:
    """Rank of ``estimate`` among ``placebos``, with errors of imitation ``fit`` and ``fits`` in the same unit."""
    count = len(placebos)
    size = np.abs(placebos)
    scaled = size / np.maximum(fits, SAME) * max(fit, SAME)  # each placebo as if imitated as well or badly as the treated unit
    extreme = max(int((values >= abs(estimate) * (1 - SAME)).sum()) for values in (size, scaled))
    allowed = int(np.floor(ERROR * (1 + count) + 1e-9))  # the estimate and so many - 1 placebos may be the largest
    half = max(float(np.sort(values)[-allowed]) for values in (size, scaled)) if allowed else float("nan")
    spread = max(float(np.sqrt(np.mean(values**2))) for values in (size, scaled)) if count else float("nan")
    return PlaceboRank(
        estimate=estimate,
        p_value=(1 + extreme) / (1 + count),
        smallest_p_value=1 / (1 + count),
        half_width=half,
        detectable=half + t_quantile(POWER, float("inf")) * spread if allowed else float("inf"),
        n_placebos=count,
    )
