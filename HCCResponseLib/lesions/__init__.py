"""Masks, images and spacing in; outlines, diameters, volumes, necrosis, signal grades and region statistics out."""
