"""Ray: units by actors, on one machine or many.

Ray starts processes and tells which have died; rows and resuming are the parts'. Paths travel,
never bytes: an actor reads the list of its unit, and the files, where it decodes them.
"""

import logging
import os
import pickle  # nosec B403
import signal
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import clipfake
from clipfake.errors import ClipfakeError, ReportError, UsageError
from clipfake.scanning.engines.actor import Actor, Here, Job, environment, failure_text
from clipfake.scanning.engines.work import Came, Work, rows_of_part
from clipfake.scanning.events import Noticed
from clipfake.scanning.stages import Stages
from clipfake.scanning.units import Unit

TRIES = 3  # of a unit, by actors that die; then each of its items has a process of its own
ALONE = 1  # tries after that
STARTS = 4  # of Ray on this machine
_AHEAD = 64  # units that may be done before the next one in order is
_WAIT = 1.0  # seconds until the driver looks up, for Ctrl-C say
_TOLD_SECONDS = 10.0
_PATIENCE = 60.0  # seconds until it is told that no actor comes up
_DEATHS = 3  # actors that die, one after another, before any has come up

Event = Came | Noticed

logger = logging.getLogger(__name__)


@dataclass
class _Flight:
    """A unit under way."""

    unit: Unit
    actor: int
    since: float


def _imported() -> Any:
    try:
        import ray
    except ImportError as error:
        raise UsageError('--engine ray needs Ray: pip install "clipfake[ray]"') from error
    return ray


class Cluster:
    """A connection to Ray; it is ended with the block, unless it was there before."""

    def __init__(self, address: str | None) -> None:
        """Nothing is started yet.

        Args:
            address: of a cluster; None starts Ray on this machine alone.

        Raises:
            UsageError: Ray is not installed.
        """
        self._ray, self._address = _imported(), address
        self._ours = False

    def run(self, units: Iterator[Unit], work: Work) -> Generator[Event, None, None]:
        """Do the units that are not done by actors, and give the rows of all in order.

        Args:
            units: in order; consumed lazily.
            work: what one is; its scanner needs no detector here.

        Raises:
            UsageError: the cluster has not what is asked for, or no actor comes up.
            ReportError: a unit could not be done, a part not be read or written.
        """
        driver = _Driver(self._ray, self, units, work)
        try:
            yield from driver.run()
        finally:
            driver.end()

    def __enter__(self) -> "Cluster":
        """Connect.

        Raises:
            UsageError: no cluster answers, or it is another version.
        """
        ray, address = self._ray, self._address
        if ray.is_initialized():
            return self
        # code of this very copy; a cluster of several machines has its own installed
        here = str(Path(clipfake.__file__).parent.parent)
        paths = [here, *filter(None, [os.environ.get("PYTHONPATH")])]
        local = {"runtime_env": {"env_vars": {"PYTHONPATH": os.pathsep.join(paths)}}}
        options: dict[str, Any] = {"include_dashboard": False, **local} if address is None else {}
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody else is told
        main = threading.current_thread() is threading.main_thread()
        handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)} if main else {}
        try:
            _started(ray, address or "local", options)
        except Exception as error:  # Ray raises what it likes
            raise _no_cluster(error, address) from error
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        self._ours = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._ours:
            self._ray.shutdown()

    def machines(self) -> list[dict[str, float]]:
        """Resources of each machine that is up."""
        return [node["Resources"] for node in self._ray.nodes() if node.get("Alive")]


def _started(ray: Any, address: str, options: dict[str, Any]) -> None:
    """Connect; a machine that is out of breath needs more than the 30 s that Ray gives it."""
    for tries in range(1, STARTS + 1):
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
            return
        except Exception as error:  # Ray raises what it likes
            if "timed out during startup" not in str(error) or tries == STARTS:
                raise
            logger.warning("Ray did not come up in time; tried again")
            with suppress(Exception):
                ray.shutdown()


def _no_cluster(error: Exception, address: str | None) -> UsageError:
    text = " ".join(str(error).split())[:300]
    if "version mismatch" in text.lower() or "Version mismatch" in text:
        return UsageError(
            f"--address {address}: another version of Ray or Python runs there ({text}); install "
            "the cluster's here"
        )
    if address is None:
        return UsageError(f"Ray does not start here ({text}); ray stop --force ends what is left")
    return UsageError(
        f"--address {address}: no cluster answers ({text}); start one by ray start --head, or "
        "leave --address out to use this machine alone"
    )


