"""What all checks of a headline share: what they are held against, a finding before the family rule, and differences of contrasts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kdx_eval.effect.cohort_moments import CohortMoments
from kdx_eval.effect.contrasts import Contrast
from kdx_eval.effect.fiscal_year import FiscalYearContrast, FiscalYearTarget, fiscal_year_contrast
from kdx_eval.effect.inference import Estimate, PooledCovariance, make_estimate
from kdx_eval.effect.study import Better, CheckResult
from kdx_eval.errors import NotIdentifiedError
from kdx_eval.panel.type import FloatArray

# Weight in the family of a line that stands beside the slope, the moved date and the other checks of the months before training: with full
# weights, simulated cities that drift passed a little more often than without these lines.
BESIDE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What the checks hold themselves against; ``hours_per_unit`` is None where the outcome has no conversion to hours."""

    m: CohortMoments
    target: FiscalYearTarget
    found: FiscalYearContrast
    pooled: PooledCovariance
    estimate: Estimate
    unit_label: str
    better: Better = "lower"
    hours_per_unit: float | None = None

    @property
    def margin(self) -> float:
        """The bias that would matter: as large as the effect, or as its uncertainty where that is larger."""
        return max(abs(self.estimate.estimate), self.half_width)

    @property
    def half_width(self) -> float:
        """Half of the headline's 95 % interval."""
        return (self.estimate.conf_high - self.estimate.conf_low) / 2

    @property
    def excludes_zero(self) -> bool:
        """Whether the 95 % interval lies on one side of zero."""
        return self.estimate.conf_low * self.estimate.conf_high > 0

    @property
    def bad_sign(self) -> float:
        """Sign of a change for the worse."""
        return 1.0 if self.better == "lower" else -1.0

    def judge(self, contrast: Contrast) -> Estimate:
        """Estimate of a contrast's first row with headline inference."""
        variance, df = self.pooled.variance(contrast, self.m)
        return make_estimate(float(contrast.estimate(self.m)[0]), float(np.sqrt(max(variance[0], 0.0))), df=float(df[0]))

    def judge_weights(self, weights: FloatArray) -> Estimate:
        """Estimate of one weighted sum of cohort means, ``weights`` (G, T)."""
        return self.judge(Contrast(weights=weights[None], constant=np.zeros((1, len(self.m.cohorts)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check before the family rule: its estimate, or why it could not be made.

    Attributes
    ----------
    about : str
        What the number is, in a sentence.
    tests : int
        Tests of which this is the largest (Bonferroni inside the check).
    tolerance : float
        A difference up to here is no failure, even where it is no chance.
    bad_sign : float
        Only a difference of this sign is a failure; 0: both are.
    row : str
        The line of METHODS 7 to which the check belongs: checks of one line share its place in the family.
    place : float
        Weight of that line: 1 for the checks that most often tell a broken comparison, ``BESIDE`` for the others.
    p_value, could : float or None
        In place of those of the estimate.
    after : str
        A sentence that follows the verdict.
    """

    check_id: str
    title: str
    about: str
    row: str
    place: float = 1.0
    estimate: Estimate | None = None
    missing: str = ""
    tests: int = 1
    tolerance: float = 0.0
    bad_sign: float = 0.0
    p_value: float | None = None
    could: float | None = None
    after: str = ""

    @property
    def unadjusted(self) -> float:
        """p value before the family rule; NaN where the check was not made."""
        if self.estimate is None:
            return float("nan")
        return min(1.0, (self.estimate.p_value if self.p_value is None else self.p_value) * self.tests)


def not_made(check_id: str, title: str, *, reason: str) -> CheckResult:
    """The result of a check that the data do not allow: neither passed nor failed."""
    return CheckResult(check_id=check_id, title=title, outcome="not_applicable", sentence=f"{title}：行えません（{reason}）。")


def difference(headline: Headline, target: FiscalYearTarget) -> Estimate | str:
    """Estimate under another target minus the headline, with the variance of that difference (not of its parts); or why there is none."""
    try:
        other = fiscal_year_contrast(headline.m, target)
    except NotIdentifiedError:
        return "その条件では比べられる相手や月が残りません"
    return weights_difference(headline, other.effect.weights[0])


def weights_difference(headline: Headline, weights: FloatArray) -> Estimate | str:
    """The same for an estimate given by its weights on cohort means, (G, T)."""
    change = weights - headline.found.effect.weights[0]
    if np.allclose(change, 0.0, atol=1e-12):
        return "条件を変えても使うデータが同じです"
    return headline.judge_weights(change)


def made(finding: Finding, found: Estimate | str) -> Finding:
    """The finding with its estimate, or with the reason why there is none."""
    from dataclasses import replace

    return replace(finding, missing=found) if isinstance(found, str) else replace(finding, estimate=found)


def family_p_values(findings: list[Finding]) -> list[float]:
    """p values adjusted by Holm's weighted procedure (Holm 1979); NaN (check not made) does not count.

    The weight of each line of METHODS 7 is shared equally by the checks made for it, so that many checks of one matter neither make every
    study fail nor blunt the others. With one check a line, all of one weight, this is the plain procedure.
    """
    p_values = [finding.unadjusted for finding in findings]
    known = [place for place, p in enumerate(p_values) if np.isfinite(p)]
    members = {row: sum(findings[place].row == row for place in known) for row in {finding.row for finding in findings}}
    weight = {place: findings[place].place / members[findings[place].row] for place in known}
    adjusted, largest, left = [float("nan")] * len(p_values), 0.0, sum(weight.values())
    for place in sorted(known, key=lambda place: (p_values[place] / weight[place], place)):
        largest = max(largest, min(1.0, p_values[place] / weight[place] * left))
        adjusted[place] = largest
        left -= weight[place]
    return adjusted
