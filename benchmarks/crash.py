"""CRASH's U-Net beside the authors' on sounds of the published length: CPU seconds and peak memory, one thread.

    python benchmarks/crash.py --authors CHECKOUT

``CHECKOUT`` is one of simonrouard/CRASH; without it only ours is measured. ``diffusion.py`` measures these and more.
"""

import argparse
from pathlib import Path

from diffusion import JOBS, speed


def main() -> None:
    """Print the rows of ``diffusion.py`` that are about CRASH."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    options = argparse.Namespace(crash=asked.authors, diffusers=None, ddim=None, rounds=asked.rounds)
    speed(options, [job for job, (network, *_) in JOBS.items() if network == "CRASH"])


if __name__ == "__main__":
    main()
