//! Alerts: who is told of what, once; the rules; and where incidents are told.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use journal::hold::Untold;
use millstream_api::portal::{Alerts, Glance, Health};
use model::access::Role;
use model::outcome::{Category, Failure};
use model::{OutboundRequest, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;

use super::World;
use super::world::{Somebody, id_in};

const MINUTE: Duration = Duration::from_secs(60);

/// A sync whose destination is scripted by hand, an admin, and what looks at it.
struct Scene {
    world: World,
    admin: Somebody,
    /// The sync's path.
    sync: String,
    /// The project's path.
    project: String,
    alerts: Alerts,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let admin = world.person(Role::Admin).await;
        let sync = json!({"name": "To Acme", "url": "https://example.com", "enabled": true});
        let sync = world.sync(sync).await;
        let project = sync.split("/syncs").next().unwrap().to_owned();
        let alerts = Alerts::new(world.portal.clone());
        let mut scene = Self {
            world,
            admin,
            sync,
            project,
            alerts,
        };
        scene.is_well();
        scene.look().await;
        scene
    }

    fn glance(&self, change: impl FnOnce(&mut Glance, Timestamp)) {
        let mut seen = Glance {
            sync: id_in(&self.sync),
            health: Health::Healthy,
            reason: None,
            failure: None,
            oldest_undelivered: None,
            last_success: Some(self.world.now()),
            last_failure: None,
            attempts: 100,
            failed: 0,
            expired: 0,
            pending: 0,
            backlog: 0,
        };
        change(&mut seen, self.world.now());
        self.world.lanes.notes().glances = vec![seen];
    }

    fn is_well(&self) {
        self.glance(|_, _| {});
    }

    /// The destination refuses the credentials.
    fn is_refused(&self) {
        self.glance(|seen, now| {
            seen.health = Health::Failing;
            seen.reason = Some("6 attempts in a row failed".into());
            seen.failure = Some(Failure {
                category: Category::Unauthorized,
                status: Some(401),
                message: "example.com answered 401".into(),
                response: "the key sk_live_1 is none".into(),
            });
            seen.last_success = None;
            seen.last_failure = Some(now);
            seen.failed = 6;
            seen.pending = 3;
        });
    }

    async fn look(&mut self) {
        self.alerts.look(self.world.now()).await.unwrap();
    }

    /// Looks for so long.
    async fn look_for(&mut self, time: Duration) {
        let end = self.world.now() + time;
        while self.world.now() < end {
            self.world.clock.advance(Duration::from_secs(10));
            if self.world.lanes.notes().glances[0].health == Health::Healthy {
                self.is_well();
            }
            self.look().await;
        }
    }

    async fn rules(&self, change: Value) {
        let path = format!("{}/alerts", self.project);
        self.world.change(&path, change).await.is(200);
    }

    /// With only the rule about credentials.
    async fn only_credentials(&self) {
        let off = json!({"enabled": false});
        self.rules(
            json!({"state": {"enabled": false}, "expiry": off, "error_rate": {"enabled": false}}),
        )
        .await;
    }

    async fn channel(&self, channel: Value) -> Value {
        let path = format!("{}/alert-channels", self.project);
        self.world.post(&path, channel).await.is(201).json()
    }

    /// What mail the admin got.
    async fn mails(&self) -> Vec<String> {
        let mails = self.world.store.mails(None, None, 200).await.unwrap().items;
        let mut texts = Vec::new();
        for mail in mails
            .iter()
            .filter(|mail| mail.recipient == self.admin.email)
        {
            let (_, bodies) = self.world.store.mail(mail.id).await.unwrap();
            texts.push(bodies.expect("it waits to be sent").text);
        }
        texts
    }

    /// What was sent to webhooks since.
    async fn sent(&self) -> Vec<OutboundRequest> {
        while self.alerts.send().await.unwrap() > 0 {}
        std::mem::take(&mut self.world.courier.noted().sent)
    }

    async fn incidents(&self, query: &str) -> Vec<Value> {
        let path = format!("{}/incidents{query}", self.project);
        let page = self.world.get(&path).await.is(200).json();
        page["items"].as_array().unwrap().clone()
    }
}

