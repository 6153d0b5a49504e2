"""Statistics over readers and patients, SciPy first: agreement, association, comparison, discrimination, proportions."""
