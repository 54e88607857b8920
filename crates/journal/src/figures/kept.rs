//! Figures as bytes: unsigned LEB128 numbers, one behind the other, and the sketch.
//!
//! `2` (the form's version), the six counts, received, requests, duplicates, pending; since the second
//! form, waiting and the balance's six numbers; how many reasons
//! of discarded deliveries there are, and for each its place among all and its count; how many kinds of
//! failures, and for each the category's place, the status (0: none) and the count; then the sketch of
//! latencies, to the end.

use model::outcome::{Category, Discarded};

use super::{Balance, Details, Figures, Sketch};
use crate::Counts;

const FORM: u64 = 2;

/// The form that had no balance.
const WITHOUT_BALANCE: u64 = 1;

impl Figures {
    /// As they are kept.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        let Counts {
            filtered,
            delivered_first,
            delivered_retry,
            discarded,
            expired,
            failed_attempts,
        } = self.counts;
        let details = &self.details;
        let balance = self.balance;
        for number in [
            FORM,
            filtered,
            delivered_first,
            delivered_retry,
            discarded,
            expired,
            failed_attempts,
            details.received,
            details.requests,
            self.duplicates,
            self.pending,
            self.waiting,
            balance.second,
            balance.again,
            balance.dropped,
            balance.superseded,
            balance.lost,
            balance.erased,
        ] {
            write(&mut bytes, number);
        }
        write(&mut bytes, details.discarded.len() as u64);
        for (reason, count) in &details.discarded {
            write(&mut bytes, place(&Discarded::NAMES, reason));
            write(&mut bytes, *count);
        }
        write(&mut bytes, details.failures.len() as u64);
        for ((category, status), count) in &details.failures {
            write(&mut bytes, place(&Category::ALL, category));
            write(&mut bytes, u64::from(status.unwrap_or(0)));
            write(&mut bytes, *count);
        }
        bytes.extend(details.latency.to_bytes());
        bytes
    }

    /// What was kept; `None` when it is damaged.
    pub(crate) fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let form = read(bytes)?;
        if form != FORM && form != WITHOUT_BALANCE {
            return None;
        }
        let counts = Counts {
            filtered: read(bytes)?,
            delivered_first: read(bytes)?,
            delivered_retry: read(bytes)?,
            discarded: read(bytes)?,
            expired: read(bytes)?,
            failed_attempts: read(bytes)?,
        };
        let mut details = Details {
            received: read(bytes)?,
            requests: read(bytes)?,
            ..Details::default()
        };
        let (duplicates, pending) = (read(bytes)?, read(bytes)?);
        let (mut waiting, mut balance) = (0, Balance::default());
        if form == FORM {
            waiting = read(bytes)?;
            balance = Balance {
                second: read(bytes)?,
                again: read(bytes)?,
                dropped: read(bytes)?,
                superseded: read(bytes)?,
                lost: read(bytes)?,
                erased: read(bytes)?,
            };
        }
        for _ in 0..read(bytes)? {
            let reason = Discarded::NAMES.get(usize::try_from(read(bytes)?).ok()?)?;
            details.discarded.insert(reason, read(bytes)?);
        }
        for _ in 0..read(bytes)? {
            let category = Category::ALL.get(usize::try_from(read(bytes)?).ok()?)?;
            let status = u16::try_from(read(bytes)?).ok()?;
            let status = (status > 0).then_some(status);
            details.failures.insert((*category, status), read(bytes)?);
        }
        details.latency = Sketch::from_bytes(bytes)?;
        Some(Self {
            counts,
            details,
            balance,
            duplicates,
            pending,
            waiting,
        })
    }
}

/// Where something stands among all there are; behind them what is none of them, which is then damage
/// to whoever reads it. (Tests hold the lists to what there is.)
fn place<T: PartialEq>(all: &[T], one: &T) -> u64 {
    all.iter().position(|each| each == one).unwrap_or(all.len()) as u64
}

fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut details = Details {
            received: 300,
            requests: u64::MAX,
            ..Details::default()
        };
        details.discarded = Discarded::NAMES
            .iter()
            .zip(1..)
            .map(|(name, n)| (*name, n))
            .collect();
        details.failures = Category::ALL
            .iter()
            .zip(100..)
            .map(|(category, status)| ((*category, Some(status)), 7))
            .collect();
        details.failures.insert((Category::Dns, None), 1_000_000);
        details.latency.record(0.25);
        Figures {
            counts: Counts {
                filtered: 1,
                delivered_first: 2,
                delivered_retry: 3,
                discarded: 4,
                expired: 5,
                failed_attempts: 6,
            },
            details,
            balance: Balance {
                second: 10,
                again: 11,
                dropped: 12,
                superseded: 13,
                lost: 300,
                erased: 15,
            },
            duplicates: 8,
            pending: 9,
            waiting: 16,
        }
    }

    #[test]
    fn figures_of_the_form_before_are_read() {
        // What was written of: filtered 1, received 2, pending 3, and a failure by dns.
        let kept = [1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 3, 0, 1];
        let dns = place(&Category::ALL, &Category::Dns) as u8;
        let kept = [&kept[..], &[dns, 0, 7]].concat();
        let found = Figures::from_bytes(&kept).unwrap();
        assert_eq!((found.counts.filtered, found.pending), (1, 3));
        assert_eq!(found.details.failures, [((Category::Dns, None), 7)].into());
        assert_eq!((found.waiting, found.balance), (0, Balance::default()));
    }

    #[test]
    fn figures_come_back_as_they_were() {
        for figures in [figures(), Figures::default()] {
            assert_eq!(Figures::from_bytes(&figures.to_bytes()), Some(figures));
        }
    }

    #[test]
    fn damage_is_noticed_wherever_it_cuts() {
        let bytes = figures().to_bytes();
        for end in 0..bytes.len() {
            let cut = Figures::from_bytes(&bytes[..end]);
            // Without its sketch it is whole too, but for the latencies.
            assert!(
                cut.is_none_or(|cut| cut.details.latency.count() == 0),
                "{end}"
            );
        }
    }

    #[test]
    fn every_name_of_a_reason_and_every_category_has_its_place() {
        let reasons = [
            Discarded::Template {
                place: String::new(),
                message: String::new(),
                line: 1,
                column: 1,
            },
            Discarded::InvalidJson {
                message: String::new(),
                line: 1,
                column: 1,
            },
            Discarded::MissingMapping {
                field: String::new(),
                waited_seconds: None,
                no_room: None,
            },
            Discarded::InvalidUrl {
                message: String::new(),
            },
            Discarded::InvalidHeader {
                name: String::new(),
            },
            Discarded::OverLimit {
                limit: String::new(),
                allowed: 1,
                actual: 2,
            },
            Discarded::Unreadable {
                message: String::new(),
            },
            Discarded::Refused {
                failure: model::outcome::Failure {
                    category: Category::ClientError,
                    status: Some(400),
                    message: String::new(),
                    response: String::new(),
                },
            },
        ];
        let names: Vec<_> = reasons.iter().map(Discarded::name).collect();
        assert_eq!(names, Discarded::NAMES);
        let mut categories: Vec<_> = Category::ALL
            .iter()
            .map(|category| category.name())
            .collect();
        categories.sort_unstable();
        categories.dedup();
        assert_eq!(categories.len(), Category::ALL.len());
        // The last of the enumeration: a new one behind it has to be added to the list.
        assert_eq!(Category::AwaitingProperty as usize, Category::ALL.len() - 1);
    }
}
