"""The bytes of a mail: nothing that comes from a person becomes a header, and everything can be read again."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limen.core.configcourier import Smtp
from limen.courier import mail, mailheaders
from limen.courier.model import Message, Origin, Refused, Rendered, Undelivered

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
EXPECTED = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding",
}  # fmt: skip


def message(recipient: str = "ann@example.org") -> Message:
    return Message(
        id="1", status="processing", channel="email", recipient=recipient, template="login_code_valid", data={},
        origin=Origin(), send_count=1, created_at="", updated_at="",
    )  # fmt: skip


def composed(
    subject: str = "s", text: str = "t", html: str = "", recipient: str = "ann@example.org", **smtp: Any
) -> EmailMessage:
    made = mail.compose(Smtp(**smtp), message(recipient), Rendered(subject, text, html), NOW)
    return email.message_from_bytes(made.content, policy=email.policy.default)  # type: ignore[arg-type, return-value]


@given(st.text(), st.text())
def test_no_text_becomes_a_header(subject: str, name: str) -> None:
    read = composed(subject, from_name=name)
    assert set(read.keys()) <= EXPECTED
    assert read.get_content().strip() == "t"


@given(
    st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1).filter(
        lambda s: s == " ".join(s.split())
    )
)
def test_a_subject_can_be_read_again(subject: str) -> None:
    assert composed(subject)["Subject"] == subject


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0")))
def test_the_text_and_the_html_can_be_read_again(text: str) -> None:
    read = composed(text=text, html=f"<p>{text}</p>")
    plain, html = (read.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    lines = [part.get_content().replace("\r\n", "\n").removesuffix("\n") for part in (plain, html)]
    assert lines == [text.removesuffix("\n"), f"<p>{text}</p>"] or "\x0b" in text or "\x0c" in text or "\x1c" in text


@pytest.mark.parametrize(
    ("recipient", "sent_to"),
    [
        ("ann@example.org", "ann@example.org"), ("foo.@docomo.ne.jp", "foo.@docomo.ne.jp"),
        ("a+b=c@x.example", "a+b=c@x.example"), ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@[127.0.0.1]", "ann@[127.0.0.1]"), ("ann@localhost", "ann@localhost"),
    ],
)  # fmt: skip
def test_recipients(recipient: str, sent_to: str) -> None:
    made = mail.compose(Smtp(), message(recipient), Rendered("s", "t", ""), NOW)
    assert (made.recipients, made.needs_utf8) == ((sent_to,), False)


def test_a_recipient_with_other_letters_needs_a_server_that_knows_them() -> None:
    assert mail.compose(Smtp(), message("jürgen@example.org"), Rendered("s", "t", ""), NOW).needs_utf8


@pytest.mark.parametrize(
    "recipient",
    [
        "", "ann", "@example.org", "ann@", "ann@example.org\r\nBcc: x@y.example", "ann@example.org,ben@example.org",
        "ann@example.org;x", "ann <ann@example.org>", "ann @example.org", "ann@exa mple.org", "ann@@example.org",
        "ann@example.org>", '"a b"@example.org', "ann@-x.example", "ann@" + "x" * 320, "ann\0@example.org",
        "ann@ex\u2028ample.org",
    ],
)  # fmt: skip
def test_what_is_no_recipient_is_refused(recipient: str) -> None:
    with pytest.raises(Refused):
        mail.compose(Smtp(), message(recipient), Rendered("s", "t", ""), NOW)


@pytest.mark.parametrize(
    "headers", [{"X": "a\r\nBcc: b"}, {"X y": "a"}, {"X:": "a"}, {"Content-Type": "text/plain"}, {"": "a"}, {"X": "\0"}]
)
def test_a_header_that_cannot_be_sent_is_told(headers: dict[str, str]) -> None:
    with pytest.raises(Undelivered, match=r"^courier\.smtp\.headers\."):
        composed(headers=headers)


def test_names_before_addresses() -> None:
    assert mailheaders.display_name('The "Team"') == '"The \\"Team\\""'
    assert mailheaders.display_name("Grüße") == "=?UTF-8?q?Gr=C3=BC=C3=9Fe?="
    assert mailheaders.display_name('Müller & "Söhne"') == "=?UTF-8?b?TcO8bGxlciAmICJTw7ZobmUi?="


def test_long_lines_are_folded() -> None:
    lines = mailheaders.block({"Subject": "word " * 40}).decode().split("\r\n")
    assert max(map(len, lines)) <= 76
    assert lines[0].startswith("Subject: word")


@given(st.text(max_size=400))
def test_lines_are_short_and_end_as_the_standard_has_it(text: str) -> None:
    """RFC 5322 §2.1.1, RFC 2045 §6.7: nothing but CRLF ends a line, and no server breaks a long one."""
    made = mail.compose(Smtp(), message(), Rendered("s", text, f"<p>{text}</p>"), NOW).content
    lines = made.split(b"\r\n")
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert max(len(line) for line in lines) <= 76
    assert made.isascii()
