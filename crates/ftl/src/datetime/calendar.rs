//! Java's `GregorianCalendar`: Julian dates before 15 October 1582, and weeks by the locale.

pub(super) const DAY_MILLIS: i64 = 86_400_000;
pub(super) const HOUR_MILLIS: i64 = 3_600_000;

/// The first Gregorian day, in days since 1970-01-01.
pub(super) const CUTOVER_DAY: i64 = -141_427;
pub(super) const CUTOVER_YEAR: i64 = 1582;
const CUTOVER_MONTH: i64 = 9;

/// How weeks are counted: from which weekday (1 is Sunday), and how many days a year's first week has at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weeks {
    pub(super) first_day: i64,
    pub(super) min_days: i64,
}

/// A day and a time in their parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    /// Days since 1970-01-01.
    day_number: i64,
    /// Days since the month's first, which are fewer than the date says after the ten days that were left out.
    days_into_month: i64,
    /// 0 is 1 BC.
    pub(super) year: i64,
    /// From 0.
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) day_of_year: i64,
    /// 1 is Sunday.
    pub(super) weekday: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millis: i64,
}

impl Civil {
    /// The parts of `local`: milliseconds since 1970 on the wall.
    pub(super) fn of(local: i64) -> Self {
        Self::at(local, 0)
    }

    /// The parts of `millis` where the wall clock is ahead by `offset`.
    pub(super) fn at(millis: i64, offset: i64) -> Self {
        let (day, of_day) = wall_clock(millis, offset);
        Self::in_calendar(day, of_day, day >= CUTOVER_DAY)
    }

    /// As [`Self::at`], with Gregorian dates at all times, as ISO 8601 wants them.
    pub(super) fn gregorian(millis: i64, offset: i64) -> Self {
        let (day, of_day) = wall_clock(millis, offset);
        Self::in_calendar(day, of_day, true)
    }

    fn in_calendar(day_number: i64, of_day: i64, gregorian: bool) -> Self {
        let (year, month, day) = if gregorian {
            gregorian_date(day_number)
        } else {
            julian_date(day_number)
        };
        let new_year = if gregorian && (year != CUTOVER_YEAR || day_number < CUTOVER_DAY) {
            gregorian_day(year, 0)
        } else {
            // The year of the cutover began in the Julian calendar.
            julian_day(year, 0)
        };
        let is_month_of_cutover = gregorian
            && (year, month) == (CUTOVER_YEAR, CUTOVER_MONTH)
            && (CUTOVER_DAY..CUTOVER_DAY + 31).contains(&day_number);
        let days_into_month = if is_month_of_cutover {
            day_number - julian_day(year, month)
        } else {
            day - 1
        };
        Self {
            day_number,
            days_into_month,
            year,
            month,
            day,
            day_of_year: day_number - new_year + 1,
            weekday: weekday(day_number),
            hour: of_day / HOUR_MILLIS,
            minute: of_day / 60_000 % 60,
            second: of_day / 1000 % 60,
            millis: of_day % 1000,
        }
    }

    pub(super) fn week_of_month(&self, weeks: Weeks) -> i64 {
        weeks.number(self.day_number - self.days_into_month, self.day_number)
    }

    /// 1 for the month's first day of that weekday.
    pub(super) fn weekday_in_month(&self) -> i64 {
        self.days_into_month / 7 + 1
    }

    pub(super) fn week_of_year(&self, weeks: Weeks) -> i64 {
        let new_year = self.day_number - self.day_of_year + 1;
        let week = weeks.number(new_year, self.day_number);
        if week == 0 {
            return weeks.number(first_day_of_year(self.year - 1), new_year - 1);
        }
        if self.week_year(weeks) > self.year {
            return 1;
        }
        week
    }

    /// The year that the week belongs to.
    pub(super) fn week_year(&self, weeks: Weeks) -> i64 {
        let first_day_of = |year| weeks.first_week(first_day_of_year(year));
        if self.day_number < first_day_of(self.year) {
            self.year - 1
        } else if self.day_number >= first_day_of(self.year + 1) {
            self.year + 1
        } else {
            self.year
        }
    }
}

