"""Charts of PowerPoint itself, which the reader can edit: hours with their intervals, and who was reached."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kdx_eval.report.blocks import shorten, visible
from kdx_eval.report.pptx_parts import BLUE, GREY, INK, Place, rgb, style_font
from kdx_eval.report.wording import numbered_evidence, part_of

if TYPE_CHECKING:
    from kdx_eval.budget import Reach
    from kdx_eval.report.ledger import Ledger
    from kdx_eval.results import Results

_MOST_ROWS, _MOST_COURSES = 5, 5
_SIZE = 10.0


def add_hours_chart(slide: Any, place: Place, *, results: Results, ledger: Ledger) -> bool:
    """Hours of a year for each question as a line over the 95 % interval; False, and nothing drawn, where none converts to hours.

    A question whose effect may not be claimed shows its interval alone, as a broken grey line without a point for the estimate.
    """
    leading = sorted(numbered_evidence(results)[:_MOST_ROWS], key=lambda pair: pair[0])
    names = {item.question_id: f"question.{item.question_id}.saved" for _, item in leading}
    found = [(number, item, ledger.claim(names[item.question_id])) for number, item in leading if ledger.has(names[item.question_id])]
    shown = [row for row in found if row[2].is_figure and row[2].low is not None]
    if not shown:
        return False
    from pptx.enum.chart import XL_CHART_TYPE

    data: Any = _data_module().XyChartData()
    labels = []
    for row, (number, item, claim) in enumerate(shown):
        inside = part_of(results, item.question_id)
        labels.append(f"問{number} {item.verdict}" + (f"（問{inside}の一部）" if inside else ""))
        series = data.add_series(labels[-1])
        for value in (claim.low, claim.value, claim.high) if item.may_claim else (claim.low, claim.high):
            series.add_data_point(value, len(shown) - row)
    chart = _add(slide, place, kind=XL_CHART_TYPE.XY_SCATTER_LINES, data=data)
    for row, (_, item, _) in enumerate(shown):
        _style_line(chart.plots[0].series[row], label=labels[row], claimed=item.may_claim)
    chart.value_axis.visible, chart.value_axis.has_major_gridlines = False, False
    chart.value_axis.minimum_scale, chart.value_axis.maximum_scale = 0.4, len(shown) + 0.8
    _style_axis(chart.category_axis)
    return True


def add_reach_chart(slide: Any, place: Place, *, results: Results, ledger: Ledger) -> bool:
    """Enrolled and completed of the largest courses; False, and nothing drawn, without records (or where none may be shown)."""
    reach = () if results.budget is None else results.budget.reach
    shown: list[tuple[Reach, float, float]] = []
    for number, item in enumerate(reach):
        enrolled, completed = (ledger.claim(f"reach.{number}.{field}").value for field in ("enrolled", "completed"))
        if enrolled is not None and completed is not None:
            shown.append((item, enrolled, completed))
    if not shown:
        return False
    from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION

    largest = sorted(shown, key=lambda row: (-(row[0].cost_yen or 0), -row[1]))[:_MOST_COURSES][::-1]
    data: Any = _data_module().CategoryChartData(number_format="#,##0")
    data.categories = [visible(shorten(item.course_name, 16)) for item, _, _ in largest]
    data.add_series("修了者", [completed for _, _, completed in largest])
    data.add_series("受講者", [enrolled for _, enrolled, _ in largest])
    chart = _add(slide, place, kind=XL_CHART_TYPE.BAR_CLUSTERED, data=data)
    for series, colour in zip(chart.plots[0].series, (BLUE, "B7C4CE"), strict=True):
        series.format.fill.solid()
        series.format.fill.fore_color.rgb = rgb(colour)
        series.data_labels.show_value = True
        style_font(series.data_labels.font, size=_SIZE)
    chart.has_legend = True
    chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    style_font(chart.legend.font, size=_SIZE)
    chart.value_axis.visible, chart.value_axis.has_major_gridlines = False, False
    _style_axis(chart.category_axis)
    return True


def _data_module() -> Any:
    return import_module("pptx.chart.data")


def _add(slide: Any, place: Place, *, kind: Any, data: Any) -> Any:
    from pptx.util import Mm

    chart = slide.shapes.add_chart(kind, Mm(place.left), Mm(place.top), Mm(place.width), Mm(place.height), data).chart
    chart.has_legend, chart.has_title = False, False
    style_font(chart.font, size=_SIZE)
    return chart


def _style_line(series: Any, *, label: str, claimed: bool) -> None:
    from pptx.enum.chart import XL_LABEL_POSITION, XL_MARKER_STYLE
    from pptx.enum.dml import MSO_LINE
    from pptx.util import Pt

    line = series.format.line
    line.width, line.dash_style = Pt(2.5), MSO_LINE.SOLID if claimed else MSO_LINE.DASH
    line.color.rgb = rgb(BLUE if claimed else GREY)
    series.smooth = False
    series.marker.style = XL_MARKER_STYLE.NONE
    if claimed:
        middle = series.points[1].marker
        middle.style, middle.size = XL_MARKER_STYLE.CIRCLE, 9
        middle.format.fill.solid()
        middle.format.fill.fore_color.rgb = rgb(BLUE)
    label_of = series.points[1 if claimed else 0].data_label
    label_of.position = XL_LABEL_POSITION.ABOVE
    run = label_of.text_frame.paragraphs[0].add_run()
    run.text = visible(label)
    style_font(run.font, size=_SIZE, colour=INK)


def _style_axis(axis: Any) -> None:
    axis.has_major_gridlines = False
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = '#,##0;"△"#,##0', False
    style_font(axis.tick_labels.font, size=_SIZE)
    axis.format.line.color.rgb = rgb(GREY)
