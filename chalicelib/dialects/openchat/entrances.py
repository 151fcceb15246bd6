"""What lets a member into a room's media, and whose such a token is."""

from chalicelib.adapters.providers import holders
from chalicelib.adapters.providers.holders import Holder
from chalicelib.adapters.providers.trtc import Trtc
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects.media import render_media
from chalicelib.dialects.openchat.tickets import Entrance, Ticket
from chalicelib.dialects.openchat.wire import DEFAULT_ROLE, EXPIRE_SECONDS
from chalicelib.domain.call import Call
from chalicelib.protocol.vocabulary import Provider


def entrance(
    plane: ControlPlane,
    call: Call,
    uid: str,
    role: str = DEFAULT_ROLE,
    seconds: int | None = None,
) -> Entrance:
    """By the provider's own token, or by ours if it has none."""
    member = call.participant(uid)
    device_type = member.device_type if member else ""
    credentials = plane.credentials(call, uid, device_type, seconds)
    now_ms = plane.clock.now_ms()
    secret = plane.settings.jwt_secret
    minted = _minted(plane, credentials.token)
    ends_at_ms = (now_ms // 1000 + (seconds or EXPIRE_SECONDS[2])) * 1000
    ticket = Ticket(call.tenant, call.id, uid, role, ends_at_ms)
    return Entrance(
        call=call,
        uid=uid,
        role=role,
        token=credentials.token or ticket.render(secret),
        media=render_media(credentials),
        created_at_ms=now_ms,
        expires_at_ms=minted.expires_at_ms if minted else ends_at_ms,
    )


def ticket_of(plane: ControlPlane, tenant: str, token: str) -> Ticket | None:
    """Whose a token is, and of what room; None if it opens nothing in the tenant.

    TRTC's are for every room: the one that the user is in is meant.
    """
    ticket = Ticket.parse(token, plane.settings.jwt_secret)
    if ticket is None:
        minted = _minted(plane, token)
        place = minted and (minted.place or _trtc_room(plane, tenant, minted.uid))
        if minted is None or not place:
            return None
        ticket = Ticket(*place, minted.uid, DEFAULT_ROLE, minted.expires_at_ms)
    return ticket if ticket.tenant == tenant else None


def _minted(plane: ControlPlane, token: str) -> Holder | None:
    """Of a token that we made in a provider's name."""
    livekit, trtc = plane.settings.livekit, plane.settings.trtc
    found = None
    if livekit:
        found = holders.of_livekit(token, livekit.api_key, livekit.api_secret)
    if found is None and trtc:
        found = holders.of_trtc(token, Trtc(trtc.sdk_app_id, trtc.secret_key))
    return found


def _trtc_room(plane: ControlPlane, tenant: str, uid: str) -> tuple[str, str] | None:
    call = plane.calls.active_call_of(tenant, uid)
    is_carried = call is not None and call.provider is Provider.TRTC
    return (tenant, call.id) if call and is_carried else None
