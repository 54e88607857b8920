//! The life of a destination definition, from its draft to everyone's catalog.

use std::time::Duration;

use model::OrganisationId;
use model::access::{InstallationRights, Role};
use serde_json::{Value, json};

use super::World;
use super::call::Answer;
use super::world::{PUBLIC_URL, Somebody};

/// A definition after the guide's example.
pub(super) fn example(name: &str) -> Value {
    json!({
        "display_name": name,
        "about": {"category": "messaging", "summary": "Sends mail.", "description": "**Mail**."},
        "parameters": [
            {"name": "endpoint", "display_name": "API Endpoint", "kind": "url", "required": true},
            {"name": "key", "display_name": "REST API Key", "kind": "secret", "required": true},
        ],
        "mappings": [{"name": "external_id", "required": true}],
        "events": {
            "method": "POST",
            "url": "${parameters.endpoint}/events",
            "headers": [{"name": "Authorization", "value": "Bearer ${parameters.key}"}],
            "body": "{\"external_id\": \"${mappedFields.external_id?json_string}\"}",
        },
    })
}

/// Organisations whose people take part.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) partner: Somebody,
    reviewer: Somebody,
    /// Of another organisation, and that one's path.
    pub(super) stranger: Somebody,
    other: OrganisationId,
    elsewhere: String,
}

impl Stage {
    pub(super) async fn new() -> Self {
        let world = World::new().await;
        let partner = world.person(Role::Partner).await;
        let reviewer = InstallationRights {
            operator: false,
            reviewer: true,
        };
        let reviewer = world.person_with(reviewer).await;
        let other = world.another_organisation("Elsewhere").await;
        let stranger = world.person_in(other, Role::Member).await;
        Self {
            world,
            partner,
            reviewer,
            stranger,
            other,
            elsewhere: format!("/organisations/{other}"),
        }
    }

    pub(super) fn own(&self, path: &str) -> String {
        self.world.of_organisation(path)
    }

    async fn ask(&self, who: &Somebody, method: &str, path: &str, body: Value) -> Answer {
        // What is asked later is told later.
        self.world.clock.advance(Duration::from_secs(1));
        let call = self.world.call(method, path).token(Some(&who.token));
        let call = call.header("if-match", "*");
        match body {
            Value::Null => call.send().await,
            body => call.json(body).send().await,
        }
    }

    pub(super) async fn partner(&self, method: &str, path: impl AsRef<str>, body: Value) -> Answer {
        self.ask(&self.partner, method, &self.own(path.as_ref()), body)
            .await
    }

    async fn reviewer(&self, method: &str, path: impl AsRef<str>, body: Value) -> Answer {
        let path = format!("/installation/reviews{}", path.as_ref());
        self.ask(&self.reviewer, method, &path, body).await
    }

    /// The catalog as the other organisation sees it: names and versions.
    async fn catalog(&self) -> Vec<(String, u64)> {
        let path = format!("{}/catalog", self.elsewhere);
        let answer = self.ask(&self.stranger, "GET", &path, Value::Null).await;
        let answer = answer.is(200).json();
        let tiles = answer["items"].as_array().unwrap().iter();
        let tiles = tiles.map(|tile| {
            let name = tile["display_name"].as_str().unwrap().to_owned();
            (name, tile["version"].as_u64().unwrap())
        });
        tiles.filter(|(name, _)| name != "Webhook").collect()
    }
}

