"""Files that storage systems, desktops and photo programs leave among pictures, such as thumbnails and bins."""

from collections import Counter

_FOLDERS_AND_FILES = (
    # Synology, QNAP, NetApp
    "@eaDir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@sharesnap", "@SynoResource", "@SynoEAStream",
    "@Recycle", "@Recently-Snapshot", "@Transcode", "~snapshot",
    # Windows
    "Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$RECYCLE.BIN", "RECYCLER", "RECYCLED",
    "System Volume Information", "FOUND.000",
    # macOS, and servers for it
    "__MACOSX", "Icon\r", "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder",
    # Linux, and photo programs
    "lost+found", "Picasa.ini", "iPod Photo Cache",
)  # fmt: skip
_BY_NAME = {name.casefold(): name.strip() for name in _FOLDERS_AND_FILES}
_ENDINGS = {".lrdata": "*.lrdata", "@synoeastream": "@SynoEAStream", "@synoresource": "@SynoResource"}
_ANY_ENDING = tuple(_ENDINGS)
_HIDDEN = (".@__thumb", ".DS_Store", ".Trash", ".thumbnails", ".picasaoriginals", ".ipynb_checkpoints", ".git", "._")
_NAMED = 5  # kinds named in the remark; the rest are counted


def system_name(name: str) -> str:
    """Return under which name the files of this folder, or this file, are counted; "" where it is none of a system's.

    Everything hidden, so whatever begins with a dot, is.
    """
    if name[:1] == ".":
        known = next((known for known in _HIDDEN if name.casefold().startswith(known.casefold())), "hidden files")
        return {"._": "._*"}.get(known, known)
    folded = name.casefold()
    if folded.endswith(_ANY_ENDING):  # asked of a million names: most end here
        return next(kind for ending, kind in _ENDINGS.items() if folded.endswith(ending))
    return _BY_NAME.get(folded, "")


def is_system_file(path: str) -> bool:
    """Tell whether a file, or a folder above it, is one that systems leave among pictures."""
    return any(map(system_name, path.split("/")))


class SystemFiles:
    """Counts of the files that were left out because a system made them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str, files: int = 1) -> None:
        """Count files by what `system_name` calls them."""
        self._counts[name] += files

    def counts_in(self, path: str) -> bool:
        """Say whether a path is a system's, and count it then."""
        kind = next(filter(None, map(system_name, path.split("/"))), "")
        if kind:
            self.add(kind)
        return bool(kind)

    def remarks(self) -> tuple[str, ...]:
        """Return what was left out as one remark, or none."""
        total = self._counts.total()
        if not total:
            return ()
        kinds = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        named = ", ".join(f"{count:,} of {kind}" for kind, count in kinds[:_NAMED])
        rest = sum(count for _, count in kinds[_NAMED:])
        more = f" and {rest:,} more" if rest else ""
        were = "1 file was" if total == 1 else f"{total:,} files were"
        return (f"{were} left out as thumbnails, bins or settings of a storage system or desktop: {named}{more}",)
