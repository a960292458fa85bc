"""What a file's hash says about a benchmark."""

import io

import pytest

from mlcore.datasets import checksums


def test_file_with_the_published_hash_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 1321, appendix A.5
    monkeypatch.setitem(checksums.PUBLISHED_MD5, "imagelabels.mat", "900150983cd24fb0d6963f7d28e17f72")
    said = checksums.remark_on(io.BytesIO(b"abc"), "imagelabels.mat")
    assert said == "imagelabels.mat has the published MD5 900150983cd24fb0d6963f7d28e17f72"


def test_other_hash_is_told_with_both() -> None:
    said = checksums.remark_on(io.BytesIO(b"abc"), "CUB_200_2011.tgz")
    assert "900150983cd24fb0d6963f7d28e17f72" in said and "97eceeb196236b17998738112f37df78" in said


def test_every_archive_has_a_published_hash() -> None:
    assert set(checksums.ARCHIVES.values()) <= checksums.PUBLISHED_MD5.keys()
