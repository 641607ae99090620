"""What the tests of commands share."""

from collections.abc import Iterator

import pytest

from clipfake.detector.backbone import Backbone
from clipfake.detector.detector import Detector


@pytest.fixture(scope="session", autouse=True)
def one_default_tower() -> Iterator[None]:
    """The default detector is read once; commands in this process get the same tower again.

    A tower knows whose updates are in its weights, so that they are not added twice.
    """
    load, towers = Detector.load.__func__, list[Backbone]()  # type: ignore[attr-defined]

    def remembered(cls: type[Detector], adapter: object = None, **options: object) -> Detector:
        plain = adapter is None and options.get("backbone") is None
        if not plain or not towers:
            detector = load(cls, adapter, **options)
            if plain:
                towers.append(detector.backbone)
            return detector
        from clipfake.detector.adapter import DEFAULT_ADAPTER, load_adapter

        options = {k: v for k, v in options.items() if k not in ("backbone", "allow_download")}
        return cls(towers[0], load_adapter(DEFAULT_ADAPTER), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detector, "load", classmethod(remembered))
        yield
