"""Published checksums of the archives of benchmarks: another checksum gives a remark, the counts decide."""

import functools
import hashlib
import io
from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedFile:
    """A file under its published name, with its published MD5."""

    name: str
    md5: str

    def remark_on(self, file: io.BufferedIOBase) -> str:
        """Say whether a file is this one."""
        # MD5 tells a repacked or damaged file; it keeps out no attacker.
        found = hashlib.file_digest(file, functools.partial(hashlib.md5, usedforsecurity=False)).hexdigest()
        if found == self.md5:
            return f"{self.name} has the published MD5 {found}"
        return f"not the published {self.name}: the MD5 is {found}, published is {self.md5}"
