"""The help of command lines, in a form that no version of Python changes.

What argparse prints of a command wraps and words itself anew in every other Python: this walks the parser instead.
Every text goes into one line.
"""

import argparse
from collections.abc import Iterator

import click
from django.core.management.base import BaseCommand

WIDTH = 100
EVERY_COMMANDS = {action.dest for action in BaseCommand().create_parser("manage.py", "")._actions}
"""Options that Django gives to every command, but for --help."""


MANY = {"?": "or none", "*": "any number", "+": "one or more"}


def of_argparse(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines of a parser's help, then those of its commands."""
    yield f"# {parser.prog}"
    yield from one_line(parser.description)
    commands = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            commands = list(action.choices.values())
            for choice in action._choices_actions:
                yield f"{choice.dest}: {' '.join((choice.help or '').split())}"
        elif not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS:
            yield from of_action(parser, action)
    yield from one_line(parser.epilog)
    for command in commands:
        yield ""
        yield from of_argparse(command)


def of_action(parser: argparse.ArgumentParser, action: argparse.Action) -> Iterator[str]:
    """Yield the line of an argument or an option."""
    name = ", ".join(action.option_strings) or action.dest
    value = ""
    if action.nargs != 0:
        value = "|".join(map(str, action.choices)) if action.choices else str(action.metavar or action.dest.upper())
    many = f" ({MANY.get(str(action.nargs), action.nargs)})" if action.nargs else ""
    needed = " (required)" if action.option_strings and action.required else ""
    default = "" if action.default in (None, False, argparse.SUPPRESS, []) else f" (default {action.default})"
    text = (action.help or "") % {**vars(action), "prog": parser.prog}
    yield f"{name} {value}".strip() + f"{many}{needed}{default}: {' '.join(text.split())}"


def one_line(text: str | None) -> Iterator[str]:
    if text:
        yield " ".join(text.split())


def of_django(name: str, command: BaseCommand) -> Iterator[str]:
    """Yield the lines of a `manage.py` command, without the options that all of them have."""
    parser = command.create_parser("manage.py", name)
    own = [action for action in parser._actions if action.dest not in EVERY_COMMANDS]
    yield f"# manage.py {name}"
    yield from one_line(parser.description)
    for action in own:
        yield from of_action(parser, action)


def of_click(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[str]:
    """Yield the lines of a command's help as it is printed, then those of its commands."""
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    yield f"# {context.command_path}"
    yield from command.get_help(context).splitlines()
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield ""
            yield from of_click(command.commands[inner], inner, context)
