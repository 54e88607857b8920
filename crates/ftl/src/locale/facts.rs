//! The facts about one locale, read out of `locales.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

const TEXT: &str = include_str!("locales.txt");

/// What the file says of all locales, and where each one's own facts are.
struct Index {
    /// The lines of each locale, by its name.
    sections: HashMap<&'static str, &'static str>,
    /// Currency and week of each country.
    countries: HashMap<&'static str, (&'static str, u8, u8)>,
    /// Digits of each currency's fraction.
    currencies: HashMap<&'static str, Option<usize>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index {
        sections: HashMap::new(),
        countries: HashMap::new(),
        currencies: HashMap::new(),
    };
    let mut parts = TEXT.split("\n= ");
    for line in parts.next().unwrap_or_default().lines() {
        match line.split_once(' ') {
            Some(("countries", list)) => index
                .countries
                .extend(list.split('|').filter_map(read_country)),
            Some(("digits", list)) => index.currencies.extend(list.split('|').map(read_digits)),
            _ => {}
        }
    }
    for part in parts {
        let (name, lines) = part.split_once('\n').unwrap_or((part, ""));
        index.sections.insert(name, lines);
    }
    index
});

fn read_country(entry: &'static str) -> Option<(&'static str, (&'static str, u8, u8))> {
    let (country, facts) = entry.split_once('=')?;
    let (currency, week) = facts.split_once(',')?;
    let (first_day, min_days) = read_week(week);
    Some((country, (currency, first_day, min_days)))
}

fn read_week(text: &str) -> (u8, u8) {
    let number = |text: &str| text.parse().unwrap_or(1);
    text.split_once(',')
        .map_or((1, 1), |(first, days)| (number(first), number(days)))
}

fn read_digits(entry: &'static str) -> (&'static str, Option<usize>) {
    match entry.split_once('=') {
        // Gold and the like say nothing of digits, which is -1 in the file.
        Some((code, digits)) => (code, digits.parse().ok()),
        None => (entry, Some(2)),
    }
}

/// The locales that the file has.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    INDEX.sections.keys().copied()
}

/// Whether `code` is an ISO 4217 code that Java knows.
pub(crate) fn currency_exists(code: &str) -> bool {
    INDEX.currencies.contains_key(code)
}

/// How many digits the fraction of an amount has, if that is known.
pub(crate) fn currency_digits(code: &str) -> Option<usize> {
    INDEX.currencies.get(code).copied().flatten()
}

/// What numbers are written with.
#[derive(Clone, Debug, Default)]
pub(crate) struct NumberSymbols {
    pub(crate) decimal: char,
    pub(crate) group: char,
    /// May hold marks of direction around the sign; so may percent and per mille.
    pub(crate) minus: &'static str,
    pub(crate) percent: &'static str,
    pub(crate) per_mille: &'static str,
    pub(crate) exponent: &'static str,
    pub(crate) infinity: &'static str,
    pub(crate) nan: &'static str,
    pub(crate) zero: char,
    pub(crate) money_decimal: char,
    pub(crate) money_group: char,
}

/// Names in a date, and (of months) those that stand alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) long: Vec<&'static str>,
    pub(crate) short: Vec<&'static str>,
    pub(crate) long_alone: Vec<&'static str>,
    pub(crate) short_alone: Vec<&'static str>,
}

impl Names {
    fn told(&mut self, names: impl Fn(&mut Self) -> &mut Vec<&'static str>, value: &'static str) {
        *names(self) = value.split('|').collect();
    }
}

/// How a date and a time are joined: `{1}` and `{0}` in each of the joints.
#[derive(Clone, Debug, Default)]
pub(crate) struct Joint {
    choice: &'static str,
    joints: Vec<&'static str>,
}

impl Joint {
    /// The joint of two styles, each from 0 (full) to 3 (short).
    pub(crate) fn of(&self, date: usize, time: usize) -> &'static str {
        self.choice
            .as_bytes()
            .get(date * 4 + time)
            .and_then(|digit| char::from(*digit).to_digit(16))
            .and_then(|at| self.joints.get(at as usize))
            .copied()
            .unwrap_or("{1} {0}")
    }
}

/// What is known of a locale.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) symbols: NumberSymbols,
    /// ISO 4217
    pub(crate) currency: &'static str,
    currency_signs: HashMap<&'static str, &'static str>,
    pub(crate) number: &'static str,
    pub(crate) percent: &'static str,
    pub(crate) money: &'static str,
    /// Whether years are counted from the Buddha.
    pub(crate) buddhist: bool,
    /// 1 is Sunday.
    pub(crate) first_day: u8,
    /// Days that the first week of a year must have in it.
    pub(crate) min_days: u8,
    pub(crate) months: Names,
    /// From Sunday.
    pub(crate) weekdays: Names,
    pub(crate) halves_of_day: Vec<&'static str>,
    pub(crate) eras: Names,
    /// From full to short.
    pub(crate) date_styles: Vec<&'static str>,
    pub(crate) time_styles: Vec<&'static str>,
    pub(crate) joint: Joint,
}