/// Whether a request is signed with this key, as the receivers' libraries see to it.
fn is_signed(request: &OutboundRequest, key: &str) -> bool {
    let header = |name: &str| request.headers[name].to_str().unwrap();
    let key = STANDARD
        .decode(key.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&request.body);
    let (version, signature) = header("webhook-signature").split_once(',').unwrap();
    let signature = STANDARD.decode(signature).unwrap();
    version == "v1" && mac.verify_slice(&signature).is_ok()
}

#[tokio::test]
async fn an_incident_is_told_once_by_every_way_and_so_is_its_end() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    let hook =
        json!({"kind": "webhook", "name": "pager", "url": "https://pager.example/a?key=s3cret"});
    let made = scene.channel(hook).await;
    let key = made["signing_secret"].as_str().unwrap().to_owned();
    let slack =
        json!({"kind": "slack", "name": "ops", "url": "https://hooks.example/services/T0/s3cret"});
    scene.channel(slack).await;
    scene.world.courier.noted().answer = Some((200, Vec::new()));
    scene.is_refused();
    scene.look_for(30 * MINUTE).await;
    let mails = scene.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let expected = "To Acme: the destination refuses the credentials: example.com answered 401";
    assert!(mails[0].starts_with(expected), "{}", mails[0]);
    let page = scene
        .sync
        .replace("/projects", "/p")
        .replace("/p/", "example.com/p/");
    assert!(mails[0].contains(&page), "{} {page}", mails[0]);
    let sent = scene.sent().await;
    assert_eq!(sent.len(), 2);
    let (signed, plain): (Vec<_>, Vec<_>) = sent
        .iter()
        .partition(|one| one.headers.contains_key("webhook-id"));
    assert_eq!(signed[0].uri, "https://pager.example/a?key=s3cret");
    assert!(is_signed(signed[0], &key));
    assert!(!is_signed(signed[0], "whsec_AAAA"));
    let body: Value = serde_json::from_slice(&signed[0].body).unwrap();
    assert_eq!(body["type"], "incident.opened");
    let data = &body["data"];
    assert_eq!(
        (&data["rule"], &data["held"]["pending"]),
        (&json!("credentials"), &json!(3))
    );
    let sample =
        json!({"category": "unauthorized", "status": 401, "message": "example.com answered 401"});
    assert_eq!(data["sample"], sample);
    // What the destination answered may be anything.
    for text in [body.to_string(), mails[0].clone()] {
        assert!(!text.contains("sk_live"), "{text}");
    }
    let body: Value = serde_json::from_slice(&plain[0].body).unwrap();
    let text = body["text"].as_str().unwrap();
    assert!(
        text.contains("*To Acme*") && text.contains("answered 401"),
        "{text}"
    );

    let open = scene.incidents("?open=true").await;
    assert_eq!(open.len(), 1);
    assert_eq!(
        (&open[0]["rule"], &open[0]["told"]),
        (&json!("credentials"), &json!(true))
    );
    assert_eq!(data["id"], open[0]["id"]);

    scene.world.lanes.notes().stats.total.expired = 4;
    scene.is_well();
    scene.look_for(20 * MINUTE).await;
    let mails = scene.mails().await;
    assert_eq!(mails.len(), 2, "{mails:?}");
    let end = mails
        .iter()
        .find(|text| text.contains(" is over"))
        .expect("an end");
    assert!(end.contains("lost: 4 expired, 0 discarded"), "{end}");
    let sent = scene.sent().await;
    assert_eq!(sent.len(), 2);
    let bodies = sent
        .iter()
        .map(|one| String::from_utf8_lossy(&one.body).into_owned());
    let bodies: Vec<_> = bodies.collect();
    assert!(
        bodies.iter().any(|body| body.contains("incident.closed")),
        "{bodies:?}"
    );
    assert!(scene.incidents("?open=true").await.is_empty());
    let over = scene.incidents("?open=false").await;
    assert_eq!(
        (&over[0]["ended"]["why"], &over[0]["ended"]["expired"]),
        (&json!("recovered"), &json!(4))
    );
}

