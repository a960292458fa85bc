"""What takes up the disk, and how what nothing needs goes."""
