"""The command tree, built from the cards. A command's module is imported only when that command is called."""

import difflib
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, UnknownCommandError

from hotpapers import __version__, cards, console
from hotpapers.errors import HotpapersError, MissingExtra
from hotpapers.verbs import Outcome

TOP_LEVEL = {
    "list": ("hotpapers.catalogue:list_", "List the papers with their verdicts."),
    "show": ("hotpapers.catalogue:show", "Show one paper: what it is, its verbs, its claims and their verdicts."),
    "reproduce": ("hotpapers.claims.commands:reproduce", "Measure claims, judge them and keep the evidence."),
    "evidence": ("hotpapers.claims.commands:evidence", "Print what the claims' runs have measured."),
    "serve": ("hotpapers.web.commands:serve", "Serve the site with a form for every verb."),
    "new": ("hotpapers.scaffold:new", "Make the folder and the tests of a new paper."),
    "doctor": ("hotpapers.doctor:doctor", "Say what is installed, what is missing, and what mends it."),
}
GROUPS = {
    "digest": ("The digests: each a ranked day of papers.", {
        "list": ("hotpapers.digest.commands:list_", "List the digests."),
        "show": ("hotpapers.digest.commands:show", "Show one day's ranked papers."),
        "collect": ("hotpapers.digest.collect_commands:collect", "Collect a day's papers and what is said of them."),
        "today": ("hotpapers.digest.collect_commands:today", "Collect, rank and publish today, once."),
        "watch": ("hotpapers.digest.collect_commands:watch", "Stay, and keep the digest on a schedule."),
        "backfill": ("hotpapers.digest.collect_commands:backfill", "Count the signals in dumps of posts."),
        "import": ("hotpapers.digest.commands:import_", "Read posts of the blog into the store."),
        "rank": ("hotpapers.digest.commands:rank", "Rank a day's papers and say why."),
        "check": ("hotpapers.digest.commands:check", "Derive the imported digests again and list what differs."),
        "publish": ("hotpapers.digest.commands:publish", "Write a day's digest as a file."),
    }),
    "data": ("The datasets that papers use.", {
        "list": ("hotpapers.datasets.commands:list_", "List the datasets: size, licence, and whether they are here."),
        "fetch": ("hotpapers.datasets.commands:fetch", "Download a dataset and check it."),
        "path": ("hotpapers.datasets.commands:path", "Print where a dataset lies."),
    }),
    "site": ("The static site.", {
        "build": ("hotpapers.web.commands:build", "Write the site's pages."),
    }),
}  # fmt: skip
_GROUP_EXTRAS = {"serve": ("web",), "digest": ("digest", "collect")}
EVERYWHERE = (
    "Everywhere: --quiet says only the answer, --json gives it as JSON. Exit codes: 0 done, 1 failed, 2 bad input."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` name and return its exit code."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    tokens, as_json, quiet = _take_global_switches(tokens)
    console.configure(as_json=as_json, quiet=quiet)
    try:
        answer = build_app(tokens)(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        return _report(answer)
    except ImportError as error:
        return _fail(str(_missing_extra(error, tokens)), MissingExtra.exit_code)
    except HotpapersError as error:
        return _fail(str(error), error.exit_code)
    except CycloptsError as error:
        return _fail(_usage_error(error, tokens), 2)
    except KeyboardInterrupt:
        return _fail("stopped", 130)
    except BrokenPipeError:
        # The reader (`head`, a pager) has gone; there is nobody left to tell.
        sys.stderr.close()
        return 1


def run() -> None:
    """Run the command line and leave with its exit code."""
    raise SystemExit(main())


def build_app(tokens: Sequence[str] = ()) -> App:
    """Build the command tree; only the paper that ``tokens`` name gets its verbs, the others their title alone."""
    app = App(
        name="hotpapers",
        help="A digest of hot papers in which every paper runs and every headline claim carries evidence.",
        help_epilogue=EVERYWHERE,
        help_format="plaintext",
        version=f"hotpapers {__version__}",
        version_flags=["--version"],
        group_commands="Commands",
        help_on_error=False,
    )
    for name, (address, summary) in TOP_LEVEL.items():
        app.command(address, name=name, help=summary)
    for name, (summary, commands) in GROUPS.items():
        group = App(name=name, help=summary, version_flags=[])
        for each, (address, words) in commands.items():
            group.command(address, name=each, help=words)
        app.command(group)
    for card in cards.all_cards().values():
        app.command(_paper_group(card, tokens))
    app.register_install_completion_command(name="completion", help="Install completion for bash, zsh or fish.")
    return app


def _paper_group(card: cards.Card, tokens: Sequence[str]) -> App:
    dashed = card.slug.replace("_", "-")
    # Completion scripts describe the whole tree, so they name every paper.
    with_verbs = "completion" in tokens or any(token.replace("-", "_") == card.slug for token in tokens)
    group = App(
        name=dashed,
        alias=card.slug if card.slug != dashed else (),
        help=f"{card.title}: {card.summary}" if with_verbs else card.title,
        group="Papers",
        version_flags=[],
    )
    for verb in card.verbs if with_verbs else ():
        # The verb that is called shows its whole docstring; the others only their first sentence, without an import.
        summary = {} if verb in tokens else {"help": card.verb_summary(verb)}
        group.command(":".join(card.verb_address(verb)), name=verb, **summary)
    return group


def _take_global_switches(tokens: list[str]) -> tuple[list[str], bool, bool]:
    """Take ``--json`` and ``--quiet`` out of the tokens before ``--``, wherever they stand."""
    end = tokens.index("--") if "--" in tokens else len(tokens)
    ours, rest = tokens[:end], tokens[end:]
    return [token for token in ours if token not in ("--json", "--quiet")] + rest, "--json" in ours, "--quiet" in ours


def _report(answer: Any) -> int:
    """Print what a command returned: a verb's outcome, or nothing where the command printed by itself."""
    if isinstance(answer, Outcome):
        files = {name: str(path) for name, path in answer.files.items()}
        lines = [f"{name}: {path}" for name, path in files.items()]
        lines += [
            f"{name}: {value:.6g}" if isinstance(value, float) else f"{name}: {value}"
            for name, value in answer.numbers.items()
        ]
        console.show(
            {"files": files, "numbers": answer.numbers, "note": answer.note}, "\n".join([*lines, answer.note]).strip()
        )
        return 0
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


def _fail(sentence: str, exit_code: int) -> int:
    print("hotpapers: " + " ".join(sentence.split()), file=sys.stderr)
    return exit_code


def _usage_error(error: CycloptsError, tokens: Sequence[str]) -> str:
    if isinstance(error, UnknownCommandError):
        # cyclopts would import every command to word this one.
        unknown = (error.unused_tokens or tokens)[0]
        known = [*TOP_LEVEL, *GROUPS, *(card.slug.replace("_", "-") for card in cards.all_cards().values())]
        near = difflib.get_close_matches(unknown, known, n=1)
        return f"There is no command {unknown[:60]!r}" + (f"; did you mean {near[0]}?" if near else "; see --help.")
    return f"{str(error).rstrip('.')}. Add --help to see what there is."


def _missing_extra(error: ImportError, tokens: Sequence[str]) -> HotpapersError:
    """Turn a failed import into the ``pip install`` that mends it; an import of our own that fails stays a defect."""
    missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
    if not isinstance(missing, ModuleNotFoundError) or (missing.name or "").partition(".")[0] == "hotpapers":
        raise error
    named = [
        card for card in cards.all_cards().values() if any(token.replace("-", "_") == card.slug for token in tokens)
    ]
    extras = named[0].extras if named else _GROUP_EXTRAS.get(tokens[0] if tokens else "", ("all",))
    return MissingExtra(f"`hotpapers {' '.join(tokens[:2])}` (module {missing.name})", extras)
