"""What later apps listen to: sent within the transaction that does what they tell.

A listener that fails ends that transaction, so what it writes happened with the thing or not at
all.
"""

from django.dispatch import Signal

#: An entry was added to a voucher's timeline; ``event`` is the `Event`.
recorded = Signal()
#: A draft's text was saved, which no event tells; ``voucher`` is the `Voucher` before it.
draft_saved = Signal()
#: Somebody said hello, or was answered; ``inquiry`` is the `Inquiry`.
inquired = Signal()
inquiry_answered = Signal()
