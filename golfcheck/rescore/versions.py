"""The reference's own past versions, by the digest of the definitions that a score depends on.

Each gives the score that today's gives: measured on the golden artifact, equal to the last bit in bf16 and in fp32. The
one version that did not (67b4d1f, 0.00016 bpb in bf16, for an hour) is left out, and so is the oldest (705f0f7), whose
score was not measured. Beside each digest is the commit that
first had it; a test asks git for all of them, so that a change of the reference adds its own.
"""

DIGESTS = frozenset(
    {
        "1e1b99aaab94993d6c6cde3f514bdb0747468473509802bcb145f4d3574ffd5b",  # 2026-11-30 8b3d6d9
        "0b6bd06d6472d59e8897affe89391bb9de11787ee177ad682ce3f62067af1f9b",  # 2026-11-30 c57f382
        "c1de6ebebeb1a1bc13dc8dbf7ece1842d8f24f2c7626aac5c79a235466c8a592",  # 2026-11-30 f4c00ea
        "6ee0265824fd8b92fb7e8684f72382c3b1d948eb2ef33368f5c401dae85fb8e8",  # 2026-11-23 aaf8946
        "d19e24676a696591b6c6aabde3f6dbdc44afa3a884667b13353bb66f5a2ba606",  # 2026-11-23 f586e8a
        "9b43334fe9b1a89dd61c8c6b3bf4c5cec361506125566e3227f309ddb72e4b67",  # 2026-11-23 61fbd52
        "264396eb4873f9cbf1c622c9814045f1fd2c342efdeca9bf6f279038fc5c2544",  # 2026-11-23 ce0535f
        "b0dea5c65256e57dc5edd40caa2c52083aa6279c132b0e9f3472bedae2dc4009",  # 2026-11-23 967ac01
        "da5e677c2b3d15fde1719c68e00f631c3caae7d2ba00d54eeee701ff7767f22b",  # 2026-11-23 a2e7310
        "f601352bb6b85fde56414038c81edc7336a7c38f38181ff3e71bd6cb8401b6d6",  # 2026-11-22 5bb0d05
        "07724f5b1ef63e8b6fbc0f5a53b29a8e4546572f9ad744501d2c2e2eadd3bf03",  # 2026-11-22 8efe5fd
        "5b1af99b699e7490ac769813cf81f256cf9f52631d352a143f301a3020ca6a5b",  # 2026-11-22 7d8b04c
        "abcf0be9d12c63880d79a2b40710982e92a8513cce39587f041456cf0d49817e",  # 2026-11-22 a73b284
        "7c5ccc4767291b86ca90eb2ab904f1142e7478a346eabc241ae34f0dceeefd0f",  # 2026-11-22 028592f
        "23bc149706986f8048e4f7664ea0708523f3fbe33778ce22b034adc0ab9ff389",  # 2026-11-22 12be7e0
    }
)
