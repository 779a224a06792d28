# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Classes for a rehearsal: whoever is forwarded to somebody else's mailbox is told apart by that one's class. Pure."""

from __future__ import annotations

from collections.abc import Hashable

from ._checks import domain_of
from ._outcomes import person_of
from ._signs import Signer
from ._world import EXPANDED, Foreign, Party, plain


class Closer(Signer):
    """Aliases of forwarded mailboxes are not each a class of its own, as long as the mailbox itself is none."""

    def _forward_view(self, source: Foreign, address: str, party: Party | None) -> Hashable:
        forward = source.forwards.get(address) or source.forwards.get(plain(address))
        holder = self.world.by_address.get(forward.target) if forward else None
        if forward is None or holder is None or holder is party or not self._settled(holder, forward.target):
            return super()._forward_view(source, address, party)
        behind = self.sign(forward.target)
        if unique(behind):
            return super()._forward_view(source, address, party)
        meant = person_of(self.world, address).party is holder
        return "to another", forward.keep, meant, domain_of(forward.target), behind

    def _settled(self, holder: Party, target: str) -> bool:
        """True when a forward to this mailbox ends there: no source serves the address, and its own forwards lead to itself."""
        if holder.kind in EXPANDED or self.world.source_of(domain_of(target)) is not None:
            return False
        own = [forwards.get(address) for forwards in (one.forwards for one in self.world.sources) for address in holder.addresses]
        return all(self.world.by_address.get(forward.target) is holder for forward in own if forward)


def unique(sign: Hashable) -> bool:
    """True for the sign of one recipient alone."""
    return isinstance(sign, tuple) and bool(sign) and sign[0] == "unique"
