"""A chat as the text that a model reads: its messages between the signs of the tokenizer's template.

What the template puts around the messages (``<|im_start|>user``, ``[INST]``) is a sign of the tokenizer's, as
``[CLS]`` is, and shown as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from semiring_widgets.checks import shown
from semiring_widgets.errors import InputError
from semiring_widgets.results.parts import Stream

__all__ = ["is_chat", "set_apart", "written_out"]


def is_chat(text: Any) -> bool:
    """Whether this is a chat, a list of messages, though one of them may be wrong.

    Args:
        text: what was given as the text.

    >>> is_chat([{"role": "user", "content": "Who?"}]), is_chat(("first", "second"))
    (True, False)
    """
    return isinstance(text, (list, tuple)) and any(isinstance(one, Mapping) for one in text)


def written_out(tokenizer: Any, messages: Sequence[Any]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """A chat by the tokenizer's template, up to where the model answers.

    A last message by the assistant is the beginning of the answer, and is left open.

    Args:
        tokenizer: of the transformers library.
        messages: each with ``role`` and ``content``, both strings.

    Returns:
        The text, and where in it each message stands (first and last character); empty where the template
        changes what was written.

    Raises:
        InputError: a message that is none, a tokenizer without a template, or a template that refuses.
    """
    for number, message in enumerate(messages):
        _check(message, number)
    name = type(tokenizer).__name__
    if not getattr(tokenizer, "chat_template", None):
        raise InputError(
            f"This {name} has no chat template, so it is not known how its model reads a chat. Give one "
            f"string, written as the model was trained, or set tokenizer.chat_template."
        )
    try:
        text = _by_template(tokenizer, messages)
        # With other words in the same places it shows what is the template's own.
        marks = [f"message{number}of{len(messages)}" for number in range(len(messages))]
        marked = [{**message, "content": mark} for message, mark in zip(messages, marks, strict=True)]
        frame = _by_template(tokenizer, marked)
    except ImportError as error:
        raise InputError(
            f"A chat template needs the package jinja2: pip install jinja2 ({error})."
        ) from error
    except Exception as error:  # a template is a program of somebody's own
        raise InputError(
            f"The chat template of this {name} refuses these messages: {error}. Change their roles or their "
            f"order as it says."
        ) from error
    return text, _places(text, frame, marks, [message["content"] for message in messages])


def _by_template(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> str:
    goes_on = messages[-1]["role"] == "assistant"
    more = {"continue_final_message": True} if goes_on else {}
    return str(
        tokenizer.apply_chat_template(
            [dict(message) for message in messages], tokenize=False, add_generation_prompt=not goes_on, **more
        )
    )


def _check(message: Any, number: int) -> None:
    wanted = "give each as {'role': 'user', 'content': 'a question'}, both strings"
    if not isinstance(message, Mapping):
        raise InputError(f"Message {number} of the chat is {shown(message)}; {wanted}.")
    for key in ("role", "content"):
        if not isinstance(message.get(key), str):
            given = f"the {key} {shown(message[key])}" if key in message else f"no {key}"
            raise InputError(f"Message {number} of the chat has {given}; {wanted}.")
    if message["role"] != "system" and not message["content"].strip():
        raise InputError(f"Message {number} of the chat is empty; write something, or leave it out.")


def _places(
    text: str, frame: str, marks: Sequence[str], contents: Sequence[str]
) -> tuple[tuple[int, int], ...]:
    """Where the contents stand in a text whose template put the marks into a frame; none if it is unclear."""
    found, end = [], 0
    for mark, content in zip(marks, contents, strict=True):
        around, _, frame = frame.partition(mark)
        start = end + len(around)
        # Most templates leave out the blanks around a message.
        said = next((s for s in (content, content.strip()) if text[end : start + len(s)] == around + s), None)
        if said is None:
            return ()
        end = start + len(said)
        found.append((start, end))
    return tuple(found) if text[end:] == frame else ()


def set_apart(stream: Stream, written: Sequence[tuple[int, int]] | None) -> Stream:
    """A stream in which the tokens of a chat's template are marked as special.

    Args:
        stream: of the text that `written_out` gave.
        written: where its messages stand; None and () leave the stream as it is.
    """
    if not written:
        return stream
    tokens = tuple(
        replace(token, special=True)
        if token.end > token.start and not any(s < token.end and token.start < e for s, e in written)
        else token
        for token in stream.tokens
    )
    return replace(stream, tokens=tokens)
