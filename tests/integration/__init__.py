"""Tests against real counterparts."""
