"""A share of the input, the same on every machine."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clipfake.errors import UsageError
from clipfake.sources.item import Item


@dataclass(frozen=True)
class Shard:
    """One of several shares, told by the digest of a name.

    Which share a file falls to depends on its name alone, so files that come or go move no others;
    every machine must name the files alike.

    Attributes:
        number: of this share, 1..count.
        count: of shares.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``i/n``.

        Raises:
            UsageError: not two numbers with 1 <= i <= n.
        """
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal() and int(number) >= 1):
            raise UsageError(f"--shard {text}: give i/n, e.g. 1/4 for the first of four shares")
        if int(number) > int(count):
            raise UsageError(f"--shard {text}: there is no share {number} of {count}")
        return cls(int(number), int(count))

    def of(self, items: Iterable[Item]) -> Iterator[Item]:
        """Items of this share, in order."""
        return (item for item in items if self.holds(item))

    def holds(self, item: Item) -> bool:
        """Whether an item falls to this share."""
        if self.count == 1:
            return True
        name = item.path.encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(name, digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.number - 1
