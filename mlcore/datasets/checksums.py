"""Files of benchmarks whose hash was published: another hash is worth a remark, the counts decide."""

import functools
import hashlib
import io

ARCHIVES = {"CUB-200-2011": "CUB_200_2011.tgz", "Stanford Online Products": "Stanford_Online_Products.zip"}
# The first as its download page gives it, the others as libraries that fetch these sets do.
PUBLISHED_MD5 = {
    "CUB_200_2011.tgz": "97eceeb196236b17998738112f37df78",
    "Stanford_Online_Products.zip": "7f73d41a2f44250d4779881525aea32e",
    "imagelabels.mat": "e0620be6f572b9609742df49c70aed4d",
}


def remark_on(file: io.BufferedIOBase, published: str) -> str:
    """Say whether a file is the one published under a name of PUBLISHED_MD5."""
    # MD5 tells a repacked or damaged file; it keeps out no attacker.
    found = hashlib.file_digest(file, functools.partial(hashlib.md5, usedforsecurity=False)).hexdigest()
    if found == PUBLISHED_MD5[published]:
        return f"{published} has the published MD5 {found}"
    return f"not the published {published}: the MD5 is {found}, published is {PUBLISHED_MD5[published]}"
