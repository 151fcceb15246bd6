"""The JSON that the contract prints, by what it is an example of."""

from typing import Any

Json = dict[str, Any]

TRACK: Json = {"trackId": "track-abc123", "timestamp": 1640995200000}
VOICE: Json = {"trackId": "track-tts-456", "timestamp": 1640995200000}
SDP = "v=0\r\no=- 1234567890 2 IN IP4 127.0.0.1\r\n..."
TENCENT: Json = {"provider": "tencent"}
SPOKEN: Json = {"provider": "tencent", "speaker": "601003"}
SILERO: Json = {"type": "silero", "silenceTimeout": 5000}

COMMANDS: list[Json] = [
    {
        "command": "invite",
        "option": {
            "denoise": True,
            "callee": "sip:alice@192.168.3.197:12345",
            "caller": "sip:192.168.3.197:3050",
            "vad": SILERO,
            "asr": TENCENT,
            "tts": SPOKEN,
            "sip": {},
        },
    },
    {
        "command": "accept",
        "option": {"denoise": True, "vad": SILERO, "asr": TENCENT, "tts": SPOKEN},
    },
    {"command": "reject", "reason": "Busy Here", "code": 486},
    {
        "command": "ringing",
        "recorder": {
            "recorderFile": "/path/to/recording.wav",
            "samplerate": 16000,
            "ptime": 200,
        },
        "earlyMedia": True,
        "ringtone": "http://example.com/ringtone.wav",
    },
    {
        "command": "tts",
        "text": "Hello, this is a test message",
        "speaker": "xiaoyan",
        "playId": "unique_play_id",
        "autoHangup": False,
        "streaming": False,
        "endOfStream": False,
        "waitInputTimeout": 30,
        "option": {"provider": "tencent", "volume": 5, "speed": 1.0},
    },
    {
        "command": "play",
        "url": "http://example.com/audio.mp3",
        "autoHangup": False,
        "waitInputTimeout": 30,
    },
    {"command": "interrupt", "graceful": False},
    {
        "command": "refer",
        "caller": "sip:alice@example.com",
        "callee": "sip:charlie@example.com",
        "options": {
            "denoise": True,
            "timeout": 30,
            "moh": "http://example.com/hold_music.wav",
            "autoHangup": True,
        },
    },
    {"command": "mute", "trackId": "track-123"},
    {"command": "unmute", "trackId": "track-123"},
    {"command": "hangup", "reason": "user_requested", "initiator": "user"},
]

EVENTS: list[Json] = [
    {
        "event": "incoming",
        **TRACK,
        "caller": "sip:alice@example.com",
        "callee": "sip:bob@example.com",
        "sdp": SDP,
    },
    {"event": "answer", **TRACK, "sdp": SDP},
    {"event": "reject", **TRACK, "reason": "Busy", "code": 486},
    {"event": "ringing", **TRACK, "earlyMedia": False},
    {
        "event": "hangup",
        **TRACK,
        "reason": "user_requested",
        "initiator": "user",
        "startTime": "2024-01-01T12:00:00Z",
        "hangupTime": "2024-01-01T12:05:30Z",
        "answerTime": "2024-01-01T12:00:05Z",
        "from": {
            "username": "alice",
            "realm": "example.com",
            "source": "sip:alice@example.com",
        },
    },
    {"event": "speaking", **TRACK, "startTime": 1640995200000},
    {"event": "silence", **TRACK, "startTime": 1640995195000, "duration": 5000},
    {
        "event": "asrFinal",
        **TRACK,
        "index": 1,
        "startTime": 1640995200000,
        "endTime": 1640995205000,
        "text": "Hello, how can I help you today?",
    },
    {"event": "asrDelta", **TRACK, "index": 1, "text": "Hello, how can"},
    {"event": "trackStart", **VOICE, "playId": "llm-001"},
    {
        "event": "trackEnd",
        **VOICE,
        "duration": 30000,
        "ssrc": 1234567890,
        "playId": "llm-001",
    },
    {
        "event": "interruption",
        **VOICE,
        "playId": "llm-001",
        "subtitle": "Hello, this is a long message that was interrupted",
        "position": 5,
        "totalDuration": 30000,
        "current": 15000,
    },
    {"event": "dtmf", **TRACK, "digit": "1"},
    {
        "event": "metrics",
        "timestamp": 1640995200000,
        "key": "ttfb.asr.tencent",
        "duration": 150,
        "data": {"index": 1, "provider": "tencent"},
    },
    {
        "event": "error",
        **TRACK,
        "sender": "asr",
        "error": "Connection timeout to ASR service",
        "code": 408,
    },
    {"event": "binary", **TRACK, "data": []},
    {"event": "ping", "timestamp": 1640995200000, "payload": "optional_payload"},
    {
        "event": "other",
        **TRACK,
        "sender": "custom_plugin",
        "extra": {"custom_field": "custom_value"},
    },
]

