//! `millstream alert …`.

use clap::{Args, Subcommand};
use http::Method;
use serde_json::{Map, Value, json};

use super::lookup::Kind;
use super::remote::{self, Remote, block_on, query};
use super::{Failure, output, project, sync};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show by which rules a project or a sync is watched.
    #[command(after_help = "Example:\n  millstream alert rules --project Shop --sync 'To Braze'")]
    Rules(About),
    /// Change by which rules a project or a sync is watched.
    #[command(after_help = "Examples:\n  \
        millstream alert set --project Shop --error-rate 5 --window 15 --minimum 100\n  \
        millstream alert set --project Shop --quiet 22:00-07:00 --time-zone Europe/Berlin\n  \
        millstream alert set --project Shop --sync 'To Braze' --off backlog_age")]
    Set(Box<Set>),
    /// Let a sync go by its project's rules again.
    Reset(About),
    /// List where a project's incidents are told.
    Channels(Of),
    /// Tell a project's incidents somewhere.
    #[command(subcommand)]
    Add(Add),
    /// Tell nothing there any more.
    Remove(Named),
    /// Send a message to a channel, to see that it comes.
    Test(Named),
    /// List incidents, open ones first.
    #[command(after_help = "Example:\n  millstream alert incidents --project Shop --open")]
    Incidents(Incidents),
    /// Say that you see to an incident.
    Acknowledge(One),
    /// Have nothing told of an incident until a time.
    #[command(after_help = "Example:\n  \
        millstream alert mute inc_06r3h4v8n5s7qj2k0c1d9w6xyz --project Shop --until 2026-01-31T12:00:00Z")]
    Mute(Mute),
}

/// Whose.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The project: its id or name.
    #[arg(long)]
    project: String,
    #[command(flatten)]
    server: remote::Options,
}

/// Of what.
#[derive(Debug, Args)]
pub(crate) struct About {
    #[command(flatten)]
    of: Of,
    /// The sync: its id or name. Without it: the project.
    #[arg(long)]
    sync: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    about: About,
    /// Tell of nothing at all, or of this: state, error_rate, backlog_age, expiry, credentials, loss (repeatable).
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "all", value_parser = RULES)]
    off: Vec<String>,
    /// Tell of it again (repeatable).
    #[arg(long, value_name = "RULE", num_args = 0..=1, default_missing_value = "all", value_parser = RULES)]
    on: Vec<String>,
    /// Tell when more than so many of a hundred attempts fail.
    #[arg(long, value_name = "PERCENT")]
    error_rate: Option<u32>,
    /// Within so many minutes.
    #[arg(long, value_name = "MINUTES")]
    window: Option<u32>,
    /// If there were so many attempts.
    #[arg(long, value_name = "N")]
    minimum: Option<u32>,
    /// Tell when an event waits longer than so many minutes.
    #[arg(long, value_name = "MINUTES")]
    backlog_age: Option<u32>,
    /// Tell when so much was lost within an hour, for a sync stands still for too long.
    #[arg(long, value_name = "N")]
    loss: Option<u32>,
    /// Tell when a sync is in a bad state for so many seconds.
    #[arg(long, value_name = "SECONDS")]
    state_after: Option<u32>,
    /// An incident is over when all was well for so many minutes.
    #[arg(long, value_name = "MINUTES")]
    calm: Option<u32>,
    /// When nobody is told; `none` for never.
    #[arg(long, value_name = "HH:MM-HH:MM")]
    quiet: Option<String>,
    /// Where it is so late.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
    /// Whether owners, admins and who made the sync get mail.
    #[arg(long, value_name = "YES")]
    default_recipients: Option<bool>,
}

const RULES: [&str; 7] = [
    "all",
    "state",
    "error_rate",
    "backlog_age",
    "expiry",
    "credentials",
    "loss",
];

#[derive(Debug, Subcommand)]
pub(crate) enum Add {
    /// By mail to an address. Another one than a member's needs the right to invite.
    Mail(AddMail),
    /// By a request that is signed as Standard Webhooks says; its key is shown once.
    Webhook(AddUrl),
    /// By a request as Slack's incoming webhooks take it.
    Slack(AddUrl),
}

#[derive(Debug, Args)]
pub(crate) struct AddMail {
    /// The address.
    email: String,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Args)]
pub(crate) struct AddUrl {
    /// Where requests go. Others on this machine may see it on a command line.
    url: String,
    /// As people call it.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its id or name.
    channel: String,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Args)]
pub(crate) struct Incidents {
    #[command(flatten)]
    about: About,
    /// Only open ones.
    #[arg(long)]
    open: bool,
    /// How many at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id.
    incident: String,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, Args)]
pub(crate) struct Mute {
    #[command(flatten)]
    one: One,
    /// Until then. Without it: no longer.
    #[arg(long, value_name = "TIME", value_parser = super::period::time)]
    until: Option<String>,
}

