"""Evaluating artifacts again: what is claimed, what it was made with, what is measured, and the verdict.

report    what is known of one rescoring: plain data, for every output
target    a file or a record folder → artifacts, each with its claim and its log
shape     the model from the names and shapes of its tensors
numerics  what tensors cannot tell: from flags, the artifact, the log, or the contest's defaults
inputs    the tokenizer and the validation shards
sequence  a confidence sequence: an interval for the mean of all sequences, valid at every look
ngram     what a small n-gram model of the text says of each sequence
control   other artifacts' losses on the same sequences, from their reports
sound     what the values of an artifact must be
prepare   all that needs no torch, and refuses what cannot be scored
weights   arrays → the state dict that they mean, and its model's configuration
measure   the evaluation: a model and tokens → every sequence's loss → the score
attention compiled attention for CPUs that have bf16, where there is a C compiler
activations  functions that models were trained with in their MLP
fit       which of them fits a model best
probes    what every language model does, tested on the loaded one
workers   one process a core
devices   torchrun's ranks, and what a device is called
early     sequences in a random order, until what is known is enough
shipped   whether a record's own model is the one that is evaluated
normalform  source → definitions that are equal where they compute the same
simplify  a function without what changes nothing of its value
versions  digests of the reference's past versions
contest   digests of the definitions of the contest's own script
judge     claimed against measured
run       all of it, in order
messages  what every refusal says, bounded in length
submitted a folder with a predictor.py → its seeds, each with the files that a box shows
boxes     one for each worker, borrowed for a call, closed together
boxed     evaluation through boxes: the submission's predictor.py answers, we count
twin      what a second box answers where the end of a sequence is another
predicted all of it, in order, through predictor.py
"""
