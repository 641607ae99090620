"""Reports: one schema, a file for each format, and the summary."""

from clipfake.report.report import Report

__all__ = ["Report"]
