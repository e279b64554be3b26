"""Containers of blobs: what is in them and which images their documents tell of.

:mod:`~oci_inspect.archive.opening` finds out what an input is and gives a store of members;
:mod:`~oci_inspect.archive.reading` reads the documents in it and gives images. No layer is opened.
"""
