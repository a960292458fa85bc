"""Tables of labels as spreadsheets and scripts write them, for the same twenty embeddings."""

from pathlib import Path

import numpy as np

LABELS = [f"{number:03d}" for number in np.repeat([1, 2, 3, 4], 5)]
NAMES = [f"p{number}.jpg" for number in range(20)]


def write_embeddings(folder: Path) -> Path:
    """Write four groups of five rows [20, 8] that lie apart."""
    random = np.random.default_rng(0)
    rows = np.repeat(random.normal(size=(4, 8)), 5, axis=0) + 0.1 * random.normal(size=(20, 8))
    np.save(folder / "e.npy", rows.astype(np.float32))
    return folder / "e.npy"


def rows(header: str, separator: str = ",", end: str = "\n", label: str = "{}") -> str:
    """Return a table whose columns are named by `header`: label, class or another alone, or beside the path."""
    lines = [header]
    for name, text in zip(NAMES, LABELS, strict=True):
        cells = {"path": name, "id": name.removesuffix(".jpg")}
        names = [part.strip().lower() for part in header.split(separator)]
        lines.append(separator.join(cells.get(part, label.format(text)) for part in names))
    return "".join(line + end for line in lines)


MEASURED = {
    "plain": rows("path,label").encode(),
    "byte-order mark before the only column": rows("label").encode("utf-8-sig"),
    "byte-order mark before the label": rows("label,path").encode("utf-8-sig"),
    "semicolons": rows("path;label", ";").encode(),
    "tabs": rows("path\tlabel", "\t").encode(),
    "UTF-16": rows("path,label").encode("utf-16"),
    "another name of the only column": rows("species").encode(),
    "capital letter": rows("path,Label").encode(),
    "blanks after commas": rows("path,label").replace(",", ", ").encode(),
    "CRLF": rows("label", end="\r\n").encode(),
    # invented: of the same kinds
    "vertical bars and capitals": rows("PATH|LABEL", "|").encode(),
    "UTF-16 with tabs, as spreadsheets save text": rows("path\tlabel", "\t", "\r\n").encode("utf-16"),
    "separator stated above": b"sep=;\r\n" + rows("path;Class", ";", "\r\n").encode(),
    "quoted, with commas in the labels": rows("id,label", label='"{}, male"').encode(),
    "empty columns and rows at the end": rows("path,label", end=",,\n").encode() + b",,,\n\n",
    "old line ends": rows("id,class", end="\r").encode("utf-8-sig"),
}
REFUSED = {
    "Latin-1": (rows("path,label", label="Gr\u00fcn{}").encode("latin-1"), "byte 0xfc in line 2"),
    "no column of labels": (rows("path,kind").encode(), "its header has 'path', 'kind'"),
    "a class for each picture": (
        ("label\n" + "".join(f"{number}\n" for number in range(20))).encode(),
        "no class has two",
    ),
    # invented
    "Windows-1252 with semicolons": (
        rows("path;label", ";", label="\u00e9{}").encode("cp1252"),
        "byte 0xe9 in line 2",
    ),
    "UTF-16 without its mark": (rows("path,label").encode("utf-16-le"), "bytes of 0"),
    "a row too short": (rows("path,label").replace("p7.jpg,002", "p7.jpg").encode(), "line 9"),
}
