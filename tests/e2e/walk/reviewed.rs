//! The reviewer's part: sent back once, then approved, and the letters about it.

use millstream_e2e::Reply;
use serde_json::{Value, json};

use super::cast::Cast;
use super::defined::Lantern;
use super::{ESCAPED, PAYLOAD, event, settings, template};

impl Lantern {
    /// Where a reviewer finds a version.
    pub(super) fn review(&self, version: u32) -> String {
        format!("/installation/reviews/{}/versions/{version}", self.id)
    }

    /// Asks for a review, of which the reviewer is told.
    pub(super) async fn is_submitted(&self, cast: &Cast, version: u32) {
        let submit = format!("{}/versions/{version}/submit", self.path);
        let submitted = cast.author.post(&submit, Value::Null).await;
        assert_eq!(submitted["state"], "submitted");
        let (subject, text) = cast.post.next_to(&cast.reviewer.email).await;
        assert_eq!(
            subject,
            format!("Lantern (version {version}) waits for your review")
        );
        assert!(text.contains("Lantern Ltd"), "{text}");
        let page = format!("/reviews/{}/{version}", self.id);
        assert!(text.contains(&page), "{text}");
        let (subject, _) = cast.post.next_to(&cast.author.email).await;
        assert_eq!(
            subject,
            format!("Lantern (version {version}) waits for a review")
        );
        let waiting = cast.reviewer.read("/installation/reviews").await;
        let waiting = &waiting["items"][0];
        assert_eq!(
            (&waiting["definition"], &waiting["version"]),
            (&json!(self.id), &json!(version))
        );
    }

    /// The reviewer sends a test event of a version.
    pub(super) async fn is_tested_by_the_reviewer(
        &self,
        cast: &Cast,
        version: u32,
        settings: &Value,
    ) {
        let input = json!({"settings": settings, "event": event()});
        let tested = cast
            .reviewer
            .post(&format!("{}/test", self.review(version)), input)
            .await;
        assert_eq!(tested["verdict"], "delivered", "{tested}");
    }

    /// The reviewer decides, of which the author is told; what the letter says.
    pub(super) async fn is_decided(
        &self,
        cast: &Cast,
        version: u32,
        decision: Value,
    ) -> (String, String) {
        let path = format!("{}/decision", self.review(version));
        cast.reviewer.post(&path, decision).await;
        cast.post.next_to(&cast.author.email).await
    }

    /// What isn't good yet is said of each field.
    pub(super) async fn is_sent_back(&self, cast: &Cast) {
        self.is_submitted(cast, 1).await;
        let seen = cast.reviewer.read(&self.review(1)).await;
        assert_eq!(
            (&seen["approved"], &seen["difference"]),
            (&Value::Null, &Value::Null)
        );
        let before = cast.receiver.count();
        self.is_tested_by_the_reviewer(cast, 1, &settings(&cast.endpoint()))
            .await;
        assert_eq!(cast.receiver.received()[before].body, PAYLOAD);
        let silent = json!({"decision": "return"});
        cast.reviewer
            .refused(&format!("{}/decision", self.review(1)), silent, 422)
            .await;
        let comments = json!([
            {"pointer": "/events/body", "comment": "Quotes in an event's type break the JSON."},
            {"pointer": "/about/summary", "comment": "Say what Lantern is."},
        ]);
        let returned = json!({"decision": "return", "note": "Nearly there.", "comments": comments});
        let (subject, text) = self.is_decided(cast, 1, returned).await;
        assert_eq!(subject, "Lantern (version 1) was sent back");
        for said in [
            "Nearly there.",
            "/events/body",
            "break the JSON",
            "/about/summary",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let own = cast.author.read(&format!("{}/versions/1", self.path)).await;
        assert_eq!(
            (&own["state"], &own["comments"]),
            (&json!("returned"), &comments)
        );
    }

    /// The author does what the linter proposes, and submits the next version.
    pub(super) async fn is_mended_and_approved(&self, cast: &Cast) {
        let lint = format!("{}/lint", self.path);
        let found = cast.author.post(&lint, json!({})).await;
        let finding = &found["findings"][0];
        assert_eq!(
            (&finding["code"], &finding["line"]),
            (&json!("unescaped"), &json!(4)),
            "{found}"
        );
        let mend = &finding["mend"];
        let byte = |name: &str| mend[name].as_u64().expect("a number") as usize;
        let mut body = template("${input.event_type}");
        body.replace_range(
            byte("start_byte")..byte("end_byte"),
            mend["replacement"].as_str().expect("a text"),
        );
        assert_eq!(body, template(ESCAPED));
        let draft = cast.author.read(&self.path).await["draft"].clone();
        let (mut events, mut about) = (draft["events"].clone(), draft["about"].clone());
        events["body"] = json!(body);
        about["summary"] = json!("A light for every user: campaigns by what they do.");
        let mended = json!({"events": events, "about": about});
        cast.author.change(&self.path, mended).await;
        let found = cast.author.post(&lint, json!({})).await;
        assert_eq!(found["findings"], json!([]));

        let released = cast
            .author
            .post(&format!("{}/release", self.path), Value::Null)
            .await;
        assert_eq!(released["version"], 2);
        self.is_submitted(cast, 2).await;
        cast.receiver.script(|_| Reply::Status(200));
        self.is_tested_by_the_reviewer(cast, 2, &settings(&cast.endpoint()))
            .await;
        let approved = json!({"decision": "approve", "note": "Welcome."});
        let (subject, text) = self.is_decided(cast, 2, approved).await;
        assert_eq!(subject, "Lantern (version 2) was approved");
        assert!(text.contains("everyone finds it in the catalog"), "{text}");
    }
}