#[tokio::test]
async fn a_definition_goes_from_draft_to_everyones_catalog() {
    let stage = Stage::new().await;
    let made = stage.partner("POST", "/definitions", example("Mail tool"));
    let made = made.await.is(201).json();
    assert_eq!(
        (&made["newest"], &made["revision"]),
        (&json!(null), &json!(1))
    );
    let path = format!("/definitions/{}", made["id"].as_str().unwrap());
    assert_eq!(stage.catalog().await, []);

    // The partner's own can connect it at once.
    let released = stage.partner("POST", format!("{path}/release"), Value::Null);
    let released = released.await.is(201).json();
    assert_eq!(
        (&released["version"], &released["state"]),
        (&json!(1), &json!("internal"))
    );
    let tile = stage.partner("GET", path.replace("definitions", "catalog"), Value::Null);
    let tile = tile.await.is(200).json();
    assert_eq!(tile["tile"]["approved"], false);
    assert_eq!(tile["content"]["parameters"][1]["kind"], "secret");
    assert_eq!(stage.catalog().await, []);

    let first = format!("{path}/versions/1");
    let submit = |version: &str| format!("{path}/versions/{version}/submit");
    stage
        .partner("POST", submit("1"), Value::Null)
        .await
        .is(200);
    let queue = stage.reviewer("GET", "", Value::Null).await.is(200).json();
    assert_eq!(queue["items"][0]["content"]["display_name"], "Mail tool");
    let review = |version: u32| {
        let id = made["id"].as_str().unwrap();
        format!("/{id}/versions/{version}")
    };
    let shown = stage.reviewer("GET", review(1), Value::Null);
    assert_eq!(shown.await.is(200).json()["approved"], Value::Null);

    // Sent back with a comment, the partner mends it in a second version.
    let decision = |version| format!("{}/decision", review(version));
    let silent = json!({"decision": "return"});
    let refused = stage.reviewer("POST", decision(1), silent).await;
    assert_eq!(
        refused.problem(422, "invalid_fields")["errors"][0]["pointer"],
        "/note"
    );
    let page = format!("{PUBLIC_URL}reviews/{}/1", made["id"].as_str().unwrap());
    assert_eq!(
        stage.world.letter_to(&stage.reviewer.email).await,
        format!("Submitted Mail tool 1:  {page}")
    );
    let own = format!(
        "{PUBLIC_URL}o/{}/destinations/{}",
        stage.world.organisation,
        made["id"].as_str().unwrap()
    );
    assert_eq!(
        stage.world.letter_to(&stage.partner.email).await,
        format!("Submitted Mail tool 1:  {own}")
    );
    let astray = json!([{"pointer": "/nonsense/9", "comment": "?"}, {"pointer": "/surplus", "comment": "?"}]);
    let astray = json!({"decision": "return", "comments": astray});
    let refused = stage.reviewer("POST", decision(1), astray).await;
    let refused = refused.problem(422, "invalid_fields");
    assert_eq!(refused["errors"][0]["pointer"], "/comments/0/pointer");
    assert_eq!(refused["errors"][1]["pointer"], "/comments/1/pointer");
    let comments = json!([{"pointer": "/events/url", "comment": "use the v2 address"}]);
    let back = json!({"decision": "return", "comments": comments});
    stage.reviewer("POST", decision(1), back).await.is(200);
    assert_eq!(
        stage.world.letter_to(&stage.partner.email).await,
        format!("Returned Mail tool 1:  use the v2 address {own}")
    );
    let read = stage
        .partner("GET", &first, Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(
        (&read["state"], &read["comments"]),
        (&json!("returned"), &comments)
    );
    let again = stage.partner("POST", submit("1"), Value::Null).await;
    again.problem(409, "conflict");
    let mut events = example("")["events"].clone();
    events["url"] = json!("${parameters.endpoint}/v2/events");
    let mended = stage.partner("PATCH", &path, json!({"events": events}));
    mended.await.is(200);
    let release = format!("{path}/release");
    stage.partner("POST", &release, Value::Null).await.is(201);
    stage
        .partner("POST", submit("2"), Value::Null)
        .await
        .is(200);
    let approve = json!({"decision": "approve", "note": "thanks"});
    let approved = stage.reviewer("POST", decision(2), approve);
    assert_eq!(approved.await.is(200).json()["state"], "approved");
    assert_eq!(
        stage.world.letter_to(&stage.partner.email).await,
        format!("Approved(Listed) Mail tool 2: thanks {own}")
    );
    assert_eq!(stage.catalog().await, [("Mail tool".to_owned(), 2)]);
    assert_eq!(
        stage.reviewer("GET", "", Value::Null).await.is(200).json()["items"],
        json!([])
    );

    // A third is seen beside what everyone has, and is nobody else's while it isn't approved.
    stage.partner("POST", &release, Value::Null).await.is(201);
    stage
        .partner("POST", submit("3"), Value::Null)
        .await
        .is(200);
    let shown = stage
        .reviewer("GET", review(3), Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(shown["approved"]["events"]["url"], events["url"]);
    assert_eq!(stage.catalog().await, [("Mail tool".to_owned(), 2)]);
    let versions = format!("{path}/versions?limit=2");
    let page = stage
        .partner("GET", &versions, Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(
        (&page["items"][0]["version"], &page["next"]),
        (&json!(3), &json!("2"))
    );

    let archived = stage.partner(
        "PUT",
        format!("{path}/listing"),
        json!({"listing": "archived"}),
    );
    archived.await.is(200);
    assert_eq!(stage.catalog().await, []);
}

#[tokio::test]
async fn a_draft_that_is_not_sound_is_kept_and_not_released() {
    let stage = Stage::new().await;
    let mut broken = example("Broken");
    broken["events"]["body"] = json!("{\n  \"id\": \"${mappedFields.externalid}\"}");
    let made = stage
        .partner("POST", "/definitions", broken)
        .await
        .is(201)
        .json();
    let path = format!("/definitions/{}", made["id"].as_str().unwrap());
    let check = stage.partner("GET", format!("{path}/check"), Value::Null);
    let check = check.await.is(200).json();
    let problem = json!([{
        "pointer": "/events/body",
        "message": "unknown mapped field \"externalid\": did you mean external_id?",
        "line": 2, "column": 12,
    }]);
    assert_eq!(check["problems"], problem);
    assert_eq!(check["warnings"][0]["pointer"], "/mappings/0");
    let used = json!([{"pointer": "/events/url", "line": 1, "column": 3}]);
    let endpoint = json!({"name": "endpoint", "declared": true, "used": used});
    assert_eq!(check["parameters"][0], endpoint);

    let release = stage
        .partner("POST", format!("{path}/release"), Value::Null)
        .await;
    assert_eq!(
        release.problem(422, "definition_not_ready")["errors"],
        problem
    );
}

#[tokio::test]
async fn what_cannot_be_a_definition_is_refused_where_it_stands() {
    let stage = Stage::new().await;
    let made = stage
        .partner("POST", "/definitions", example("Taken"))
        .await
        .is(201);
    let path = format!("/definitions/{}", made.at("/id"));
    for (body, pointer) in [
        (json!({}), "/display_name"),
        (json!({"display_name": "  "}), "/display_name"),
        (json!({"display_name": "taken "}), "/display_name"),
        (json!({"display_name": "Webhook"}), "/display_name"),
        (
            json!({"display_name": "x", "own_templates": true}),
            "/own_templates",
        ),
        (
            json!({"display_name": "x", "events": {"url": "", "method": "GET"}}),
            "/events/method",
        ),
        (
            json!({"display_name": "x", "parameters": [{"name": "a", "display_name": "A", "kind": "file"}]}),
            "/parameters/0/kind",
        ),
        (
            json!({"display_name": "x", "about": {"description": "x".repeat(600_000)}}),
            "",
        ),
    ] {
        let answer = stage.partner("POST", "/definitions", body).await;
        let problem = answer.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let all = stage
        .partner("GET", "/definitions", Value::Null)
        .await
        .is(200)
        .json();
    assert_eq!(all["items"].as_array().unwrap().len(), 1);

    // A lost update is refused.
    let late = stage
        .world
        .call("PATCH", &stage.own(&path))
        .header("if-match", "\"v7\"");
    let late = late.json(json!({"typed_properties": true})).send().await;
    late.problem(412, "precondition_failed");
    let late = stage
        .world
        .call("POST", &stage.own(&format!("{path}/release")));
    late.send().await.problem(428, "precondition_required");
}

#[tokio::test]
async fn reviewers_are_told_of_what_is_withdrawn_and_a_former_member_of_nothing() {
    let stage = Stage::new().await;
    let made = stage.partner("POST", "/definitions", example("Mail tool"));
    let path = format!("/definitions/{}", made.await.is(201).at("/id"));
    let step = async |step: &str| {
        let stepped = stage.partner("POST", format!("{path}/{step}"), Value::Null);
        stepped.await
    };
    step("release").await.is(201);
    step("versions/1/submit").await.is(200);
    step("versions/1/withdraw").await.is(200);
    let told = || stage.world.letter_to(&stage.reviewer.email);
    let page = format!(
        "{PUBLIC_URL}reviews/{}/1",
        path.trim_start_matches("/definitions/")
    );
    assert_eq!(told().await, format!("Withdrawn Mail tool 1:  {page}"));
    // One that was refused is told to nobody.
    step("versions/1/withdraw").await.problem(409, "conflict");
    step("versions/1/submit").await.is(200);
    assert_eq!(told().await, format!("Submitted Mail tool 1:  {page}"));
    let letters = async || {
        stage
            .world
            .store
            .mails(None, None, 200)
            .await
            .unwrap()
            .items
    };
    // Three steps, each told to the reviewer and the author.
    assert_eq!(letters().await.len(), 6);

    let member = format!("/members/{}", stage.partner.id);
    let removed = stage.world.call("DELETE", &stage.own(&member)).send();
    removed.await.is(204);
    let review = format!(
        "{}/decision",
        path.replace("/definitions", "") + "/versions/1"
    );
    let approve = json!({"decision": "approve"});
    stage.reviewer("POST", review, approve).await.is(200);
    // The only reviewer has decided, and the author is no member any more.
    assert_eq!(letters().await.len(), 6);
}

#[tokio::test]
async fn who_submits_without_end_is_stopped_and_keeps_reviewers_from_hearing_of_nobody_else() {
    let stage = Stage::new().await;
    let owner = stage.world.person_in(stage.other, Role::Owner).await;
    // Four destinations, submitted and withdrawn as often as may be: more letters than an hour brings of one
    // organisation.
    for number in 0..4 {
        let made = stage.partner("POST", "/definitions", example(&format!("Noise {number}")));
        let path = format!("/definitions/{}", made.await.is(201).at("/id"));
        let step = async |step: &str| {
            let stepped = stage.partner("POST", format!("{path}/{step}"), Value::Null);
            stepped.await
        };
        step("release").await.is(201);
        for _ in 0..6 {
            step("versions/1/submit").await.is(200);
            step("versions/1/withdraw").await.is(200);
        }
        let refused = step("versions/1/submit").await;
        refused.problem(429, "too_many_letters");
        assert!(!refused.header("retry-after").is_empty());
    }
    let told = async || {
        let mails = stage.world.store.mails(None, None, 200).await.unwrap();
        let mails = mails.items.into_iter();
        mails
            .filter(|mail| mail.recipient == stage.reviewer.email)
            .count()
    };
    let noise = told().await;
    assert!(noise <= 20, "{noise}");

    // Another organisation's is heard of, and so is what becomes of it.
    let post = async |path: String, body| stage.ask(&owner, "POST", &path, body).await;
    let theirs = format!("{}/definitions", stage.elsewhere);
    let made = post(theirs.clone(), example("Quiet")).await.is(201);
    let id = made.at("/id");
    post(format!("{theirs}/{id}/release"), Value::Null)
        .await
        .is(201);
    post(format!("{theirs}/{id}/versions/1/submit"), Value::Null)
        .await
        .is(200);
    assert_eq!(told().await, noise + 1);
    let heard = stage.world.letter_to(&stage.reviewer.email).await;
    assert!(heard.starts_with("Submitted Quiet 1"), "{heard}");

    // What was decided reaches an author, however many letters they got.
    let made = stage.partner("POST", "/definitions", example("Late")).await;
    let late = made.is(201).at("/id");
    for step in ["release", "versions/1/submit"] {
        let path = format!("/definitions/{late}/{step}");
        stage.partner("POST", path, Value::Null).await;
    }
    let unheard = stage.world.letter_to(&stage.partner.email).await;
    assert!(unheard.contains("Noise"), "{unheard}");
    let returned = json!({"decision": "return", "note": "too loud"});
    let decision = format!("/{late}/versions/1/decision");
    stage.reviewer("POST", decision, returned).await.is(200);
    let heard = stage.world.letter_to(&stage.partner.email).await;
    assert!(heard.starts_with("Returned Late 1: too loud"), "{heard}");
}

#[tokio::test]
async fn of_an_archived_definition_nobody_is_told_that_the_catalog_has_it() {
    let stage = Stage::new().await;
    let made = stage.partner("POST", "/definitions", example("Mail tool"));
    let path = format!("/definitions/{}", made.await.is(201).at("/id"));
    for step in ["release", "versions/1/submit"] {
        let stepped = stage.partner("POST", format!("{path}/{step}"), Value::Null);
        stepped.await;
    }
    let archived = json!({"listing": "archived"});
    let archived = stage.partner("PUT", format!("{path}/listing"), archived);
    archived.await.is(200);
    let decision = path.replace("/definitions", "") + "/versions/1/decision";
    let approved = stage.reviewer("POST", decision, json!({"decision": "approve"}));
    approved.await.is(200);
    let told = stage.world.letter_to(&stage.partner.email).await;
    assert!(told.starts_with("Approved(Archived) "), "{told}");
}

#[tokio::test]
async fn reviewers_bar_a_destination_and_nobody_else_puts_it_back() {
    let stage = Stage::new().await;
    let made = stage.partner("POST", "/definitions", example("Mail tool"));
    let path = format!("/definitions/{}", made.await.is(201).at("/id"));
    let id = path.replace("/definitions", "");
    let bar = async |barred, note: &str| {
        let body = json!({"barred": barred, "note": note});
        stage.reviewer("PUT", format!("{id}/barring"), body).await
    };
    // Nobody else knows of it.
    bar(true, "no").await.problem(404, "not_found");
    for step in ["release", "versions/1/submit"] {
        let stepped = stage.partner("POST", format!("{path}/{step}"), Value::Null);
        stepped.await;
    }
    let approve = json!({"decision": "approve"});
    let approved = stage.reviewer("POST", format!("{id}/versions/1/decision"), approve);
    approved.await.is(200);
    assert_eq!(stage.catalog().await, [("Mail tool".to_owned(), 1)]);

    let silent = bar(true, " ").await.problem(422, "invalid_fields");
    assert_eq!(silent["errors"][0]["pointer"], "/note");
    assert_eq!(
        bar(true, "it loses mail").await.is(200).at("/listing"),
        "barred"
    );
    assert_eq!(stage.catalog().await, []);
    let told = stage.world.letter_to(&stage.partner.email).await;
    assert!(
        told.starts_with("Barred Mail tool 1: it loses mail "),
        "{told}"
    );
    let listing = async |listing: &str| {
        let body = json!({"listing": listing});
        stage.partner("PUT", format!("{path}/listing"), body).await
    };
    listing("listed").await.problem(409, "conflict");
    assert_eq!(bar(false, "").await.is(200).at("/listing"), "listed");
    assert_eq!(stage.catalog().await, [("Mail tool".to_owned(), 1)]);
    listing("barred").await.problem(422, "invalid_fields");
    listing("deprecated").await.is(200);
}
