"""The public names and their signatures change on purpose only.

Regenerate after an intended change, and note it in CHANGELOG.md:
    python tests/architecture/test_public_api.py --write
"""

from __future__ import annotations

import dataclasses
import inspect
import pkgutil
import sys
from pathlib import Path

import kdx_eval

SNAPSHOT = Path(__file__).with_name("public_api.txt")
MAX_PUBLIC_NAMES = 25


def public_api() -> list[str]:
    """One line for each public name: what it is and how it is called."""
    lines = []
    for name in sorted(kdx_eval.__all__):
        thing = getattr(kdx_eval, name)
        if inspect.isclass(thing):
            fields = [f"{field.name}: {field.type}" for field in dataclasses.fields(thing)] if dataclasses.is_dataclass(thing) else []
            lines.append(f"class {name}({', '.join(fields)})")
            for method, function in sorted(vars(thing).items()):
                if not method.startswith("_") and (callable(function) or isinstance(function, classmethod | staticmethod | property)):
                    kind = "property" if isinstance(function, property) else "method"
                    signature = "" if isinstance(function, property) else str(inspect.signature(getattr(thing, method)))
                    lines.append(f"  {kind} {name}.{method}{signature}")
        elif callable(thing):
            lines.append(f"function {name}{inspect.signature(thing)}")
        else:
            lines.append(f"value {name}: {type(thing).__name__}")
    return lines


def test_the_public_api_is_the_recorded_one() -> None:
    assert public_api() == SNAPSHOT.read_text(encoding="utf-8").splitlines()


def test_there_are_at_most_25_public_names_and_all_resolve() -> None:
    names = [name for name in kdx_eval.__all__ if not name.startswith("__")]
    assert len(names) <= MAX_PUBLIC_NAMES
    assert len(set(names)) == len(names)
    assert all(hasattr(kdx_eval, name) for name in names)


def test_no_public_name_is_also_a_submodule() -> None:
    # A lazy export that bears a submodule's name is sometimes the function and sometimes the module.
    assert {module.name for module in pkgutil.iter_modules(kdx_eval.__path__)} & set(kdx_eval.__all__) == set()


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(kdx_eval, "no_such_name")


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    SNAPSHOT.write_text("\n".join(public_api()) + "\n", encoding="utf-8", newline="\n")
