"""CRASH's U-Net beside the authors' on sounds of the published length: CPU seconds and peak memory, one thread.

    python benchmarks/crash.py --authors CHECKOUT

``CHECKOUT`` is one of simonrouard/CRASH; without it only ours is measured. Each measurement has a process of its own;
rounds are taken in turn, and the least CPU time of each counts.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

LENGTH = 21_000
GMAC = 20.20  # of the published network, one sound


def main() -> None:
    """Measure every contender and print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--worker", nargs=2, metavar=("WHO", "JOB"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(work(*options.worker, options.authors)))
        return
    contenders = ["ours", *(["authors"] if options.authors else [])]
    print(f"matrix product, one thread: {peak():.0f} GFLOP/s\n")
    print("| job | contender | CPU s | theirs / ours | peak MiB | theirs / ours | GFLOP/s of the published count |")
    print("|---|---|---|---|---|---|---|")
    for job, flop in (("one sound", 2 * GMAC), ("training step, 2 sounds", 3 * 2 * 2 * GMAC)):
        found = {who: [] for who in contenders}
        for _ in range(options.rounds):
            for who in contenders:
                found[who].append(measure(who, job, options.authors))
        best = {who: (min(s for s, _ in rows), min(m for _, m in rows)) for who, rows in found.items()}
        for who, (seconds, memory) in best.items():
            ratios = [f"{mine / ours:.2f}" for mine, ours in zip((seconds, memory), best["ours"], strict=True)]
            print(
                f"| {job} | {who} | {seconds:.2f} | {ratios[0]} | {memory:.0f} | {ratios[1]} | {flop / seconds:.0f} |"
            )


def measure(who: str, job: str, authors: Path | None) -> tuple[float, float]:
    """Return CPU seconds and peak MiB of a job in a process of its own."""
    command = [sys.executable, __file__, "--worker", who, job, *(["--authors", str(authors)] if authors else [])]
    return tuple(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def work(who: str, job: str, authors: Path | None) -> tuple[float, float]:
    """Do a job twice and return what the second time took."""
    import torch

    torch.set_num_threads(1)
    net = network(who, authors)
    for _ in range(2):
        started = time.process_time()
        if job == "one sound":
            with torch.no_grad():
                net(torch.randn(1, LENGTH), torch.rand(1))
        else:
            net(torch.randn(2, LENGTH), torch.rand(2)).square().mean().backward()
        seconds = time.process_time() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def network(who: str, authors: Path | None):
    """Return ``net(sounds, sigma)``."""
    if who == "ours":
        from hotpapers.blocks.diffusion import UNet1d

        ours = UNet1d()
        return lambda x, sigma: ours(x[:, None], sigma)[:, 0]
    scope: dict = {}
    source = (authors / "model.py").read_text().replace('freqs = freqs.to(device=torch.device("cuda"))', "")
    exec(source, scope)  # the line left out moves the frequencies to CUDA
    theirs = scope["UNet"]()
    return lambda x, sigma: theirs(x, sigma[:, None])


def peak() -> float:
    """Return what one thread gets from a large matrix product."""
    import torch

    torch.set_num_threads(1)
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    rates = []
    for _ in range(5):
        started = time.process_time()
        a @ b
        rates.append(2 * 1024**3 / (time.process_time() - started) / 1e9)
    return max(rates)


if __name__ == "__main__":
    main()
