"""Builds .venv from requirements.lock when it is missing or out of date, then hands over to a verb. Standard library only."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "kdx_eval.stamp"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
# What only the annual sequence of kdx-eval knows how to do is passed on as it stands.
HANDED_OVER = ("demo", "check", "plan", "run", "verify", "templates", "pseudonymise", "lab", "rollout", "pool", "trace")
STUDIES = {"calibrate": "calibrate.py", "fuzz-data": "fuzz_data.py", "targeting": "targeting.py", "rollout-power": "rollout.py"}
USAGE = """使い方: py run.py [--offline フォルダー] <動詞> [引数...]      （Windows 以外では python3 run.py）
  report       合成データの市で年次処理を通しで実行し、予算要求の附属資料まで作る（reports/demo-2027）
  lab          JupyterLab を開く（lab データのフォルダー。なければ合成データ）
  check / plan / run / verify / trace / templates / pseudonymise / rollout / pool / demo      kdx-eval の各機能（--help で説明）
  test         静的検査とすべてのテスト
  bench        速さの測定
  calibrate    真の効果が分かっている市を何百も作り、判定の当たり外れを数える（--cities 数。200で数分）
  fuzz-data    壊したデータの写しを1万個読み、黙って結果が変わらないことを確かめる（--copies 数。20〜40分）
  targeting    支援先の選び方を、真の効果が分かっている市で試す（--cities 数。400で1分）
  rollout-power  来年度の順番で約束した確率が守られるか、5,000の市で確かめる（数分）
  wheelhouse [フォルダー] [--windows] [--python 3.12]   閉域網に持ち込む部品を集める
  --offline フォルダー   集めた部品から、ネットワークなしで環境を作る"""


def main(arguments: list[str]) -> int:
    """Return the exit status of the verb asked for."""
    offline = None
    if arguments[:1] == ["--offline"] and len(arguments) > 1:
        offline, arguments = Path(arguments[1]).resolve(), arguments[2:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0 if arguments else 2
    verb, rest = arguments[0], arguments[1:]
    if verb not in (*HANDED_OVER, "report", "test", "bench", *STUDIES, "wheelhouse"):
        print(f"知らない動詞です: {verb}\n{USAGE}", file=sys.stderr)
        return 2
    if not build(offline):
        return 1
    if verb == "test":
        return test(rest)
    if verb == "bench":
        statuses = [call(str(PYTHON), str(script), *rest) for script in sorted((ROOT / "tests" / "benchmarks").glob("bench_*.py"))]
        return int(any(statuses))  # one that fails does not hide the others
    if verb in STUDIES:
        return call(str(PYTHON), str(ROOT / "tests" / "studies" / STUDIES[verb]), *rest)
    if verb == "wheelhouse":
        return wheelhouse(rest) if Path(sys.prefix).resolve() == VENV else call(str(PYTHON), str(ROOT / "run.py"), verb, *rest)
    if verb == "report":
        verb, rest = "demo", ["--out", str(ROOT / "reports" / "demo-2027"), *rest]
    # Paths in the arguments are the caller's, so the working directory stays; -P: no module is taken from it.
    return call(str(PYTHON), "-P", "-m", "kdx_eval.cli", verb, *rest, folder=Path.cwd())


def call(*command: str, folder: Path = ROOT) -> int:
    """Return the exit status of a child process that reads and writes UTF-8 whatever the system's code page."""
    sys.stdout.flush()
    # Japanese paths in .pth files are read wrongly by Python 3.11 on Windows without the UTF-8 mode.
    environment = {**os.environ, "PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment["KDX_EVAL_COMMAND"] = "py run.py" if os.name == "nt" else "python3 run.py"  # what messages tell the user to type
    try:
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 130


def fingerprint() -> str:
    """Return what the environment depends on: the lock, the project's metadata, this Python and the folder's place."""
    digest = hashlib.sha256(f"{sys.version_info[:3]} {ROOT}".encode("utf-8", "surrogatepass"))
    for path in (LOCK, ROOT / "pyproject.toml"):
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def build(offline: Path | None) -> bool:
    """Return whether .venv is complete and up to date, after building it if need be; a half-built one carries no stamp and is rebuilt."""
    wanted = fingerprint()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted:
        return True
    if Path(sys.prefix).resolve() == VENV:
        print("環境が古くなっています。.venv の外の Python で実行し直してください（py run.py ...）", file=sys.stderr)
        return False
    print("[1/3] 環境を作っています: .venv（初回は1〜3分）")
    STAMP.unlink(missing_ok=True)
    pip = (str(PYTHON), "-m", "pip", "install", "-qq")
    source = ("--no-index", "--find-links", str(offline)) if offline else ()
    steps = (
        ("", "Debian・Ubuntu では python3-venv が要ります。.venv を使うプログラムは閉じてください", (sys.executable, "-m", "venv", "--clear", str(VENV))),
        ("[2/3] 部品を入れています（requirements.lock のとおり）", "ネットワークか --offline のフォルダーを確かめてください",
         (*pip, *source, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK))),
        ("[3/3] kdx_eval を入れています", "フォルダーの中身が欠けていないか確かめてください",
         (*pip, *source, "--no-deps", "--no-build-isolation", "-e", str(ROOT))),
    )  # fmt: skip
    for title, hint, command in steps:
        if title:
            print(title)
        if call(*command) != 0:
            print(f"環境を作れませんでした。{hint}", file=sys.stderr)
            return False
    STAMP.write_text(wanted, encoding="utf-8", newline="\n")
    return True


