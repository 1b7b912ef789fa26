"""A model's network for runtimes without torch: made, compared with torch's, and reported.

making        the whole way: `spanfit.export`
graphs        from a network to ONNX, from there to OpenVINO
small         a network of 8 bits, and what it costs
quantization  weights and activations of 8 bits
parity        how far an exported network is from torch's: its logits, and its scores
samples       the real examples that this is measured on
folders       where it is written, with what was measured
messages      what the libraries print, kept to themselves
"""
