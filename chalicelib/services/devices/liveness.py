"""Whether somebody is still in a call whose media no server of ours carries.

Its parties' devices prove it by what they say on their sockets. Who had none during the
call proves nothing, alive or not: such a call lives until its maximum.
"""

from collections.abc import Callable, Iterable

from chalicelib.domain.call import LIVENESS_MS, Call, Participant
from chalicelib.domain.commands import Reconcile
from chalicelib.protocol.vocabulary import ParticipantState, Provider
from chalicelib.services.devices.devices import Device

UNSEEN = frozenset({Provider.P2P})
"""Providers that nobody can be asked of."""

SeenOfUser = Callable[[str], Iterable[Device]]


def proof(call: Call, seen_of_user: SeenOfUser) -> Reconcile:
    """What the devices of those who are in come to."""
    seen = [
        device.seen_at_ms
        for member in call.participants
        if member.state is ParticipantState.JOINED
        for device in seen_of_user(member.uid)
        if _is_of_call(device, call, member)
    ]
    # Nobody is connected to anything that could be listed.
    return Reconcile((), max(seen)) if seen else Reconcile(None)


def _is_of_call(device: Device, call: Call, member: Participant) -> bool:
    """Whether the device would have been heard of, had it been in the call."""
    joined_at_ms = member.joined_at_ms or call.created_at_ms
    first_ms = joined_at_ms - (LIVENESS_MS if device.is_connected else 0)
    if device.seen_at_ms < first_ms:
        return False
    if device.call_id == call.id:
        return True
    if member.device:
        return device.device == member.device
    return not device.call_id
