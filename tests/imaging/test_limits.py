"""The time limit of one file."""

import signal
import threading
import time

import pytest

from clipfake.errors import ErrorCode, ImageError
from clipfake.imaging.limits import Limits, time_limit
from tests.conftest import PATIENCE

needs_timers = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="this system has no POSIX timers"
)


def work(seconds: float) -> None:
    """Be busy in Python, as a slow plugin is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.005)


@needs_timers
def test_slow_work_is_stopped() -> None:
    with pytest.raises(ImageError) as caught, time_limit(0.1):
        work(PATIENCE)
    assert caught.value.code is ErrorCode.TOO_SLOW
    assert str(caught.value) == "not decoded in 0.1 s; raise --timeout-per-file"


@needs_timers
def test_quick_work_is_left_alone() -> None:
    done = False
    with time_limit(PATIENCE):
        done = True
    assert done
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@needs_timers
@pytest.mark.parametrize("seconds", [0.05, 30.0])
def test_the_former_handler_comes_back(seconds: float) -> None:
    def handler(*_: object) -> None: ...

    former = signal.signal(signal.SIGALRM, handler)
    try:
        try:
            with time_limit(seconds):
                assert signal.getsignal(signal.SIGALRM) is not handler
                work(0.1)
        except ImageError:
            assert seconds == 0.05
        assert signal.getsignal(signal.SIGALRM) is handler
    finally:
        signal.signal(signal.SIGALRM, former)


@needs_timers
def test_the_handler_comes_back_after_another_error() -> None:
    former = signal.getsignal(signal.SIGALRM)
    with pytest.raises(KeyError), time_limit(30):
        raise KeyError
    assert signal.getsignal(signal.SIGALRM) is former
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@needs_timers
@pytest.mark.parametrize("seconds", [0, -1.0])
def test_zero_is_no_limit(seconds: float) -> None:
    former = signal.getsignal(signal.SIGALRM)
    with time_limit(seconds):
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        assert signal.getsignal(signal.SIGALRM) is former


def test_other_threads_have_no_limit() -> None:
    finished = []

    def run() -> None:
        with time_limit(0.05):
            work(0.2)
            finished.append(True)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert finished == [True]


def test_every_limit_has_a_default() -> None:
    assert Limits() == Limits(pixels=256_000_000, bytes=2**30, seconds=30.0)
