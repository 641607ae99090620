"""The detector: backbone, adapter, calibration and the class that joins them."""

from clipfake.detector.detector import Detector

__all__ = ["Detector"]
