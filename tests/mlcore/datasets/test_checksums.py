"""What a file's hash says about a benchmark."""

import io

from mlcore.datasets.checksums import PublishedFile

OF_ABC = "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321, appendix A.5


def test_file_with_the_published_hash_is_named_so() -> None:
    said = PublishedFile("abc.txt", OF_ABC).remark_on(io.BytesIO(b"abc"))
    assert said == f"abc.txt has the published MD5 {OF_ABC}"


def test_other_hash_is_told_with_both() -> None:
    said = PublishedFile("abc.txt", OF_ABC).remark_on(io.BytesIO(b""))
    assert OF_ABC in said and "d41d8cd98f00b204e9800998ecf8427e" in said