OPTIONS: dict[str, Json] = {
    "CallOption": {
        "denoise": True,
        "offer": "SDP offer string",
        "callee": "sip:callee@example.com",
        "caller": "sip:caller@example.com",
        "codec": "g722",
        "recorder": {"recorderFile": "/path/to/recording.wav", "samplerate": 16000},
        "asr": {"provider": "tencent", "language": "zh-CN"},
        "tts": {"provider": "tencent", "speaker": "xiaoyan"},
    },
    "RecorderOption": {
        "recorderFile": "/path/to/recording.wav",
        "samplerate": 16000,
        "ptime": 200,
    },
    "TranscriptionOption": {
        "provider": "tencent",
        "language": "zh-CN",
        "appId": "app_id",
        "secretId": "your_secret_id",
        "secretKey": "your_secret_key",
        "modelType": "16k_zh",
        "samplerate": 16000,
        "startWhenAnswer": True,
    },
    "SynthesisOption": {
        "provider": "tencent",
        "speaker": "xiaoyan",
        "volume": 5,
        "speed": 1.0,
        "emotion": "neutral",
        "samplerate": 16000,
    },
    "VadOption": {
        "type": "webrtc",
        "samplerate": 16000,
        "speechPadding": 250,
        "silencePadding": 100,
        "voiceThreshold": 0.5,
        "maxBufferDurationSecs": 50,
    },
    "MediaPassOption": {
        "url": "ws://localhost:9090/media",
        "inputSampleRate": 16000,
        "outputSampleRate": 16000,
        "packetSize": 2560,
    },
    "ReferOption": {
        "denoise": True,
        "timeout": 30,
        "moh": "http://example.com/hold_music.wav",
        "asr": {"provider": "tencent", "language": "zh-CN"},
        "autoHangup": True,
        "sip": {"username": "transfer_user", "password": "transfer_password"},
    },
    "SipOption": {
        "username": "user",
        "password": "password",
        "realm": "example.com",
        "headers": {"X-Custom-Header": "value"},
    },
    "Attendee": {
        "username": "alice",
        "realm": "example.com",
        "source": "sip:alice@example.com",
    },
}

DEFAULTS: dict[str, Json] = {
    "CallOption": {"denoise": False, "enableIpv6": False},
    "RecorderOption": {"samplerate": 16000, "ptime": 200},
    "TranscriptionOption": {"samplerate": 16000, "startWhenAnswer": False},
    "VadOption": {
        "type": "silero",
        "samplerate": 16000,
        "speechPadding": 250,
        "silencePadding": 100,
        "ratio": 0.5,
        "voiceThreshold": 0.5,
        "maxBufferDurationSecs": 50,
    },
    "MediaPassOption": {"packetSize": 2560},
    "ReferOption": {"denoise": False, "autoHangup": False},
}
"""What the contract's tables give where a key is absent."""