const CHANNEL: Kind = Kind {
    what: "channel",
    id: "id",
    names: &["name", "target"],
};

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    block_on(async {
        match command {
            Command::Rules(about) => about.show().await,
            Command::Set(set) => set.run().await,
            Command::Reset(about) => about.reset().await,
            Command::Channels(of) => of.channels().await,
            Command::Add(add) => add.run().await,
            Command::Remove(named) => named.remove().await,
            Command::Test(named) => named.test().await,
            Command::Incidents(incidents) => incidents.run().await,
            Command::Acknowledge(one) => one.acknowledge().await,
            Command::Mute(mute) => mute.run().await,
        }
    })
}

impl Of {
    /// The server, and the project's path there.
    async fn connect(&self) -> Result<(Remote, String), Failure> {
        let remote = self.server.connect()?;
        let project = output::text(&project::find(&remote, &self.project).await?["id"]);
        Ok((remote, format!("/api/v1/projects/{project}")))
    }

    async fn channels(self) -> Result<(), Failure> {
        let (remote, base) = self.connect().await?;
        let channels = remote.list(&format!("{base}/alert-channels")).await?;
        let columns = [
            ("ID", "/id"),
            ("KIND", "/kind"),
            ("NAME", "/name"),
            ("TO", "/target"),
            ("ON", "/enabled"),
            ("TOLD", "/told_at"),
            ("ERROR", "/error"),
        ];
        Ok(output::print_list(self.server.json, &channels, &columns)?)
    }
}

impl About {
    /// The server, the project's path, and the sync's id.
    async fn connect(&self) -> Result<(Remote, String, Option<String>), Failure> {
        let (remote, base) = self.of.connect().await?;
        let Some(wanted) = &self.sync else {
            return Ok((remote, base, None));
        };
        let syncs = remote.list(&format!("{base}/syncs")).await?;
        let sync = output::text(&sync::SYNC.pick(wanted, syncs)?["id"]);
        Ok((remote, base, Some(sync)))
    }

    /// Where the rules are.
    async fn rules(&self) -> Result<(Remote, String), Failure> {
        let (remote, base, sync) = self.connect().await?;
        let path = match sync {
            Some(sync) => format!("{base}/syncs/{sync}/alerts"),
            None => format!("{base}/alerts"),
        };
        Ok((remote, path))
    }

    async fn show(self) -> Result<(), Failure> {
        let (remote, path) = self.rules().await?;
        print_rules(self.of.server.json, &remote.get(&path).await?)
    }

    async fn reset(self) -> Result<(), Failure> {
        if self.sync.is_none() {
            return Err(Failure::usage("say which sync: --sync"));
        }
        let (remote, path) = self.rules().await?;
        print_rules(self.of.server.json, &remote.delete(&path).await?)
    }
}

fn print_rules(json: bool, rules: &Value) -> Result<(), Failure> {
    let fields = [
        ("Own rules", "/own"),
        ("Tells", "/enabled"),
        ("State", "/state/enabled"),
        ("  after seconds", "/state/after_seconds"),
        ("Error rate", "/error_rate/enabled"),
        ("  percent", "/error_rate/percent"),
        ("  within minutes", "/error_rate/window_minutes"),
        ("  of at least", "/error_rate/minimum"),
        ("Age of the backlog", "/backlog_age/enabled"),
        ("  minutes", "/backlog_age/minutes"),
        ("Expiry", "/expiry/enabled"),
        ("Credentials", "/credentials/enabled"),
        ("Loss", "/loss/enabled"),
        ("  of at least", "/loss/minimum"),
        ("Over after minutes", "/calm_minutes"),
        ("Quiet from", "/quiet_hours/from"),
        ("  until", "/quiet_hours/until"),
        ("  in", "/quiet_hours/time_zone"),
        ("Default recipients", "/default_recipients"),
    ];
    Ok(output::print_item(json, rules, &fields)?)
}

impl Set {
    async fn run(self) -> Result<(), Failure> {
        let (remote, path) = self.about.rules().await?;
        let there = remote.get(&path).await?;
        let changed = remote.change(&path, &self.change(&there)?).await?;
        print_rules(self.about.of.server.json, &changed)
    }

    /// What is to change of the rules that are there: rules are replaced whole.
    fn change(&self, there: &Value) -> Result<Value, Failure> {
        let mut change = Map::new();
        let mut set = |rule: &str, field: &str, value: Value| {
            let rule = change.entry(rule).or_insert_with(|| there[rule].clone());
            rule[field] = value;
        };
        for (rules, on) in [(&self.off, false), (&self.on, true)] {
            for rule in rules.iter().filter(|rule| *rule != "all") {
                set(rule, "enabled", json!(on));
            }
        }
        for (rule, field, value) in [
            ("error_rate", "percent", self.error_rate),
            ("error_rate", "window_minutes", self.window),
            ("error_rate", "minimum", self.minimum),
            ("backlog_age", "minutes", self.backlog_age),
            ("state", "after_seconds", self.state_after),
            ("loss", "minimum", self.loss),
        ] {
            if let Some(value) = value {
                set(rule, field, json!(value));
            }
        }
        for (rules, on) in [(&self.off, false), (&self.on, true)] {
            if rules.iter().any(|rule| rule == "all") {
                change.insert("enabled".into(), json!(on));
            }
        }
        if let Some(calm) = self.calm {
            change.insert("calm_minutes".into(), json!(calm));
        }
        if let Some(recipients) = self.default_recipients {
            change.insert("default_recipients".into(), json!(recipients));
        }
        match self
            .quiet
            .as_deref()
            .map(|text| (text, text.split_once('-')))
        {
            None => {}
            Some(("none", _)) => {
                change.insert("quiet_hours".into(), Value::Null);
            }
            Some((_, Some((from, until)))) => {
                let hours = json!({"from": from, "until": until, "time_zone": self.time_zone});
                change.insert("quiet_hours".into(), hours);
            }
            Some((text, None)) => {
                return Err(Failure::usage(format!(
                    "--quiet: {text} is no time such as 22:00-07:00, nor `none`"
                )));
            }
        }
        match change.is_empty() {
            true => Err(Failure::usage("say what is to change")),
            false => Ok(Value::Object(change)),
        }
    }
}

