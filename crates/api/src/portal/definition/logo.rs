//! The picture on a destination's tile. It is decoded and encoded again, so that nothing but pixels
//! gets from those who upload it to those who see it.

use std::io::Cursor;

use axum::body::Bytes;
use axum::extract;
use axum::http::{HeaderMap, HeaderName, header};
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};

use super::{Ids, Tagged, tagged};
use crate::auth::permission::DefinitionsWrite;
use crate::auth::{Allowed, SignedIn};
use crate::portal::extract::{IfMatch, Path};
use crate::portal::openapi::Refusal;
use crate::portal::{ApiError, State};

/// The largest upload.
const UPLOAD_BYTES: usize = 512 << 10;

/// The least and the most pixels of each side.
const LEAST_SIDE: u32 = 16;
const MOST_SIDE: u32 = 512;

/// What decoding may take up beside the pixels.
const DECODER_BYTES: usize = 8 << 20;

/// Gives a definition's draft a picture: a PNG of 16 to 512 pixels a side and at most 512 KiB. It is
/// encoded again; of an animation the first picture is taken.
#[utoipa::path(put, path = "/organisations/{organisation}/definitions/{definition}/logo",
    tag = "definitions", operation_id = "set_definition_logo",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the definition as it was seen")),
    request_body(content = Vec<u8>, content_type = "image/png"),
    responses((status = 200, body = super::DefinitionView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn set(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: Option<IfMatch>,
    headers: HeaderMap,
    upload: Bytes,
) -> Result<Tagged, ApiError> {
    let store = &portal.store;
    // What isn't there is said first.
    let record = store.definition_record(organisation, id).await?;
    let revision = IfMatch::against_maybe(if_match, record.revision)?;
    if headers
        .get(header::CONTENT_TYPE)
        .is_none_or(|value| value != "image/png")
    {
        return Err(ApiError::Header {
            name: "Content-Type",
            message: "a picture is an `image/png`".into(),
        });
    }
    if upload.len() > UPLOAD_BYTES {
        return Err(ApiError::TooLarge {
            limit_bytes: UPLOAD_BYTES,
        });
    }
    let encoded = portal.tasks.spawn_blocking(move || encoded_again(&upload));
    let encoded = encoded.await.map_err(|panicked| ApiError::Internal {
        source: panicked.into(),
    })?;
    let picture = encoded.map_err(|message| ApiError::field("", message))?;
    let by = allowed.caller();
    let changed = store.set_definition_logo(organisation, id, revision, Some(picture), &by);
    Ok(tagged(changed.await?))
}

/// Takes the picture from a definition's draft: its tile shows initials.
#[utoipa::path(delete, path = "/organisations/{organisation}/definitions/{definition}/logo",
    tag = "definitions", operation_id = "remove_definition_logo",
    params(("organisation" = String, Path, description = "The organisation's id"),
        ("definition" = String, Path, description = "The definition's id"),
        ("if-match" = Option<String>, Header, description = "The `ETag` of the definition as it was seen")),
    responses((status = 200, body = super::DefinitionView, headers(("etag" = String))), Refusal))]
pub(in crate::portal) async fn remove(
    allowed: Allowed<DefinitionsWrite>,
    extract::State(portal): State,
    Path((organisation, id)): Ids,
    if_match: Option<IfMatch>,
) -> Result<Tagged, ApiError> {
    let (store, by) = (&portal.store, allowed.caller());
    let record = store.definition_record(organisation, id).await?;
    let revision = IfMatch::against_maybe(if_match, record.revision)?;
    let changed = store.set_definition_logo(organisation, id, revision, None, &by);
    Ok(tagged(changed.await?))
}

/// Shows a destination's picture, by the `logo` of what tells of it. Whoever is signed in and knows
/// that may see it.
#[utoipa::path(get, path = "/logos/{logo}", tag = "catalog", operation_id = "show_logo",
    params(("logo" = String, Path, description = "The picture's SHA-256 in hexadecimal")),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), Refusal))]
pub(in crate::portal) async fn show(
    _: SignedIn,
    extract::State(portal): State,
    Path(hash): Path<String>,
) -> Result<([(HeaderName, &'static str); 4], Vec<u8>), ApiError> {
    let picture = portal.store.definition_logo(&hash).await?;
    let picture = picture.ok_or_else(|| ApiError::NotFound {
        what: "such picture".into(),
    })?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        // What the address names never changes.
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ),
    ];
    Ok((headers, picture))
}

/// The same picture, as we encode it.
fn encoded_again(upload: &[u8]) -> Result<Vec<u8>, String> {
    let broken = |error| format!("this is no PNG that can be read: {error}");
    let limits = Limits {
        bytes: DECODER_BYTES,
    };
    let mut decoder = Decoder::new_with_limits(Cursor::new(upload), limits);
    decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let sides = LEAST_SIDE..=MOST_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(format!(
            "the picture is {width} × {height} pixels: from {LEAST_SIDE} to {MOST_SIDE} a side"
        ));
    }
    let size = reader.output_buffer_size();
    let mut pixels = vec![0; size.ok_or("the picture is too large")?];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    pixels.truncate(frame.buffer_size());
    encode(frame.color_type, width, height, &pixels)
        .map_err(|error| format!("the picture can't be encoded: {error}"))
}

fn encode(
    colours: ColorType,
    width: u32,
    height: u32,
    pixels: &[u8],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut encoded = Vec::new();
    let mut encoder = Encoder::new(&mut encoded, width, height);
    encoder.set_color(colours);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Vec<u8> {
        let pixels = vec![7; width as usize * height as usize * 4];
        encode(ColorType::Rgba, width, height, &pixels).unwrap()
    }

    #[test]
    fn a_picture_keeps_its_pixels_and_nothing_else() {
        let plain = picture(20, 30);
        let mut talkative = Vec::new();
        let mut encoder = Encoder::new(&mut talkative, 20, 30);
        encoder.set_color(ColorType::Rgba);
        encoder.set_depth(BitDepth::Eight);
        encoder
            .add_text_chunk("Comment".into(), "<script>".into())
            .unwrap();
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[7; 20 * 30 * 4]).unwrap();
        writer.finish().unwrap();
        talkative.extend(b"<script>alert(1)</script>");
        assert!(talkative.windows(8).any(|bytes| bytes == b"<script>"));
        assert_eq!(encoded_again(&talkative), Ok(plain));
    }

    #[test]
    fn what_is_no_picture_or_has_odd_sides_is_refused() {
        for (upload, said) in [
            (Vec::new(), "no PNG"),
            (b"<svg onload=\"alert(1)\"/>".to_vec(), "no PNG"),
            (picture(40, 40)[..90].to_vec(), "no PNG"),
            (picture(15, 40), "15 × 40 pixels"),
            (picture(40, 513), "40 × 513 pixels"),
        ] {
            let refused = encoded_again(&upload).expect_err("refused");
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        let mut bomb = picture(16, 16);
        // Width and height are behind the signature and the chunk's head; its checksum follows.
        bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let refused = encoded_again(&bomb).expect_err("refused");
        assert!(refused.contains("no PNG"), "{refused}");
    }
}
