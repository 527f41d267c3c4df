"""`python -m export`: the model workshop's commands."""

from __future__ import annotations

import typer

from .cli import card, convert, data, heard, keywords, taste, train, verify
from .cli.group import Group

app = typer.Typer(
    cls=Group,
    help="Trains, converts, quantises, verifies and describes the models that robotd runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.train_command)
app.command("build")(train.build_command)
app.command("measure")(train.measure_command)
app.command("recipes")(train.recipes_command)
app.add_typer(data.app, name="data")
app.command("convert")(convert.convert_command)
app.command("quantise")(convert.quantise_command)
app.command("verify")(verify.verify_command)
app.command("card")(card.card_command)
app.command("add")(card.add_command)
app.command("keywords")(keywords.keywords_command)
app.command("heard")(heard.heard_command)
app.command("taste")(taste.taste_command)
app.command("situnes")(taste.situnes_command)

if __name__ == "__main__":
    app()
