"""Engines: what runs the units of a scan. Each gives the same rows in the same order."""
