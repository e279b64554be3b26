"""Judged images as a CI wants to be told of them: one module per format, each ``Check`` to text.

Text from the image is cut where it is long (:mod:`.wording`) and escaped for the place it goes to
(:mod:`oci_inspect.render.escape`). The same check gives the same text.
"""
