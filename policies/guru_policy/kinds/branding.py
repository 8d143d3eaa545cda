"""How the agent and its tray look to a device's user: names, colours, contacts. It paints nothing."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from guru_policy.kinds.base import DisplayName, SelectorText, Spec
from guru_policy.kinds.notification_channel import Address, Url
from guru_policy.machine import PathName
from guru_policy.model import wrong
from guru_policy.pictures import Icon, files_of
from guru_policy.quantities import shape

LEAST_CONTRAST = 4.5                    # WCAG 2.2, success criterion 1.4.3, for text of ordinary size

BrandingPath = Annotated[
    str, StringConstraints(pattern=r"^branding(\.[A-Za-z0-9_-]+)*$", max_length=500), shape("path of a value")
]
"""A path into the merged branding, such as `branding.support.phone`."""

Color = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$"), shape("colour")]
"""`#rrggbb`, quoted: YAML takes a bare `#` for a comment."""

ProgramName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$")]
WindowsPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]:(\\[^\x00-\x1f<>:\"/|?*\\.]+)+$", max_length=200)
]
"""A folder on a drive, such as `C:\\Program Files\\Acme`; no part holds a dot."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 ()./-]{2,38}[0-9]$"), shape("phone number")]
AboutText = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class InstallPath(Spec):
    """Where a fresh installation goes, by system."""

    linux: PathName | None = Field(default=None, description="an absolute path")
    windows: WindowsPath | None = Field(default=None, description="a folder on a drive")
    macos: PathName | None = Field(default=None, description="an absolute path")


class Colors(Spec):
    """Colours of the tray's windows."""

    accent: Color | None = Field(default=None, description="of buttons and marks, `\"#0b6e4f\"`")
    background: Color | None = Field(default=None, description="behind text")
    text: Color | None = Field(default=None, description="of text; at least 4.5 to 1 against `background`")

    @model_validator(mode="after")
    def _readable(self) -> Colors:
        if self.background and self.text and (found := contrast(self.background, self.text)) < LEAST_CONTRAST:
            raise wrong(f"text on this background has a contrast of {found:.1f} to 1, and {LEAST_CONTRAST} can be read",
                        hint="make one of them darker or lighter")
        return self


class Support(Spec):
    """Whom a user can ask."""

    phone: Phone | None = Field(default=None, description="such as `+34 900 000 000`, quoted when it is digits only")
    email: Address | None = Field(default=None, description="one address")
    url: Url | None = Field(default=None, description="a page")
    hours: DisplayName | None = Field(default=None, description="when somebody answers, for people")


class Branding(Spec):
    """Every field is inherited until a nearer Branding sets it."""

    selector: SelectorText = Field(default="", description="only devices that match")
    enforced: tuple[BrandingPath, ...] = Field(
        default=(), description="paths, such as `branding.displayName`, that no nearer Branding may change")
    display_name: DisplayName | None = Field(default=None, description="the product's name as users see it")
    service_name: ProgramName | None = Field(default=None, description="the name of the system service")
    binary_name: ProgramName | None = Field(default=None, description="the name of the program, without its ending")
    install_path: InstallPath | None = Field(default=None, description="where a fresh installation goes, by system")
    icon: Icon | None = Field(default=None, description="a picture in the repository, or an https address")
    colors: Colors | None = Field(default=None, description="`accent`, `background`, `text`, as `\"#rrggbb\"`")
    support: Support | None = Field(default=None, description="`phone`, `email`, `url` and `hours` of the help desk")
    about: AboutText | None = Field(default=None, description="the text of the About window")

    def sources(self) -> tuple[str, ...]:
        """Files of the repository that it needs."""
        return files_of(self.icon)


AROUND = ("selector", "enforced")
"""Fields that say whom a Branding is for, and are not part of it."""


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    parts = [int(color[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
