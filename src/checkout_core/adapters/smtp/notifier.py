"""One connection and one message per notice. For ``AsyncCheckout``: ``in_threads(SmtpNotifier(...))``."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from typing import Literal

from checkout_core.adapters.smtp.templates import TEMPLATES, Templates, chosen
from checkout_core.domain.buyer import Contact
from checkout_core.errors import (
    ConfigurationError,
    NotExecutedError,
    NotSentError,
    OutcomeUnknownError,
    RejectedError,
    RemoteError,
)
from checkout_core.ports.notifier import Notice, Notifier
from checkout_core.ports.payment import CallLimits

_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail is handed in. ``security``: TLS from the start, after STARTTLS, or none within one's own machine."""

    host: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class SmtpNotifier(Notifier):
    """Writes to the address of the order's contact; without one there is nothing to send.

    ``sender``: the shop's address, which every message is from. ``Message-ID`` is made of the notice's id, so that a
    repetition after a crash is the same message. An address that cannot be used, or that the server refuses for good,
    is :class:`RejectedError`; no error quotes it (SAFE-1).
    """

    def __init__(self, server: SmtpServer, sender: str, *, templates: Templates = TEMPLATES) -> None:
        self._server = server
        self._templates = {**TEMPLATES, **templates}
        try:
            self._sender = Address(addr_spec=sender)
        except (ValueError, IndexError, MessageError):
            raise ConfigurationError("expected an e-mail address as the sender") from None
        if not self._sender.domain:
            raise ConfigurationError("expected a sender with a domain")

    def send(self, notice: Notice, limits: CallLimits) -> None:
        if notice.recipient is None or not notice.recipient.email:
            return
        failed = self._failure(self._message(notice, notice.recipient), limits.timeout_seconds)
        if failed is not None:  # raised outside the handlers: it must not drag the server's words along
            raise failed

    def _message(self, notice: Notice, recipient: Contact) -> EmailMessage:
        subject, body = chosen(self._templates, notice).filled(notice)
        message = EmailMessage(policy=SMTP)
        message["To"] = _address(recipient)
        message["From"] = self._sender
        message["Subject"] = subject
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{notice.notice_id}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        return message

    def _failure(self, message: EmailMessage, timeout_seconds: float) -> RemoteError | None:
        """Hand the message in; None: the server has taken it."""
        try:
            connection = self._connection(timeout_seconds)
        except OSError as error:
            return NotSentError(f"the mail server could not be used: {type(error).__name__}")
        try:
            connection.send_message(message)
        except OSError as error:
            return _told_apart(error)
        else:
            with suppress(OSError):  # how the talk ends matters to nobody
                connection.quit()
            return None
        finally:
            connection.close()

    def _connection(self, timeout_seconds: float) -> smtplib.SMTP:
        """Ready to take messages. What goes wrong here is certainly not sent."""
        server = self._server
        if server.security == "tls":
            context = ssl.create_default_context()
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=timeout_seconds, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=timeout_seconds)
        try:
            if server.security == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user:
                connection.login(server.user, server.password)
        except OSError:
            connection.close()
            raise
        return connection


def _address(recipient: Contact) -> Address:
    with suppress(ValueError, IndexError, MessageError):
        return Address(display_name=recipient.name, addr_spec=recipient.email)
    raise RejectedError("the order's e-mail address cannot be used")


def _told_apart(error: OSError) -> RemoteError:
    """What the server said of the message, without its words: they may quote the address (SAFE-1)."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return _refused(min(code for code, _ in error.recipients.values()), "the recipient")
        case smtplib.SMTPResponseException():
            return _refused(error.smtp_code, "the message")
        case smtplib.SMTPNotSupportedError():
            return RejectedError("the mail server cannot take this address")
        case _:
            return OutcomeUnknownError(f"the mail server did not answer: {type(error).__name__}")


def _refused(code: int, what: str) -> RemoteError:
    if code >= _PERMANENT:
        return RejectedError(f"the mail server refused {what} for good: {code}")
    return NotExecutedError(f"the mail server refused {what} for now: {code}")
