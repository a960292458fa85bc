"""One file a layout in which data sets are downloaded or made by hand."""
