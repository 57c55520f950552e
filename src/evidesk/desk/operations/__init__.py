"""Running a desk: is it configured well, backing it up, and bringing it back."""