impl Add {
    async fn run(self) -> Result<(), Failure> {
        let (of, body) = match self {
            Self::Mail(mail) => {
                let body = json!({"kind": "mail", "name": mail.email, "email": mail.email});
                (mail.of, body)
            }
            Self::Webhook(webhook) => webhook.body("webhook"),
            Self::Slack(slack) => slack.body("slack"),
        };
        let (remote, base) = of.connect().await?;
        let made = remote
            .create(&format!("{base}/alert-channels"), &body)
            .await?;
        let fields = [
            ("ID", "/channel/id"),
            ("Kind", "/channel/kind"),
            ("Name", "/channel/name"),
            ("To", "/channel/target"),
            ("Signing secret", "/signing_secret"),
        ];
        output::print_item(of.server.json, &made, &fields)?;
        if !of.server.json && made["signing_secret"].is_string() {
            output::print("The signing secret is not shown again.");
        }
        Ok(())
    }
}

impl AddUrl {
    fn body(self, kind: &str) -> (Of, Value) {
        let name = self.name.unwrap_or_else(|| kind.to_owned());
        (
            self.of,
            json!({"kind": kind, "name": name, "url": self.url}),
        )
    }
}

impl Named {
    /// The server, the channel and its path.
    async fn find(&self) -> Result<(Remote, Value, String), Failure> {
        let (remote, base) = self.of.connect().await?;
        let channels = remote.list(&format!("{base}/alert-channels")).await?;
        let channel = CHANNEL.pick(&self.channel, channels)?;
        let path = format!("{base}/alert-channels/{}", output::text(&channel["id"]));
        Ok((remote, channel, path))
    }

    async fn remove(self) -> Result<(), Failure> {
        let (remote, channel, path) = self.find().await?;
        remote.delete(&path).await?;
        let done = format!(
            "Nothing is told to {} any more.",
            output::text(&channel["name"])
        );
        Ok(output::print_done(self.of.server.json, &channel, &done)?)
    }

    async fn test(self) -> Result<(), Failure> {
        let (remote, _, path) = self.find().await?;
        let sent = remote
            .call(Method::POST, &format!("{path}/test"), None)
            .await?;
        let done =
            "A message is on its way; `millstream alert channels` says whether it was taken.";
        Ok(output::print_done(self.of.server.json, &sent, done)?)
    }
}

impl Incidents {
    async fn run(self) -> Result<(), Failure> {
        let (remote, base, sync) = self.about.connect().await?;
        let parameters = [
            ("sync", sync.as_deref()),
            ("open", self.open.then_some("true")),
        ];
        let path = query(&format!("{base}/incidents"), &parameters);
        let incidents = remote.first(&path, self.limit as usize).await?;
        let columns = [
            ("ID", "/id"),
            ("SYNC", "/sync"),
            ("RULE", "/rule"),
            ("SINCE", "/opened_at"),
            ("UNTIL", "/ended/at"),
            ("REASON", "/reason"),
            ("SEEN TO BY", "/acknowledged/by"),
        ];
        Ok(output::print_list(
            self.about.of.server.json,
            &incidents,
            &columns,
        )?)
    }
}

impl One {
    async fn call(&self, what: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let (remote, base) = self.of.connect().await?;
        let path = format!("{base}/incidents/{}/{what}", self.incident);
        Ok(remote.call(Method::POST, &path, body).await?)
    }

    async fn acknowledge(self) -> Result<(), Failure> {
        let incident = self.call("acknowledge", None).await?;
        let who = output::text(&incident["acknowledged"]["by"]);
        let done = format!("{who} sees to it.");
        Ok(output::print_done(self.of.server.json, &incident, &done)?)
    }
}

impl Mute {
    async fn run(self) -> Result<(), Failure> {
        let body = json!({"until": self.until});
        let incident = self.one.call("mute", Some(&body)).await?;
        let done = match incident["muted_until"].as_str() {
            Some(until) => format!("Nothing is told of it until {until}."),
            None => "It is told again.".to_owned(),
        };
        Ok(output::print_done(
            self.one.of.server.json,
            &incident,
            &done,
        )?)
    }
}
