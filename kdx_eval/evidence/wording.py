"""Sentences from ``data_schema/verdicts.json``, filled with the figures of one question."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from kdx_eval.effect.study import Better, EffectStudy
from kdx_eval.plan import Question
from kdx_eval.plan.types import Unit
from kdx_eval.units import format_number


@cache
def vocabulary() -> Mapping[str, Any]:
    """The file ``data_schema/verdicts.json``: ``verdicts``, ``limits``, ``reasons``, ``groups``, ``direction``, ``unknown``."""
    from kdx_eval.schema import read_vocabulary

    return cast("Mapping[str, Any]", read_vocabulary("verdicts"))


def quantity_text(value: float) -> str:
    """A quantity with as many decimals as its size deserves: 1,234 / 12.3 / 1.23 / 0.0123."""
    if not math.isfinite(value):
        return str(vocabulary()["unknown"])
    size = abs(value)
    digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4
    return format_number(value, digits)


def difference_text(value: float, *, better: Better, measure: str = "") -> str:
    """A difference with its unit and its direction in words, ``3.20時間少ない``; ``value`` is positive in the good direction."""
    words = vocabulary()["direction_of"].get(measure, vocabulary()["direction"])
    if not math.isfinite(value):
        return quantity_text(value)
    good, bad = (words["lower"], words["higher"]) if better == "lower" else (words["higher"], words["lower"])
    return f"{quantity_text(abs(value))}{measure}{good if value >= 0 else bad}"


def group_words(unit: Unit) -> Mapping[str, str]:
    """``treated``, ``untreated`` and ``counter``: what the compared groups are called."""
    return cast("Mapping[str, str]", vocabulary()["groups"][unit])


def reason_text(key: str, **fields: object) -> str:
    """The sentence of why a grade is not higher."""
    return str(vocabulary()["reasons"][key]).format(**fields)


def limit_text(key: str, **fields: object) -> str:
    """The sentence that must stand beside a claim."""
    return str(vocabulary()["limits"][key]).format(**fields)


def verdict_texts(verdict: str, fields: Mapping[str, str]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The headline sentence, the permitted and the forbidden sentences of a verdict."""
    entry = vocabulary()["verdicts"][verdict]
    return (
        entry["headline"].format(**fields),
        tuple(text.format(**fields) for text in entry["permitted"]),
        tuple(text.format(**fields) for text in entry["forbidden"]),
    )


def verdict_fields(
    question: Question, study: EffectStudy | None, *, good: tuple[float, float, float], good90: tuple[float, float], smallest: float, pays_off: bool = False
) -> dict[str, str]:
    """What the templates may name; ``good`` is (estimate, low, high) and ``good90`` (low, high) in the good direction."""
    better, measure, per = question.outcome.better, question.outcome.measure_word, question.outcome.per_words
    estimate, low, high = (difference_text(value, better=better, measure=measure) for value in good)
    low90, high90 = (difference_text(value, better=better, measure=measure) for value in good90)
    return {
        "title": question.title,
        "outcome": question.outcome.label,
        "per": per,
        "per_and": f"{per}、" if per else "",
        "per_aside": f"（{per}）" if per else "",
        **group_words(question.unit),
        "estimate": estimate,
        "low": low,
        "high": high,
        "low90": low90,
        "high90": high90,
        "smallest": quantity_text(smallest) + measure,
        "enough": "費用に見合う大きさ" if pays_off else "意味があるとみなす大きさ",
        "detectable": quantity_text(math.nan if study is None else max(study.detectable, study.headline.could_find)) + measure,
        "n_treated": "0" if study is None else format_number(study.n_treated_units),
        "n_control": "0" if study is None else format_number(study.n_control_units),
    }
