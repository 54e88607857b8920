//! Receiving a body: bounded in size, in time and in the memory of all bodies together.

use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use model::Clock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;

/// How much of the shared memory a body takes before anything of it has arrived. As many
/// connections as there may be, all of them silent, must leave room for those that send.
const TAKEN_ON_TRUST: usize = 2 << 10;

/// How much of a body that is too large is read and thrown away before it is refused. A client that
/// is still sending when the connection ends sees that, and not the 413 which tells it to send less
/// at a time.
const DISCARD: usize = 64 << 20;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    /// The encoding that the headers name.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let Some(value) = headers.get(header::CONTENT_ENCODING) else {
            return Ok(Self::Identity);
        };
        match value.to_str().unwrap_or_default().trim() {
            name if name.eq_ignore_ascii_case("gzip") => Ok(Self::Gzip),
            name if name.eq_ignore_ascii_case("x-gzip") => Ok(Self::Gzip),
            name if name.eq_ignore_ascii_case("identity") => Ok(Self::Identity),
            "" => Ok(Self::Identity),
            _ => Err(Refusal::UnsupportedEncoding),
        }
    }
}

/// The memory that all bodies share.
#[derive(Debug, Clone)]
pub(super) struct Budget(Arc<Semaphore>);

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))))
    }

    fn reserve(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let busy = Refusal::Unavailable {
            retry_after: Duration::from_secs(1),
            reason: "bodies_full",
            cause: "the bodies that are being received take all of `ingest.buffered_body_bytes`"
                .into(),
        };
        let Ok(permits) = u32::try_from(bytes) else {
            return Err(busy);
        };
        let permit = Arc::clone(&self.0).try_acquire_many_owned(permits);
        permit.map_err(|_| busy)
    }
}

/// A received body with its share of the memory, which is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) encoding: Encoding,
    _share: OwnedSemaphorePermit,
}

/// What bounds the receiving of a body.
pub(super) struct Bounds<'a> {
    /// The size, encoded and decoded.
    pub(super) bytes: usize,
    /// From one piece to the next.
    pub(super) idle: Duration,
    /// For all of it.
    pub(super) total: Duration,
    /// The memory shared by all bodies.
    pub(super) budget: &'a Budget,
}

/// How much is kept of a body that doesn't come in whole, to tell whose it was.
const BEGINNING: usize = 16 << 10;

/// What there is of a body that did not come in whole: its beginning, still encoded.
#[derive(Debug, Default)]
pub(super) struct Beginning {
    bytes: Vec<u8>,
    gzip: bool,
}

impl Beginning {
    /// As text, as far as it can be decoded.
    pub(super) fn decode(self) -> Vec<u8> {
        if !self.gzip {
            return self.bytes;
        }
        let mut decoded = Vec::new();
        // It breaks off: what came before is what there is.
        let _ = MultiGzDecoder::new(self.bytes.as_slice())
            .take(4 * BEGINNING as u64)
            .read_to_end(&mut decoded);
        decoded
    }
}

/// Receives a body as it was sent, still encoded; of one that doesn't come in whole leaves the beginning in
/// `beginning`.
pub(super) async fn receive(
    body: Body,
    headers: &HeaderMap,
    bounds: &Bounds<'_>,
    clock: &dyn Clock,
    beginning: &mut Beginning,
) -> Result<Received, Refusal> {
    let mut bytes = Vec::new();
    let received = receive_into(&mut bytes, body, headers, bounds, clock).await;
    match received {
        Ok((encoding, share)) => Ok(Received {
            bytes,
            encoding,
            _share: share,
        }),
        Err(refusal) => {
            // What it took of the budget has been given back.
            bytes.truncate(BEGINNING);
            bytes.shrink_to_fit();
            let gzip = matches!(Encoding::of(headers), Ok(Encoding::Gzip));
            *beginning = Beginning { bytes, gzip };
            Err(refusal)
        }
    }
}

async fn receive_into(
    bytes: &mut Vec<u8>,
    mut body: Body,
    headers: &HeaderMap,
    bounds: &Bounds<'_>,
    clock: &dyn Clock,
) -> Result<(Encoding, OwnedSemaphorePermit), Refusal> {
    let encoding = Encoding::of(headers)?;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    let mut too_large = announced > bounds.bytes;
    // A client that waits to be told to go on hasn't begun to send.
    if too_large && (announced > bounds.bytes + DISCARD || headers.contains_key(header::EXPECT)) {
        return Err(Refusal::TooLarge);
    }
    // What is announced isn't sent yet: the share grows with what arrives.
    let mut received = 0;
    let mut reserved = announced.clamp(1, TAKEN_ON_TRUST);
    let mut share = bounds.budget.reserve(reserved)?;
    bytes.reserve(reserved);
    let deadline = clock.now() + bounds.total;
    loop {
        let now = clock.now();
        let late = if too_large {
            Refusal::TooLarge
        } else {
            Refusal::Timeout
        };
        if now >= deadline {
            return Err(late);
        }
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = clock.sleep_until(deadline.min(now + bounds.idle)) => return Err(late),
        };
        let Some(frame) = frame else { break };
        // Trailers say nothing about events.
        let Ok(data) = frame.map_err(|_| Refusal::Incomplete)?.into_data() else {
            continue;
        };
        received += data.len();
        too_large |= received > bounds.bytes;
        if too_large {
            // It is thrown away but for its beginning.
            let room = BEGINNING.saturating_sub(bytes.len()).min(data.len());
            bytes.extend_from_slice(&data[..room]);
            bytes.truncate(BEGINNING);
            bytes.shrink_to_fit();
            if received > bounds.bytes + DISCARD {
                return Err(Refusal::TooLarge);
            }
            continue;
        }
        if received > reserved {
            // Twice as much each time, to where it was announced to end.
            let enough = (2 * received).min(announced).max(received);
            share.merge(bounds.budget.reserve(enough - reserved)?);
            reserved = enough;
            bytes.reserve(reserved - bytes.len());
        }
        bytes.extend_from_slice(&data);
    }
    if too_large {
        return Err(Refusal::TooLarge);
    }
    Ok((encoding, share))
}

impl Received {
    /// Its beginning.
    pub(super) fn beginning(&self) -> Beginning {
        let kept = self.bytes.len().min(BEGINNING);
        Beginning {
            bytes: self.bytes[..kept].to_vec(),
            gzip: self.encoding == Encoding::Gzip,
        }
    }

    /// The text of the body, which may be `limit` bytes long. No more than that is ever inflated.
    pub(super) fn decode(&self, limit: usize) -> Result<Cow<'_, [u8]>, Refusal> {
        if self.encoding == Encoding::Identity || self.bytes.is_empty() {
            return Ok(Cow::Borrowed(&self.bytes));
        }
        let mut decoded = Vec::new();
        MultiGzDecoder::new(self.bytes.as_slice())
            .take(limit as u64 + 1)
            .read_to_end(&mut decoded)
            .map_err(|_| Refusal::InvalidJson("the body is not valid gzip".into()))?;
        if decoded.len() > limit {
            return Err(Refusal::TooLarge);
        }
        Ok(Cow::Owned(decoded))
    }

    /// Whether reading it takes so long that other requests should not have to wait for it.
    pub(super) fn is_heavy(&self) -> bool {
        const HEAVY: usize = 256 << 10;
        /// Inflates to 1,000 times its size at worst.
        const HEAVY_GZIP: usize = 8 << 10;
        match self.encoding {
            Encoding::Identity => self.bytes.len() > HEAVY,
            Encoding::Gzip => self.bytes.len() > HEAVY_GZIP,
        }
    }
}
