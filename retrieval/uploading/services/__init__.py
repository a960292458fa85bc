"""Rules about uploads: folders of pictures that are filled file by file, and then taken by a job."""
