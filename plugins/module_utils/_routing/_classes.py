# Copyright: the mailops.exchange authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# PRIVATE to the collection: no promise of stability is made for anything in this file.
"""Many recipients at once: those that nothing in the world tells apart share one prediction."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass

from ._outcomes import OUTCOMES
from ._predict import Prediction, predict
from ._signs import Signer
from ._world import World


@dataclass(frozen=True)
class Class:
    """Recipients with one fate. prediction: that of the first of them."""

    prediction: Prediction
    recipients: tuple[str, ...]


Senders = Callable[[str], tuple[str, ...]]


def predict_all(
    world: World, sender: str | Senders, recipients: Iterable[str], origin: str, *, kind: str = "mail", others: tuple[str, ...] | None = ()
) -> tuple[Class, ...]:
    """The predictions of many recipients, by classes, in the order in which each class first appears.

    sender: an address, or those that write to a recipient, by whose domain alone; the worst of their predictions counts.
    """
    senders: Senders = (lambda _recipient: (sender,)) if isinstance(sender, str) else sender

    def of_class(recipient: str) -> Prediction:
        return graver(predict(world, one, recipient, origin, kind=kind, others=others) for one in senders(recipient))

    signer = Signer(world)
    classes: dict[Hashable, list[str]] = {}
    for recipient in recipients:
        address = recipient.strip().casefold()
        classes.setdefault(signer.sign(address), []).append(address)
    return tuple(Class(of_class(members[0]), tuple(members)) for members in classes.values())


def graver(predictions: Iterable[Prediction]) -> Prediction:
    """The first with the worst verdict; there must be one."""
    return max(predictions, key=lambda prediction: OUTCOMES.index(prediction.verdict))


def tally(classes: Iterable[Class]) -> dict[str, list[str]]:
    """Recipients by verdict, from the best to the worst; verdicts that nobody has are left out."""
    found = tuple(classes)
    return {
        outcome: held
        for outcome in OUTCOMES
        if (held := sorted(one for group in found if group.prediction.verdict == outcome for one in group.recipients))
    }
