//! Locales as Java knows them: symbols of numbers, names of months and days, patterns of the styles.
//!
//! The facts come from Unicode CLDR through Java 17 (`tools/LocaleData.java`), and are read when first asked for.

mod case;
mod collation;
mod facts;
mod zones;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

pub(crate) use case::{lower_case, upper_case};
pub(crate) use collation::Collation;
pub(crate) use facts::{Facts, currency_digits, currency_exists};
pub(crate) use zones::{ZoneNames, is_known_zone, readable_zones, zone_names};

use crate::datetime::StylePatterns;
use crate::number::StandardPatterns;

/// A language, a country and a variant, each of which may be missing, with what is known of them.
#[derive(Clone)]
pub(crate) struct Locale {
    language: Arc<str>,
    name: Arc<str>,
    known: Arc<Known>,
}

/// The facts, and the formats that names stand for in them, compiled when first used.
struct Known {
    facts: Facts,
    numbers: OnceLock<StandardPatterns>,
    styles: OnceLock<StylePatterns>,
}

/// What has been read of the locales that the file has.
static KNOWN: LazyLock<HashMap<&'static str, OnceLock<Arc<Known>>>> =
    LazyLock::new(|| facts::names().map(|name| (name, OnceLock::new())).collect());

impl Known {
    /// Shared with all who ask for the same, unless it is a country that isn't in the file.
    fn of(name: &str, language: &str, country: &str) -> Arc<Self> {
        let load = || {
            Arc::new(Self {
                facts: Facts::load(language, country),
                numbers: OnceLock::new(),
                styles: OnceLock::new(),
            })
        };
        match KNOWN.get(name) {
            Some(known) => Arc::clone(known.get_or_init(load)),
            None => load(),
        }
    }
}

impl Locale {
    /// Reads `de`, `de_DE` or `de_DE_POSIX`, as FreeMarker does: any name is a locale, and what is unknown of it is
    /// as in its language, or else in none.
    pub(crate) fn parse(name: &str) -> Self {
        let mut parts = name
            .trim_matches('"')
            .split([',', '_', ' '])
            .filter(|part| !part.is_empty());
        let language = modern_code(parts.next().unwrap_or_default().to_lowercase());
        let country = parts.next().unwrap_or_default().to_uppercase();
        let mut name = language.clone();
        if !country.is_empty() {
            name = format!("{name}_{country}");
        }
        let variant = parts.next();
        let known = match (&*name, variant) {
            // Java's old name of Nynorsk.
            ("no_NO", Some("NY")) => Known::of("nn_NO", "nn", "NO"),
            _ => Known::of(&name, &language, &country),
        };
        if let Some(variant) = variant {
            name = format!("{name}_{variant}");
        }
        Self {
            language: language.into(),
            name: name.into(),
            known,
        }
    }

    /// How Java spells it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The language's code; empty for none.
    pub(crate) fn language(&self) -> &str {
        &self.language
    }

    pub(crate) fn facts(&self) -> &Facts {
        &self.known.facts
    }

    /// The order of its strings.
    pub(crate) fn collation(&self) -> &'static Collation {
        Collation::of(&self.name, &self.language)
    }

    /// The formats `number`, `percent` and `currency`.
    pub(crate) fn numbers(&self) -> &StandardPatterns {
        self.known
            .numbers
            .get_or_init(|| StandardPatterns::of(self.facts()))
    }

    /// The formats `short` to `full`.
    pub(crate) fn styles(&self) -> &StylePatterns {
        self.known
            .styles
            .get_or_init(|| StylePatterns::of(self.facts()))
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Locale").field(&self.name).finish()
    }
}

/// Three codes have changed; Java takes the old for the new.
fn modern_code(language: String) -> String {
    match language.as_str() {
        "iw" => "he".to_owned(),
        "in" => "id".to_owned(),
        "ji" => "yi".to_owned(),
        _ => language,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_as_java_spells_them() {
        for (given, expected) in [
            ("de_de", "de_DE"),
            ("DE", "de"),
            ("de-DE", "de-de"),
            ("de_DE_POSIX_x", "de_DE_POSIX"),
            ("", ""),
            ("iw_IL", "he_IL"),
        ] {
            assert_eq!(Locale::parse(given).name(), expected, "{given:?}");
        }
    }

    #[test]
    fn nynorsk_has_an_old_name() {
        let (old, new) = (Locale::parse("no_NO_NY"), Locale::parse("nn_NO"));
        assert!(Arc::ptr_eq(&old.known, &new.known));
        assert_eq!(old.name(), "no_NO_NY");
    }

    #[test]
    fn an_unknown_country_has_its_currency_and_its_week_but_its_languages_words() {
        let locale = Locale::parse("en_JP");
        assert_eq!(locale.facts().currency, "JPY");
        assert_eq!(locale.facts().first_day, 1);
        assert_eq!(locale.facts().months.long[0], "January");
        assert_eq!(Locale::parse("qq_QQ").facts().months.long[0], "Jan");
    }
}
