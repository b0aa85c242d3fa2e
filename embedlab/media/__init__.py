"""Read images, sound and videos from files that nobody has checked, whole or in parts."""
