"""The plan: its values, its contradictions, and the ways that it goes and comes back."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from clipfake.errors import UsageError
from clipfake.plan import Affects, ScanPlan
from clipfake.plan.plan import label, names, options
from clipfake.plan.toml import from_toml, to_toml

# for every option a value that is not its default
OTHER: dict[str, Any] = {
    "paths": ["a", "b c"],
    "include": ["*.png"],
    "exclude": ["x"],
    "hidden": True,
    "follow_symlinks": True,
    "no_archives": True,
    "null": True,
    "changed_since": "main",
    "staged": True,
    "ignore": "all",
    "allow_network": True,
    "adapter": Path("a.safetensors"),
    "backbone": "ViT-L-14/openai",
    "allow_download": True,
    "device": "cpu",
    "precision": "fp32",
    "looks": "all",
    "fpr": 0.05,
    "threshold": 0.25,
    "no_pixels": True,
    "hash_alone": True,
    "max_pixels": 7,
    "max_bytes": 8,
    "timeout_per_file": 0.5,
    "gps": True,
    "prompts": True,
    "c2pa_trust": Path("t.pem"),
    "no_metadata": True,
    "output": ["r.csv", "s3://bucket/r.parts"],
    "custody": True,
    "baseline": Path("b.jsonl"),
    "format": "github",
    "fail_on": "ai,error",
    "strict": True,
    "top": 3,
    "explain": 2,
    "workers": 0,
    "batch_size": 5,
    "resume": False,
    "cache": Path("k"),
    "trust_times": True,
    "shard": "2/3",
    "unit": 10,
    "engine": "ray",
    "address": "auto",
    "actors": 2,
    "gpus_per_actor": 0.5,
    "settings": "clipfake.toml, profile ci",
}
NEEDED: dict[str, dict[str, Any]] = {
    "explain": {"output": ["r.csv"]},
    "custody": {"output": ["r.csv"]},
    "trust_times": {"cache": "k"},
    "engine": {"output": ["r.parts"]},
    **{
        name: {"output": ["r.parts"], "engine": "ray"}
        for name in ("address", "actors", "gpus_per_actor")
    },
}


def changed(name: str) -> ScanPlan:
    return ScanPlan.of(**NEEDED.get(name, {}), **{name: OTHER[name]})


def test_every_option_has_a_value_to_be_tried_with() -> None:
    assert OTHER.keys() == options().keys()


@pytest.mark.parametrize("name", OTHER)
def test_a_plan_comes_back_equal(name: str) -> None:
    plan = changed(name)
    assert plan != ScanPlan.of(**NEEDED.get(name, {}))
    assert plan[name] == (tuple(OTHER[name]) if isinstance(OTHER[name], list) else OTHER[name])
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert ScanPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert from_toml(to_toml(plan), "plan.toml") == plan
    assert ScanPlan.of_report({"options": {**plan.to_json(), "since_gone": 1}}) == plan
    assert hash(plan) == hash(changed(name))


@pytest.mark.parametrize("name", OTHER)
def test_only_what_changes_results_is_part_of_the_identity(name: str) -> None:
    affects = options()[name].option.affects
    differs = changed(name).identity() != ScanPlan().identity()
    assert differs is (affects is not Affects.RUNNING)
    for asked in Affects:
        assert (name in ScanPlan().identity(asked)) is (affects is asked)


def test_every_option_says_what_it_is_for() -> None:
    for name, each in options().items():
        assert each.option.help.endswith("."), name
        assert each.title, name
    flags = [label(each) for each in options().values()]
    assert len(set(flags)) == len(flags)
    assert set(names()) == {n for n, e in options().items() if e.option.affects != Affects.RUNNING}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fprr": 0.01}, "there is no option 'fprr'; did you mean 'fpr'?"),
        ({"max-bytes": 5}, "did you mean 'max_bytes'?"),
        ({"qqq": 5}, "there is no option 'qqq'; use one of paths"),
        ({"fpr": "much"}, "option fpr is 'much', but must be a number"),
        ({"workers": True}, "option workers is True, but must be a whole number"),
        ({"workers": 1.5}, "but must be a whole number"),
        ({"hidden": 1}, "but must be true or false"),
        ({"cache": 3}, "but must be a path"),
        ({"include": 3}, "but must be a list, each text"),
        ({"include": [3]}, "but must be a list, each text"),
        ({"max_pixels": 0}, "--max-pixels 0: at least 1 is needed"),
        ({"timeout_per_file": -1}, "--timeout-per-file -1.0: at least 0 is needed"),
        ({"custody": True}, "--custody needs a report"),
        ({"no_pixels": True, "no_metadata": True}, "leave nothing to read"),
        ({"trust_times": True}, "give --cache"),
        (
            {"trust_times": True, "cache": "k", "custody": True, "output": ["r.csv"]},
            "leave --trust-times out",
        ),
        ({"fpr": 0.01, "threshold": 0.5}, "give --fpr or --threshold, not both"),
        ({"threshold": 1.5}, "threshold 1.5 is not in 0..1"),
        ({"looks": "both"}, "--looks both: unknown; use first, auto, all"),
        ({"explain": 3}, "give --output"),
        ({"explain": 3, "output": ["r.csv"], "no_pixels": True}, "--explain is of scores"),
        ({"shard": "5/4"}, "there is no share 5 of 4"),
        ({"fail_on": "fake"}, "--fail-on fake: unknown"),
        ({"fail_on": "error,new-ai"}, "--fail-on new-ai: new beside what? give --baseline FILE"),
        ({"staged": True, "changed_since": "main"}, "give --staged or --changed-since, not both"),
        ({"ignore": "some"}, "--ignore some: unknown; use found, all, none"),
        ({"format": "gitlab"}, "--format gitlab: unknown; use auto, plain, github"),
    ],
)
def test_what_is_wrong_with_a_plan_is_said_when_it_is_made(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError) as told:
        ScanPlan.of("in", **given)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_whole_numbers_are_numbers_and_none_is_the_default() -> None:
    assert ScanPlan.of("in", timeout_per_file=5).cost.timeout_per_file == 5.0
    assert ScanPlan.of("in", fpr=None, include=None, workers=None) == ScanPlan.of(["in"])
    assert ScanPlan.of(Path("in"), output="r.csv").outputs.files == (Path("r.csv"),)


def test_names_that_are_no_unicode_go_through_json_and_are_refused_by_toml() -> None:
    plan = ScanPlan.of("caf\udce9.png")
    assert ScanPlan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    with pytest.raises(UsageError, match="use JSON"):
        to_toml(plan)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("paths = [", "p.toml: is no TOML"),
        ("fpr = 'x'", "p.toml: option fpr is 'x'"),
        ("sharp = 1", "p.toml: there is no option 'sharp'; did you mean 'shard'?"),
    ],
)
def test_a_file_that_is_no_plan_is_named(text: str, words: str) -> None:
    with pytest.raises(UsageError) as told:
        from_toml(text, "p.toml")
    assert words in str(told.value)
