"""What must be fast, measured beside what others use. Not installed with lokbot."""
