"""TgoRTC's error texts in its five languages, and which one a request asks for."""

from collections.abc import Mapping

DEFAULT_LANGUAGE = "zh-CN"

TEXTS: dict[str, dict[str, str]] = {
    "invalid_parameters": {
        "zh-CN": "参数错误: {0}",
        "zh-TW": "參數錯誤: {0}",
        "en-US": "Invalid parameters: {0}",
        "fr-FR": "Paramètres invalides : {0}",
        "ja-JP": "パラメータが無効です: {0}",
    },
    "room_already_exists": {
        "zh-CN": "房间已存在: {0}",
        "zh-TW": "房間已存在: {0}",
        "en-US": "Room already exists: {0}",
        "fr-FR": "La salle existe déjà : {0}",
        "ja-JP": "ルームは既に存在します: {0}",
    },
    "creator_in_another_call": {
        "zh-CN": "创建者正在进行其他通话，无法创建房间",
        "zh-TW": "建立者正在進行其他通話，無法建立房間",
        "en-US": "Creator is in another call, cannot create room",
        "fr-FR": "Le créateur est déjà en appel, impossible de créer la salle",
        "ja-JP": "作成者は別の通話中のため、ルームを作成できません",
    },
    "participant_in_call": {
        "zh-CN": "参与者 {0} 正在通话中，无法邀请",
        "zh-TW": "參與者 {0} 正在通話中，無法邀請",
        "en-US": "Participant {0} is in a call, cannot invite",
        "fr-FR": "Le participant {0} est en appel, impossible de l'inviter",
        "ja-JP": "参加者 {0} は通話中のため、招待できません",
    },
    "room_not_found": {
        "zh-CN": "房间不存在: {0}",
        "zh-TW": "房間不存在: {0}",
        "en-US": "Room not found: {0}",
        "fr-FR": "Salle introuvable : {0}",
        "ja-JP": "ルームが見つかりません: {0}",
    },
    "room_not_active": {
        "zh-CN": "房间已结束或已取消，无法加入",
        "zh-TW": "房間已結束或已取消，無法加入",
        "en-US": "Room has ended or been cancelled, cannot join",
        "fr-FR": "La salle est terminée ou annulée, impossible de la rejoindre",
        "ja-JP": "ルームは終了またはキャンセルされたため、参加できません",
    },
    "room_full": {
        "zh-CN": "房间人数已满，无法加入",
        "zh-TW": "房間人數已滿，無法加入",
        "en-US": "Room is full, cannot join",
        "fr-FR": "La salle est pleine, impossible de la rejoindre",
        "ja-JP": "ルームは満員のため、参加できません",
    },
    "participant_not_found": {
        "zh-CN": "参与者不存在: {0}",
        "zh-TW": "參與者不存在: {0}",
        "en-US": "Participant not found: {0}",
        "fr-FR": "Participant introuvable : {0}",
        "ja-JP": "参加者が見つかりません: {0}",
    },
    "participant_not_invited": {
        "zh-CN": "您未被邀请加入此房间",
        "zh-TW": "您未被邀請加入此房間",
        "en-US": "You are not invited to join this room",
        "fr-FR": "Vous n'êtes pas invité à rejoindre cette salle",
        "ja-JP": "このルームに招待されていません",
    },
    "unauthenticated": {
        "zh-CN": "未认证: {0}",
        "zh-TW": "未認證: {0}",
        "en-US": "Not authenticated: {0}",
        "fr-FR": "Non authentifié : {0}",
        "ja-JP": "認証されていません: {0}",
    },
    "forbidden": {
        "zh-CN": "权限不足",
        "zh-TW": "權限不足",
        "en-US": "Not permitted",
        "fr-FR": "Opération non autorisée",
        "ja-JP": "許可されていません",
    },
    "idempotency_key_reused": {
        "zh-CN": "Idempotency-Key 已用于其他请求",
        "zh-TW": "Idempotency-Key 已用於其他請求",
        "en-US": "Idempotency-Key was used for another request",
        "fr-FR": "Idempotency-Key a déjà servi pour une autre requête",
        "ja-JP": "Idempotency-Key は別のリクエストで使用済みです",
    },
    "idempotency_key_in_use": {
        "zh-CN": "使用此 Idempotency-Key 的请求尚未完成",
        "zh-TW": "使用此 Idempotency-Key 的請求尚未完成",
        "en-US": "The request with this Idempotency-Key is still running",
        "fr-FR": "La requête avec cet Idempotency-Key est encore en cours",
        "ja-JP": "この Idempotency-Key のリクエストはまだ処理中です",
    },
    "path_not_found": {
        "zh-CN": "接口不存在",
        "zh-TW": "介面不存在",
        "en-US": "No such path",
        "fr-FR": "Chemin inconnu",
        "ja-JP": "パスが存在しません",
    },
    "method_not_allowed": {
        "zh-CN": "不支持的请求方法",
        "zh-TW": "不支援的請求方法",
        "en-US": "Method not allowed",
        "fr-FR": "Méthode non autorisée",
        "ja-JP": "許可されていないメソッドです",
    },
    "unsupported_media_type": {
        "zh-CN": "请求体必须是 application/json",
        "zh-TW": "請求體必須是 application/json",
        "en-US": "The body must be application/json",
        "fr-FR": "Le corps doit être en application/json",
        "ja-JP": "本文は application/json である必要があります",
    },
    "too_many_requests": {
        "zh-CN": "请求过于频繁，请稍后重试",
        "zh-TW": "請求過於頻繁，請稍後重試",
        "en-US": "Too many requests, try again later",
        "fr-FR": "Trop de requêtes, réessayez plus tard",
        "ja-JP": "リクエストが多すぎます。後でもう一度お試しください",
    },
    "unavailable": {
        "zh-CN": "服务器繁忙，请稍后重试",
        "zh-TW": "伺服器繁忙，請稍後重試",
        "en-US": "The server is busy, try again later",
        "fr-FR": "Le serveur est occupé, réessayez plus tard",
        "ja-JP": "サーバーが混み合っています。後でもう一度お試しください",
    },
    "internal_error": {
        "zh-CN": "服务器内部错误",
        "zh-TW": "伺服器內部錯誤",
        "en-US": "Internal server error",
        "fr-FR": "Erreur interne du serveur",
        "ja-JP": "サーバー内部エラー",
    },
}

