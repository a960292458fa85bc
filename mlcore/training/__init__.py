"""One run under its protocol: trained, kept, resumed, timed."""
