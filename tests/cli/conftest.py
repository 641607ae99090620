"""What the tests of commands share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clipfake.detector import detector as detectors
from clipfake.detector.adapter_file import load_adapter
from clipfake.detector.backbone import Backbone
from clipfake.detector.detector import Detector
from tests.small import save_small, small_by_default


@pytest.fixture(scope="package", autouse=True)
def one_default_tower() -> Iterator[None]:
    """The default tower is read once; all commands in this process that ask for it get it.

    A tower knows whose updates are in its weights, so that they are not added twice.
    """
    load, towers = Detector.load.__func__, list[Backbone]()  # type: ignore[attr-defined]
    default = load_adapter()
    same = (default.backbone, default.lora_digest)

    def remembered(
        cls: type[Detector],
        adapter: str | Path | None = None,
        *,
        backbone: str | None = None,
        allow_download: bool = False,
        **options: object,
    ) -> Detector:
        wanted = load_adapter(Path(adapter) if adapter else detectors.DEFAULT_ADAPTER)
        shared = backbone is None and (wanted.backbone, wanted.lora_digest) == same
        if shared and towers:
            return cls(towers[0], wanted, **options)  # type: ignore[arg-type]
        detector = load(cls, adapter, backbone=backbone, allow_download=allow_download, **options)
        if shared:
            towers.append(detector.backbone)
        return detector

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Detector, "load", classmethod(remembered))
        yield


@pytest.fixture(scope="session")
def small_adapter_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of the small tower."""
    return save_small(tmp_path_factory.mktemp("small"))


@pytest.fixture
def small_detector(small_adapter_file: Path) -> Iterator[None]:
    """The default detector is a small one, where scores need only be scores."""
    with small_by_default(small_adapter_file):
        yield