#[tokio::test]
async fn the_end_of_an_incident_counts_from_what_began_it_and_says_how_the_sync_does_now() {
    let mut scene = Scene::new().await;
    scene
        .channel(json!({"kind": "webhook", "name": "w", "url": "https://example.com/hook"}))
        .await;
    // Seven expire before anybody looks, then one more; and four were there before.
    scene.world.lanes.notes().stats.total.expired = 4 + 7;
    scene.glance(|seen, _| {
        seen.health = Health::Failing;
        seen.expired = 7;
    });
    scene.look().await;
    scene.world.lanes.notes().stats.total.expired += 1;
    scene.is_well();
    scene.look_for(20 * MINUTE).await;
    let over = scene.incidents("?open=false").await;
    let expiry: Vec<_> = over.iter().filter(|one| one["rule"] == "expiry").collect();
    let ended = &expiry[0]["ended"];
    assert_eq!(
        (&ended["expired"], &ended["health"]),
        (&json!(8), &json!("healthy"))
    );
    let sent = scene.sent().await;
    let bodies = sent
        .iter()
        .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
    let closed: Vec<_> = bodies
        .filter(|body| body["type"] == "incident.closed" && body["data"]["rule"] == "expiry")
        .collect();
    assert_eq!(closed[0]["data"]["health"], "healthy");
    assert_eq!(closed[0]["data"]["ended"]["lost"]["expired"], 8);
}

#[tokio::test]
async fn what_a_sync_that_stands_still_loses_is_told_and_counted() {
    let mut scene = Scene::new().await;
    scene.world.lanes.notes().stats.losses.lost.events = 1047;
    scene.world.lanes.notes().stats.losses.lost.retries = 3;
    scene.glance(|seen, _| {
        seen.health = Health::Paused;
    });
    let at = scene.world.now();
    scene.world.lanes.notes().untold = vec![Untold {
        sync: id_in(&scene.sync),
        lost: 1050,
        told: 0,
        at,
    }];
    scene.look().await;
    // Whoever begins anew finds it told.
    assert_eq!(scene.world.lanes.notes().untold, []);
    scene.alerts = Alerts::new(scene.world.portal.clone());
    scene.look().await;
    assert_eq!(scene.incidents("").await.len(), 1);
    let open = scene.incidents("?open=true").await;
    assert_eq!(
        (&open[0]["rule"], &open[0]["health"]),
        (&json!("loss"), &json!("paused"))
    );
    let reason = open[0]["reason"].as_str().unwrap();
    assert!(
        reason.starts_with("1050 events and deliveries were lost"),
        "{reason}"
    );
    scene.look_for(20 * MINUTE).await;
    let over = scene.incidents("?open=false").await;
    assert_eq!(
        (&over[0]["ended"]["why"], &over[0]["ended"]["lost"]),
        (&json!("recovered"), &json!(1050))
    );
    // Rules say from how many on.
    scene
        .rules(json!({"loss": {"enabled": true, "minimum": 2000}}))
        .await;
    let path = format!("{}/alerts", scene.project);
    assert_eq!(scene.world.get(&path).await.json()["loss"]["minimum"], 2000);
    let too_few = json!({"loss": {"minimum": 0}});
    let refused = scene.world.change(&path, too_few).await;
    refused.is(422);
}

#[tokio::test]
async fn what_was_told_of_a_sync_ends_when_it_is_deleted() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    scene
        .channel(json!({"kind": "webhook", "name": "ops", "url": "https://hooks.example.com"}))
        .await;
    scene.is_refused();
    scene.look().await;
    assert_eq!(scene.sent().await.len(), 1);
    let sync = scene.sync.clone();
    scene.world.call("DELETE", &sync).send().await.is(200);
    let sent = scene.sent().await;
    assert_eq!(sent.len(), 1);
    let body: Value = serde_json::from_slice(&sent[0].body).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]["ended"]["why"]),
        (&json!("incident.closed"), &json!("deleted"))
    );
    assert_eq!(scene.mails().await.len(), 2);
    scene.world.lanes.notes().glances.clear();
    scene.look().await;
    assert!(scene.sent().await.is_empty());
}

