"""Rules about data sets. What changes an imported one is in the modules `curating`, `adding` and the like."""
