"""Files that all hosts of a site share: in a folder of one machine, or in an object storage (`STORAGE_URL`)."""
