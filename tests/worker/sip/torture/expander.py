"""The messages of RFC 4475 beside this file, in the RFC's own markup (section 2).

Each line ends with CRLF; ``allOneLine`` joins lines, ``hex`` holds octets, and
``repeat`` says how often.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent

ONE_LINE = re.compile(r"<allOneLine>\n(.*?)</allOneLine>", re.DOTALL)
REPEAT = re.compile(r"<repeat count=(\d+)>(.*?)</repeat>")
HEX = re.compile(rb"<hex>([0-9A-F\s]+)</hex>")


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def message(name: str) -> bytes:
    return expanded((FOLDER / f"{name}.txt").read_text())


def expanded(text: str) -> bytes:
    text = ONE_LINE.sub(lambda match: match[1].replace("\n", ""), text)
    text = REPEAT.sub(lambda match: match[2] * int(match[1]), text)
    data = text.replace("\n", "\r\n").encode()
    return HEX.sub(lambda match: bytes.fromhex(match[1].decode()), data)
