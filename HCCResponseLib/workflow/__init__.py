"""Whole jobs from files to files, without the Slicer application."""
