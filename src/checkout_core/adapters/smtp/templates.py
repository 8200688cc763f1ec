"""What is written to buyers: plain texts by language and kind of notice, to be replaced by the shop's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import TypeAlias

from checkout_core.domain.order import Order
from checkout_core.ports.notifier import Notice, NoticeKind


@dataclass(frozen=True, slots=True)
class MailTemplate:
    """Texts for :class:`string.Template`: ``$order_id $name $items $total $refunded``, the items a line each.

    Raises ``ValueError`` or ``KeyError`` when it is made, where a text names anything else.
    """

    subject: str
    body: str

    def __post_init__(self) -> None:
        for text in (self.subject, self.body):
            Template(text).substitute(dict.fromkeys(_FIELDS, ""))

    def filled(self, notice: Notice) -> tuple[str, str]:
        """Subject and body of this notice."""
        fields = _fields(notice)
        return Template(self.subject).substitute(fields), Template(self.body).substitute(fields)


Templates: TypeAlias = Mapping[tuple[str, NoticeKind], MailTemplate]
"""By BCP 47 tag and kind. '' is the language of whoever has no other: ``de-AT`` falls back to ``de``, then to ''."""

_FIELDS = ("order_id", "name", "items", "total", "refunded")


def chosen(templates: Templates, notice: Notice) -> MailTemplate:
    """The template in the language that comes nearest to the buyer's."""
    tag = notice.locale
    while tag:
        found = templates.get((tag, notice.kind))
        if found is not None:
            return found
        tag = tag.rpartition("-")[0]
    return templates["", notice.kind]


def _fields(notice: Notice) -> dict[str, str]:
    order = notice.order
    return {
        "order_id": order.order_id,
        "name": notice.recipient.name if notice.recipient is not None else "",
        "items": "\n".join(f"{item.qty} x {item.item_id}" for item in order.items),
        "total": str(order.total),
        "refunded": _refunded(order),
    }


def _refunded(order: Order) -> str:
    given_back = [each.refunded for each in order.payments if each.refunded.minor]
    return ", ".join(str(each) for each in given_back)


_GREETING = "Hello $name,\n\n"
_GOODS = "\n\nOrder $order_id\n$items\nTotal: $total\n"

TEMPLATES: Templates = {
    ("", NoticeKind.CONFIRMATION): MailTemplate(
        "Your order $order_id is confirmed",
        f"{_GREETING}thank you. We have received your payment, and your order is confirmed.{_GOODS}",
    ),
    ("", NoticeKind.FAILURE): MailTemplate(
        "Your order $order_id could not be completed",
        f"{_GREETING}your order could not be completed. Nothing is owed; what was charged is given back."
        f" You are welcome to order again.{_GOODS}",
    ),
    ("", NoticeKind.ACTION_REQUIRED): MailTemplate(
        "Please confirm the payment of your order $order_id",
        f"{_GREETING}your bank asks you to confirm the payment. Please return to the shop and finish your order;"
        f" until then your items are reserved.{_GOODS}",
    ),
    ("", NoticeKind.CANCELLATION): MailTemplate(
        "Your order $order_id is cancelled",
        f"{_GREETING}your order is cancelled. What was charged is given back.{_GOODS}",
    ),
    ("", NoticeKind.REFUND): MailTemplate(
        "A refund for your order $order_id",
        f"{_GREETING}we have given money back for your order. Your bank may need some days to show it.{_GOODS}"
        "Refunded: $refunded\n",
    ),
}
