"""Write docs/cli.md from the commands' own help: ``python docs/build_cli.py > docs/cli.md``."""

from __future__ import annotations

import sys

import click

from oci_inspect.cli import COMMANDS, cli

WIDTH = 80

INTRODUCTION = """\
# The command line

<!-- Written by docs/build_cli.py from the commands' own help. Change that, then run
     python docs/build_cli.py > docs/cli.md -->

`oci-inspect COMMAND ARCHIVE` reads a saved container image and prints what one wants to know of
it. `python -m oci_inspect` is the same. Start with `oci-inspect analyze image.tar`.

## What can be read

`ARCHIVE` is a tar file, a folder, or `-` for standard input. A tar may be compressed as a whole
with gzip, zstd, xz or bzip2. A stream is read once, and nothing is put on disk; `cat`, `extract`
and `export` alone, which need the files in its layers, make a copy that has no name. What it is, is
seen from its content:

| written by | kind |
|---|---|
| `docker save` before 25, `podman save`, kaniko, jib, bazel | `docker-archive` |
| `docker save` since 25 | `hybrid` (a docker archive and an OCI layout in one) |
| `buildx --output type=oci`, `podman save --format oci-archive`, `skopeo` | `oci-archive` |
| `skopeo copy ... oci:`, umoci, an unpacked OCI archive | `oci-layout` |
| `skopeo copy ... dir:` | `dir` |

The transports of skopeo and podman say the same and may name an image:
`docker-archive:PATH[:REF]`, `oci-archive:PATH[:REF]`, `oci:DIR[:REF]`, `dir:DIR`. `PATH:REF` alone
does as well; a path that exists as it is written is that path. `df` and `check` take any number of
archives ([df.md](df.md), [ci.md](ci.md)).

## Which image

Where an archive holds several images, `analyze`, `images`, `verify`, `df` and `check` take all of
them. The other commands are about one: they list the choices and exit 2 unless `--image` or
`--platform` leaves one. `--image` takes a tag (`1.4`), a reference (`example/app:1.4`), the digest
of a manifest, an image ID or its first 6 or more hex digits, or a position (`@0`).

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | no: of `verify`, `check`, `compare --exit-code`, no such path, not all was extracted |
| 2 | the command line or a rules file is wrong, an image must be chosen, a file is in the way |
| 3 | the input cannot be read as an image archive, a limit was met, no room for what is printed |
| 130 | interrupted; 143 where SIGTERM, 129 where SIGHUP ended it |
| 141 | the reader of the output went away, as in `\\| head -n 1` |

An error is one line on standard error; what an image has wrong with it is no error but a finding,
and is printed.

## Output

- Tables fill the terminal, or `COLUMNS`. In a pipe or a file they are 200 columns wide. From 160
  columns on long cells go on below instead of being cut; from 200 on digests are whole.
- JSON is described by the schemas in [docs/schema](schema/), CSV has exact bytes and whole digests,
  Markdown is made for GitHub's comments and job summaries.
- Text of an archive is escaped for the place it is printed in: control characters as `\\x1b`, and
  in CSV what a spreadsheet would run as a formula gets a `'` in front.
- Layers count from 0, from the bottom; the steps that tables and advice name count from 1, as in
  the output of a build. In JSON all positions count from 0.
- The same archive gives the same bytes, whatever the locale or the time zone (but for ages such as
  `2 hours ago`: `history --no-human`, JSON and CSV have exact times). On a terminal or in a locale
  that is not UTF-8 tables are kept to ASCII.

## The cache

Scans of layers are kept in the user's cache folder, so that a second look at the same layers only
hashes them: [cache.md](cache.md). What is printed does not depend on it.

## Completion

For bash; zsh and fish have `zsh_source` and `fish_source`:

```sh
eval "$(_OCI_INSPECT_COMPLETE=bash_source oci-inspect)"
```
"""


def page() -> str:
    """The whole page."""
    settings = dict(cli.context_settings, terminal_width=WIDTH, max_content_width=WIDTH)
    top = cli.make_context("oci-inspect", ["--"], resilient_parsing=True, **settings)
    parts = [INTRODUCTION, "## oci-inspect\n", _fenced(cli.get_help(top))]
    for name in COMMANDS:
        command = cli.get_command(top, name)
        assert command is not None
        context = click.Context(command, info_name=name, parent=top)
        parts += [f"## oci-inspect {name}\n", _fenced(command.get_help(context))]
        if isinstance(command, click.Group):
            for part in command.list_commands(context):
                inner = command.commands[part]
                text = inner.get_help(click.Context(inner, info_name=part, parent=context))
                parts += [f"### oci-inspect {name} {part}\n", _fenced(text)]
    return "\n".join(parts)


def _fenced(text: str) -> str:
    lines = (line.rstrip() for line in text.strip("\n").split("\n"))
    return "```text\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
