"""The lock, the environment file, run.py and the wheel agree with each other."""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK_TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SYSTEMS = {
    "windows": {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
    "macos": {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    "linux": {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
}
PYTHONS = ["3.11.0", "3.11.9", "3.12.3", "3.13.1", "3.14.0"]
ENVIRONMENTS = {
    f"{system}-{version}": {
        **markers,
        "python_full_version": version,
        "python_version": version.rpartition(".")[0],
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for (system, markers), version in itertools.product(SYSTEMS.items(), PYTHONS)
}  # fmt: skip


def pins() -> list[tuple[Requirement, list[str]]]:
    entries = re.sub(r"^\s*#.*$", "", LOCK_TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    parts = [entry.split(" --hash=") for entry in entries if entry.strip()]
    return [(Requirement(pin), [digest.strip() for digest in hashes]) for pin, *hashes in parts]


PINS = pins()


def selected(environment: dict[str, str]) -> dict[str, Requirement]:
    chosen = [requirement for requirement, _ in PINS if requirement.marker is None or requirement.marker.evaluate(environment)]
    names = [canonicalize_name(requirement.name) for requirement in chosen]
    assert len(set(names)) == len(names), "two versions of one package in one environment"
    return dict(zip(names, chosen, strict=True))


def direct_dependencies() -> list[Requirement]:
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"], *PROJECT["build-system"]["requires"]]
    return [Requirement(line) for line in lines]


def test_every_pin_is_exact_and_carries_sha256_hashes() -> None:
    assert len(PINS) > 100
    for requirement, hashes in PINS:
        assert [clause.operator for clause in requirement.specifier] == ["=="], requirement.name
        assert requirement.url is None
        assert hashes, requirement.name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement.name


def test_the_lock_names_no_address() -> None:
    assert "://" not in LOCK_TEXT
    assert "--index-url" not in LOCK_TEXT


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_the_markers_select_one_pin_within_bounds_for_each_direct_dependency(environment: dict[str, str]) -> None:
    # Static: markers and version bounds only. That wheels exist for each system is what an installation there shows.
    chosen = selected(environment)
    for wanted in direct_dependencies():
        pin = chosen.get(canonicalize_name(wanted.name))
        assert pin is not None, wanted.name
        assert wanted.specifier.contains(str(pin.specifier).removeprefix("=="), prereleases=True), wanted.name


def test_windows_gets_what_only_windows_needs() -> None:
    windows = set(selected(ENVIRONMENTS["windows-3.11.9"]))
    linux = set(selected(ENVIRONMENTS["linux-3.11.9"]))
    assert {"colorama", "pywinpty"} <= windows - linux
    assert {"pexpect", "ptyprocess"} <= linux


def test_the_installed_versions_are_the_locked_ones() -> None:
    from importlib.metadata import version

    chosen = selected({})
    names = {canonicalize_name(wanted.name) for wanted in direct_dependencies()}
    assert {name: version(name) for name in names} == {name: str(chosen[name].specifier).removeprefix("==") for name in names}


def test_the_conda_environment_uses_the_same_lock_and_nothing_else() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    python, pip, options = environment["dependencies"]
    assert python == "python" + PROJECT["project"]["requires-python"]
    assert pip == "pip"
    assert options == {"pip": ["--require-hashes", "--only-binary=:all:", "-r requirements.lock"]}


def test_run_needs_the_standard_library_only() -> None:
    tree = ast.parse((ROOT / "run.py").read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    }
    assert imported <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["--help"], 0), (["nonsense"], 2)])
def test_run_explains_itself_without_building_anything(arguments: list[str], status: int) -> None:
    done = subprocess.run([sys.executable, ROOT / "run.py", *arguments], capture_output=True, text=True, encoding="utf-8", check=False, env=utf8())
    assert done.returncode == status
    assert "使い方" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def utf8() -> dict[str, str]:
    return {**os.environ, "PYTHONUTF8": "1"}


def test_the_double_click_file_is_what_windows_reads() -> None:
    content = (ROOT / "start.cmd").read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 5
    assert content.isascii()
    assert b"chcp 65001" in content
    assert b"run.py lab" in content


@pytest.fixture(scope="module")
def installed_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel 試し　場")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, env=utf8())
    (wheel,) = folder.glob("kdx_eval-*.whl")
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile", "--target", str(folder / "site"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, env=utf8())
    return folder / "site"


def in_wheel(site: Path, code: str) -> str:
    # -P and PYTHONPATH: the wheel comes before the editable checkout.
    environment = {**utf8(), "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    done = subprocess.run([sys.executable, "-c", code], cwd=site.parent, env=environment, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_wheel_brings_its_own_schema_notebooks_and_templates(installed_wheel: Path) -> None:
    for kind in ("data_schema", "notebooks", "templates"):
        found = Path(in_wheel(installed_wheel, f"from kdx_eval.resources import root_dir; print(root_dir({kind!r}))"))
        assert found == installed_wheel / "kdx_eval" / "_bundled" / kind
        assert any(found.iterdir())
    assert in_wheel(installed_wheel, "from kdx_eval.resources import is_checkout; print(is_checkout())") == "False"


def test_a_wheel_is_used_from_another_folder(installed_wheel: Path) -> None:
    tables = in_wheel(installed_wheel, "from kdx_eval.schema import load_schema; print(*load_schema().tables)").split()
    assert {"departments", "training", "costs"} <= set(tables)
    assert len(in_wheel(installed_wheel, "from kdx_eval.manifest import code_digest; print(code_digest())")) == 64


def test_a_wheel_holds_nothing_that_was_made_by_running(installed_wheel: Path) -> None:
    names = [path.relative_to(installed_wheel).as_posix() for path in (installed_wheel / "kdx_eval").rglob("*")]
    assert [name for name in names if "__pycache__" in name or name.endswith(".pyc")] == []