def test(rest: list[str]) -> int:
    """Return 0 when the static checks and the tests all pass; pytest comes last, so that its summary is what one sees."""
    checks = {
        "ruff": (str(PYTHON), "-m", "ruff", "check", "."),
        "mypy": (str(PYTHON), "-m", "mypy"),
        "import-linter": (str(PYTHON.with_name("lint-imports" + PYTHON.suffix)), "--no-cache"),
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}")
        if call(*command) != 0:
            failed.append(name)
    print("--- pytest")
    if failed:
        print(f"静的検査に不合格: {'、'.join(failed)}（pytest は続けます）")
    status = call(str(PYTHON), "-m", "pytest", "-n", "2", *rest)
    return status or (1 if failed else 0)


def wheelhouse(rest: list[str]) -> int:
    """Return 0 when every wheel the lock asks for lies in the folder, for this machine or for 64-bit Windows."""
    from packaging.requirements import Requirement  # in the lock

    version = rest[rest.index("--python") + 1] if "--python" in rest[:-1] else ""
    places = [word for word in rest if not word.startswith("--") and word != version]
    folder = Path(places[0] if places else "wheelhouse").resolve()
    machine: dict[str, str] = {}
    command = [str(PYTHON), "-m", "pip", "download", "--only-binary", ":all:", "--no-deps", "--require-hashes", "-d", str(folder)]
    if version:
        # pip takes 3.11 for 3.11.0, for which some pins of the lock are too new: a late patch level is meant.
        full = version if version.count(".") > 1 else f"{version}.9"
        machine.update(python_version=".".join(full.split(".")[:2]), python_full_version=full)
        command += ["--python-version", full, "--implementation", "cp"]
    if "--windows" in rest:
        machine.update(sys_platform="win32", os_name="nt", platform_system="Windows", platform_machine="AMD64")
        command += ["--platform", "win_amd64"]
    # pip reads the lock's markers for the machine it runs on, not for the one it collects for: so they are resolved here.
    chosen = []
    for entry in LOCK.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        pin, *hashes = entry.split("#")[0].split(" --hash=")
        requirement = Requirement(pin) if pin.strip() else None
        if requirement and (requirement.marker is None or requirement.marker.evaluate(machine)):
            chosen.append(" --hash=".join([f"{requirement.name}{requirement.specifier}", *(digest.strip() for digest in hashes)]))
    with tempfile.TemporaryDirectory() as temporary:
        pins = Path(temporary) / "pins.txt"
        pins.write_text("\n".join(chosen), encoding="utf-8", newline="\n")
        print(f"{len(chosen)}個の部品を集めています: {folder}")
        return call(*command, "-r", str(pins))


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks Japanese still shows the rest
    if sys.version_info < (3, 11):
        sys.exit("Python 3.11 以上が必要です。 / Python 3.11 or newer is needed: found " + sys.version.split()[0])
    sys.exit(main(sys.argv[1:]))
