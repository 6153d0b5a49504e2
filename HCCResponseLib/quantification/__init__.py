"""Arrays in, arrays out: diffusion, relaxometry, contrast agent concentration, arterial input, pharmacokinetics, enhancement.

NumPy and SciPy only. Import the module you need, e.g. ``from HCCResponseLib.quantification import diffusion``.
"""
