"""Tests of lokbot, and the real servers that they run against."""