LANGUAGES = tuple(TEXTS["room_full"])
_BY_PRIMARY = {"zh": "zh-CN", "en": "en-US", "fr": "fr-FR", "ja": "ja-JP"}
_TRADITIONAL = ("zh-hant", "zh-hk", "zh-mo")


def text(key: str, language: str, argument: str = "") -> str:
    """The error's text; ``argument`` is the id or the detail that it names."""
    return TEXTS[key][language].format(argument)


def language_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """``X-Language``, else ``?lang=``, else the best of ``Accept-Language``."""
    for asked in (headers.get("x-language"), query.get("lang")):
        if asked:
            return _known(asked) or DEFAULT_LANGUAGE
    ranked = _ranked(headers.get("accept-language", ""))
    return next((found for tag in ranked if (found := _known(tag))), DEFAULT_LANGUAGE)


def _ranked(header: str) -> list[str]:
    """Language ranges by falling quality (RFC 9110 section 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in header.split(",")[:32]:
        tag, _, parameter = part.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            quality = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            continue
        if tag.strip() and 0 < quality <= 1:
            weighted.append((quality, tag.strip()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def _known(tag: str) -> str | None:
    lowered = tag.strip().lower()
    for language in LANGUAGES:
        if lowered == language.lower():
            return language
    if lowered.startswith(_TRADITIONAL):
        return "zh-TW"
    return _BY_PRIMARY.get(lowered.partition("-")[0])
