//! Time zones as `java.util.TimeZone` knows them.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::locale::is_known_zone;

/// Java's transitions begin in 1900; before, it has today's standard time.
const FIRST_MILLIS: i64 = -2_208_988_800_000;
/// Java's transitions end with 2037; a zone that has no rule for each year stays as it is then.
const LAST_LISTED_MILLIS: i64 = 2_145_916_799_000;
/// A winter and a summer in the far future, when all that is left are rules for each year.
const FAR_WINTER_MILLIS: i64 = 4_102_444_800_000;
const FAR_SUMMER_MILLIS: i64 = 4_118_083_200_000;
/// The last moment that is looked up, in the year 9800; later ones are mapped to the 400 years before it.
const LAST_MILLIS: i64 = 247_000_000_000_000;
/// When the year 292278994 begins, on whose 17th of August milliseconds end that are counted in 64 bits.
const LAST_YEAR_MILLIS: i64 = i64::MAX - (228 * 86_400_000 + 25_975_807);
/// Days, hence weekdays and leap years, repeat after 400 years.
const CYCLE_MILLIS: i64 = 146_097 * 86_400_000;
const HOUR_MILLIS: i64 = 3_600_000;

/// A zone with the name that Java gives it.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    id: Arc<str>,
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    /// Seconds east of Greenwich.
    Fixed(i64),
    Named(Arc<Named>),
}

#[derive(Debug, Clone)]
struct Named {
    zone: TimeZone,
    /// Milliseconds east of Greenwich in today's winters.
    standard: i64,
    /// How much summers save.
    saving: i64,
    /// Whether clocks will be changed every year.
    changes_yearly: bool,
    summers: Option<Summers>,
}

/// The database says of some zones that they save a negative hour in winter; to Java they save one in summer.
#[derive(Debug, Clone, Copy)]
struct Summers {
    since: i64,
    until: i64,
    /// Milliseconds east of Greenwich.
    offset: i64,
}

/// How clocks in a zone stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Milliseconds east of Greenwich.
    pub(crate) offset: i64,
    /// How much of it is daylight saving.
    pub(crate) saving: i64,
}

impl Zone {
    pub(crate) fn utc() -> Self {
        Self {
            id: "UTC".into(),
            rules: Rules::Fixed(0),
        }
    }

    pub(crate) fn gmt() -> Self {
        Self {
            id: "GMT".into(),
            rules: Rules::Fixed(0),
        }
    }

    /// Finds a zone by its name, or by an offset such as `GMT+01:00`.
    pub(crate) fn find(name: &str) -> Option<Self> {
        if is_known_zone(name) {
            return Some(Self {
                id: name.into(),
                rules: known_rules(name)?,
            });
        }
        let offset = name.strip_prefix("GMT")?;
        let seconds = custom_offset(offset)?;
        let minutes = seconds.abs() / 60;
        let sign = if offset.starts_with('-') { '-' } else { '+' };
        Some(Self {
            id: format!("GMT{sign}{:02}:{:02}", minutes / 60, minutes % 60).into(),
            rules: Rules::Fixed(seconds),
        })
    }

