"""Many selectors against many devices, quickly: a device is looked at once for each set of keys. Pure memory.

The selectors of one scope read a handful of keys; devices that agree on these agree on the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from guru_policy.conditions import Subject, text_of, values_of
from guru_policy.selector import Selector

_UNIQUE = frozenset({"name", "id"})     # keys that hardly two devices share: not worth remembering


class Matcher:
    """A fixed list of selectors; answers with the positions of those that match."""

    def __init__(self, selectors: Sequence[Selector]) -> None:
        self._always = tuple(i for i, selector in enumerate(selectors) if not selector.requirements)
        some = [(i, selector) for i, selector in enumerate(selectors) if selector.requirements]
        self._single = [(i, selector) for i, selector in some if selector.keys & _UNIQUE]
        self._shared = [(i, selector) for i, selector in some if not selector.keys & _UNIQUE]
        self._keys = tuple(sorted({key for _, selector in self._shared for key in selector.keys}))
        self._known: dict[tuple[tuple[str, ...], ...], tuple[int, ...]] = {}

    def matching(self, subject: Subject) -> tuple[int, ...]:
        """The positions of the selectors that match the device, in order."""
        found = self._always
        if self._shared:
            view = tuple([tuple([text_of(v) for v in values_of(subject, key)]) for key in self._keys])
            shared = self._known.get(view)
            if shared is None:
                shared = tuple(i for i, selector in self._shared if selector.accepts(subject))
                self._known[view] = shared
            found += shared
        if self._single:
            found += tuple(i for i, selector in self._single if selector.accepts(subject))
        return tuple(sorted(found)) if len(found) > 1 else found
