import sys

import psutil
import pytest
import torch

from hotpapers.run.memory import give_back


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps what was freed and can be told not to")
def test_pages_between_what_is_in_use_go_back_to_the_system():
    resident = psutil.Process().memory_info
    pieces = [torch.ones(16 * 2**10) for _ in range(1600)]  # 64 KiB each: 100 MiB of the heap
    kept = pieces[::16]
    del pieces
    give_back()
    before = resident().rss
    pieces = [torch.ones(16 * 2**10) for _ in range(1600)]
    assert resident().rss - before > 60 * 2**20
    kept += pieces[::16]
    del pieces
    give_back()
    assert resident().rss - before < 30 * 2**20
    assert len(kept) == 200


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
