"""Functions and a table that a test can talk to in few words."""

from typing import Any

from infra import wiring
from infra.laptop.clients import client
from infra.laptop.handlers import Handler


class FakeFunctions:
    """Does nothing but what a test puts into ``code``, and keeps every event."""

    def __init__(self) -> None:
        self.code: dict[str, Handler] = {}
        self.events: dict[str, list[Any]] = {}

    def clear(self) -> None:
        self.code.clear()
        self.events.clear()

    def handlers(self) -> dict[str, Handler]:
        return {function.name: self._of(function.name) for function in wiring.FUNCTIONS}

    def _of(self, name: str) -> Handler:
        def handler(event: Any, context: Any) -> Any:
            self.events.setdefault(name, []).append(event)
            code = self.code.get(name)
            return code(event, context) if code else None

        return handler

    def records(self) -> list[Any]:
        """Every record that the outbox function has been given, repeats included."""
        batches = self.events.get(wiring.OUTBOX.name, [])
        return [record for event in batches for record in event["Records"]]


class Table:
    """The wiring's table, in few words."""

    name = wiring.TABLE.name

    def __init__(self) -> None:
        self.client = client("dynamodb")

    def put(self, pk: str, sk: str, **attributes: Any) -> None:
        self.client.put_item(TableName=self.name, Item=item(pk, sk, **attributes))

    def get(self, pk: str, sk: str) -> Any:
        answer = self.client.get_item(TableName=self.name, Key=item(pk, sk))
        return answer.get("Item")


def item(pk: str, sk: str, **attributes: Any) -> dict[str, Any]:
    return {
        "pk": {"S": pk},
        "sk": {"S": sk},
        **{
            name: {"N": str(value)} if isinstance(value, int) else {"S": value}
            for name, value in attributes.items()
        },
    }
