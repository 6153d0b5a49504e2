"""What the panels of HCCResponse have in common: their life in the application, progress, tables, the loan of the layout.

The only package of the extension besides the modules that knows Qt. It stands in a folder of its own because every .py file
beside the modules would be taken for one.
"""
