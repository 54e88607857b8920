//! A chunk: consecutive events of one project, stored, cached and removed together.
//!
//! The body is a sequence of records, each `length: u32, kind: u8, received_at: i64, text`, all
//! little-endian, followed by the XXH3-64 of all that precedes it. Where the kind's highest bit is set,
//! the text ends with the names of the user properties that the event changed, a JSON array, and its
//! length as a `u32`.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use model::json::write_string;
use model::{Event, EventKind, Offset, ProjectId, Timestamp};
use xxhash_rust::xxh3::xxh3_64;

const HEADER: usize = 4 + 1 + 8;
const CHECKSUM: usize = 8;

/// In the kind: names of changed properties follow the event.
const CHANGED: u8 = 0x80;

/// A chunk that is being filled.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) first: Offset,
    pub(super) count: u64,
    /// The earliest and the latest reception among its events.
    pub(super) received: (Timestamp, Timestamp),
    body: Vec<u8>,
}

impl Builder {
    pub(super) fn new(first: Offset, capacity: usize) -> Self {
        Self {
            first,
            count: 0,
            received: (Timestamp(i64::MAX), Timestamp(i64::MIN)),
            body: Vec::with_capacity(capacity),
        }
    }

    /// Appends an event whose text `write` appends, and the names of the user properties that it
    /// changed.
    pub(super) fn push<E>(
        &mut self,
        kind: EventKind,
        received_at: Timestamp,
        changed: &[String],
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.body.len();
        self.body.extend_from_slice(&[0; 4]);
        let flag = if changed.is_empty() { 0 } else { CHANGED };
        self.body.push(kind as u8 | flag);
        self.body.extend_from_slice(&received_at.0.to_le_bytes());
        write(&mut self.body)?;
        if !changed.is_empty() {
            write_names(changed, &mut self.body);
        }
        // A text is bounded by the largest request and the largest user's properties.
        let length = (self.body.len() - start - HEADER) as u32;
        self.body[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
        self.received.0 = self.received.0.min(received_at);
        self.received.1 = self.received.1.max(received_at);
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// The position behind the last event.
    pub(super) fn end(&self) -> Offset {
        Offset(self.first.0 + self.count)
    }

    pub(super) fn finish(mut self, project: ProjectId) -> Chunk {
        let checksum = xxh3_64(&self.body);
        self.body.extend_from_slice(&checksum.to_le_bytes());
        if self.body.capacity() > self.body.len() + self.body.len() / 4 {
            self.body.shrink_to_fit();
        }
        Chunk {
            project,
            first: self.first,
            count: self.count,
            body: Bytes::from(self.body),
            events: OnceLock::new(),
        }
    }
}

/// A stored chunk.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) project: ProjectId,
    pub(super) first: Offset,
    pub(super) count: u64,
    pub(super) body: Bytes,
    /// Made when the first lane asks: those that nobody reads cost nothing.
    events: OnceLock<Vec<Arc<Event>>>,
}

impl Chunk {
    /// A chunk as it was read from the disk; `None` when it is damaged.
    pub(super) fn read(project: ProjectId, first: Offset, count: u64, body: Bytes) -> Option<Self> {
        if !is_whole(&body) {
            return None;
        }
        let events = decode(project, first, &body)?;
        (events.len() as u64 == count).then(|| Self {
            project,
            first,
            count,
            body: body.clone(),
            events: OnceLock::from(events),
        })
    }

    /// The position behind the last event.
    pub(super) fn end(&self) -> Offset {
        Offset(self.first.0 + self.count)
    }

    pub(super) fn contains(&self, offset: Offset) -> bool {
        self.first <= offset && offset < self.end()
    }

    pub(super) fn events(&self) -> &[Arc<Event>] {
        self.events.get_or_init(|| {
            // Only chunks that we have just framed ourselves come here undecoded.
            decode(self.project, self.first, &self.body).unwrap_or_default()
        })
    }

