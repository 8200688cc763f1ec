"""Notices as e-mails through a real SMTP server that accepts, says no, or is not there."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from checkout_core.adapters.smtp import TEMPLATES, MailTemplate, SmtpNotifier, SmtpServer
from checkout_core.domain.buyer import Contact
from checkout_core.domain.value import evolve
from checkout_core.errors import ConfigurationError, NotExecutedError, NotSentError, OutcomeUnknownError, RejectedError
from checkout_core.ports.notifier import Notice, NoticeKind
from checkout_core.ports.payment import CallLimits
from tests.adapters.mail_servers import MailServer, mail_server
from tests.drivers.receivers import Postman, ReceivingShop
from tests.drivers.test_facades import COLOURS, request_for

LIMITS = CallLimits(timeout_seconds=30.0)
ZOE = Contact(email="zoe@example.org", name="Zoë O'Hara", locale="de-AT")


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def notice() -> Notice:
    """The notice of a confirmed order."""
    postman = Postman()
    shop = ReceivingShop("threads", notifier=postman)
    shop.ask(shop.checkout.execute, evolve(request_for("k", qty=2), contact=ZOE)).expect_confirmed()
    shop.relay()
    shop.close()
    (told,) = postman.sent
    return told


def _notifier(server: MailServer, **keywords: Any) -> SmtpNotifier:
    place = SmtpServer(host="127.0.0.1", port=server.port, security="none")
    return SmtpNotifier(place, "orders@shop.example", **keywords)


def test_a_confirmation_names_order_goods_and_total(server: MailServer, notice: Notice) -> None:
    """EVENT-3: under the notice's id."""
    _notifier(server).send(notice, LIMITS)
    (mail,) = server.mails
    assert mail["Message-ID"] == f"<{notice.notice_id}@shop.example>"
    assert mail["To"].addresses[0].addr_spec == "zoe@example.org"
    assert mail["To"].addresses[0].display_name == "Zoë O'Hara"
    assert (mail["From"], mail["Auto-Submitted"]) == ("orders@shop.example", "auto-generated")
    assert mail["Subject"] == f"Your order {notice.order_id} is confirmed"
    body = mail.get_content()
    for said in ("Hello Zoë O'Hara,", "2 x TSHIRT", "EUR 39.80", notice.order_id):
        assert said in body


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_of_notice_has_its_text(server: MailServer, notice: Notice, kind: NoticeKind) -> None:
    _notifier(server).send(evolve(notice, kind=kind), LIMITS)
    (mail,) = server.mails
    assert notice.order_id in mail["Subject"]
    assert "$" not in mail["Subject"] + mail.get_content()
    others = {template.subject for (_, other), template in TEMPLATES.items() if other is not kind}
    assert mail["Subject"].replace(notice.order_id, "$order_id") not in others


@pytest.mark.parametrize(
    ("locale", "subject"), [("de-AT", "Servus"), ("de-DE", "Hallo"), ("de", "Hallo"), ("fr", "Hello"), ("", "Hello")]
)
def test_the_language_is_the_nearest_to_the_buyers(
    server: MailServer, notice: Notice, locale: str, subject: str
) -> None:
    subjects = {"": "Hello", "de": "Hallo", "de-AT": "Servus"}
    texts = {(tag, NoticeKind.CONFIRMATION): MailTemplate(said, "$total") for tag, said in subjects.items()}
    _notifier(server, templates=texts).send(evolve(notice, locale=locale), LIMITS)
    assert [mail["Subject"] for mail in server.mails] == [subject]


def test_a_template_that_names_what_there_is_not_is_refused_when_it_is_made() -> None:
    for text in ("$password", "100 $"):
        with pytest.raises((KeyError, ValueError)):
            MailTemplate("subject", text)


@pytest.mark.parametrize("recipient", [None, Contact(phone="1")])
def test_without_an_address_nothing_is_sent(server: MailServer, notice: Notice, recipient: Contact | None) -> None:
    """SAFE-1: the address was erased, or there never was one."""
    _notifier(server).send(evolve(notice, recipient=recipient), LIMITS)
    assert server.mails == []


@pytest.mark.parametrize(
    "address", ["nobody", "a b@example.org", "zoe@", "@example.org", "zoe@example.org, eve@example.org", "<>"]
)
def test_an_address_that_cannot_be_used_is_rejected_for_good(server: MailServer, notice: Notice, address: str) -> None:
    """LIVE-3, SAFE-1: a poison address is a dead letter at once, and is not told to operators."""
    with pytest.raises(RejectedError) as error:
        _notifier(server).send(evolve(notice, recipient=Contact(email=address)), LIMITS)
    assert address not in str(error.value)
    assert server.mails == []


@pytest.mark.parametrize(
    ("reply", "error"), [("451 greylisted zoe@example.org", NotExecutedError), ("554 spam", RejectedError)]
)
def test_the_server_says_for_now_or_for_good(
    server: MailServer, notice: Notice, reply: str, error: type[Exception]
) -> None:
    """SAFE-1: without its words, which may quote the address."""
    server.data_replies = [reply]
    with pytest.raises(error) as of_data:
        _notifier(server).send(notice, LIMITS)
    server.recipient_reply = reply
    with pytest.raises(error) as of_recipient:
        _notifier(server).send(notice, LIMITS)
    for raised in (of_data, of_recipient):
        assert "zoe" not in str(raised.value)
        assert reply[:3] in str(raised.value)
        assert raised.value.__context__ is None


def test_a_server_that_is_down_was_certainly_not_told(notice: Notice) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = SmtpServer(host="127.0.0.1", port=taken.getsockname()[1], security="none")
        with pytest.raises(NotSentError):
            SmtpNotifier(place, "orders@shop.example").send(notice, LIMITS)


def test_a_server_without_tls_is_given_nothing(server: MailServer, notice: Notice) -> None:
    place = SmtpServer(host="127.0.0.1", port=server.port)
    with pytest.raises(NotSentError):
        SmtpNotifier(place, "orders@shop.example").send(notice, LIMITS)
    assert server.mails == []


def test_a_server_that_never_greets_is_given_up(notice: Notice) -> None:
    """LIVE-3."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = SmtpServer(host="127.0.0.1", port=silent.getsockname()[1], security="none")
        with pytest.raises((NotSentError, OutcomeUnknownError)):
            SmtpNotifier(place, "orders@shop.example").send(notice, CallLimits(timeout_seconds=0.1))


@pytest.mark.parametrize("sender", ["shop", "", "a b@c.example"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    with pytest.raises(ConfigurationError):
        SmtpNotifier(SmtpServer(host="localhost"), sender)


@pytest.mark.parametrize("colour", COLOURS)
def test_greylisted_mail_comes_again_under_its_id(server: MailServer, colour: str) -> None:
    """EVENT-2, EVENT-3: through the relay; a password is in no repr."""
    shop = ReceivingShop(colour, notifier=_notifier(server))
    shop.ask(shop.checkout.execute, evolve(request_for("k"), contact=ZOE)).expect_confirmed()
    server.data_replies = ["451 try again"]
    assert shop.relay().failed == 1
    shop.clock.now += 1.0
    assert shop.relay().delivered == 1
    shop.close()
    first, second = server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert "secret" not in repr(SmtpServer(host="h", password="secret"))
