"""Files out of an image: what is to be made, the folder it goes to, and how it gets there."""
