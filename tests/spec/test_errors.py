"""errors: one tree, one line each, an exit status by class."""

from __future__ import annotations

import pickle

import pytest

from kdx_eval import errors
from kdx_eval.errors import KdxError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, KdxError)]


def test_a_message_names_code_place_reason_and_remedy() -> None:
    error = errors.DataError("列がありません", place="費用.csv", hint="見出しを確かめてください")
    assert str(error) == error.message == "[DATA] 費用.csv: 列がありません → 見出しを確かめてください"
    assert str(errors.PlanError("読めません")) == "[PLAN] 読めません"


def test_every_class_has_its_own_code_and_exit_status() -> None:
    assert len(KINDS) == 9
    assert len({kind.code for kind in KINDS}) == len({kind.exit_status for kind in KINDS}) == len(KINDS)
    # 2 is the command line's own status for a wrong call.
    assert all(0 < kind.exit_status < 126 and kind.exit_status != 2 for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_crosses_a_process_border_whole(kind: type[KdxError]) -> None:
    error = pickle.loads(pickle.dumps(kind("理由", place="場所", hint="対処")))
    assert type(error) is kind
    assert (error.reason, error.place, error.hint, error.message) == ("理由", "場所", "対処", f"[{kind.code}] 場所: 理由 → 対処")


def test_one_handler_catches_them_all() -> None:
    assert all(issubclass(kind, KdxError) for kind in KINDS)
    assert not issubclass(KdxError, (ValueError, OSError))
