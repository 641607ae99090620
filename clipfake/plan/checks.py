"""Contradictions between options, whoever gives them."""

from clipfake.errors import UsageError
from clipfake.plan.groups import How, Metadata, Outputs, Running, What, is_parts

_IGNORING = ("found", "all", "none")
_FORMATS = ("auto", "plain", "github")
_ENGINES = ("local", "ray")
_LOOKS = ("first", "auto", "all")


def check(what: What, how: How, metadata: Metadata, outputs: Outputs, run: Running) -> None:
    """See that a plan of these groups can be carried out.

    Raises:
        UsageError: two options contradict each other, or one alone says nothing.
    """
    # the rooms are asked only about what was given: their imports take a while
    if outputs.fail_on is not None:
        from clipfake.report.findings import NEW, parse_kinds

        kinds = parse_kinds(outputs.fail_on)
        new = sorted(kind for kind in kinds if kind.startswith(NEW))
        if new and outputs.baseline is None:
            raise UsageError(f"--fail-on {new[0]}: new beside what? give --baseline FILE")
    if run.shard != "1/1":
        from clipfake.sources.shard import Shard

        Shard.parse(run.shard)
    if what.staged and what.changed_since is not None:
        raise UsageError("give --staged or --changed-since, not both")
    _one_of("--ignore", what.ignore, _IGNORING)
    _one_of("--format", outputs.format, _FORMATS)
    _one_of("--looks", how.looks, _LOOKS)
    if how.fpr is not None and how.threshold is not None:
        raise UsageError("give --fpr or --threshold, not both")
    if how.threshold is not None and not 0.0 <= how.threshold <= 1.0:
        raise UsageError(f"threshold {how.threshold:g} is not in 0..1")
    if how.no_pixels and metadata.no_metadata:
        raise UsageError("--no-pixels and --no-metadata together leave nothing to read")
    if outputs.custody and not outputs.output:
        raise UsageError("--custody needs a report that it is of: give --output")
    if run.trust_times and run.cache is None:
        raise UsageError("--trust-times is about what a cache knows: give --cache")
    if run.trust_times and outputs.custody:
        raise UsageError("--custody is of files that were read: leave --trust-times out")
    if outputs.explain and not outputs.local:
        raise UsageError("--explain draws beside a report of this machine: give --output")
    _check_engine(outputs, run)
    if outputs.explain and how.no_pixels:
        raise UsageError("--explain is of scores, which --no-pixels gives none of")


def _check_engine(outputs: Outputs, run: Running) -> None:
    _one_of("--engine", run.engine, _ENGINES)
    if sum(map(is_parts, outputs.output)) > 1:
        raise UsageError("give one .parts, and merge it into others")
    if run.engine == "ray":
        if outputs.parts is None:
            raise UsageError("--engine ray makes parts: give --output with a name in .parts")
        if outputs.explain:
            raise UsageError("--engine ray holds no model here to --explain by; use that command")
        return
    for name in ("address", "actors", "gpus_per_actor"):
        if getattr(run, name) is not None:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} is about a cluster: give --engine ray")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} {value}: unknown; use {', '.join(known)}")
