"""Where the tests write: thousands of small files, which a busy disk takes a minute for and memory a second."""
import os
import pathlib
import shutil
import tempfile

MEMORY = "/dev/shm"


def folder(name):
    """A new folder, in memory where that has a gigabyte to spare."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 1 << 30
    return pathlib.Path(tempfile.mkdtemp(prefix=f"postern-{name}-", dir=MEMORY if roomy else None))
