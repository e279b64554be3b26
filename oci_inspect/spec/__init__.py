"""The documents of an image, typed and validated: digest, descriptor, manifest, index, config.

Sources: opencontainers/image-spec v1.1 and moby's image specification v1.2. Nothing here does I/O
or knows the rest of the package. Fields that are not known are kept in ``raw``; what is wrong with
a document is returned as :class:`~oci_inspect.spec.document.Problem` values beside it.
"""
