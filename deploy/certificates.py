"""A key and its certificate for the processes of one server, in a folder that only its owner reads; made once.

    python deploy/certificates.py FOLDER

Whoever reads the key can run code as the workers. What is there already stays.
"""

import sys
from pathlib import Path

from cache import location
from cache.processes import make_certificate


def main(folder: Path) -> None:
    location.private(folder)
    if not (folder / "certificate.pem").exists():
        make_certificate(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
