"""Everything that a user or a client reads, stored as text, so that a change of words is seen in a diff."""
