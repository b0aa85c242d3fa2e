"""Reading media files that come from strangers: pictures, sound and films, whole or in parts."""
