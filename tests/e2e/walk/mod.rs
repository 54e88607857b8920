//! The guide's whole walk, as people take it: a partner defines the guide's example, previews, tests and
//! submits it; a reviewer sends it back, then releases it for everyone; another organisation's user
//! connects it, and gets its next version. By the API alone, with a real mail server, a real shell and an
//! unmodified SDK.

mod cast;
mod defined;
mod reviewed;
mod upgraded;
mod used;

use serde_json::{Value, json};

use cast::Cast;

/// The endpoint's key, hostile to shells, JSON and headers.
const KEY: &str = "rest-'key'-\"4711\"$(id)";

#[tokio::test(flavor = "multi_thread")]
async fn the_guides_whole_walk() {
    let cast = Cast::gather().await;
    let lantern = defined::as_the_guide_says(&cast).await;
    lantern.is_previewed_and_tested(&cast).await;
    lantern.is_released_to_its_own_organisation(&cast).await;
    lantern.is_sent_back(&cast).await;
    lantern.is_mended_and_approved(&cast).await;
    let sync = used::connected(&cast, &lantern).await;
    sync.is_enabled_when_nothing_is_missing(&cast).await;
    sync.delivers_the_guides_payload(&cast).await;
    let sync = upgraded::to_the_next_version(&cast, &lantern, sync).await;
    upgraded::nothing_in_use_disappears(&cast, &lantern, &sync).await;
}

/// The mapping of the guide: whom the event is about, and two more that may be left out.
fn mappings() -> Value {
    json!([
        {"name": "external_id", "required": true, "help": "Whom Lantern knows your user as.",
         "suggested": {"scope": "user", "name": "crm_id"}},
        {"name": "optional_property"},
        {"name": "optional_property_again"},
    ])
}

/// The example payload of the guide, as a template. In an array of one, as the guide says that it comes.
fn template(name: &str) -> String {
    r#"{
 "external_id": "${mappedFields.external_id?json_string}",
 "app_id": "${parameters.app_id?json_string}",
 "name": "NAME",
 "time": "${input.event_time?replace(" ", "T")?keep_before(".")}Z",
<#list ["optional_property", "optional_property_again"] as field>
<#if mappedFields[field]??>
 "${field}": "${mappedFields[field]?json_string}",
</#if>
</#list>
 "properties" : {
<#list mappedProperties as name, value>
 "${name?json_string}": "${value?json_string}"<#sep>,</#sep>
</#list>
 }
}"#
    .replace("NAME", name)
}

/// The name of the event, such that no character of it breaks the JSON.
const ESCAPED: &str = "${input.event_type?json_string}";

/// What the guide prints, but for the commas behind the last members, which no JSON has.
const PAYLOAD: &str = r#"[{
 "external_id": "some user id",
 "app_id": "some app id",
 "name": "test_event_type",
 "time": "2022-01-06T17:29:04Z",
 "optional_property": "some Amplitude property",
 "optional_property_again": "some Amplitude property again",
 "properties" : {
 "test_nested_property": "some nested property",
 "library": "some library",
 "user_property_1": "some user property value 1"
 }
}]"#;

/// What the guide's event is made of, as it is streamed.
fn event() -> Value {
    json!({
        "user_id": "user-1", "event_type": "test_event_type",
        "event_time": "2022-01-06 17:29:04.000",
        "event_properties": {
            "test_nested_property": "some nested property", "library": "some library",
            "optional": "some Amplitude property", "plan": "pro", "not_selected": "stays",
        },
        "user_properties": {
            "crm_id": "some user id", "again": "some Amplitude property again",
            "user_property_1": "some user property value 1",
        },
    })
}

/// What the user of the destination fills in.
fn settings(endpoint: &str) -> Value {
    json!({
        "parameters": {
            "endpoint": {"value": endpoint}, "key": {"value": KEY}, "app_id": {"value": "some app id"},
        },
        "mappings": {
            "external_id": {"scope": "user", "name": "crm_id"},
            "optional_property": {"scope": "event", "name": "optional"},
            "optional_property_again": {"scope": "user", "name": "again"},
        },
        "properties": [
            {"scope": "event", "name": "test_nested_property"},
            {"scope": "event", "name": "library"},
            {"scope": "user", "name": "user_property_1"},
        ],
    })
}

/// The pointers of the problems in an answer.
fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("errors").iter();
    let pointers = errors.map(|error| error["pointer"].as_str().expect("a pointer"));
    pointers.collect()
}
