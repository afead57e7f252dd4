"""The section of ``check`` on the matching of people: how many, by what, and who must decide on the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kdx_eval.cli import screen

if TYPE_CHECKING:
    from kdx_eval.load import Dataset

_MOST_GROUPS = 15


def show_matching(dataset: Dataset) -> None:
    """Print how the people of lists without ids were found. Counts and rows only, never a name."""
    from kdx_eval.load.matching import HOW
    from kdx_eval.load.matching_tables import matching_table, unmatched_path, unsettled_table

    found = dataset.report.matched
    if found is None:
        return
    if not dataset.has("staff"):
        screen.say(f"■ 氏名の突き合わせ: 職員の名簿がないので行っていません（受講者 {found.n_people:,} 人は、名簿に書かれた所属で数えます）")
        return
    screen.say(
        f"■ 氏名の突き合わせ: {found.n_people:,} 人のうち {found.n_matched:,} 人が一致、"
        f"{found.n_ambiguous:,} 人は同姓同名などで決められず、{found.n_unmatched:,} 人は名簿に該当なし"
    )
    screen.table(["何で突き合わせたか", "人数"], [[HOW[how], f"{found.by[how]:,}"] for how in HOW if how in found.by])
    by_department = matching_table(dataset).query("not settled").groupby("department", sort=True)["n_people"].sum()
    waiting = unsettled_table(dataset)
    if waiting.empty:
        return
    screen.say("  決まっていない人の多い所属: " + "、".join(f"{name} {count:,} 人" for name, count in by_department.nlargest(5).items()))
    screen.table(
        ["ファイル", "所属", "行", "理由", "だれに確かめるか"],
        [[f"{row.file} {row.sheet}".strip(), row.department, row.rows, row.reason, row.ask] for row in waiting.head(_MOST_GROUPS).itertuples()],
    )
    screen.say(f"  直し方と全件の一覧（氏名は載せていません）: {unmatched_path(dataset)}")
