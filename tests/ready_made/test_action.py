"""The action of GitHub: its form by the published schema, its steps run by a shell."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clipfake.plan.plan import label, options
from tests.cli.command import declared
from tests.sources.repository import Repository

yaml = pytest.importorskip("yaml", reason="PyYAML is not on this machine")
ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}


class Runner:
    """What a runner does with the steps of an action, as far as they are commands."""

    def __init__(self, folder: Path, workspace: Path) -> None:
        if shutil.which("bash") is None:
            pytest.skip("bash is not on this machine")
        self.temp, self.workspace = folder / "temp", workspace
        self.temp.mkdir()
        self.summary = folder / "summary.md"
        (folder / "bin").mkdir()
        command = folder / "bin" / "clipfake"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m clipfake "$@"\n')
        command.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "GITHUB_"))}
        self.environment = {
            **kept,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.temp),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        self.said = ""

    def step(self, name: str, **environment: str) -> tuple[int, dict[str, str]]:
        """Run a step as GitHub does; its exit code and outputs."""
        step = STEPS[name]
        assert set(environment) == set(step.get("env", {})), "all that the step is given"
        output = self.temp / "output"
        output.write_text("")
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env={**self.environment, "GITHUB_OUTPUT": str(output), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self.said = done.stdout
        lines = [line.partition("=") for line in output.read_text().splitlines()]
        return done.returncode, {name: value for name, _, value in lines}

    def scan(self, **given: str) -> tuple[int, dict[str, str]]:
        """Run the scan with the action's defaults."""
        default = {"PATHS": ".", "SINCE": "", "BASELINE": "", "FAIL_ON": "ai"}
        return self.step("Scan", **{**default, "PIXELS": "false", "ARGS": "", **given})


@pytest.fixture
def origin(tmp_path: Path) -> Repository:
    """A repository with an old picture that is AI-made, and a branch that adds another."""
    made = Repository(tmp_path / "origin")
    made.write("old.png", declared(1))
    made.commit("photo.png")
    made.git("checkout", "-q", "-b", "topic")
    made.write("new/hero one.png", declared(2))
    made.git("mv", "photo.png", "new/photo.png")
    made.commit()
    return made


@pytest.fixture
def runner(tmp_path: Path, origin: Repository) -> Runner:
    """A checkout of one commit, as actions/checkout makes it."""
    where = tmp_path / "work"
    origin.git("clone", "-q", "--depth", "1", "-b", "topic", origin.root.as_uri(), str(where))
    return Runner(tmp_path, where)


def test_a_pull_request_fails_for_what_it_adds(runner: Runner, origin: Repository) -> None:
    base = origin.git("rev-parse", "main").strip()
    code, found = runner.step("Find the base", ASKED="", BASE_SHA=base)
    assert (code, found) == (0, {"since": base}), runner.said
    code, found = runner.scan(SINCE=found["since"])
    assert code == 0, runner.said
    assert found["exit-code"] == "1"
    errors = [line for line in runner.said.splitlines() if line.startswith("::error ")]
    assert len(errors) == 1
    assert errors[0].startswith("::error file=new/hero one.png,line=1,")
    [run] = json.loads(Path(found["sarif"]).read_text())["runs"]
    [location] = [r["locations"][0]["physicalLocation"] for r in run["results"]]
    assert location["artifactLocation"]["uri"] == "new/hero%20one.png"
    assert Path(found["report"]).is_file()
    assert "<code>new&#47;hero one&#46;png</code>" in runner.summary.read_text()
    code, _ = runner.step("Gate", CODE=found["exit-code"])
    assert code == 1


def test_a_branch_can_be_named_that_no_checkout_has(runner: Runner, origin: Repository) -> None:
    for name in ("main", "origin/main"):
        code, found = runner.step("Find the base", ASKED=name, BASE_SHA="")
        assert code == 0, runner.said
        assert runner.scan(SINCE=found["since"])[1]["exit-code"] == "1"
        assert "1 of 2 files are ai" in runner.said


