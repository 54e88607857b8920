//! Where browsers are sent, and what is known of the provider.

use std::collections::HashMap;

use model::access::Role;
use openidconnect::url::Url;
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use serde_json::{Value, json};

use super::{MINUTE, Scene};
use crate::portal::World;
use crate::portal::provider::{Acme, CLIENT_SECRET, ISSUER};

#[tokio::test]
async fn providers_are_listed_for_everyone_without_what_is_secret() {
    let scene = Scene::new(Acme::config()).await;
    let answer = scene.world.anonymous("GET", "/session/openid").send().await;
    let expected = json!({"providers": [{"id": "acme", "name": "Acme"}], "sends_mail": false});
    assert_eq!(answer.is(200).json(), expected);
    let nothing = World::new().await;
    let answer = nothing.anonymous("GET", "/session/openid").send().await;
    assert_eq!(answer.json(), json!({"providers": [], "sends_mail": false}));
}

#[tokio::test]
async fn a_browser_is_sent_to_the_provider_with_proofs_that_only_it_can_complete() {
    let scene = Scene::new(Acme::config()).await;
    let (begun, other) = (scene.begin().await, scene.begin().await);
    assert!(
        begun
            .location
            .as_str()
            .starts_with(&format!("{ISSUER}/authorize?"))
    );
    let query = &begun.query;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "millstream"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
        (
            "redirect_uri",
            "https://millstream.example.com/api/v1/session/openid/callback",
        ),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert!(query[name].len() >= 43, "{name}");
        assert_ne!(query[name], other.query[name], "{name}");
        assert!(!begun.cookie.contains(&query[name]), "{name}");
    }
    let start = "/session/openid/acme/start";
    let answer = scene.world.anonymous("GET", start).send().await;
    let cookie = answer.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Max-Age=600", "Secure"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }

    scene.vouch(&begun, json!({}));
    scene.come_back(&begun.cookie, &query["state"]).await;
    let redeemed = scene.acme.says().redeemed.clone();
    let form = format!("https://x/?{redeemed}").parse::<Url>().unwrap();
    let form: HashMap<String, String> = form.query_pairs().into_owned().collect();
    assert_eq!(form["code"], "c0de");
    let verifier = PkceCodeVerifier::new(form["code_verifier"].clone());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    assert_eq!(challenge.as_str(), query["code_challenge"]);
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_or_an_unknown_provider() {
    let scene = Scene::new(Acme::config()).await;
    for path in [
        "https://evil.example",
        "//evil.example",
        "/%5Cevil.example",
        "a",
        "",
    ] {
        let start = format!("/session/openid/acme/start?return_to={path}");
        let answer = scene.world.anonymous("GET", &start).send().await;
        answer.problem(400, "malformed_query");
    }
    let unknown = scene.world.anonymous("GET", "/session/openid/other/start");
    unknown.send().await.problem(404, "not_found");
}

#[tokio::test]
async fn what_the_provider_says_of_itself_is_remembered_for_an_hour() {
    let scene = Scene::new(Acme::config()).await;
    let discovery = "/.well-known/openid-configuration";
    scene.begin().await;
    scene.world.clock.advance(59 * MINUTE);
    scene.begin().await;
    assert_eq!(scene.acme.asked(discovery), 1);
    scene.world.clock.advance(MINUTE);
    scene.begin().await;
    assert_eq!(
        (scene.acme.asked(discovery), scene.acme.asked("/keys")),
        (2, 2)
    );
}

#[tokio::test]
async fn an_unknown_key_makes_us_ask_once_and_not_again_within_half_a_minute() {
    let scene = Scene::new(Acme::config()).await;
    let world = &scene.world;
    world
        .account(world.organisation, Role::Member, "ann@example.com")
        .await;
    scene.sign_in(json!({})).await.signed_in();
    scene.acme.change_key("second");
    scene.sign_in(json!({})).await.signed_in();
    assert_eq!(scene.acme.asked("/keys"), 2);
    scene.acme.change_key("third");
    let answer = scene.sign_in(json!({})).await;
    answer.refused("provider_not_trusted");
    assert_eq!(scene.acme.asked("/keys"), 2);
    world.clock.advance(MINUTE / 2);
    scene.sign_in(json!({})).await.signed_in();
    assert_eq!(scene.acme.asked("/keys"), 3);
}

#[tokio::test]
async fn a_provider_that_is_down_or_unsafe_is_said_to_be_unavailable() {
    let scene = Scene::new(Acme::config()).await;
    let start = async || {
        let path = "/session/openid/acme/start";
        scene.world.anonymous("GET", path).send().await.is(303)
    };
    scene.acme.says().down = true;
    start().await.refused("provider_unavailable");
    // Nobody asks again at once.
    scene.acme.says().down = false;
    let asked = scene.acme.says().asked.len();
    start().await.refused("provider_unavailable");
    assert_eq!(scene.acme.says().asked.len(), asked);

    let document = scene.acme.says().document.clone();
    for (name, value) in [
        ("token_endpoint", json!("http://id.example.com/token")),
        ("token_endpoint", Value::Null),
        ("jwks_uri", json!("http://10.0.0.1/keys")),
        ("authorization_endpoint", json!("ftp://id.example.com/")),
        ("userinfo_endpoint", json!("http://id.example.com/userinfo")),
        ("issuer", json!("https://evil.example.com")),
    ] {
        scene.world.clock.advance(MINUTE);
        let mut wrong = document.clone();
        wrong[name] = value;
        scene.acme.says().document = wrong;
        start().await.refused("provider_unavailable");
    }
    scene.world.clock.advance(MINUTE);
    scene.acme.says().document = document;
    let begun = scene.begin().await;
    scene.acme.says().down = true;
    let answer = scene.come_back(&begun.cookie, &begun.query["state"]).await;
    answer.refused("provider_unavailable");
}

#[test]
fn a_providers_settings_do_not_show_the_secret() {
    let config = Acme::config();
    let shown = format!("{config:?}");
    assert!(!shown.contains(CLIENT_SECRET), "{shown}");
    let providers = Acme::new().providers(config);
    let shown = format!("{providers:?}");
    assert!(
        shown.contains("acme") && !shown.contains(CLIENT_SECRET),
        "{shown}"
    );
}
