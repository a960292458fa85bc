"""Images: reading, conversion, preprocessing for a network, perceptual hash."""
