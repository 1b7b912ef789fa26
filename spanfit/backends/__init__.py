"""What computes logits from a batch: torch now; each backend in a file of its own."""