#[tokio::test]
async fn neither_a_restart_nor_another_node_tells_of_it_again() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    let mut other = Alerts::new(scene.world.portal.clone());
    scene.is_refused();
    other.look(scene.world.now()).await.unwrap();
    scene.look().await;
    assert_eq!(scene.incidents("").await.len(), 1);
    assert_eq!(scene.mails().await.len(), 1);
    scene.alerts = Alerts::new(scene.world.portal.clone());
    scene.look_for(10 * MINUTE).await;
    assert_eq!(scene.mails().await.len(), 1);
    scene.alerts = Alerts::new(scene.world.portal.clone());
    scene.is_well();
    scene.look_for(10 * MINUTE).await;
    other.look(scene.world.now()).await.unwrap();
    assert_eq!(scene.mails().await.len(), 2);
    assert!(scene.incidents("?open=true").await.is_empty());
}

#[tokio::test]
async fn in_quiet_hours_nobody_is_told_until_they_end_and_only_of_what_lasts() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    // It is midnight.
    let hours = json!({"from": "22:00", "until": "00:30", "time_zone": "UTC"});
    scene.rules(json!({"quiet_hours": hours})).await;
    scene.is_refused();
    scene.look_for(5 * MINUTE).await;
    assert!(scene.mails().await.is_empty());
    let held = scene.incidents("").await;
    let told = (&held[0]["told"], &held[0]["told_from"]);
    assert_eq!(told, (&json!(false), &json!("2026-01-01T00:30:00.000Z")));
    // Over before anybody was told: nobody ever is.
    scene.is_well();
    scene.look_for(10 * MINUTE).await;
    assert!(scene.incidents("?open=true").await.is_empty());
    scene.is_refused();
    scene.look_for(14 * MINUTE).await;
    assert!(scene.mails().await.is_empty());
    scene.look_for(3 * MINUTE).await;
    assert_eq!(scene.mails().await.len(), 1);
    scene.look_for(10 * MINUTE).await;
    assert_eq!(scene.mails().await.len(), 1);
}

#[tokio::test]
async fn somebody_sees_to_an_incident_and_mutes_it() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    scene.is_refused();
    scene.look().await;
    let open = scene.incidents("").await;
    let path = format!(
        "{}/incidents/{}",
        scene.project,
        open[0]["id"].as_str().unwrap()
    );
    let seen = scene.world.call("POST", &format!("{path}/acknowledge"));
    let seen = seen.token(Some(&scene.admin.token)).send().await.is(200);
    assert!(seen.at("/acknowledged/by").starts_with(&scene.admin.email));
    // Who was first stays.
    let again = scene
        .world
        .call("POST", &format!("{path}/acknowledge"))
        .send()
        .await;
    assert_eq!(
        again.is(200).at("/acknowledged/by"),
        seen.at("/acknowledged/by")
    );
    let mute = format!("{path}/mute");
    for wrong in [json!({}), json!({"until": "tomorrow"})] {
        let refused = scene.world.post(&mute, wrong).await.is(422);
        assert_eq!(refused.pointers(), ["/until"]);
    }
    let until = json!({"until": "2026-01-02T00:00:00Z"});
    scene.world.post(&mute, until).await.is(200);
    scene.is_well();
    scene.look_for(10 * MINUTE).await;
    assert!(scene.incidents("?open=true").await.is_empty());
    assert_eq!(scene.mails().await.len(), 1, "its end is not told");
    let log = scene.world.of_organisation("/audit?action=incident");
    let log = scene.world.get(&log).await.is(200).json();
    let actions = log["items"].as_array().unwrap().iter();
    let mut actions: Vec<_> = actions
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    // Both were done at the same moment of the test's clock.
    actions.sort_unstable();
    assert_eq!(actions, ["incident.acknowledge", "incident.mute"]);
}

