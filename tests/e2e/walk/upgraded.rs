//! The next version: what it would bring is seen, filled in and delivered; then the destination goes out
//! of the catalog, and what is connected stays.

use serde_json::{Value, json};

use super::cast::Cast;
use super::defined::Lantern;
use super::used::Sync;
use super::{ESCAPED, PAYLOAD, pointers, settings, template};

/// What is sent by the next version.
fn next_payload() -> String {
    PAYLOAD.replace(
        "{\n \"external_id\"",
        "{\n \"workspace\": \"north \\\"1\\\"\",\n \"external_id\"",
    )
}

fn next_body() -> String {
    let workspace = "{\n \"workspace\": \"${parameters.workspace?json_string}\",\n \"external_id\"";
    template(ESCAPED).replace("{\n \"external_id\"", workspace)
}

/// The pointers of the templates that differ.
fn templates(difference: &Value) -> Vec<&str> {
    let templates = difference["templates"]
        .as_array()
        .expect("templates")
        .iter();
    let pointers = templates.map(|template| template["pointer"].as_str().expect("a pointer"));
    pointers.collect()
}

/// The partner's next version asks for more; the user sees what it means, and takes it.
pub(super) async fn to_the_next_version(cast: &Cast, lantern: &Lantern, sync: Sync) -> Sync {
    let (author, user) = (&cast.author, &cast.user);
    let draft = author.read(&lantern.path).await["draft"].clone();
    let (mut events, mut parameters) = (draft["events"].clone(), draft["parameters"].clone());
    events["url"] = json!("${parameters.endpoint}/v2/events");
    events["body"] = json!(next_body());
    let workspace = json!({"name": "workspace", "display_name": "Workspace", "required": true});
    parameters.as_array_mut().expect("a list").push(workspace);
    let next = json!({"events": events, "parameters": parameters});
    author.change(&lantern.path, next).await;
    let released = author
        .post(&format!("{}/release", lantern.path), Value::Null)
        .await;
    assert_eq!(released["version"], 3);

    // The reviewer sees what is new.
    lantern.is_submitted(cast, 3).await;
    let review = cast.reviewer.read(&lantern.review(3)).await;
    let difference = &review["difference"]["definition"];
    assert_eq!(difference["parameters"][0]["name"], "workspace", "{review}");
    assert_eq!(templates(difference), ["/events/url", "/events/body"]);
    assert_eq!(review["difference"]["catalog"], json!([]));
    let mut tested = settings(&cast.endpoint());
    tested["parameters"]["workspace"] = json!({"value": "north"});
    lantern.is_tested_by_the_reviewer(cast, 3, &tested).await;
    let approved = json!({"decision": "approve", "note": ""});
    let (subject, _) = lantern.is_decided(cast, 3, approved).await;
    assert_eq!(subject, "Lantern (version 3) was approved");

    // The sync stays until its user has seen the difference.
    let path = format!("{}/upgrade", sync.path);
    let shown = user.read(&path).await;
    assert_eq!((&shown["from"], &shown["to"]), (&json!(2), &json!(3)));
    assert_eq!(
        templates(&shown["definition"]),
        ["/events/url", "/events/body"]
    );
    assert_eq!(
        shown["missing"][0]["pointer"], "/parameters/workspace",
        "{shown}"
    );
    assert_eq!(
        (&shown["dropped"], &shown["secrets_needed"]),
        (&json!([]), &json!([]))
    );
    let refused = user.refused(&path, json!({"to": 3}), 422).await;
    assert_eq!(pointers(&refused), ["/changes/parameters/workspace"]);
    assert_eq!(sync.next_delivery(cast).await.body, PAYLOAD);

    let filled = json!({"parameters": {
        "endpoint": {}, "key": {}, "app_id": {}, "workspace": {"value": "north \"1\""},
    }});
    let upgrade = json!({"to": 3, "changes": filled});
    let means = user
        .post(&format!("{}/difference", sync.path), upgrade.clone())
        .await;
    let changed = &means["changed"];
    // Each of the three times that the SDK has told its story.
    assert_eq!(changed["count"], 3, "{means}");
    let found = &changed["samples"][0]["found"];
    let after = json!(format!("{}/v2/events", cast.endpoint()));
    assert_eq!(found["url"]["after"], after);
    let body = json!([{
        "pointer": "/0/workspace", "before": null, "after": "\"north \\\"1\\\"\"",
    }]);
    assert_eq!(found["body"], body);

    let upgraded = user.post(&path, upgrade).await;
    assert_eq!(upgraded["definition"]["version"], 3);
    let received = sync.next_delivery(cast).await;
    assert_eq!(
        (&*received.path, received.body),
        ("/hook/v2/events", next_payload().into())
    );
    let versions = user.read(&format!("{}/versions", sync.path)).await;
    assert_eq!(versions["items"][0]["by"], cast.user.email, "{versions}");
    sync
}

/// A submission is withdrawn; then the destination is deprecated and archived, and the sync goes on.
pub(super) async fn nothing_in_use_disappears(cast: &Cast, lantern: &Lantern, sync: &Sync) {
    let author = &cast.author;
    author
        .change(&lantern.path, json!({"typed_properties": true}))
        .await;
    author
        .post(&format!("{}/release", lantern.path), Value::Null)
        .await;
    lantern.is_submitted(cast, 4).await;
    let withdrawn = author
        .post(
            &format!("{}/versions/4/withdraw", lantern.path),
            Value::Null,
        )
        .await;
    assert_eq!(withdrawn["state"], "internal");
    let (subject, _) = cast.post.next_to(&cast.reviewer.email).await;
    assert_eq!(subject, "Lantern (version 4) was withdrawn");
    assert_eq!(
        cast.reviewer.read("/installation/reviews").await["items"],
        json!([])
    );

    let catalog = format!("{}/catalog?text=lantern", cast.shop);
    let another = json!({"name": "One more", "definition": {"id": lantern.id}});
    for (listing, shown) in [("deprecated", 1), ("archived", 0)] {
        author
            .put(
                &format!("{}/listing", lantern.path),
                json!({"listing": listing}),
            )
            .await;
        let tiles = cast.user.read(&catalog).await;
        assert_eq!(
            tiles["items"].as_array().map(Vec::len),
            Some(shown),
            "{listing}"
        );
        let refused = cast.user.call(
            http::Method::POST,
            &cast.shops_project.syncs,
            Some(&another),
        );
        assert!(!refused.await.status.is_success(), "{listing}");
        let deleted = author.call(http::Method::DELETE, &lantern.path, None).await;
        assert_eq!(deleted.status, 409, "{listing}");
        assert_eq!(sync.next_delivery(cast).await.body, next_payload());
        let stored = cast.user.read(&sync.path).await;
        assert_eq!(stored["definition"]["version"], 3, "{listing}");
    }
    // Even back to the version that it had before.
    let versions = cast.user.read(&format!("{}/versions", sync.path)).await;
    let before = &versions["items"][1]["version"];
    let restore = format!("{}/versions/{before}/restore", sync.path);
    cast.user.post(&restore, Value::Null).await;
    assert_eq!(sync.next_delivery(cast).await.body, PAYLOAD);
}
