//! Pictures on destinations' tiles.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::definitions::{Stage, example};

/// A picture of some pixels a side.
fn picture(side: u32, shade: u8) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = png::Encoder::new(&mut encoded, side, side);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixels = vec![shade; side as usize * side as usize * 3];
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    encoded
}

#[tokio::test]
async fn a_picture_goes_with_the_version_that_has_it() {
    let stage = Stage::new().await;
    let made = stage.partner("POST", "/definitions", example("Mail tool"));
    let path = format!("/definitions/{}", made.await.is(201).at("/id"));
    let logo = stage.own(&format!("{path}/logo"));
    let upload = async |kind: &str, picture: &[u8]| {
        let call = stage.world.call("PUT", &logo).bytes(kind, picture);
        let call = call.token(Some(&stage.partner.token));
        call.send().await
    };
    let show = async |logo: &Value| {
        let path = format!("/logos/{}", logo.as_str().unwrap());
        let call = stage.world.call("GET", &path);
        call.token(Some(&stage.stranger.token)).send().await
    };
    for (kind, picture, status) in [
        ("image/svg+xml", &b"<svg/>"[..], 400),
        ("image/png", b"<svg/>", 422),
        ("image/png", &[0; 600_000], 413),
    ] {
        let refused = upload(kind, picture).await;
        assert_eq!(refused.status.as_u16(), status, "{}", refused.text);
    }
    let first = upload("image/png", &picture(64, 1)).await.is(200).json();
    assert_eq!(first["revision"], 2);
    let first = first["draft"]["about"]["logo"].clone();
    let shown = show(&first).await.is(200);
    assert_eq!(shown.header("content-type"), "image/png");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    let reader = png::Decoder::new(std::io::Cursor::new(&shown.bytes));
    assert_eq!(reader.read_info().unwrap().info().size(), (64, 64));

    // Nothing has the first any more; a version has the second, so that it stays.
    let second = upload("image/png", &picture(64, 2)).await.is(200).json();
    let second = second["draft"]["about"]["logo"].clone();
    show(&first).await.is(404);
    let release = stage.partner("POST", format!("{path}/release"), Value::Null);
    release.await.is(201);
    let removed = stage.partner("DELETE", format!("{path}/logo"), Value::Null);
    let removed = removed.await.is(200).json();
    assert_eq!(removed["draft"]["about"]["logo"], Value::Null);
    show(&second).await.is(200);
    let tile = stage.partner("GET", path.replace("definitions", "catalog"), Value::Null);
    assert_eq!(tile.await.is(200).json()["tile"]["logo"], second);

    // It can't be named, only uploaded; a change of the rest leaves it.
    let named = json!({"about": {"summary": "x", "logo": second}});
    let refused = stage.partner("PATCH", &path, named).await;
    let problem = refused.problem(422, "invalid_fields");
    assert_eq!(problem["errors"][0]["pointer"], "/about/logo");
    let third = upload("image/png", &picture(16, 3)).await.is(200).json();
    let changed = stage.partner("PATCH", &path, json!({"about": {"summary": "x"}}));
    let changed = changed.await.is(200).json();
    assert_eq!(
        changed["draft"]["about"]["logo"],
        third["draft"]["about"]["logo"]
    );
}

#[tokio::test]
async fn a_picture_can_come_with_the_rest_of_a_definition() {
    let stage = Stage::new().await;
    let encoded = |side, shade| STANDARD.encode(picture(side, shade));
    let mut whole = example("Mail tool");
    whole["logo"] = json!(encoded(64, 1));
    let made = stage.partner("POST", "/definitions", whole).await.is(201);
    let path = format!("/definitions/{}", made.at("/id"));
    let first = made.json()["draft"]["about"]["logo"].clone();
    assert_eq!(first.as_str().map(str::len), Some(64));
    let show = async |logo: &Value| {
        let path = format!("/logos/{}", logo.as_str().unwrap());
        stage.world.call("GET", &path).send().await
    };
    show(&first).await.is(200);

    // Other fields are changed in the same step, or nothing is.
    let renamed = |logo: Value| json!({"display_name": "Post tool", "logo": logo});
    for (logo, said) in [
        (json!(encoded(8, 1)), "8 × 8 pixels"),
        (json!("?"), "Base64"),
        (json!(STANDARD.encode("<svg/>")), "no PNG"),
    ] {
        let refused = stage.partner("PATCH", &path, renamed(logo)).await;
        let problem = refused.problem(422, "invalid_fields");
        assert_eq!(problem["errors"][0]["pointer"], "/logo");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    let unchanged = stage.partner("GET", &path, Value::Null).await.json();
    assert_eq!(unchanged["draft"]["display_name"], "Mail tool");
    assert_eq!(unchanged["draft"]["about"]["logo"], first);
    let changed = stage.partner("PATCH", &path, renamed(json!(encoded(64, 2))));
    let changed = changed.await.is(200).json();
    assert_eq!(changed["draft"]["display_name"], "Post tool");
    assert_ne!(changed["draft"]["about"]["logo"], first);
    show(&first).await.is(404);
    show(&changed["draft"]["about"]["logo"]).await.is(200);

    let kept = stage.partner("PATCH", &path, json!({"typed_properties": true}));
    let kept = kept.await.is(200).json();
    assert_eq!(
        kept["draft"]["about"]["logo"],
        changed["draft"]["about"]["logo"]
    );
    let removed = stage.partner("PATCH", &path, json!({"logo": null}));
    assert_eq!(
        removed.await.is(200).json()["draft"]["about"]["logo"],
        Value::Null
    );
    show(&changed["draft"]["about"]["logo"]).await.is(404);
}
