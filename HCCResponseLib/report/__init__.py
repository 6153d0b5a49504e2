"""Figures and documents of a case; everything optional is imported where it is used."""
