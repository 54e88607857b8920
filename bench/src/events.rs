//! The events of a run: about 1 KB each, from 10,000 users, every tenth an identify.
//!
//! An event's number is its time, in milliseconds from a fixed day on. So the number comes out of
//! any payload that shows the event's time, the webhook guide's own template included, and no
//! field is added for the benchmark's sake.

use std::io::Write;

/// Events of one batch, where nothing else is said.
pub(crate) const BATCH: usize = 100;
/// Users that take turns.
pub(crate) const USERS: usize = 10_000;
/// One event in this many is an identify. Every batch is a multiple of it.
pub(crate) const IDENTIFY_EVERY: usize = 10;
/// 2024-01-01 00:00:00 UTC, the time of event 0, in milliseconds.
const EPOCH_MILLIS: u64 = 1_704_067_200_000;

/// A batch whose numbers are written anew for every upload.
pub(crate) struct Batch {
    body: Vec<u8>,
    /// Where each event's time and insert id are.
    slots: Vec<Slot>,
}

struct Slot {
    time: usize,
    insert_id: usize,
}

const TIME_DIGITS: usize = 13;
const INSERT_ID_DIGITS: usize = 15;

impl Batch {
    /// The batch of the users from `index * size` on, around.
    pub(crate) fn new(api_key: &str, index: usize, size: usize) -> Self {
        let mut body = Vec::with_capacity(size * 1100);
        let mut slots = Vec::with_capacity(size);
        // Writing to memory can't fail.
        let _ = write!(body, r#"{{"api_key":"{api_key}","events":["#);
        for nth in 0..size {
            let separator = if nth == 0 { "" } else { "," };
            let user = (index * size + nth) % USERS;
            let _ = write!(body, r#"{separator}{{"time":"#);
            let time = body.len();
            let _ = write!(body, r#"{:0TIME_DIGITS$},"insert_id":"run-"#, 0);
            let insert_id = body.len();
            let _ = write!(body, r#"{:0INSERT_ID_DIGITS$}","#, 0);
            write_event(&mut body, user, nth);
            slots.push(Slot { time, insert_id });
        }
        body.extend_from_slice(b"]}");
        Self { body, slots }
    }

    /// The upload whose first event has the number `first`. `salt` keeps the insert ids of
    /// different runs apart.
    pub(crate) fn numbered(&mut self, first: u64, salt: u64) -> &[u8] {
        for (nth, slot) in (first..).zip(&self.slots) {
            write_digits(
                &mut self.body[slot.time..slot.time + TIME_DIGITS],
                EPOCH_MILLIS + nth,
            );
            let insert_id = &mut self.body[slot.insert_id..slot.insert_id + INSERT_ID_DIGITS];
            write_digits(insert_id, salt * 10_000_000_000 + nth);
        }
        &self.body
    }
}

/// An event behind its time and insert id, closing brace included.
fn write_event(body: &mut Vec<u8>, user: usize, nth: usize) {
    const PLANS: [&str; 3] = ["free", "team", "business"];
    const PAGES: [&str; 4] = [
        "/pricing",
        "/products/road-bikes",
        "/cart",
        "/checkout/address",
    ];
    let common = format!(
        r#""user_id":"user-{user:05}@example.com","device_id":"3f2b8c1e-77aa-4c0e-9d5b-{user:012}","session_id":1704067{user:06},"platform":"Web","os_name":"Chrome","os_version":"129.0.6668.89","device_model":"Macintosh","device_manufacturer":"Apple","language":"en-US","country":"Germany","region":"Berlin","city":"Berlin","ip":"203.0.113.{}","app_version":"4.17.2","library":"amplitude-ts/2.11.9","user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 Safari/537.36""#,
        user % 254 + 1,
    );
    let own = if nth.is_multiple_of(IDENTIFY_EVERY) {
        format!(
            r#""event_type":"$identify","user_properties":{{"$set":{{"email":"user-{user:05}@example.com","plan":"{}","locale":"de_DE","newsletter":true}},"$setOnce":{{"first_referrer":"https://www.example.org/search?q=bicycle"}},"$add":{{"visits":1}}}}"#,
            PLANS[user % 3],
        )
    } else {
        format!(
            r#""event_type":"Product Viewed","event_properties":{{"product_id":"sku-{:06}","name":"Trail bicycle with 27.5 inch wheels, size {}","category":"bikes/mountain","price":{}.95,"currency":"EUR","quantity":{},"in_stock":true,"path":"{}","referrer":"https://www.example.org/search?q=bicycle","experiment":{{"id":"exp-204","variant":"B"}},"tags":["outdoor","sale","2024"]}}"#,
            user * 7 % 1_000_000,
            ["S", "M", "L"][nth % 3],
            user % 900 + 100,
            nth % 4 + 1,
            PAGES[nth % 4],
        )
    };
    // Writing to memory can't fail.
    let _ = write!(body, "{common},{own}}}");
}

fn write_digits(slot: &mut [u8], mut number: u64) {
    for digit in slot.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// How many of so many events take the events path.
pub(crate) fn tracked_of(events: u64) -> u64 {
    events - events / IDENTIFY_EVERY as u64
}

/// Whether the event with this number takes the events path.
#[cfg(test)]
fn is_tracked(sequence: u64) -> bool {
    !sequence.is_multiple_of(IDENTIFY_EVERY as u64)
}

/// The number of the event whose time a payload shows, as `"time" : "…"` or `"event_time":"…"`.
pub(crate) fn sequence_in(body: &[u8]) -> Option<u64> {
    const SPACED: &[u8] = br#""time" : ""#;
    const DENSE: &[u8] = br#""event_time":""#;
    let at = find(body, SPACED).or_else(|| find(body, DENSE))?;
    millis_of(body.get(at..at + 23)?)?.checked_sub(EPOCH_MILLIS)
}

/// Where `needle` ends.
fn find(body: &[u8], needle: &[u8]) -> Option<usize> {
    body.windows(needle.len())
        .position(|window| window == needle)
        .map(|at| at + needle.len())
}

/// Milliseconds since 1970 of `2024-01-01 00:00:00.000`.
fn millis_of(text: &[u8]) -> Option<u64> {
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0u64, |n, byte| {
            byte.is_ascii_digit()
                .then(|| n * 10 + u64::from(byte - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days since 1970 by the Gregorian rule, years counted from March on.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year.checked_sub(1)?, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    let days = (365 * year + leap_days + (153 * month + 2) / 5 + day).checked_sub(719_469)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + number(20, 23)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_the_events_show_it() {
        assert_eq!(millis_of(b"1970-01-01 00:00:00.000"), Some(0));
        assert_eq!(
            millis_of(b"2022-02-28 20:07:01.795"),
            Some(1_646_078_821_795)
        );
        assert_eq!(millis_of(b"2024-01-01 00:00:00.000"), Some(EPOCH_MILLIS));
        assert_eq!(
            millis_of(b"2024-02-29 23:59:59.999"),
            Some(1_709_251_199_999)
        );
        assert_eq!(millis_of(b"2024-01-01T00:00:0x.000"), None);
    }

    #[test]
    fn a_number_comes_back_from_both_payloads() {
        let guide = br#"{ "name" : "x", "time" : "2024-01-01 00:05:00.001", "properties": {} }"#;
        assert_eq!(sequence_in(guide), Some(300_001));
        let default = br#"{"a":1,"event_time":"2024-01-01 00:00:00.042","b":2}"#;
        assert_eq!(sequence_in(default), Some(42));
        assert_eq!(sequence_in(b"{}"), None);
    }

    #[test]
    fn a_batch_is_json_of_about_a_kilobyte_an_event() {
        let mut batch = Batch::new("key", 99, BATCH);
        let body: serde_json::Value = serde_json::from_slice(batch.numbered(1_000, 7)).unwrap();
        let events = body["events"].as_array().unwrap();
        assert_eq!(events.len(), BATCH);
        assert_eq!(events[1]["time"], EPOCH_MILLIS + 1_001);
        assert_eq!(events[1]["insert_id"], "run-000070000001001");
        assert_eq!(events[1]["user_id"], "user-09901@example.com");
        let tracked = |event: &&serde_json::Value| event["event_type"] != "$identify";
        assert_eq!(
            events.iter().filter(tracked).count(),
            tracked_of(BATCH as u64) as usize
        );
        assert!(!is_tracked(1_000) && is_tracked(1_001));
        let size = batch.numbered(0, 0).len() / BATCH;
        assert!((900..1_200).contains(&size), "{size}");
    }
}
