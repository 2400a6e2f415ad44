"""Pulumi programs as text, put together from parts."""

from __future__ import annotations

from typing import Any, Final

TOPIC: Final = "base.mainnet.ref.block.swap.v3"


class Code(str):
    """A Python expression, to stand in a program as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def marked(value: Any) -> Code:
    """A value that the program marks as secret."""
    return Code(f"pulumi.Output.secret({value!r})")


POSTGRES: Final[dict[str, Any]] = {
    "type": "postgres",
    "url": "postgresql://db.example.com:5432/analytics",
    "user": "goldrush",
    "password": "unremarkable-password",
}


def pipeline(name: str = "swaps", /, *, opts: str = "", **changes: Any) -> str:
    """One pipeline, a plain postgres one but for the `changes`; an input that is None is left out.

    `name` is the name of the resource; the input of that name is one of the `changes`. `opts` are arguments of its
    `pulumi.ResourceOptions`.
    """
    inputs = {"project": "shop", "topic": TOPIC, "destination_config": POSTGRES, **changes}
    lines = [f"    {key}={value!r},\n" for key, value in inputs.items() if value is not None]
    options = f"    opts=pulumi.ResourceOptions({opts}),\n" if opts else ""
    return f"{variable(name)} = goldrush.Pipeline(\n    {name!r},\n{''.join(lines)}{options})\n"


def variable(name: str) -> str:
    """The variable that holds the pipeline `name` in a program."""
    return name.replace("-", "_")


def program(*parts: str) -> str:
    """A whole program of some parts."""
    return "\n".join(
        ["import pulumi", "import goldrush_pulumi as goldrush", "", "config = pulumi.Config()", *parts, ""]
    )
