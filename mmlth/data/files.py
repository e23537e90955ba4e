"""Files that are whole or absent."""

import os
from pathlib import Path


def write_bytes(path: Path, data: bytes) -> None:
    """Writes ``data`` to ``path`` so that no reader, and no crash, ever sees half of it.

    Missing parent folders are made. Processes that write the same path at once do not disturb
    one another: the last rename wins.

    Raises:
        OSError: If the file cannot be written; ``path`` is then as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        with open(part, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
