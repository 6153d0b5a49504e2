"""What a DICOM series is, in which order its frames are, and how its values become arrays."""
