//! The user's part, in another organisation: from the tile to the first delivery.

use http::Method;
use serde_json::{Value, json};

use super::cast::Cast;
use super::defined::Lantern;
use super::{KEY, PAYLOAD, event, pointers, settings};
use crate::people::LIMIT;

/// The shop's sync.
pub(super) struct Sync {
    pub(super) path: String,
}

/// What the shop's app tells: what is meant for Lantern, and what is not.
pub(super) fn told() -> [(&'static str, Value); 3] {
    let properties = event()["event_properties"].clone();
    let mut free = properties.clone();
    free["plan"] = json!("free");
    [
        ("another_event_type", properties.clone()),
        ("test_event_type", free),
        ("test_event_type", properties),
    ]
}

/// Which events the shop sends: of one type, and only those of a plan.
fn filter(plan: bool) -> Value {
    let condition = json!({"all": [{"test": {
        "property": {"scope": "event", "name": "plan"}, "operator": "is", "values": ["pro"],
    }}]});
    let mut selected = json!({"event_type": "test_event_type"});
    if plan {
        selected["condition"] = condition;
    }
    json!({"send": true, "select": {"types": [selected]}})
}

/// Finds the tile and makes a sync of it, in which nothing is filled in yet.
pub(super) async fn connected(cast: &Cast, lantern: &Lantern) -> Sync {
    let found = async |query: &str| {
        let path = format!("{}/catalog?{query}", cast.shop);
        cast.user.read(&path).await["items"].clone()
    };
    for query in [
        "category=messaging",
        "text=LANTERN",
        "text=campaigns&category=messaging",
    ] {
        let tile = found(query).await[0].clone();
        assert_eq!(
            (&tile["definition"], &tile["version"]),
            (&json!(lantern.id), &json!(2)),
            "{query}"
        );
        assert_eq!(tile["approved"], true);
        assert!(tile["logo"].is_string());
    }
    assert_eq!(found("category=storage").await, json!([]));
    let shown = cast
        .user
        .read(&format!("{}/catalog/{}", cast.shop, lantern.id))
        .await;
    assert_eq!(
        shown["content"]["parameters"][0]["display_name"],
        "REST API Endpoint"
    );

    let chosen = json!({"name": "To Lantern", "definition": {"id": lantern.id}});
    let made = cast.user.post(&cast.shops_project.syncs, chosen).await;
    assert_eq!(
        (&made["enabled"], &made["definition"]["version"]),
        (&json!(false), &json!(2))
    );
    Sync {
        path: format!(
            "{}/{}",
            cast.shops_project.syncs,
            made["id"].as_str().expect("an id")
        ),
    }
}

impl Sync {
    /// All that is missing is said at once; then it is filled in, by what the project really received,
    /// and an edit shows what it means before it is made.
    pub(super) async fn is_enabled_when_nothing_is_missing(&self, cast: &Cast) {
        let user = &cast.user;
        let enable = format!("{}/enable", self.path);
        let refused = user.refused(&enable, Value::Null, 422).await;
        let missing = [
            "/parameters/endpoint",
            "/parameters/key",
            "/parameters/app_id",
            "/mappings/external_id",
        ];
        assert_eq!(pointers(&refused), missing, "{refused}");

        // What there is to choose from.
        cast.sdk_sends(&told()).await;
        let path = format!("{}/observed", cast.shops_project.path());
        let observed = user.read(&path).await;
        let types = observed["event_types"].as_array().expect("types");
        let of_type = types
            .iter()
            .find(|each| each["event_type"] == "test_event_type");
        let of_type = of_type.expect("the SDK told of it");
        assert_eq!(of_type["events"], 2);
        let names = |list: &Value| {
            let list = list.as_array().expect("a list").iter();
            list.map(|each| each["name"].clone()).collect::<Vec<_>>()
        };
        assert!(names(&of_type["properties"]).contains(&json!("test_nested_property")));
        assert!(names(&observed["user_properties"]).contains(&json!("crm_id")));

        let mut filled = settings(&cast.endpoint());
        filled["events"] = filter(false);
        let changed = user.change(&self.path, filled).await;
        assert!(!changed.to_string().contains("4711"), "{changed}");

        // Only one plan, and another app: what that means for what came is shown, and nothing is changed.
        let edit = json!({
            "events": filter(true),
            "parameters": {"endpoint": {}, "key": {}, "app_id": {"value": "some other app id"}},
        });
        let path = format!("{}/difference", self.path);
        let found = user.post(&path, json!({"changes": edit})).await;
        let count = |name: &str| found[name]["count"].as_u64().expect("a count");
        let counts = [
            "newly_matched",
            "no_longer_matched",
            "changed",
            "newly_invalid",
        ];
        assert_eq!(counts.map(count), [0, 1, 1, 0], "{found}");
        let change = &found["changed"]["samples"][0]["found"]["body"];
        let expected = json!([{
            "pointer": "/0/app_id", "before": "\"some app id\"", "after": "\"some other app id\"",
        }]);
        assert_eq!(change, &expected);
        let gone = &found["no_longer_matched"]["samples"][0]["found"];
        assert_eq!(gone["reason"], "condition", "{found}");
        assert!(!found.to_string().contains("4711"), "{found}");
        let stored = user.read(&self.path).await;
        assert_eq!(stored["parameters"]["app_id"]["value"], "some app id");

        user.change(&self.path, json!({"events": filter(true)}))
            .await;
        let enabled = user.post(&enable, Value::Null).await;
        assert_eq!(enabled["enabled"], true);
    }

    /// What the SDK sends from now on arrives as the guide prints it, and nothing else does.
    pub(super) async fn delivers_the_guides_payload(&self, cast: &Cast) {
        let received = self.next_delivery(cast).await;
        assert_eq!(
            (&*received.method, &*received.path),
            ("POST", "/hook/events")
        );
        let authorization = format!("Bearer {KEY}");
        assert_eq!(received.header("authorization"), Some(&*authorization));
        assert_eq!(received.header("content-type"), Some("application/json"));
        assert_eq!(received.body, PAYLOAD);
        let status = cast.user.read(&format!("{}/status", self.path)).await;
        assert_eq!(status["counts"]["discarded"], 0, "{status}");
    }

    /// Has the SDK tell everything once more; the one request that is made of it.
    pub(super) async fn next_delivery(&self, cast: &Cast) -> millstream_e2e::Received {
        let before = cast.receiver.count();
        cast.sdk_sends(&told()).await;
        cast.receiver.wait_for(before + 1, LIMIT).await;
        self.is_settled(cast).await;
        assert_eq!(
            cast.receiver.count(),
            before + 1,
            "nothing else is meant for it"
        );
        cast.receiver.received()[before].clone()
    }

    /// Waits until the sync has nothing left to do.
    async fn is_settled(&self, cast: &Cast) {
        millstream_e2e::eventually("all is settled", LIMIT, async || {
            let path = format!("{}/status", self.path);
            let status = cast.user.call(Method::GET, &path, None).await.json();
            status["backlog"] == 0
        })
        .await;
    }
}