def _shares(run: Any, machines: list[dict[str, float]]) -> tuple[int, dict[str, float]]:
    """How many actors there are, and what of a machine each takes.

    One CPU of each machine stays free where there is more than one: with actors on all of them
    nothing is left to Ray itself, and reads are known to hang.
    """
    gpus = sum(each.get("GPU", 0.0) for each in machines)
    share = run.gpus_per_actor if run.gpus_per_actor is not None else (1.0 if gpus else 0.0)
    if share > 0:
        if gpus < share:
            raise UsageError(
                f"--gpus-per-actor {share:g}: the cluster has {gpus:g} GPUs; 0 takes CPUs"
            )
        fit = sum(int(each.get("GPU", 0.0) / share + 1e-6) for each in machines)
        return run.actors or fit, {"num_gpus": share, "num_cpus": 0}
    free = [max(1.0, each.get("CPU", 0.0) - 1) if each.get("CPU") else 0.0 for each in machines]
    with_cpus = [cpus for cpus in free if cpus]
    if not with_cpus:
        raise UsageError("the cluster has no CPUs; start a machine by ray start --num-cpus")
    actors = run.actors or len(with_cpus)
    if actors <= len(with_cpus):
        return actors, {"num_cpus": min(with_cpus), "num_gpus": 0}
    least = min(with_cpus)
    each = -(-actors // len(with_cpus))  # on one machine, at most
    return actors, {"num_cpus": int(least / each * 1000) / 1000, "num_gpus": 0}


class _Driver:
    """Hands units out, and gives rows in order."""

    def __init__(self, ray: Any, cluster: Cluster, units: Iterator[Unit], work: Work) -> None:
        self._ray, self._units, self._work = ray, units, work
        plan = work.scanner.plan
        self._count, shares = _shares(plan.run, cluster.machines())
        given = work.scanner.given, work.scanner.transform
        self._job = ray.put(
            Job(
                plan,
                work.parts,
                dict(work.about),
                work.baseline,
                os.fsdecode(os.getcwdb()),
                environment=environment(),
                given=_pickled(given) if any(each is not None for each in given) else None,
                threads=given[0].arithmetic.threads if given[0] else 0,
            )
        )
        self._class = ray.remote(max_restarts=0, max_task_retries=0, **shares)(Actor)
        self._actors: dict[int, Any] = {}
        self._up: dict[Any, int] = {}  # actors that are coming up
        self._where: dict[int, Here] = {}
        self._free: list[int] = []
        self._flights: dict[Any, _Flight] = {}
        self._again: deque[Unit] = deque()
        self._tries: dict[int, int] = {}
        self._done: dict[int, tuple[Unit, bool]] = {}
        self._given = 0  # number of the unit whose rows are given next
        self._deaths = self._born = 0
        self._all_listed = self._impatient = self._begun = False
        self._failed: dict[int, str] = {}
        self._files = self._seconds = 0.0
        self._said = self._start = time.monotonic()
        self._notices: deque[Noticed] = deque()

    def run(self) -> Iterator[Event]:
        """Rows in order, and what happens meanwhile.

        Raises:
            UsageError: no actor comes up.
            ReportError: a unit could not be done.
        """
        while True:
            self._hand_out()
            yield from self._told()
            yield from self._in_order()
            if not self._flights and not self._again and self._all_listed:
                break
            self._attend()
        yield from self._told()
        if self._failed:
            raise ReportError(
                f"{self._work.parts.place}: {len(self._failed)} units could not be done "
                f"({next(iter(self._failed.values()))}); repeat the command to try them again"
            )

    def end(self) -> None:
        """Stop the actors at once."""
        for actor in self._actors.values():
            with suppress(Exception):
                self._ray.kill(actor)

    def _hand_out(self) -> None:
        """Give every free actor a unit, and let new ones come up for what is left."""
        while not self._all_listed or self._again:
            if not self._free and len(self._actors) >= self._count:
                return
            unit = self._next()
            if unit is None:
                return
            if self._free:
                self._give(self._free.pop(), unit)
                continue
            self._again.appendleft(unit)
            if len(self._actors) >= self._count:
                return
            self._bring_up()
            if len(self._up) + len(self._flights) >= self._count:
                return

    def _next(self) -> Unit | None:
        """The next unit that is to be done; those that are done go to their place."""
        if self._again:
            return self._again.popleft()
        while len(self._done) < _AHEAD:
            unit = next(self._units, None)
            if unit is None:
                self._all_listed = True
                return None
            unit = replace(unit, held=None)
            if self._work.parts.done(unit) is None:
                return unit
            self._done[unit.number] = unit, True
            if unit.number == self._given:
                return None  # its rows first, so that few wait
        return None

    def _bring_up(self) -> None:
        number, self._born = self._born, self._born + 1
        actor = self._class.remote(self._job)
        self._actors[number] = actor
        self._up[actor.here.remote()] = number

    def _give(self, number: int, unit: Unit) -> None:
        alone = self._tries.get(unit.number, 0) >= TRIES
        ref = self._actors[number].do.remote(unit, alone)
        self._flights[ref] = _Flight(unit, number, time.monotonic())
        if not self._begun:
            self._begun = True
            self._notice(f"first unit under way {time.monotonic() - self._start:.1f} s after Ray")

    def _attend(self) -> None:
        """Wait for something to happen, and deal with it."""
        refs = [*self._up, *self._flights]
        if not refs:
            return
        ready, _ = self._ray.wait(refs, num_returns=1, timeout=_WAIT)
        waits = not self._where and time.monotonic() - self._start > _PATIENCE
        if waits and not ready and not self._impatient:
            self._impatient = True
            self._notice(
                "no actor has come up yet: the cluster has not the CPUs or GPUs free that one "
                "needs; ray status tells, --actors and --gpus-per-actor ask for less"
            )
        for ref in ready:
            if ref in self._up:
                self._came_up(ref, self._up.pop(ref))
            else:
                self._landed(ref, self._flights.pop(ref))

    def _came_up(self, ref: Any, number: int) -> None:
        try:
            here: Here = self._ray.get(ref)
        except Exception as error:  # of an actor's start, Ray wraps what it likes
            self._actors.pop(number, None)
            cause = _cause(error)
            if isinstance(cause, ClipfakeError):
                raise _ours(cause) from error
            self._deaths += 1
            self._notice(f"an actor did not come up: {failure_text(cause)}")
            if self._deaths >= _DEATHS and not self._actors:
                raise UsageError(
                    f"no actor comes up ({failure_text(cause)}); see ray status, and whether "
                    "clipfake and its extras are installed on every machine"
                ) from error
            return
        self._deaths = 0
        self._where[number] = here
        self._free.append(number)
        kinds = {_kind(each) for each in self._where.values()}
        if len(kinds) > 1 and _kind(here) not in {
            _kind(each) for at, each in self._where.items() if at != number
        }:
            self._notice(
                f"machines of several kinds ({', '.join(sorted(kinds))}): the last digits of "
                "scores may differ between parts; merge says which"
            )

    def _landed(self, ref: Any, flight: _Flight) -> None:
        unit, number = flight.unit, flight.actor
        try:
            counted: Stages = self._ray.get(ref)
        except Exception as error:  # an actor or its machine died, or the work raised
            cause = _cause(error)
            if isinstance(cause, ClipfakeError):
                raise _ours(cause) from error
            self._lost(unit, number, cause)
            return
        self._free.append(number)
        self._done[unit.number] = unit, False
        self._files += unit.count
        self._seconds += time.monotonic() - flight.since
        self._work.scanner.stages.add(counted)
        if time.monotonic() - self._said >= _TOLD_SECONDS:
            self._said = time.monotonic()
            rate = self._files / max(self._said - self._start, 1e-9)
            each = self._files / max(self._seconds, 1e-9)
            self._notice(
                f"{len(self._flights)} units under way by {len(self._actors)} actors, "
                f"{self._files:.0f} files done, {rate:.1f} a second, {each:.1f} an actor"
            )

    def _lost(self, unit: Unit, number: int, cause: BaseException) -> None:
        """An actor is gone with a unit: another one has it next."""
        actor = self._actors.pop(number, None)
        if actor is not None:
            with suppress(Exception):
                self._ray.kill(actor)
        where = self._where.pop(number, None)
        tries = self._tries[unit.number] = self._tries.get(unit.number, 0) + 1
        at = f" at {where.host}" if where else ""
        what = f"unit {unit.number}: its actor{at} died ({failure_text(cause)})"
        if tries >= TRIES + ALONE:
            self._notice(f"{what}; given up after {tries} tries")
            self._failed[unit.number] = what
            return
        then = "each of its files in a process of its own" if tries >= TRIES else "another actor"
        self._notice(f"{what}; try {tries + 1} by {then}")
        self._again.append(unit)

    def _in_order(self) -> Iterator[Event]:
        """The rows of units that are done and whose turn it is."""
        while self._given in self._done or self._given in self._failed:
            if self._given in self._failed:
                self._given += 1
                continue
            unit, before = self._done.pop(self._given)
            part = self._work.parts.done(unit)
            if part is None:  # damaged since; it is done again, and its rows come then
                self._tries[unit.number] = self._tries.get(unit.number, 0) + 1
                if self._tries[unit.number] > TRIES:
                    raise ReportError(
                        f"{self._work.parts.place}: part {unit.number} is damaged again and again; "
                        "look after the disk, then repeat the command"
                    )
                self._again.append(unit)
                return
            self._given += 1
            for row in rows_of_part(part):
                yield Came(row, None, restored=before)

    def _notice(self, text: str) -> None:
        self._notices.append(Noticed(text))

    def _told(self) -> Iterator[Noticed]:
        while self._notices:
            yield self._notices.popleft()


def _kind(here: Here) -> str:
    said = here.arithmetic
    return f"{said['device']} {said['precision']} {said['machine']}" if said else ""


def _cause(error: BaseException) -> BaseException:
    """What an actor raised, under what Ray put around it."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, BaseException) else error


def _ours(error: ClipfakeError) -> ClipfakeError:
    """An error of this package that another process raised, without Ray's traceback."""
    text = str(error)
    return ReportError(text) if isinstance(error, ReportError) else UsageError(text)


def _pickled(value: Any) -> bytes:
    try:
        from ray import cloudpickle
    except ImportError:
        return pickle.dumps(value)
    data: bytes = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]
    return data
