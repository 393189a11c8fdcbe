"""Untrusted artifacts, read as data: zlib → ZIP → pickle subset → arrays, all within limits, in a child process.

    readlimits    every bound, with its unit
    containers    names of formats that this reader does not read
    inflate       zlib stream → bytes
    zipread       bytes → the records of a file that `torch.save` wrote
    descriptors   storages and tensors as described by a pickle
    picklesubset  data.pkl → descriptors, never objects
    tensors       descriptors and records → a tree with tensors, checked
    readprocess   all of the above under the system's limits, and how the result travels
    artifacts     the parent's side: file → tree of arrays

The entry point is `artifacts.load`. Everything below it uses only the standard library, so that the child starts in
milliseconds and has a small attack surface. Input that the reader will not load raises `errors.Refused`.
"""
