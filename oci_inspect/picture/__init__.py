"""Pictures of images, as numbers: what is drawn, how large, and where. Pure, no I/O, no format.

Bytes are the measure of everything. :mod:`pieces` says what there is, :mod:`plot` puts it into
folders and folds what is small, :mod:`squarify` gives each its rectangle,
:mod:`treemap` lays out a whole map that stands still, :mod:`bars` the bar of the layers.
"""
