"""The detector: backbone, adapter, calibration and the class that joins them.

May use: ``attribution``, ``imaging``, ``records``, ``errors``.
"""

from clipfake.detector.detector import Detector

__all__ = ["Detector"]
