"""SpanFit inside other people's programs.

trainer          data set, collator, loss, metrics and callback for transformers' `Trainer`
window_dataset   windows as a data set of torch, and batches of them
gathering        logits that another loop has computed, decoded as they come
findings         scores of data sets, and what was fitted for the network as it is
callback         what a Trainer must be told, and the files beside its checkpoints
"""
