"""From a file's bytes to the pixels that the detector sees.

May use: ``errors``.
"""
