//! Pictures on tiles. Each is decoded and encoded again, so that nothing but pixels gets from those who
//! upload it to those who see it.
//!
//! The same code judges pictures in folders of definitions, without a server.

use std::io::Cursor;
use std::ops::RangeInclusive;

use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};

/// The largest file, as it is uploaded and as it is encoded again.
pub const MOST_BYTES: usize = 512 << 10;

/// How many pixels each side may have.
pub const SIDES: RangeInclusive<u32> = 16..=512;

/// What decoding may take up beside the pixels.
const DECODER_BYTES: usize = 8 << 20;

/// A picture as it is stored and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The PNG, as we encode it: 8 bits a channel, without anything but pixels.
    pub png: Vec<u8>,
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Picture {
    /// Reads a PNG; of an animation the first picture is taken. It takes a few milliseconds.
    ///
    /// # Errors
    ///
    /// Says in words why it can't be a tile's picture: it is none, too large, or of odd sides.
    pub fn read(file: &[u8]) -> Result<Self, String> {
        let broken = |error| format!("this is no PNG that can be read: {error}");
        if file.len() > MOST_BYTES {
            return Err(too_large(file.len(), ""));
        }
        let limits = Limits {
            bytes: DECODER_BYTES,
        };
        let mut decoder = Decoder::new_with_limits(Cursor::new(file), limits);
        decoder
            .set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
        let mut reader = decoder.read_info().map_err(broken)?;
        let (width, height) = (reader.info().width, reader.info().height);
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            let (least, most) = (SIDES.start(), SIDES.end());
            return Err(format!(
                "the picture is {width} × {height} pixels: from {least} to {most} a side"
            ));
        }
        let size = reader.output_buffer_size();
        let mut pixels = vec![0; size.ok_or("the picture is too large")?];
        let frame = reader.next_frame(&mut pixels).map_err(broken)?;
        pixels.truncate(frame.buffer_size());
        let png = encode(frame.color_type, width, height, &pixels)
            .map_err(|error| format!("the picture can't be encoded: {error}"))?;
        // What is exported has to be taken again.
        if png.len() > MOST_BYTES {
            return Err(too_large(png.len(), " once it is encoded again"));
        }
        Ok(Self { png, width, height })
    }
}

fn too_large(bytes: usize, when: &str) -> String {
    format!(
        "the picture takes up {bytes} bytes{when}: at most {} KiB",
        MOST_BYTES >> 10
    )
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
        let read = Picture::read(&talkative).unwrap();
        assert_eq!(
            (read.width, read.height, &read.png),
            (20, 30, &plain),
            "and what is read again is the same"
        );
        assert_eq!(Picture::read(&read.png), Ok(read));
    }

    #[test]
    fn what_is_no_picture_or_has_odd_sides_is_refused() {
        for (file, said) in [
            (Vec::new(), "no PNG"),
            (b"<svg onload=\"alert(1)\"/>".to_vec(), "no PNG"),
            (picture(40, 40)[..90].to_vec(), "no PNG"),
            (picture(15, 40), "15 × 40 pixels"),
            (picture(40, 513), "40 × 513 pixels"),
            (vec![0; MOST_BYTES + 1], "524289 bytes: at most 512 KiB"),
        ] {
            let refused = Picture::read(&file).expect_err("refused");
            assert!(refused.contains(said), "{refused}");
        }
    }

    #[test]
    fn one_that_grows_too_large_by_being_encoded_again_is_refused() {
        // Noise of 256 colours is a byte a pixel in a file, and more as we encode it.
        let mut state = 1_u32;
        let mut noise = |count: usize| -> Vec<u8> {
            let bytes = (0..count).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            });
            bytes.collect()
        };
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 512, 512);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(noise(3 * 256));
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&noise(512 * 512)).unwrap();
        writer.finish().unwrap();
        assert!(file.len() < MOST_BYTES);
        let refused = Picture::read(&file).expect_err("refused");
        assert!(refused.contains("encoded again"), "{refused}");
    }

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        let mut bomb = picture(16, 16);
        // Width and height are behind the signature and the chunk's head; its checksum follows.
        bomb[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        let refused = Picture::read(&bomb).expect_err("refused");
        assert!(refused.contains("no PNG"), "{refused}");
    }
}
