import sys

import psutil
import pytest
import torch

from hotpapers.run.memory import give_back, keep_large_blocks_apart


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps what was freed and can be told not to")
def test_what_was_freed_goes_back_to_the_system():
    keep_large_blocks_apart()
    resident = psutil.Process().memory_info
    give_back()
    before = resident().rss
    blocks = [torch.ones(4 * 2**20) for _ in range(4)]  # 16 MiB each
    assert resident().rss - before > 60 * 2**20
    kept = blocks[::2]
    del blocks
    small = [torch.ones(2**10) for _ in range(20_000)]  # 80 MB in pages of the heap
    del small
    give_back()
    assert resident().rss - before < 40 * 2**20
    assert len(kept) == 2


def test_what_only_a_cycle_holds_goes_too():
    class Thing:
        gone = False

        def __del__(self):
            Thing.gone = True

    thing = Thing()
    thing.self = thing
    del thing
    give_back()
    assert Thing.gone
