"""``python -m oci_inspect``."""

from oci_inspect.cli import main

if __name__ == "__main__":
    main()