#[tokio::test]
async fn a_link_ends_a_projects_mail_without_signing_in() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    scene.is_refused();
    scene.look().await;
    let mails = scene.mails().await;
    let link = mails[0].lines().last().unwrap();
    let (_, path) = link.split_once("/api/v1").unwrap();
    // What looks at links before people do changes nothing.
    let page = scene.world.anonymous("GET", path).send().await.is(200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.text.contains("<form method=\"post\">"),
        "{}",
        page.text
    );
    let log = scene
        .world
        .of_organisation("/audit?action=alerts.unsubscribe");
    let entries = async |scene: &Scene| {
        let log = scene.world.get(&log).await.is(200).json();
        log["items"].as_array().unwrap().len()
    };
    assert_eq!(entries(&scene).await, 0);
    for _ in 0..2 {
        scene.world.anonymous("POST", path).send().await.is(200);
    }
    assert_eq!(entries(&scene).await, 1);
    scene.is_well();
    scene.look_for(10 * MINUTE).await;
    assert_eq!(scene.mails().await.len(), 1);
    // Not by a link that somebody made up.
    let last = if path.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &path[..path.len() - 1]);
    for method in ["GET", "POST"] {
        let refused = scene.world.anonymous(method, &forged).send().await;
        refused.problem(410, "link_ended");
    }
    // Nobody but they can take it back.
    let channels = format!("{}/alert-channels", scene.project);
    let mail = json!({"kind": "mail", "name": "ann", "email": scene.admin.email});
    scene
        .world
        .post(&channels, mail.clone())
        .await
        .problem(409, "conflict");
    let own = scene
        .world
        .call("POST", &channels)
        .token(Some(&scene.admin.token));
    own.json(mail).send().await.is(201);
    scene.is_refused();
    scene.look().await;
    assert_eq!(scene.mails().await.len(), 2);
}

#[tokio::test]
async fn channels_keep_their_secrets_and_strangers_are_added_by_those_who_invite() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let channels = format!("{}/alert-channels", scene.project);
    let url = "https://hooks.example/services/T0/s3cret";
    let made = scene
        .channel(json!({"kind": "slack", "name": "ops", "url": url}))
        .await;
    assert_eq!(made["channel"]["target"], "https://hooks.example");
    assert_eq!(made["signing_secret"], Value::Null);
    let path = format!("{channels}/{}", made["channel"]["id"].as_str().unwrap());
    let tag = world.get(&path).await.header("etag").to_owned();
    let changed = world.change(&path, json!({"enabled": false})).await.is(200);
    assert_ne!(changed.header("etag"), tag);
    let stale = world.call("PATCH", &path).header("if-match", &tag);
    stale
        .json(json!({"name": "x"}))
        .send()
        .await
        .problem(412, "precondition_failed");
    let audit = world.of_organisation("/audit?action=alert_channel");
    for path in [&path, &channels, &audit] {
        let shown = world.get(path).await.is(200).text;
        assert!(!shown.contains("s3cret"), "{shown}");
    }
    let member = world.person(Role::Member).await;
    let add = async |token: &str, email: &str| {
        let mail = json!({"kind": "mail", "name": "mail", "email": email});
        world
            .call("POST", &channels)
            .token(Some(token))
            .json(mail)
            .send()
            .await
    };
    add(&member.token, "stranger@example.com")
        .await
        .problem(403, "forbidden");
    add(&member.token, &scene.admin.email.to_uppercase())
        .await
        .is(201);
    add(&scene.admin.token, "stranger@example.com")
        .await
        .is(201);
    for (wrong, pointer) in [
        (json!({"kind": "mail", "name": "a"}), "/email"),
        (
            json!({"kind": "mail", "name": "a", "email": "a@b.example", "url": url}),
            "/url",
        ),
        (
            json!({"kind": "slack", "name": "a", "url": "hooks.example"}),
            "/url",
        ),
        (
            json!({"kind": "slack", "name": "a", "url": "ftp://hooks.example"}),
            "/url",
        ),
        (
            json!({"kind": "webhook", "name": "a", "url": "https://me:pw@hooks.example"}),
            "/url",
        ),
        (json!({"kind": "webhook", "name": "", "url": url}), "/name"),
    ] {
        let refused = world.post(&channels, wrong.clone()).await.is(422);
        assert_eq!(refused.pointers(), [pointer], "{wrong}");
    }
}

