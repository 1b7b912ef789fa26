"""What computes logits from a batch: torch, or the runtime of an exported network."""