/// Days since 1970-01-01 and milliseconds since midnight. Both together may be more than 64 bits can count.
fn wall_clock(millis: i64, offset: i64) -> (i64, i64) {
    let of_day = millis.rem_euclid(DAY_MILLIS) + offset;
    let day = millis.div_euclid(DAY_MILLIS) + of_day.div_euclid(DAY_MILLIS);
    (day, of_day.rem_euclid(DAY_MILLIS))
}

impl Weeks {
    /// The first day of the first week of the period that begins with `start`.
    pub(super) fn first_week(self, start: i64) -> i64 {
        let first = weekday_on_or_before(start + 6, self.first_day);
        if first - start >= self.min_days {
            first - 7
        } else {
            first
        }
    }

    fn number(self, start: i64, day: i64) -> i64 {
        (day - self.first_week(start)).div_euclid(7) + 1
    }
}

fn weekday(day_number: i64) -> i64 {
    (day_number + 4).rem_euclid(7) + 1
}

/// The last `weekday` that isn't after `day`.
pub(super) fn weekday_on_or_before(day: i64, weekday_wanted: i64) -> i64 {
    day - (weekday(day) - weekday_wanted).rem_euclid(7)
}

pub(super) fn first_day_of_year(year: i64) -> i64 {
    if year > CUTOVER_YEAR {
        gregorian_day(year, 0)
    } else {
        julian_day(year, 0)
    }
}

/// Days since 1970 of the first day of a month, which may lie outside the year.
pub(super) fn gregorian_day(year: i64, month: i64) -> i64 {
    // March-based years, so that the leap day is the last.
    let months = month - 2;
    let year = year + months.div_euclid(12);
    let month = months.rem_euclid(12);
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        - 719_468
}

pub(super) fn julian_day(year: i64, month: i64) -> i64 {
    let months = month - 2;
    let year = year + months.div_euclid(12);
    let month = months.rem_euclid(12);
    year * 365 + year.div_euclid(4) + (153 * month + 2) / 5 - 719_470
}

fn gregorian_date(day_number: i64) -> (i64, i64, i64) {
    let shifted = day_number + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    from_march(era * 400 + year_of_era, of_year)
}

fn julian_date(day_number: i64) -> (i64, i64, i64) {
    let shifted = day_number + 719_470;
    let era = shifted.div_euclid(1461);
    let of_era = shifted.rem_euclid(1461);
    let year_of_era = (of_era - of_era / 1460) / 365;
    from_march(era * 4 + year_of_era, of_era - 365 * year_of_era)
}

/// Year, month (from 0) and day of a day in a year that begins in March.
fn from_march(year: i64, day_of_year: i64) -> (i64, i64, i64) {
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    if month < 10 {
        (year, month + 2, day)
    } else {
        (year + 1, month - 10, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMERICAN: Weeks = Weeks {
        first_day: 1,
        min_days: 1,
    };
    const ISO: Weeks = Weeks {
        first_day: 2,
        min_days: 4,
    };

    #[test]
    fn ten_days_are_missing_in_1582() {
        let last = Civil::of((CUTOVER_DAY - 1) * DAY_MILLIS);
        assert_eq!((last.year, last.month, last.day), (1582, 9, 4));
        let first = Civil::of(CUTOVER_DAY * DAY_MILLIS);
        assert_eq!((first.year, first.month, first.day), (1582, 9, 15));
        assert_eq!(first.day_of_year, last.day_of_year + 1);
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for day in (-2_000_000..2_000_000).step_by(97) {
            let (year, month, of_month) = gregorian_date(day);
            assert_eq!(gregorian_day(year, month) + of_month - 1, day);
            let (year, month, of_month) = julian_date(day);
            assert_eq!(julian_day(year, month) + of_month - 1, day);
        }
    }

    #[test]
    fn weeks_are_counted_as_the_locale_does() {
        // 2021-01-03, a Sunday
        let sunday = Civil::of(18_630 * DAY_MILLIS);
        assert_eq!(
            (sunday.week_of_year(AMERICAN), sunday.week_year(AMERICAN)),
            (2, 2021)
        );
        assert_eq!(
            (sunday.week_of_year(ISO), sunday.week_year(ISO)),
            (53, 2020)
        );
    }
}
