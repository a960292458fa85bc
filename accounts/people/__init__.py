"""The people of this site, as its admins see them."""
