"""What lokbot knows: content files read, checked, written, and published as revisions."""