#[tokio::test]
async fn a_webhook_that_fails_gets_the_same_message_again_and_is_given_up_at_last() {
    let scene = Scene::new().await;
    let hook = json!({"kind": "webhook", "name": "pager", "url": "https://pager.example/a"});
    let made = scene.channel(hook).await;
    let path = format!(
        "{}/alert-channels/{}",
        scene.project,
        made["channel"]["id"].as_str().unwrap()
    );
    scene.world.courier.noted().answer = Some((503, Vec::new()));
    let test = scene
        .world
        .post(&format!("{path}/test"), Value::Null)
        .await
        .is(202);
    let mut ids = Vec::new();
    for _ in 0..12 {
        for sent in scene.sent().await {
            ids.push(sent.headers["webhook-id"].to_str().unwrap().to_owned());
        }
        scene.world.clock.advance(Duration::from_secs(4 * 3600));
    }
    assert_eq!(ids, vec![test.at("/message"); 10]);
    let shown = scene.world.get(&path).await;
    assert_eq!(shown.at("/error"), "example.com did otherwise");
    scene.world.courier.noted().answer = Some((200, Vec::new()));
    scene
        .world
        .post(&format!("{path}/test"), Value::Null)
        .await
        .is(202);
    assert_eq!(scene.sent().await.len(), 1);
    let shown = scene.world.get(&path).await.json();
    assert_eq!(shown["error"], Value::Null);
    assert!(shown["told_at"].is_string());
}

#[tokio::test]
async fn rules_are_a_projects_or_a_syncs_own() {
    let scene = Scene::new().await;
    let world = &scene.world;
    let (of_project, of_sync) = (
        format!("{}/alerts", scene.project),
        format!("{}/alerts", scene.sync),
    );
    let defaults = world.get(&of_project).await.is(200);
    assert_eq!(defaults.header("etag"), "\"v1\"");
    let shown = defaults.json();
    assert_eq!(
        (&shown["own"], &shown["error_rate"]["percent"]),
        (&json!(false), &json!(10))
    );
    let rate = json!({"error_rate": {"enabled": true, "percent": 5, "window_minutes": 15, "minimum": 100}});
    let changed = world.change(&of_project, rate).await.is(200);
    assert_eq!(changed.header("etag"), "\"v2\"");
    let inherited = world.get(&of_sync).await.is(200).json();
    assert_eq!(
        (&inherited["own"], &inherited["error_rate"]["percent"]),
        (&json!(false), &json!(5))
    );
    let own = world
        .change(&of_sync, json!({"calm_minutes": 30}))
        .await
        .is(200)
        .json();
    assert_eq!(
        (&own["own"], &own["error_rate"]["percent"]),
        (&json!(true), &json!(5))
    );
    // What the project changes afterwards is none of its own.
    world
        .change(&of_project, json!({"enabled": false}))
        .await
        .is(200);
    assert_eq!(world.get(&of_sync).await.json()["enabled"], true);
    let stale = world.call("DELETE", &of_sync).header("if-match", "\"v1\"");
    stale.send().await.problem(412, "precondition_failed");
    let reset = world.call("DELETE", &of_sync).send().await.is(200);
    assert_eq!(
        (reset.header("etag"), &reset.json()["enabled"]),
        ("\"v3\"", &json!(false))
    );
    for (wrong, pointer) in [
        (json!({"calm_minutes": 0}), "/calm_minutes"),
        (
            json!({"error_rate": {"percent": 100}}),
            "/error_rate/percent",
        ),
        (
            json!({"backlog_age": {"minutes": 0}}),
            "/backlog_age/minutes",
        ),
        (
            json!({"state": {"after_seconds": 86_401}}),
            "/state/after_seconds",
        ),
        (
            json!({"quiet_hours": {"from": "24:00", "until": "07:00", "time_zone": "UTC"}}),
            "/quiet_hours",
        ),
        (
            json!({"quiet_hours": {"from": "22:00", "until": "07:00", "time_zone": "Europe/Atlantis"}}),
            "/quiet_hours/time_zone",
        ),
    ] {
        let refused = world.change(&of_project, wrong.clone()).await.is(422);
        assert_eq!(refused.pointers(), [pointer], "{wrong}");
    }
}

