"""An evaluation as one HTML page in the design of a scan's page: opens from disk, loads nothing.

``headline`` puts the figures in words, ``plots`` and ``drawing`` draw them, ``tables`` lists them,
``wrong`` shows the images that the detector is most wrong about, ``page`` puts all together. Shell,
base style and the reader's buttons are those of ``clipfake.report.page``.
"""
