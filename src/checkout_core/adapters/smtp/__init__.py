"""Notices as e-mails, over any SMTP server."""

from checkout_core.adapters.smtp.notifier import SmtpNotifier, SmtpServer
from checkout_core.adapters.smtp.templates import TEMPLATES, MailTemplate, Templates

__all__ = ["TEMPLATES", "MailTemplate", "SmtpNotifier", "SmtpServer", "Templates"]
