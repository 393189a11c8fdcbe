"""Past versions of the reference trainer: digests of the definitions that a score depends on.

Each gives the same score as the present version, to the last bit, in bf16 and in fp32; this was measured on the golden
artifact. Two versions are left out: one that lasted an hour and differed by 0.00016 bpb in bf16 (67b4d1f), and the
oldest one, whose score was not measured (705f0f7). A comment names the commit that introduced each version. A test
compares the list with git's history, so a change of the reference must add its digest.
"""

DIGESTS = frozenset(
    {
        "6984a427f10f229bfd6da5637ee3209319734acbaa1bd1e56776eaa4a50b195e",  # 2026-12-01 chunks in one line
        "7e5b8b7849d396e19573ff55f3a7e25fe6739c6bb921cf9c0df14cbf54fd8c0a",  # 2026-12-01 windows by their ends
        "a02b8aaaf4bfafa90f98907130c945d8dfa3e7d68e417d05c7a0c3e3c1cfca91",  # 2026-12-01 scoring by chunks
        "ccb77b47989d0061db398027c3378b37cdb1cf9a0f10e06294ba43a45c179c82",  # 2026-12-01 validation by products
        "6f09af8fe5520c25e38fe79ce21f7f9819ed417a18b6abe841e1d3889cab36f0",  # 2026-12-01 the gradient of RMS norms
        "a3eb7ddd46ebfb8cd2ff40bcddeebeafb12d4eb315d2036094a4fcf1b213ed47",  # 2026-12-01 num_bytes
        "f086e9b836b91367ee34d7df54f3a5efb29852e2ea2b4b906c0d70c6510fa50f",  # 2026-11-30 8b3d6d9
        "3530ea4c853040ee28650a3d1fe9616ca37b5a88fe538f2fb1c4903a4f452eca",  # 2026-11-30 c57f382
        "cc200508a9e4ed72e7dbb82d593cf5cd0aac8e1ac10252b07afcdd38bacad789",  # 2026-11-23 9c0def8
        "883b51ab8259116e1de89390ff64ea9be8b745984f0a2de8089859769b72b7d4",  # 2026-11-23 aaf8946
        "6514108382a0be2a93964677d7092a1fe631a266fc5f0ffca3654deeba9bfb73",  # 2026-11-23 f586e8a
        "2827d3fd6b0a2a67e0dce0229a1d5d134e21852002db6a604d99b4ee83132768",  # 2026-11-23 9a50ee7
        "25a0fe3ab9c3fda47018f557a61b40fa7cd9cea001c39b013feb8010000eb13c",  # 2026-11-23 ce0535f
        "018b4aacb58b7497bdd8ed39446bbb47b35421048eebb710a6dbb47cbf997103",  # 2026-11-23 967ac01
        "3c9fd4568ce7846b8e2999ee3cffb56ebe3b2cacac06154a6fb366cd3c129875",  # 2026-11-23 a2e7310
        "eb82297e4d5a10aa299b84f1b18da7228b3fdb9cd60f18dbd2b8feda3e24dc9e",  # 2026-11-22 5bb0d05
        "5f8dbd6f16b74bc95e8bf8bb70189acca01a7a5b6a6aff5757f80cf841dc039a",  # 2026-11-22 8efe5fd
        "ffd4ff795ccf039ed531573e33b7f5e975f1e48954586acfdb82536aeea2e72b",  # 2026-11-22 7d8b04c
        "62f036c1301e5a5aed8ab76fe03aa0f5f229371079d207407db408eb103217da",  # 2026-11-22 a73b284
        "be0cc9dd6713d7b1c8f340f8d0b74d6f2ffecb75acdd93a49a080b6529fa0aa0",  # 2026-11-22 028592f
        "466dbcfaaee393f969848ad21104790e6142d35ab724a6a05993386f628335b2",  # 2026-11-22 12be7e0
    }
)
