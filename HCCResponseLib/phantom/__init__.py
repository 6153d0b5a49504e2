"""Digital reference objects with known truth, for tests and the demo.

They share no numerical code with the estimators that are judged by them.
"""
