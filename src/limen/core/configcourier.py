"""The courier of the configuration: how mails and text messages are sent, and in whose words."""

from typing import Annotated, Literal

from msgspec import Meta, field

from limen.core.confighooks import Auth
from limen.core.configtypes import (
    Count,
    Duration,
    Email,
    HttpUrl,
    SecretHeaders,
    Section,
    SmtpUri,
    Source,
    says,
)


class Smtp(Section, frozen=True):
    """The mail server."""

    connection_uri: Annotated[SmtpUri | None, says("`smtp://user:password@host:587/`, or `smtps://` for TLS.")] = None
    from_address: Annotated[Email, says("Sender's address.")] = "no-reply@ory.kratos.sh"
    from_name: Annotated[str | None, says("Sender's name.")] = None
    headers: Annotated[SecretHeaders, says("Headers to add to each mail.")] = field(default_factory=dict)
    client_cert_path: Annotated[str, says("Client certificate, a PEM file.")] = ""
    client_key_path: Annotated[str, says("Its private key, a PEM file.")] = ""
    local_name: Annotated[str, says("The name we greet the server with.")] = "localhost"


class HttpRequest(Section, frozen=True):
    """A request that delivers one message."""

    url: Annotated[HttpUrl | None, says("Where messages are posted.")] = None
    method: Annotated[str, says("HTTP method.")] = "POST"
    headers: Annotated[SecretHeaders, says("Headers to add.")] = field(default_factory=dict)
    body: Annotated[Source | None, says("Jsonnet that makes the body; a plain one is built in.")] = None
    auth: Annotated[Auth | None, says("How the request proves itself.")] = None


class CourierHttp(Section, frozen=True):
    """Mail through an HTTP service."""

    request_config: HttpRequest = HttpRequest()


class Channel(Section, frozen=True):
    """Another way to deliver messages."""

    id: Annotated[Literal["sms"], says("What it delivers.", example="id: sms")]
    request_config: Annotated[HttpRequest, says("The request.", example="request_config: {url: https://…}")]
    type: Annotated[Literal["http"], says("How it delivers.")] = "http"


class CourierWorker(Section, frozen=True, forbid_unknown_fields=False):
    """How the queue is worked off."""

    pull_count: Annotated[Count, says("Messages taken at once.")] = 10
    pull_wait: Annotated[Duration, says("Pause between two looks at the queue.")] = 1.0


class EmailBody(Section, frozen=True):
    """The two bodies of a mail."""

    plaintext: Annotated[Source | None, says("Template of the text.")] = None
    html: Annotated[Source | None, says("Template of the HTML.")] = None


class EmailTemplate(Section, frozen=True):
    """A mail."""

    subject: Annotated[Source | None, says("Template of the subject.")] = None
    body: EmailBody = EmailBody()


class SmsBody(Section, frozen=True):
    """The body of a text message."""

    plaintext: Annotated[Source | None, says("Template of the text.")] = None


class SmsTemplate(Section, frozen=True):
    """A text message."""

    body: SmsBody = SmsBody()


class InvalidTemplate(Section, frozen=True):
    """To an address nobody has."""

    email: Annotated[EmailTemplate, says("The mail.", example="email: {subject: file:///…}")]


class ValidTemplate(InvalidTemplate, frozen=True):
    """To an address somebody has."""

    sms: SmsTemplate = SmsTemplate()


class OneTemplate(Section, frozen=True):
    """A message to known addresses only."""

    valid: ValidTemplate | None = None


class TwoTemplates(OneTemplate, frozen=True):
    """A message to known and to unknown addresses."""

    invalid: InvalidTemplate | None = None


class ChangedTemplate(Section, frozen=True):
    """To an address that was changed."""

    email: EmailTemplate = EmailTemplate()
    sms: SmsTemplate = SmsTemplate()


class Templates(Section, frozen=True):
    """Your own words, message by message."""

    recovery: TwoTemplates = TwoTemplates()
    recovery_code: TwoTemplates = TwoTemplates()
    verification: TwoTemplates = TwoTemplates()
    verification_code: TwoTemplates = TwoTemplates()
    registration_code: OneTemplate = OneTemplate()
    login_code: OneTemplate = OneTemplate()
    verifiable_address_changed: ChangedTemplate = ChangedTemplate()


class Courier(Section, frozen=True):
    """Mails and text messages."""

    smtp: Smtp = Smtp()
    delivery_strategy: Annotated[Literal["smtp", "http"], says("Mail through a mail server or an HTTP service.")] = (
        "smtp"
    )
    http: CourierHttp = CourierHttp()
    channels: Annotated[tuple[Channel, ...], says("Other ways to deliver messages.")] = ()
    message_retries: Annotated[int, Meta(ge=0), says("How often a failed message is tried again.")] = 5
    worker: CourierWorker = CourierWorker()
    template_override_path: Annotated[str | None, says("Folder with your own templates.")] = None
    templates: Templates = Templates()
