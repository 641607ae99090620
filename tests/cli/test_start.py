"""What a start imports: times differ from machine to machine, imports do not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, encoded, picture

ROOT = Path(__file__).parent.parent.parent
# pyarrow imports pandas wherever that is installed; without it, an import of ours would fail
_CODE = """
import json, sys
sys.modules["pandas"] = None
from clipfake.cli.app import main
try:
    main(sys.argv[1:])
finally:
    heads = {name.partition(".")[0] for name, held in sys.modules.items() if held}
    print(json.dumps(sorted(heads)), file=sys.stderr)
"""
_IN_TURN = """
import json, sys
sys.modules["pandas"] = None
from clipfake.cli.app import main
found = []
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as end:
        held = {name.partition(".")[0] for name, module in sys.modules.items() if module}
        found.append(sorted(held))
print(json.dumps(found), file=sys.stderr)
"""
HEAVY = ("torchvision", "open_clip", "timm", "transformers", "huggingface_hub", "sklearn", "scipy")
HEAVY += ("matplotlib", "pandas", "jinja2", "c2pa")


def imported(*arguments: object) -> set[str]:
    """Packages that a command imports."""
    command = [sys.executable, "-c", _CODE, *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT
    )
    names = done.stderr.splitlines()[-1]
    return set(json.loads(names))


WITHOUT_TORCH = [
    ["--version"],
    ["--help"],
    ["scan", "--help"],
    ["evaluate", "--help"],
    ["scan", "nowhere"],
    ["scan", ".", "-o", "none/r.csv"],
    ["scan", ".", "--fail-on", "fake"],
    ["inspect"],
    ["merge", "none.parquet", "-o", "m.parquet"],
    ["evaluate", "nowhere", "--perturb", "none-such"],
    ["finetune", "--real", "a", "--fake", "b", "--out", "none/a.safetensors"],
    ["calibrate", "--real", "a", "--out", "none/a.safetensors"],
    ["verify", "none.parquet"],
]


@pytest.fixture(scope="module")
def in_turn() -> dict[str, set[str]]:
    """Packages that are imported after each of the commands, which run in one process."""
    done = subprocess.run(
        [sys.executable, "-c", _IN_TURN, json.dumps(WITHOUT_TORCH)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        cwd=ROOT,
    )
    found = json.loads(done.stderr.splitlines()[-1])
    after = zip(WITHOUT_TORCH, found, strict=True)
    return {" ".join(command): set(names) for command, names in after}


@pytest.mark.parametrize("arguments", WITHOUT_TORCH)
def test_help_and_usage_errors_do_not_wait_for_torch(
    in_turn: dict[str, set[str]], arguments: list[str]
) -> None:
    found = in_turn[" ".join(arguments)]
    assert "clipfake" in found
    assert not found & {"torch", *HEAVY}


def test_a_scan_imports_torch_and_nothing_else_that_takes_long(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture()))
    found = imported("scan", tmp_path, "--quiet", "-o", tmp_path / "r.parquet")
    assert "torch" in found
    assert not found & set(HEAVY)


def test_a_worker_process_needs_no_torch() -> None:
    names = "clipfake.scanning.workers, clipfake.scanning.processes.pool"
    code = f"import sys, {names}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_a_scan_reads_no_reference_tokens(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(picture()))
    code = f"""
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from clipfake.cli.app import main
try:
    main(["scan", {str(tmp_path)!r}, "--quiet"])
finally:
    assert any("clip-vit" in name for name in opened)
    assert not any("reference-tokens" in name for name in opened)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")
