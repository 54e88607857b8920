"""A mail server for the tests. Prints its port, then each mail that it takes, as lines of JSON.

    smtp_server.py [--port N] [--security none|starttls|tls --certificate FILE --key FILE]
                   [--username NAME --password TEXT] [--ascii]

What it does with a mail depends on the recipient: `grey@…` is put off once (451), `nobody@…` is refused
(550), for `quoted@…` the mail is refused with its own text.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--security", default="none")
parser.add_argument("--certificate")
parser.add_argument("--key")
parser.add_argument("--username")
parser.add_argument("--password")
parser.add_argument("--ascii", action="store_true")
options = parser.parse_args()


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    def __init__(self):
        self.put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        local = address.split("@")[0]
        if local == "nobody":
            return "550 5.1.1 there is no such person"
        if local == "grey" and address not in self.put_off:
            self.put_off.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = mail.get_body(["plain"]).get_content()
        html = mail.get_body(["html"]).get_content()
        if envelope.rcpt_tos[0].startswith("quoted@"):
            return "554 5.7.1 blocked: " + " ".join(text.split())
        say(
            {
                "from": envelope.mail_from,
                "to": envelope.rcpt_tos,
                "headers": [[name, str(value)] for name, value in mail.items()],
                "text": text,
                "html": html,
                "tls": bool(session.ssl) or options.security == "tls",
                "user": session.auth_data,
                "peer": session.peer[1],
                "hello": session.host_name,
            }
        )
        return "250 taken"


def authenticate(server, session, envelope, mechanism, credentials):
    name, password = credentials.login.decode(), credentials.password.decode()
    if (name, password) == (options.username, options.password):
        return AuthResult(success=True, auth_data=name)
    return AuthResult(success=False, handled=False)


async def main():
    tls = None
    if options.security != "none":
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate, options.key)
    starttls = options.security == "starttls"
    handler = Handler()

    def session():
        return SMTP(
            handler,
            enable_SMTPUTF8=not options.ascii,
            tls_context=tls if starttls else None,
            require_starttls=starttls,
            authenticator=authenticate,
            auth_required=options.username is not None,
            auth_require_tls=starttls,
        )

    wrapped = tls if options.security == "tls" else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", options.port, ssl=wrapped)
    say(server.sockets[0].getsockname()[1])
    await server.serve_forever()


asyncio.run(main())