    /// The events from `offset` on, which must be within the chunk.
    pub(super) fn events_from(&self, offset: Offset) -> &[Arc<Event>] {
        let index = usize::try_from(offset.0 - self.first.0).unwrap_or(usize::MAX);
        self.events().get(index..).unwrap_or_default()
    }
}

/// Whether a chunk's body is as it was written.
pub(super) fn is_whole(body: &[u8]) -> bool {
    let records = body.len().checked_sub(CHECKSUM);
    let parts = records.and_then(|records| body.split_at_checked(records));
    parts.is_some_and(|(records, checksum)| xxh3_64(records).to_le_bytes() == *checksum)
}

/// The body without the texts of some events, and the names that they changed: their records stay, for
/// the others to keep their places. `None` when its framing is broken.
pub(super) fn without(chunk: &Chunk, erased: &[Offset]) -> Option<Vec<u8>> {
    let end = chunk.body.len().checked_sub(CHECKSUM)?;
    let mut body = Vec::with_capacity(chunk.body.len());
    let (mut at, mut offset) = (0, chunk.first);
    while at < end {
        let header = chunk.body.get(at..at + HEADER)?;
        let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
        let next = (at + HEADER).checked_add(length).filter(|&to| to <= end)?;
        match erased.contains(&offset) {
            true => {
                body.extend_from_slice(&0_u32.to_le_bytes());
                body.push(header[4] & !CHANGED);
                body.extend_from_slice(&header[5..]);
            }
            false => body.extend_from_slice(&chunk.body[at..next]),
        }
        (at, offset) = (next, offset.next());
    }
    let checksum = xxh3_64(&body);
    body.extend_from_slice(&checksum.to_le_bytes());
    Some(body)
}

/// Appends names as a JSON array, and its length.
fn write_names(names: &[String], out: &mut Vec<u8>) {
    let start = out.len();
    for (position, name) in names.iter().enumerate() {
        out.push(if position == 0 { b'[' } else { b',' });
        write_string(name, out);
    }
    out.push(b']');
    // Names are bounded as the properties are.
    let length = (out.len() - start) as u32;
    out.extend_from_slice(&length.to_le_bytes());
}

/// A text and the names behind it; `None` when the framing is broken.
fn without_names(text: &Bytes) -> Option<(Bytes, Bytes)> {
    let end = text.len().checked_sub(4)?;
    let length = u32::from_le_bytes(text[end..].try_into().ok()?) as usize;
    let start = end.checked_sub(length)?;
    Some((text.slice(..start), text.slice(start..end)))
}

/// The events of a body, each sharing its memory; `None` when its framing is broken.
fn decode(project: ProjectId, first: Offset, body: &Bytes) -> Option<Vec<Arc<Event>>> {
    let end = body.len().checked_sub(CHECKSUM)?;
    let (mut events, mut at, mut offset) = (Vec::new(), 0, first);
    while at < end {
        let header = body.get(at..at + HEADER)?;
        let length = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
        let kind = EventKind::from_code(header[4] & !CHANGED)?;
        let received_at = Timestamp(i64::from_le_bytes(header[5..].try_into().ok()?));
        let text_end = (at + HEADER).checked_add(length).filter(|&to| to <= end)?;
        let mut text = body.slice(at + HEADER..text_end);
        let mut changed = Bytes::new();
        if header[4] & CHANGED != 0 {
            (text, changed) = without_names(&text)?;
        }
        let event = Event::new(project, offset, kind, received_at, text);
        events.push(Arc::new(event.with_changed_properties(changed)));
        (at, offset) = (text_end, offset.next());
    }
    Some(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk() -> Chunk {
        let mut builder = Builder::new(Offset(7), 0);
        let names = ["plan".to_owned(), "a \"b\"".to_owned()];
        for (text, changed) in [("{}", &names[..]), ("{\"a\":1}", &[])] {
            let write = |body: &mut Vec<u8>| {
                body.extend_from_slice(text.as_bytes());
                Ok::<_, ()>(())
            };
            builder
                .push(EventKind::Identify, Timestamp(3), changed, write)
                .unwrap();
        }
        builder.finish(ProjectId::from_bytes([1; 16]))
    }

    #[test]
    fn what_was_written_is_read_back() {
        let written = chunk();
        let read = Chunk::read(written.project, Offset(7), 2, written.body.clone()).unwrap();
        for chunk in [&written, &read] {
            assert_eq!(chunk.end(), Offset(9));
            let first = &chunk.events_from(Offset(7))[0];
            assert_eq!(&first.text()[..], b"{}");
            assert_eq!(first.changed_properties(), ["plan", "a \"b\""]);
            let last = &chunk.events_from(Offset(8))[0];
            assert!(last.changed_properties().is_empty());
            assert_eq!(&last.text()[..], b"{\"a\":1}");
            assert_eq!(
                (last.offset, last.kind, last.received_at),
                (Offset(8), EventKind::Identify, Timestamp(3))
            );
        }
    }

    #[test]
    fn erased_events_leave_their_places_and_others_as_they_were() {
        let written = chunk();
        let body = without(&written, &[Offset(7)]).unwrap();
        assert!(body.len() < written.body.len());
        let read = Chunk::read(written.project, Offset(7), 2, Bytes::from(body)).unwrap();
        let (erased, other) = (&read.events()[0], &read.events()[1]);
        assert!(erased.is_erased() && erased.changed_properties().is_empty());
        assert_eq!(
            (erased.offset, erased.kind, erased.received_at),
            (Offset(7), EventKind::Identify, Timestamp(3))
        );
        assert!(!other.is_erased());
        assert_eq!(other.text(), written.events()[1].text());
        // Once more makes no difference.
        let again = without(&read, &[Offset(7)]).unwrap();
        assert_eq!(again, read.body);
    }

    #[test]
    fn a_damaged_body_is_found_out_wherever_it_is_damaged() {
        let written = chunk();
        for position in 0..written.body.len() {
            let mut body = written.body.to_vec();
            body[position] ^= 0x10;
            assert!(Chunk::read(written.project, Offset(7), 2, body.into()).is_none());
        }
        for length in 0..written.body.len() {
            let body = written.body.slice(..length);
            assert!(Chunk::read(written.project, Offset(7), 2, body).is_none());
        }
    }

    #[test]
    fn a_wrong_number_of_events_is_found_out() {
        let written = chunk();
        assert!(Chunk::read(written.project, Offset(7), 3, written.body.clone()).is_none());
    }
}