#[tokio::test]
async fn incidents_are_listed_open_ones_first_page_by_page() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    for _ in 0..3 {
        scene.is_refused();
        scene.look_for(MINUTE).await;
        scene.is_well();
        scene.look_for(7 * MINUTE).await;
    }
    scene.is_refused();
    scene.look().await;
    let mut found = Vec::new();
    let mut query = "?limit=1".to_owned();
    loop {
        let path = format!("{}/incidents{query}", scene.project);
        let page = scene.world.get(&path).await.is(200).json();
        let item = &page["items"][0];
        found.push((
            item["ended"].is_null(),
            item["opened_at"].as_str().unwrap().to_owned(),
        ));
        match page["next"].as_str() {
            Some(next) => query = format!("?limit=1&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found.len(), 4);
    let open: Vec<_> = found.iter().map(|(open, _)| *open).collect();
    assert_eq!(open, [true, false, false, false]);
    assert!(
        found[1].1 > found[2].1 && found[2].1 > found[3].1,
        "{found:?}"
    );
    let of_sync = format!("?sync={}", id_in(&scene.sync));
    assert_eq!(scene.incidents(&of_sync).await.len(), 4);
    let other = scene
        .world
        .sync(json!({"name": "x", "url": "https://example.com"}))
        .await;
    let path = format!("{}/incidents?sync={}", scene.project, id_in(&other));
    scene.world.get(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_told_of_a_sensitive_project_quotes_no_destination() {
    let mut scene = Scene::new().await;
    scene.only_credentials().await;
    let mark = |names: Value| json!({"sensitive": {"user": names}});
    let marked = scene.world.change(&scene.project, mark(json!(["email"])));
    marked.await.is(200);
    for (kind, name) in [("webhook", "pager"), ("slack", "ops")] {
        let url = format!("https://{name}.example/a");
        let channel = json!({"kind": kind, "name": name, "url": url});
        scene.channel(channel).await;
    }
    scene.world.courier.noted().answer = Some((200, Vec::new()));
    scene.glance(|seen, now| {
        seen.health = Health::Failing;
        seen.failure = Some(Failure {
            category: Category::Unauthorized,
            status: Some(401),
            message: "ann.example.com answered 401 Unauthorized: no such user ann@example.com"
                .into(),
            response: String::new(),
        });
        (seen.last_success, seen.last_failure) = (None, Some(now));
        seen.failed = 6;
    });
    scene.look().await;
    let mut told = scene.mails().await;
    assert_eq!(told.len(), 1, "{told:?}");
    scene.is_well();
    let open = scene.incidents("?open=true").await;
    let path = format!(
        "{}/incidents/{}",
        scene.project,
        open[0]["id"].as_str().unwrap()
    );
    told.push(scene.world.get(&path).await.is(200).text);
    let seen = scene.world.call("POST", &format!("{path}/acknowledge"));
    told.push(seen.send().await.is(200).text);
    let mute = json!({"until": null});
    let muted = scene.world.post(&format!("{path}/mute"), mute).await;
    told.push(muted.is(200).text);
    told.push(open[0].to_string());
    let opened = told.len();
    let sent = scene.sent().await;
    assert_eq!(sent.len(), 2);
    let bodies = |sent: Vec<OutboundRequest>| -> Vec<String> {
        let bodies = sent.iter().map(|one| String::from_utf8_lossy(&one.body));
        bodies.map(|body| body.into_owned()).collect()
    };
    told.extend(bodies(sent));
    for text in &told {
        assert!(
            text.contains("the destination answered 401 Unauthorized"),
            "{text}"
        );
        assert!(text.contains("not shown"), "{text}");
    }
    let sample = json!({"category": "unauthorized", "status": 401});
    for (name, value) in sample.as_object().unwrap() {
        assert_eq!(&open[0]["sample"][name], value);
    }
    scene.look_for(20 * MINUTE).await;
    assert!(scene.incidents("?open=true").await.is_empty());
    told.extend(scene.mails().await);
    told.extend(bodies(scene.sent().await));
    assert_eq!(told.len(), opened + 2 + 2 + 2, "its end is told too");
    for text in &told {
        let quoted = ["ann.example.com", "ann@example.com", "no such user"];
        assert!(!quoted.iter().any(|said| text.contains(said)), "{text}");
    }
    // What was seen is kept as it was.
    let unmarked = scene.world.change(&scene.project, mark(json!([])));
    unmarked.await.is(200);
    let shown = scene.world.get(&path).await.is(200).text;
    assert!(shown.contains("no such user ann@example.com"), "{shown}");
}
