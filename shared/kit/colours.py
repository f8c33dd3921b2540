"""A company's accent colour, made readable.

A company chooses one colour. On pages it must carry text (a button), be text (a link) and tint a ground, in light and in
dark. Each use is derived here and moved towards dark or light until WCAG 2.2 AA holds (4.5 : 1); the hue stays the company's.
"""

import re
from typing import TypeAlias

Colour: TypeAlias = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
NIGHT: Colour = (20, 19, 17)
READABLE = 4.5
OURS: Colour = (52, 80, 158)

# The grounds on which the accent is read as text; the lightest and the darkest of tokens.css.
LIGHT_GROUNDS: tuple[Colour, ...] = ((248, 246, 243), (241, 238, 234))
DARK_GROUNDS: tuple[Colour, ...] = ((41, 38, 34), (31, 29, 26))

TEMPLATE = """\
:root{{--accent:{accent};--accent-hover:{hover};--on-accent:{on_accent};--accent-text:{text};--accent-soft:{soft}}}
@media screen and (prefers-color-scheme:dark){{:root{{--accent:{dark_accent};--accent-hover:{dark_hover};--on-accent:{dark_on_accent};\
--accent-text:{dark_text};--accent-soft:{dark_soft}}}}}
"""


def hex_colour(text: str) -> Colour | None:
    """Read ``#0b6b5d`` or ``0b6b5d``; anything else is None."""
    match = re.fullmatch(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text.strip())
    return None if match is None else (int(match[1], 16), int(match[2], 16), int(match[3], 16))


def to_hex(colour: Colour) -> str:
    """Write a colour as CSS does."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Colour) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """``share`` of the other colour in the one, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def readable(colour: Colour, grounds: tuple[Colour, ...], towards: Colour) -> Colour:
    """The colour nearest to the given one that reads on every ground, found on the way to ``towards``."""
    for step in range(101):
        candidate = mix(colour, towards, step / 100)
        if all(contrast(candidate, ground) >= READABLE for ground in grounds):
            return candidate
    return towards


def _on(colour: Colour) -> Colour:
    return max(WHITE, NIGHT, key=lambda ink: contrast(ink, colour))


def button(accent: str | None) -> tuple[str, str]:
    """Ground and text of a button in a company's accent, as CSS colours, readable together; ours when it has none."""
    colour = hex_colour(accent or "") or OURS
    ink = _on(colour)
    return to_hex(readable(colour, (ink,), NIGHT if ink == WHITE else WHITE)), to_hex(ink)


def stylesheet(accent: Colour) -> str:
    """The style sheet that puts a company's accent over ours, for light and for dark."""
    soft, dark_soft = mix(WHITE, accent, 0.09), mix(DARK_GROUNDS[1], accent, 0.16)
    on_accent = _on(accent)
    # a colour between white and black text is moved until its text reads
    button = readable(accent, (on_accent,), NIGHT if on_accent == WHITE else WHITE)
    text = readable(accent, (*LIGHT_GROUNDS, soft), NIGHT)
    dark_text = readable(accent, (*DARK_GROUNDS, dark_soft), WHITE)
    hover = readable(mix(button, NIGHT if on_accent == WHITE else WHITE, 0.16), (on_accent,), button)
    colours = {
        "accent": button,
        "hover": hover,
        "on_accent": on_accent,
        "text": text,
        "soft": soft,
        "dark_accent": dark_text,
        "dark_hover": mix(dark_text, WHITE, 0.2),
        "dark_on_accent": NIGHT,
        "dark_text": dark_text,
        "dark_soft": dark_soft,
    }
    return TEMPLATE.format(**{name: to_hex(colour) for name, colour in colours.items()})
