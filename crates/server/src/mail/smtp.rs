//! The mail server, over one connection that is kept while there is mail.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use model::Clock;
use store::mail::Claim;

use super::config::{Config, Security};
use super::mailer::{SendError, Transport};
use super::message::{self, Outgoing};
use super::reply;

/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How long a server may take to answer what costs it nothing.
const PROBE: Duration = Duration::from_secs(5);

/// Service not available, closing the channel (RFC 5321): of the server as a whole, whatever was asked.
const CLOSING: u16 = 421;

/// Speaks to the mail server.
pub(super) struct Smtp {
    config: Config,
    from: Mailbox,
    hello: ClientId,
    tls: Option<TlsParameters>,
    clock: Arc<dyn Clock>,
    connection: Option<AsyncSmtpConnection>,
}

impl Smtp {
    /// `name` is what this machine calls itself to the mail server. Fails where the settings can't
    /// be used.
    pub(super) fn new(config: &Config, name: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let tls = match config.security {
            Security::None => None,
            Security::Starttls | Security::Tls => Some(tls(config)?),
        };
        Ok(Self {
            from: config.sender().context("`mail.from` is no address")?,
            config: config.clone(),
            hello: hello(name),
            tls,
            clock,
            connection: None,
        })
    }

    /// The connection of before, if it still works, or a new one.
    async fn connection(&mut self) -> Result<AsyncSmtpConnection, SendError> {
        let limit = self.config.connect_timeout;
        if let Some(mut kept) = self.connection.take() {
            let alive = within(&self.clock, PROBE, kept.test_connected()).await;
            if alive == Some(true) {
                return Ok(kept);
            }
        }
        let connected = within(&self.clock, limit, self.connect()).await;
        connected.unwrap_or_else(|| {
            let address = self.address();
            Err(SendError::Server(format!(
                "{address} did not answer within {limit:?}"
            )))
        })
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let Config { host, port, .. } = &self.config;
        let first_byte = self.tls.clone();
        let first_byte = first_byte.filter(|_| self.config.security == Security::Tls);
        let server = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, first_byte, None)
                .await
                .map_err(|error| self.failed("can't be reached", &error))?;
        if self.config.security == Security::Starttls
            && let Some(tls) = &self.tls
        {
            if !connection.can_starttls() {
                let address = self.address();
                return Err(SendError::Server(format!(
                    "{address} doesn't offer STARTTLS, and without it nothing is sent: see `mail.security`"
                )));
            }
            let started = connection.starttls(tls.clone(), &self.hello).await;
            started.map_err(|error| self.failed("can't be spoken to over TLS", &error))?;
        }
        if !self.config.username.is_empty() {
            let (name, secret) = (&self.config.username, self.config.secret());
            let credentials = Credentials::new(name.clone(), secret.to_owned());
            let signed_in = connection.auth(DEFAULT_MECHANISMS, &credentials).await;
            signed_in.map_err(|error| self.failed("refuses user name and password", &error))?;
        }
        Ok(connection)
    }

    /// Hands one mail over. The connection is of use afterwards, unless the server is to blame.
    async fn transmit(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Outgoing,
    ) -> Result<(), SendError> {
        let mut parameters = Vec::new();
        if !mail.content.is_ascii() {
            for needed in [Extension::SmtpUtfEight, Extension::EightBitMime] {
                if !connection.server_info().supports_feature(needed) {
                    return Err(SendError::Mail {
                        permanent: true,
                        error: "the mail server takes no addresses beyond ASCII".to_owned(),
                    });
                }
            }
            parameters.push(MailParameter::SmtpUtfEight);
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        // A refused sender is our settings' fault, not the mail's.
        connection
            .command(Mail::new(Some(mail.from.clone()), parameters))
            .await
            .map_err(|error| self.failed("refuses the sender", &error))?;
        let refused = |error| self.judged(&error);
        connection
            .command(Rcpt::new(mail.to.clone(), Vec::new()))
            .await
            .map_err(refused)?;
        connection.command(Data).await.map_err(refused)?;
        connection.message(&mail.content).await.map_err(refused)?;
        Ok(())
    }

    /// Whether an answer to one mail is about the mail or about the server.
    fn judged(&self, error: &lettre::transport::smtp::Error) -> SendError {
        match error.status() {
            Some(code) if u16::from(code) != CLOSING => SendError::Mail {
                permanent: error.is_permanent(),
                error: reply::describe(error, self.config.secret()),
            },
            _ => self.failed("broke off", error),
        }
    }

    fn failed(&self, what: &str, error: &lettre::transport::smtp::Error) -> SendError {
        let cause = reply::describe(error, self.config.secret());
        SendError::Server(format!("{} {what}: {cause}", self.address()))
    }

    fn address(&self) -> String {
        format!("{}:{}", self.config.host, self.config.port)
    }
}

#[async_trait]
impl Transport for Smtp {
    async fn send(&mut self, claim: &Claim) -> Result<(), SendError> {
        let mail = message::build(claim, &self.from).map_err(|error| SendError::Mail {
            permanent: true,
            error: error.to_owned(),
        })?;
        let mut connection = self.connection().await?;
        let limit = self.config.send_timeout;
        let sent = self.transmit(&mut connection, &mail);
        let sent = within(&self.clock, limit, sent).await.unwrap_or_else(|| {
            let address = self.address();
            Err(SendError::Server(format!(
                "{address} did not take the mail within {limit:?}"
            )))
        });
        let usable = match &sent {
            Ok(()) => true,
            Err(SendError::Server(_)) => false,
            // What was begun is forgotten, and the connection kept.
            Err(SendError::Mail { .. }) => {
                let reset = within(&self.clock, PROBE, connection.command(Rset)).await;
                reset.is_some_and(|reset| reset.is_ok())
            }
        };
        self.connection = usable.then_some(connection);
        sent
    }

    fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    async fn disconnect(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // It ends either way.
            let _ = within(&self.clock, GOODBYE, connection.quit()).await;
        }
    }
}

/// How this machine presents itself: by name, or by an address as a literal (RFC 5321, section 4.1.3).
fn hello(name: &str) -> ClientId {
    match name.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(name.to_owned()),
    }
}

/// What `future` gives, unless it takes longer than `limit`.
async fn within<T>(
    clock: &Arc<dyn Clock>,
    limit: Duration,
    future: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = clock.sleep(limit) => None,
    }
}

fn tls(config: &Config) -> anyhow::Result<TlsParameters> {
    let mut builder: TlsParametersBuilder = TlsParameters::builder(config.host.clone());
    if let Some(authorities) = own_authorities(config)? {
        builder = builder.add_root_certificate(authorities);
    }
    builder
        .build()
        .context("TLS to the mail server can't be set up")
}

/// The authorities that the operator names.
pub(super) fn own_authorities(config: &Config) -> anyhow::Result<Option<Certificate>> {
    const BEGINNING: &str = "-----BEGIN CERTIFICATE-----";
    let Some(path) = &config.ca_file else {
        return Ok(None);
    };
    let pem = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    let some = pem
        .windows(BEGINNING.len())
        .any(|part| part == BEGINNING.as_bytes());
    anyhow::ensure!(some, "{} holds no certificate (PEM)", path.display());
    let read = Certificate::from_pem(&pem);
    let certificates =
        read.with_context(|| format!("{} holds damaged certificates", path.display()))?;
    Ok(Some(certificates))
}
