//! The zones that texts have named. `SimpleDateFormat` goes on in the zone that it has read last, and FreeMarker asks the
//! same one as long as zone and locale are what they were: one for the setting of each kind, one for each other format.

use super::env::{Env, Evaluated};
use crate::datetime::{DateFormat, Surroundings, Zone};
use crate::value::DateKind;

/// Most formats whose zones are kept; the oldest is forgotten.
const MAX_KEPT: usize = 64;

/// A format that has read the name of another zone than the one in effect.
pub(super) struct KeptZone {
    format: FormatOf,
    zone: Zone,
}

/// A format as FreeMarker tells them apart.
enum FormatOf {
    Setting(DateKind),
    Given(DateKind, DateFormat),
}

impl FormatOf {
    fn is(&self, kind: DateKind, given: Option<&DateFormat>) -> bool {
        match (self, given) {
            (Self::Setting(of), None) => *of == kind,
            (Self::Given(of, format), Some(given)) => *of == kind && format == given,
            _ => false,
        }
    }
}

impl<'a> Env<'a> {
    /// What the text of a date depends on: by a format that is given, or by the setting for dates of that kind.
    pub(crate) fn surroundings(
        &self,
        kind: DateKind,
        given: Option<&DateFormat>,
    ) -> Surroundings<'_> {
        let mut surroundings = self.engine.surroundings(&self.settings);
        if !self.zones.is_empty()
            && let Some(zone) = self.kept_zone(kind, given)
        {
            surroundings.zone = zone;
        }
        surroundings
    }

    #[cold]
    fn kept_zone(&self, kind: DateKind, given: Option<&DateFormat>) -> Option<&Zone> {
        let kept = self.zones.iter().find(|kept| kept.format.is(kind, given));
        kept.map(|kept| &kept.zone)
    }

    /// Notes that a format has read the name of a zone.
    #[cold]
    pub(crate) fn keep_zone(
        &mut self,
        kind: DateKind,
        given: Option<DateFormat>,
        zone: Zone,
    ) -> Evaluated<'a, ()> {
        self.steps(self.zones.len())?;
        let is_known = |kept: &&mut KeptZone| kept.format.is(kind, given.as_ref());
        if let Some(kept) = self.zones.iter_mut().find(is_known) {
            kept.zone = zone;
            return Ok(());
        }
        self.charge_items(64)?;
        if self.zones.len() == MAX_KEPT {
            self.zones.remove(0);
        }
        let format = match given {
            Some(format) => FormatOf::Given(kind, format),
            None => FormatOf::Setting(kind),
        };
        self.zones.push(KeptZone { format, zone });
        Ok(())
    }

    /// Forgets the zone of a setting that has changed, for which there may be a format already.
    pub(super) fn forget_zone_of_setting(&mut self, kind: DateKind) {
        if self.zones.is_empty() {
            return;
        }
        self.zones.retain(|kept| !kept.format.is(kind, None));
        let setting = self.settings.date_format(kind);
        let Ok(format) = setting.compiled.clone() else {
            return;
        };
        if let Some(zone) = self.kept_zone(kind, Some(&format)).cloned() {
            let format = FormatOf::Setting(kind);
            self.zones.push(KeptZone { format, zone });
        }
    }
}
