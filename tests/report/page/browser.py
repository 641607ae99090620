"""A page in headless Chromium: skipped, with a reason, where there is none."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; the test is skipped where there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no playwright: pip install 'clipfake[dev]'"
    )
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        # tests of a container run as root, where Chromium has no sandbox
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Seen:
    """A page, and what it did on the way.

    Attributes:
        page: to be asked.
        said: console messages of warnings and errors, and exceptions.
        asked: addresses that it asked for.
        dialogs: texts of alerts.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(20_000)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("dialog", self._dialog)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, path: Path, hash_: str = "") -> Page:
        """Open a page from disk, and wait until its script is done."""
        self.page.goto(f"{path.resolve().as_uri()}{hash_}")
        self.page.wait_for_selector("html[data-ready]")
        self.page.evaluate("document.getElementById('gallery')?.scrollIntoView()")
        self.page.wait_for_timeout(50)
        return self.page

    def until(self, wanted: str) -> None:
        """Wait until an expression is true; the page's policy lets nothing be evaluated in it."""
        end = time.monotonic() + PATIENCE
        while not self.page.evaluate(wanted):
            assert time.monotonic() < end, wanted
            self.page.wait_for_timeout(20)

    @property
    def cards(self) -> list[str]:
        """File names of the cards on the screen, in order."""
        script = """() => [...document.querySelectorAll('.card')]
          .sort((a, b) => a.dataset.place - b.dataset.place)
          .map((card) => card.querySelector('.file').textContent)"""
        found: list[str] = self.page.evaluate(script)
        return found