FIELDS: dict[str, str] = {
    "invite": "option",
    "accept": "option",
    "reject": "reason code",
    "ringing": "recorder earlyMedia ringtone",
    "tts": "text speaker playId autoHangup streaming endOfStream waitInputTimeout"
    " option base64 cacheKey",
    "play": "url autoHangup waitInputTimeout playId offsetMs",
    "interrupt": "graceful fadeOutMs",
    "refer": "caller callee options",
    "mute": "trackId",
    "unmute": "trackId",
    "hangup": "reason initiator headers refer",
    "pause": "",
    "resume": "",
    "message": "body contentType headers refer",
    "bridge": "targetSessionId",
    "unbridge": "targetSessionId",
    "history": "speaker text",
    "custom": "sender data",
    "addIceCandidate": "candidate sdpMid sdpMLineIndex",
    "dtmf": "digits durationMs gapMs",
    "CallOption": "denoise offer callee caller codec recorder vad asr tts mediaPass"
    " handshakeTimeout enableIpv6 sip extra",
    "RecorderOption": "recorderFile samplerate ptime",
    "TranscriptionOption": "provider language appId secretId secretKey modelType"
    " bufferSize samplerate endpoint extra startWhenAnswer",
    "SynthesisOption": "provider speaker volume speed samplerate appId secretId"
    " secretKey codec subtitle endpoint extra maxConcurrentTasks emotion",
    "VadOption": "type samplerate speechPadding silencePadding ratio voiceThreshold"
    " maxBufferDurationSecs silenceTimeout endpoint secretKey secretId",
    "MediaPassOption": "url inputSampleRate outputSampleRate packetSize",
    "ReferOption": "denoise timeout moh asr autoHangup sip callId pauseParentAsr"
    " forwardDtmf",
    "SipOption": "username password realm headers",
    "Attendee": "username realm source",
}
"""Every field of the contract's tables, of the notes on real clients, and of ours."""

EVENT_FIELDS: dict[str, str] = {
    "incoming": "trackId timestamp caller callee sdp headers?",
    "answer": "trackId timestamp sdp refer?",
    "mediaReady": "trackId timestamp",
    "reject": "trackId timestamp reason code? refer?",
    "ringing": "trackId timestamp earlyMedia refer?",
    "hangup": "trackId timestamp reason? initiator? startTime hangupTime answerTime?"
    " ringingTime? from? to? extra? refer?",
    "speaking": "trackId timestamp startTime isFiller? confidence? refer?",
    "silence": "trackId timestamp startTime duration refer? speechStartTime?"
    " speechEndTime?",
    "eou": "trackId timestamp completed interruptPoint? text? refer? complete?",
    "inactivity": "trackId timestamp",
    "asrFinal": "trackId timestamp index text startTime? endTime? isFiller?"
    " confidence? taskId? refer?",
    "asrDelta": "trackId timestamp index text startTime? endTime? isFiller?"
    " confidence? taskId? refer?",
    "trackStart": "trackId timestamp playId?",
    "trackEnd": "trackId timestamp duration ssrc playId?",
    "interruption": "trackId timestamp playId? subtitle? position? totalDuration"
    " current",
    "dtmf": "trackId timestamp digit refer?",
    "hold": "trackId timestamp onHold refer?",
    "transferRequest": "trackId timestamp referTo referredBy? refer?",
    "message": "trackId timestamp body contentType? refer?",
    "iceCandidate": "trackId timestamp candidate sdpMid? sdpMLineIndex?",
    "answerMachineDetection": "trackId timestamp startTime endTime text",
    "ringbackState": "trackId timestamp state stateIndex confidence prevState?"
    " prevConfidence? refer? isFinal",
    "functionCall": "trackId timestamp callId name arguments",
    "interrupt": "receiver?",
    "metrics": "timestamp key duration data",
    "error": "trackId timestamp sender error code?",
    "addHistory": "timestamp speaker text sender?",
    "custom": "timestamp data sender?",
    "other": "trackId timestamp sender extra?",
    "binary": "trackId timestamp data",
    "ping": "timestamp payload?",
}
"""Every event with its keys; a question mark where null leaves the key out."""
