"""From what a comparison's folder holds to a report that a reviewer can check: one document, five formats."""
