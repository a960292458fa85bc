"""Pictures: read from anywhere, bounded, made alike, prepared for a network, and told apart by their look."""