def test_a_push_is_scanned_whole(runner: Runner) -> None:
    assert runner.step("Find the base", ASKED="", BASE_SHA="") == (0, {"since": ""})
    _, found = runner.scan()
    assert found["exit-code"] == "1"
    assert "2 of 3 files are ai" in runner.said
    assert runner.step("Find the base", ASKED="none", BASE_SHA="abc") == (0, {"since": ""})


def test_a_base_that_is_nowhere_is_told(runner: Runner) -> None:
    code, found = runner.step("Find the base", ASKED="nowhere", BASE_SHA="")
    assert code == 0
    code, found = runner.scan(SINCE=found["since"])
    assert (code, found) == (0, {"exit-code": "2"})
    assert "error: --changed-since nowhere: no such commit here" in runner.said
    assert runner.step("Gate", CODE=found["exit-code"])[0] == 2


def test_inputs_are_arguments_and_nothing_else(runner: Runner, tmp_path: Path) -> None:
    (runner.workspace / "odd $(touch run) `name`").mkdir()
    (runner.workspace / "odd $(touch run) `name`" / "a.png").write_bytes(declared(9))
    _, found = runner.scan(
        PATHS="odd $(touch run) `name`\n\n--not-an-option\n",
        ARGS='--top\n3\n--exclude\n"; touch run; "\n',
        FAIL_ON="",
    )
    assert found["exit-code"] == "2"
    assert "--not-an-option: no such file or folder" in runner.said
    _, found = runner.scan(PATHS="odd $(touch run) `name`", ARGS="--top\n3", FAIL_ON="")
    assert found["exit-code"] == "0"
    code, found = runner.step("Find the base", ASKED="$(touch run)\nx=y", BASE_SHA="")
    assert (code, list(found)) == (0, ["since"])
    assert not list(tmp_path.rglob("run"))


def test_a_baseline_and_arguments_are_passed_on(runner: Runner) -> None:
    _, found = runner.scan(FAIL_ON="ai,unread")
    made = subprocess.run(
        ["clipfake", "baseline", "create", "accepted.jsonl", found["report"], "--who", "x"],
        cwd=runner.workspace,
        env=runner.environment,
        executable=shutil.which("clipfake", path=runner.environment["PATH"]),
    )
    assert made.returncode == 0
    _, found = runner.scan(BASELINE="accepted.jsonl", FAIL_ON="new-ai")
    assert found["exit-code"] == "0", runner.said
    (runner.workspace / "third.png").write_bytes(declared(3))
    _, found = runner.scan(BASELINE="accepted.jsonl", FAIL_ON="new-ai")
    assert found["exit-code"] == "1"
    assert runner.said.count("::error ") == 1


def test_pixels_are_scored_by_default(runner: Runner) -> None:
    assert ACTION["inputs"]["pixels"]["default"] == "true"
    _, found = runner.scan(PIXELS="true", PATHS="old.png")
    assert found["exit-code"] == "1"
    assert "score 0." in runner.said


def test_the_action_is_valid_by_the_published_schema() -> None:
    schemas = pytest.importorskip("check_jsonschema", reason="check-jsonschema is not here")
    from jsonschema import Draft7Validator

    folder = Path(schemas.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "github-actions.json").read_text("utf-8"))
    assert [error.message for error in Draft7Validator(schema).iter_errors(ACTION)] == []


def test_every_expression_reaches_a_shell_through_its_environment() -> None:
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")
    inputs = set(ACTION["inputs"])
    text = (ROOT / "action.yml").read_text("utf-8")
    assert {name for name in inputs if f"inputs.{name}" not in text} == set()


def test_every_option_that_the_steps_name_is_one() -> None:
    known = {label(each) for each in options().values()}
    run: Any = STEPS["Scan"]["run"]
    named = {word.strip("()\"'") for word in run.split() if word.lstrip("(").startswith("--")}
    assert named - {"--"} <= known
