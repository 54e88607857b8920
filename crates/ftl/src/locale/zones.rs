//! The names of time zones, read out of `zones.txt`.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

const TEXT: &str = include_str!("zones.txt");

/// Which names each zone has, by groups of zones that share them, in each locale that has names of its own.
struct Index {
    groups: HashMap<&'static str, usize>,
    /// Zones whose names can be read, in Java's order.
    readable: Vec<&'static str>,
    names: HashMap<&'static str, Arc<HashMap<usize, &'static str>>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index {
        groups: HashMap::new(),
        readable: Vec::new(),
        names: HashMap::new(),
    };
    let mut parts = TEXT.split("\n= ");
    for line in parts.next().unwrap_or_default().lines() {
        let Some((key @ ("zones" | "unreadable"), list)) = line.split_once(' ') else {
            continue;
        };
        for (zone, group) in list.split('|').filter_map(|entry| entry.split_once('=')) {
            index.groups.insert(zone, group.parse().unwrap_or(0));
            if key == "zones" {
                index.readable.push(zone);
            }
        }
    }
    for part in parts {
        let (locales, lines) = part.split_once('\n').unwrap_or((part, ""));
        let names: HashMap<_, _> = lines
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter_map(|(group, names)| Some((group.parse().ok()?, names)))
            .collect();
        let names = Arc::new(names);
        for locale in locales.split(' ') {
            index.names.insert(locale, Arc::clone(&names));
        }
    }
    index
});

/// A zone's names; daylight saving time has names of its own.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ZoneNames {
    pub(crate) long: &'static str,
    pub(crate) long_daylight: &'static str,
    pub(crate) short: &'static str,
    pub(crate) short_daylight: &'static str,
}

impl ZoneNames {
    pub(crate) fn all(self) -> [(&'static str, bool); 4] {
        [
            (self.long, false),
            (self.short, false),
            (self.long_daylight, true),
            (self.short_daylight, true),
        ]
    }
}

/// Whether Java has a zone of that name.
pub(crate) fn is_known_zone(zone: &str) -> bool {
    INDEX.groups.contains_key(zone)
}

/// The names of a zone in a locale, or those without a locale if its own aren't there.
pub(crate) fn zone_names(zone: &str, locale: &str) -> Option<ZoneNames> {
    let group = *INDEX.groups.get(zone)?;
    Some(Chain::of(locale).names(group))
}

/// Every zone whose names can be read, with these in a locale: first `own`, then in Java's order.
pub(crate) fn readable_zones<'l>(
    own: &'l str,
    locale: &'l str,
) -> impl Iterator<Item = (&'static str, ZoneNames)> + use<'l> {
    let chain = Chain::of(locale);
    let is_own = move |zone: &&str| *zone == own;
    let readable = || INDEX.readable.iter().copied();
    readable()
        .filter(is_own)
        .chain(readable())
        .filter_map(move |zone| Some((zone, chain.names(*INDEX.groups.get(zone)?))))
}

/// The sections that tell a locale's names: none's, the language's, and the country's.
struct Chain([Option<&'static HashMap<usize, &'static str>>; 3]);

impl Chain {
    fn of(locale: &str) -> Self {
        let mut parts = locale.split('_');
        let language = parts.next().unwrap_or_default();
        let regional = match parts.next() {
            Some(country) => &locale[..language.len() + 1 + country.len()],
            None => language,
        };
        Self(["", language, regional].map(|name| INDEX.names.get(name).map(|names| &**names)))
    }

    /// A later section's name goes before an earlier one's.
    fn names(&self, group: usize) -> ZoneNames {
        let mut found = [""; 4];
        for told in self
            .0
            .iter()
            .flatten()
            .filter_map(|names| names.get(&group))
        {
            for (slot, name) in found.iter_mut().zip(told.split('|')) {
                if !name.is_empty() {
                    *slot = name;
                }
            }
        }
        let [long, long_daylight, short, short_daylight] = found;
        ZoneNames {
            long,
            long_daylight,
            short,
            short_daylight,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_names_in_the_languages_that_are_there() {
        let names = |zone, locale| zone_names(zone, locale).expect("a zone");
        assert_eq!(
            names("America/New_York", "en_US").long_daylight,
            "Eastern Daylight Time"
        );
        assert_eq!(names("Europe/Berlin", "de_AT").short, "MEZ");
        assert_eq!(names("Europe/Berlin", "de").short, "MEZ");
        assert_eq!(names("Europe/Berlin", "qq").short, "CET");
        assert!(zone_names("Nowhere/At_All", "en").is_none());
    }
}
