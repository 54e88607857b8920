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
    let language = locale.split('_').next().unwrap_or_default();
    let mut chain = locale.split('_');
    let regional = match (chain.next(), chain.next()) {
        (Some(language), Some(country)) => format!("{language}_{country}"),
        _ => language.to_owned(),
    };
    let mut found = [""; 4];
    for name in ["", language, regional.as_str()] {
        let told = INDEX.names.get(name).and_then(|names| names.get(&group));
        for (at, name) in told
            .into_iter()
            .flat_map(|told| told.split('|').enumerate())
        {
            if let Some(slot) = found.get_mut(at)
                && !name.is_empty()
            {
                *slot = name;
            }
        }
    }
    let [long, long_daylight, short, short_daylight] = found;
    Some(ZoneNames {
        long,
        long_daylight,
        short,
        short_daylight,
    })
}

/// Every zone whose names can be read, with these in a locale: first `own`, then in Java's order.
pub(crate) fn readable_zones<'l>(
    own: &'l str,
    locale: &'l str,
) -> impl Iterator<Item = (&'static str, ZoneNames)> + use<'l> {
    let is_own = move |zone: &&str| *zone == own;
    let readable = || INDEX.readable.iter().copied();
    readable()
        .filter(is_own)
        .chain(readable())
        .filter_map(move |zone| Some((zone, zone_names(zone, locale)?)))
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
