//! Time zones in dates that are read.

use super::read::{Reader, starts_with};
use super::zone::Zone;
use crate::locale::{ZoneNames, readable_zones};

impl Reader<'_, '_> {
    /// `z` and `Z`: `GMT+01:00`, `+0100`, or a zone's name.
    pub(super) fn zone(&mut self) -> Option<()> {
        let sign_of = |c: Option<char>| match c {
            Some('+') => Some(1),
            Some('-') => Some(-1),
            _ => None,
        };
        if let Some(sign) = sign_of(self.peek()) {
            self.at += 1;
            return self.numeric_zone(sign, 0, false);
        }
        if let Some(len) = starts_with(self.rest(), "GMT") {
            self.at += len;
            return match sign_of(self.peek()) {
                Some(sign) => {
                    self.at += 1;
                    self.numeric_zone(sign, 0, true)
                }
                None => {
                    (self.zone_offset, self.saving) = (Some(0), Some(0));
                    Some(())
                }
            };
        }
        self.zone_by_name()
    }

    pub(super) fn iso_zone(&mut self, width: usize) -> Option<()> {
        let sign = match self.peek()? {
            'Z' => {
                self.at += 1;
                (self.zone_offset, self.saving) = (Some(0), Some(0));
                return Some(());
            }
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        self.at += 1;
        self.numeric_zone(sign, width, width == 3)
    }

    /// Reads hours and minutes; `width` 1 is hours alone.
    fn numeric_zone(&mut self, sign: i64, width: usize, colon: bool) -> Option<()> {
        let bytes = self.rest().as_bytes();
        let digit = |at: usize| {
            bytes
                .get(at)
                .filter(|byte| byte.is_ascii_digit())
                .map(|byte| i64::from(byte - b'0'))
        };
        let mut hours = digit(0)?;
        let mut at = 1;
        // Java looks at the next character before it knows whether it needs it.
        bytes.get(1)?;
        if let Some(second) = digit(1) {
            hours = hours * 10 + second;
            at = 2;
        } else if width > 0 || !colon {
            return None;
        }
        if hours > 23 {
            return None;
        }
        let mut minutes = 0;
        if width != 1 {
            if colon {
                (bytes.get(at) == Some(&b':')).then_some(())?;
                at += 1;
            }
            minutes = digit(at)? * 10 + digit(at + 1)?;
            at += 2;
            if minutes > 59 {
                return None;
            }
        }
        self.at += at;
        self.zone_offset = Some(sign * (hours * 60 + minutes) * 60_000);
        self.saving = Some(0);
        Some(())
    }

    /// A name of the zone in effect, or else of the first zone that has it.
    fn zone_by_name(&mut self) -> Option<()> {
        let locale = self.surroundings.locale.name();
        let own = self.zone.as_ref().unwrap_or(self.surroundings.zone);
        let (id, (len, is_daylight, is_shared)) = readable_zones(own.id(), locale)
            .find_map(|(id, names)| Some((id, self.match_zone(names)?)))?;
        let zone = if id == own.id() {
            own.clone()
        } else {
            Zone::find(id)?
        };
        self.at += len;
        // Where both times share a name, or the zone has but one, the date decides.
        let saving = if is_daylight {
            zone.current_saving(self.surroundings.now())
        } else {
            0
        };
        if !(is_shared || (is_daylight && saving == 0)) {
            self.zone_offset = None;
            self.saving = Some(saving);
        }
        self.zone = Some(zone);
        Some(())
    }

    /// The length of the name that comes next, whether it is that of summer, and whether both times have it.
    fn match_zone(&self, names: ZoneNames) -> Option<(usize, bool, bool)> {
        names.all().into_iter().find_map(|(name, is_daylight)| {
            let len = starts_with(self.rest(), name).filter(|len| *len > 0)?;
            let is_shared = !is_daylight
                && (name == names.long && names.long == names.long_daylight
                    || name == names.short && names.short == names.short_daylight);
            Some((len, is_daylight, is_shared))
        })
    }
}