impl Facts {
    pub(super) fn load(language: &str, country: &str) -> Self {
        let whole = format!("{language}_{country}");
        let mut facts = Self::default();
        for name in ["", language, whole.as_str()] {
            if name.is_empty() && !facts.number.is_empty() {
                continue;
            }
            if let Some(lines) = INDEX.sections.get(name) {
                facts.forget_defaults();
                for line in lines.lines() {
                    let (key, value) = line.split_once(' ').unwrap_or((line, ""));
                    facts.told(key, value);
                }
                facts.stand_alone_as_in_dates();
            }
        }
        if !country.is_empty() {
            // What no country has: no currency, and weeks from Monday on.
            const NOWHERE: (&str, u8, u8) = ("XXX", 2, 1);
            let (currency, first_day, min_days) =
                INDEX.countries.get(country).copied().unwrap_or(NOWHERE);
            facts.adopt_country(currency, first_day, min_days, &whole);
        }
        facts
    }

    fn told(&mut self, key: &str, value: &'static str) {
        match key {
            "numbers" => self.symbols = NumberSymbols::read(value),
            "currency" => self.currency = value,
            "symbols" => {
                let signs = value.split('|').filter_map(|entry| entry.split_once('='));
                self.currency_signs.extend(signs);
            }
            "number" => self.number = value,
            "percent" => self.percent = value,
            "money" => self.money = value,
            "calendar" => self.buddhist = value == "buddhist",
            "week" => (self.first_day, self.min_days) = read_week(value),
            "MMMM" => self.months.told(|names| &mut names.long, value),
            "MMM" => self.months.told(|names| &mut names.short, value),
            "LLLL" => self.months.told(|names| &mut names.long_alone, value),
            "LLL" => self.months.told(|names| &mut names.short_alone, value),
            "EEEE" => self.weekdays.told(|names| &mut names.long, value),
            "EEE" => self.weekdays.told(|names| &mut names.short, value),
            "a" => self.halves_of_day = value.split('|').collect(),
            "G" => self.eras.told(|names| &mut names.short, value),
            "GGGG" => self.eras.told(|names| &mut names.long, value),
            "date" => self.date_styles = value.split('|').collect(),
            "time" => self.time_styles = value.split('|').collect(),
            "joints" => {
                let (choice, joints) = value.split_once('|').unwrap_or_default();
                self.joint = Joint {
                    choice,
                    joints: joints.split('|').collect(),
                };
            }
            _ => {}
        }
    }

    /// Names that stand alone aren't inherited.
    fn forget_defaults(&mut self) {
        self.months.long_alone.clear();
        self.months.short_alone.clear();
        self.eras.long.clear();
    }

    fn stand_alone_as_in_dates(&mut self) {
        let months = &mut self.months;
        if months.long_alone.is_empty() {
            months.long_alone.clone_from(&months.long);
        }
        if months.short_alone.is_empty() {
            months.short_alone.clone_from(&months.short);
        }
        if self.eras.long.is_empty() {
            self.eras.long.clone_from(&self.eras.short);
        }
    }

    /// Takes the country's currency and week where the locale itself doesn't tell them.
    fn adopt_country(&mut self, currency: &'static str, first_day: u8, min_days: u8, name: &str) {
        let own = INDEX.sections.get(name).copied().unwrap_or_default();
        let tells = |key: &str| own.lines().any(|line| line.starts_with(key));
        if !tells("currency ") {
            self.currency = currency;
        }
        if !tells("week ") {
            (self.first_day, self.min_days) = (first_day, min_days);
        }
    }

    /// The sign of a currency, which is its code if the locale has none.
    pub(crate) fn currency_sign<'a>(&self, code: &'a str) -> &'a str {
        self.currency_signs.get(code).copied().unwrap_or(code)
    }
}

impl NumberSymbols {
    fn read(value: &'static str) -> Self {
        let mut parts = value.split('|');
        let mut next = || parts.next().unwrap_or_default();
        let sign = |text: &str| text.chars().next().unwrap_or('.');
        Self {
            decimal: sign(next()),
            group: sign(next()),
            minus: next(),
            percent: next(),
            per_mille: next(),
            exponent: next(),
            infinity: next(),
            nan: next(),
            zero: sign(next()),
            money_decimal: sign(next()),
            money_group: sign(next()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_is_whole() {
        for name in INDEX.sections.keys() {
            let (language, country) = name.split_once('_').unwrap_or((name, ""));
            let facts = Facts::load(language, country);
            for names in [&facts.months, &facts.weekdays, &facts.eras] {
                assert_eq!(names.long.len(), names.short.len(), "{name}");
            }
            assert_eq!(facts.months.long.len(), 12, "{name}");
            assert_eq!(facts.months.long_alone.len(), 12, "{name}");
            assert_eq!(facts.weekdays.long.len(), 7, "{name}");
            assert_eq!(facts.halves_of_day.len(), 2, "{name}");
            assert_eq!(
                (facts.date_styles.len(), facts.time_styles.len()),
                (4, 4),
                "{name}"
            );
            assert!(
                facts.joint.of(0, 0).contains("{1}") && facts.joint.of(3, 3).contains("{0}"),
                "{name}"
            );
            assert_eq!(facts.currency.len(), 3, "{name}");
        }
    }

    #[test]
    fn a_currencys_sign_depends_on_the_locale() {
        assert_eq!(Facts::load("en", "US").currency_sign("USD"), "$");
        assert_eq!(Facts::load("en", "CA").currency_sign("USD"), "US$");
        assert_eq!(Facts::load("en", "US").currency_sign("QQQ"), "QQQ");
        assert_eq!(currency_digits("JPY"), Some(0));
        assert_eq!(currency_digits("XXX"), None);
        assert!(currency_exists("EUR") && !currency_exists("eur"));
    }
}
