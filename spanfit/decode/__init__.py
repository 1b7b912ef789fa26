"""From logits to answers: the exact best spans of each window, and their merge over windows."""