    /// As [`Self::find`]; `UTC` and `GMT`, alone or with an offset of nothing, may be in any case.
    pub(crate) fn find_for_iso(name: &str) -> Option<Self> {
        let (start, offset) = name.split_at_checked(3).unwrap_or((name, ""));
        let is_utc = ["UTC", "GMT"]
            .iter()
            .any(|utc| start.eq_ignore_ascii_case(utc));
        let is_nothing = matches!(
            offset,
            "" | "+0" | "+00" | "+00:00" | "-0" | "-00" | "-00:00"
        );
        match is_utc && is_nothing {
            true => Some(Self::utc()),
            false => Self::find(name),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// How clocks stand at a moment, in milliseconds since 1970.
    pub(crate) fn at(&self, millis: i64) -> Standing {
        match &self.rules {
            Rules::Fixed(seconds) => Standing {
                offset: seconds * 1000,
                saving: 0,
            },
            Rules::Named(named) => named.at(millis),
        }
    }

    /// How much the zone's summers save these days; nothing if it has none.
    pub(crate) fn current_saving(&self, now: i64) -> i64 {
        const QUARTER_MILLIS: i64 = 91 * 86_400_000;
        (0..4)
            .map(|quarter| self.at(now.saturating_add(quarter * QUARTER_MILLIS)).saving)
            .max()
            .unwrap_or(0)
    }

    /// How clocks stand that show `local` (milliseconds as if in UTC). Of two moments Java takes the one in standard
    /// time; of none, the one as if clocks hadn't been changed.
    pub(crate) fn at_local(&self, local: i64) -> Standing {
        match &self.rules {
            Rules::Fixed(_) => self.at(local),
            Rules::Named(named) => named.at_local(local),
        }
    }

    /// Whether clocks jump over `local`, so that they never show it.
    pub(crate) fn skips(&self, local: i64) -> bool {
        let offset = self.at_local(local).offset;
        self.at(local.saturating_sub(offset)).offset != offset
    }
}

impl Named {
    fn new(zone: TimeZone, id: &str) -> Self {
        let offset = |millis| {
            Timestamp::from_millisecond(millis).map_or(0, |moment| zone.to_offset(moment).seconds())
        };
        let mut named = Self {
            changes_yearly: offset(FAR_WINTER_MILLIS) != offset(FAR_SUMMER_MILLIS),
            standard: 0,
            saving: match id {
                "Australia/Lord_Howe" | "Australia/LHI" => HOUR_MILLIS / 2,
                "Antarctica/Troll" => 2 * HOUR_MILLIS,
                _ => HOUR_MILLIS,
            },
            summers: Summers::of(id),
            zone,
        };
        let last = named.listed(LAST_LISTED_MILLIS);
        named.standard = last.offset - last.saving;
        named
    }

    fn at(&self, millis: i64) -> Standing {
        if millis < FIRST_MILLIS || self.is_in_last_summer(millis) {
            return self.todays_standard();
        }
        self.listed(self.within_reach(millis))
    }

    fn listed(&self, millis: i64) -> Standing {
        let Ok(moment) = Timestamp::from_millisecond(millis) else {
            return self.todays_standard();
        };
        let info = self.zone.to_offset_info(moment);
        let offset = i64::from(info.offset().seconds()) * 1000;
        let is_saving = match self.summers {
            Some(summers) if (summers.since..summers.until).contains(&millis) => {
                offset == summers.offset
            }
            _ => info.dst().is_dst(),
        };
        Standing {
            offset,
            saving: if is_saving { self.saving } else { 0 },
        }
    }

    fn todays_standard(&self) -> Standing {
        Standing {
            offset: self.standard,
            saving: 0,
        }
    }

    /// Whether it is the year in which Java's time ends, and summers save time: Java finds no end of that summer, and so no
    /// summer. In the south the year's last one ends in April.
    fn is_in_last_summer(&self, millis: i64) -> bool {
        self.changes_yearly
            && millis.saturating_add(self.standard) >= LAST_YEAR_MILLIS
            && self.listed(FAR_SUMMER_MILLIS).saving > self.listed(FAR_WINTER_MILLIS).saving
    }

    fn at_local(&self, local: i64) -> Standing {
        let millis = local.saturating_sub(self.standard);
        if millis < FIRST_MILLIS || self.is_in_last_summer(millis) {
            return self.todays_standard();
        }
        let reachable = self.within_reach(local);
        let Ok(shown) = Timestamp::from_millisecond(reachable) else {
            return self.todays_standard();
        };
        let civil = Offset::UTC.to_datetime(shown);
        let Ok(moment) = self.zone.to_ambiguous_timestamp(civil).later() else {
            return self.todays_standard();
        };
        // In a gap the moment is after it, but the offset is the one before.
        let offset = reachable - moment.as_millisecond();
        let standing = self.listed(moment.as_millisecond());
        if standing.offset == offset {
            standing
        } else {
            Standing { offset, saving: 0 }
        }
    }

    fn within_reach(&self, millis: i64) -> i64 {
        if millis > LAST_LISTED_MILLIS && !self.changes_yearly {
            LAST_LISTED_MILLIS
        } else if millis > LAST_MILLIS {
            LAST_MILLIS - CYCLE_MILLIS + (millis - LAST_MILLIS).rem_euclid(CYCLE_MILLIS)
        } else {
            millis.max(FIRST_MILLIS)
        }
    }
}

impl Summers {
    fn of(id: &str) -> Option<Self> {
        let (since, until, offset) = match id {
            "Europe/Dublin" | "Eire" => (i64::MIN, i64::MAX, HOUR_MILLIS),
            "Africa/Casablanca" | "Africa/El_Aaiun" => (1_540_692_000_000, i64::MAX, HOUR_MILLIS),
            "Africa/Windhoek" => (764_200_800_000, 1_508_803_200_000, 2 * HOUR_MILLIS),
            _ => return None,
        };
        Some(Self {
            since,
            until,
            offset,
        })
    }
}

fn known_rules(name: &str) -> Option<Rules> {
    let name = match name {
        "UTC" | "GMT" | "UCT" | "Zulu" | "Universal" | "Greenwich" | "GMT0" => {
            return Some(Rules::Fixed(0));
        }
        "EST" => return Some(Rules::Fixed(-5 * 3600)),
        "MST" => return Some(Rules::Fixed(-7 * 3600)),
        "HST" => return Some(Rules::Fixed(-10 * 3600)),
        _ => short_id(name).unwrap_or(name),
    };
    if let Some(zone) = name.strip_prefix("SystemV/") {
        // Those without daylight saving time are but hours west of Greenwich.
        if let Ok(hours) = zone.get(3..)?.parse::<i64>() {
            return Some(Rules::Fixed(-hours * 3600));
        }
        let zone = TimeZone::posix(&format!("{zone},M4.5.0,M10.5.0")).ok()?;
        return Some(Rules::Named(Arc::new(Named::new(zone, name))));
    }
    if name.starts_with("Etc/") {
        let offset = name.strip_prefix("Etc/GMT").unwrap_or_default();
        // Their signs are the other way round.
        let hours = offset.parse::<i64>().unwrap_or(0);
        return Some(Rules::Fixed(-hours * 3600));
    }
    TimeZone::get(name)
        .ok()
        .map(|zone| Rules::Named(Arc::new(Named::new(zone, name))))
}

/// What Java's three-letter names stand for.
fn short_id(name: &str) -> Option<&'static str> {
    Some(match name {
        "ACT" => "Australia/Darwin",
        "AET" => "Australia/Sydney",
        "AGT" => "America/Argentina/Buenos_Aires",
        "ART" => "Africa/Cairo",
        "AST" => "America/Anchorage",
        "BET" => "America/Sao_Paulo",
        "BST" => "Asia/Dhaka",
        "CAT" => "Africa/Harare",
        "CNT" => "America/St_Johns",
        "CST" => "America/Chicago",
        "CTT" => "Asia/Shanghai",
        "EAT" => "Africa/Addis_Ababa",
        "ECT" => "Europe/Paris",
        "IET" => "America/Indiana/Indianapolis",
        "IST" => "Asia/Kolkata",
        "JST" => "Asia/Tokyo",
        "MIT" => "Pacific/Apia",
        "NET" => "Asia/Yerevan",
        "NST" => "Pacific/Auckland",
        "PLT" => "Asia/Karachi",
        "PNT" => "America/Phoenix",
        "PRT" => "America/Puerto_Rico",
        "PST" => "America/Los_Angeles",
        "SST" => "Pacific/Guadalcanal",
        "VST" => "Asia/Ho_Chi_Minh",
        _ => return None,
    })
}

/// Reads `+1`, `-0130`, `+01:30`: seconds east of Greenwich.
fn custom_offset(text: &str) -> Option<i64> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = &text[1..];
    let (hours, minutes) = match digits.split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "00"),
    };
    let number = |text: &str, lengths: std::ops::RangeInclusive<usize>, limit: i64| {
        (lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<i64>().ok())
            .flatten()
            .filter(|number| *number <= limit)
    };
    let hours = number(hours, 1..=2, 23)?;
    let minutes = number(minutes, 2..=2, 59)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_javas_names() {
        for (given, expected) in [
            ("GMT+2", Some("GMT+02:00")),
            ("GMT-0130", Some("GMT-01:30")),
            ("GMT+25", None),
            ("UTC+2", None),
            ("europe/berlin", None),
            ("Europe/Berlin", Some("Europe/Berlin")),
            ("PST", Some("PST")),
        ] {
            assert_eq!(
                Zone::find(given).as_ref().map(Zone::id),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn system_v_zones_save_daylight_from_april_to_october() {
        let zone = Zone::find("SystemV/YST9YDT").expect("a zone");
        for (millis, hours) in [
            (-1_000_000_000_000, -8),
            (0, -9),
            (15_000_000_000, -8),
            (1_288_000_000_000, -8),
            (1_300_000_000_000, -9),
            (5_000_000_000_000, -8),
        ] {
            assert_eq!(zone.at(millis).offset, hours * HOUR_MILLIS, "{millis}");
        }
    }

    #[test]
    fn of_two_moments_the_one_in_standard_time_counts() {
        let zone = Zone::find("Europe/Berlin").expect("a zone");
        // 2021-10-31T02:30
        let twice = 1_635_647_400_000;
        assert_eq!(zone.at_local(twice).offset, 3_600_000);
        // 2021-03-28T02:30
        let never = 1_616_898_600_000;
        assert_eq!(zone.at_local(never).offset, 3_600_000);
    }
}
