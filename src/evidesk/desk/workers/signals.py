"""What later apps can hang their regular duties on."""

from django.dispatch import Signal

#: Sent by every worker each `BEAT` seconds, outside of any transaction. Several workers send it, so
#: whatever listens must be right when it is done twice at once.
beat = Signal()
