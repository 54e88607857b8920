//! Java's `GregorianCalendar`: Julian dates before 15 October 1582, weeks by the locale, and lenient fields.

pub(super) const DAY_MILLIS: i64 = 86_400_000;
const HOUR_MILLIS: i64 = 3_600_000;

/// The first Gregorian day, in days since 1970-01-01.
const CUTOVER_DAY: i64 = -141_427;
const CUTOVER_YEAR: i64 = 1582;
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
        Self::in_calendar(local, local.div_euclid(DAY_MILLIS) >= CUTOVER_DAY)
    }

    /// As [`Self::of`], with Gregorian dates at all times, as ISO 8601 wants them.
    pub(super) fn gregorian(local: i64) -> Self {
        Self::in_calendar(local, true)
    }

    fn in_calendar(local: i64, gregorian: bool) -> Self {
        let day_number = local.div_euclid(DAY_MILLIS);
        let of_day = local.rem_euclid(DAY_MILLIS);
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

    /// The week, and the year that it belongs to.
    pub(super) fn week_of_year(&self, weeks: Weeks) -> (i64, i64) {
        let new_year = self.day_number - self.day_of_year + 1;
        let week = weeks.number(new_year, self.day_number);
        if week == 0 {
            let before = first_day_of_year(self.year - 1);
            return (weeks.number(before, new_year - 1), self.year - 1);
        }
        if week >= 52 && self.day_number >= weeks.first_week(first_day_of_year(self.year + 1)) {
            return (1, self.year + 1);
        }
        (week, self.year)
    }
}

impl Weeks {
    /// The first day of the first week of the period that begins with `start`.
    fn first_week(self, start: i64) -> i64 {
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
fn weekday_on_or_before(day: i64, weekday_wanted: i64) -> i64 {
    day - (weekday(day) - weekday_wanted).rem_euclid(7)
}

fn first_day_of_year(year: i64) -> i64 {
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

fn julian_day(year: i64, month: i64) -> i64 {
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

/// The fields that a text may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Era,
    Year,
    Month,
    WeekOfYear,
    WeekOfMonth,
    Day,
    DayOfYear,
    Weekday,
    WeekdayInMonth,
    Half,
    Hour12,
    Hour,
    Minute,
    Second,
    Millis,
    WeekYear,
}

const FIELDS: usize = 16;

/// Fields in the order in which they have been set, of which the latest decide.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    values: [i64; FIELDS],
    /// When each field was set; 0 is never.
    stamps: [u32; FIELDS],
    stamp: u32,
}

impl Fields {
    pub(super) fn set(&mut self, field: Field, value: i32) {
        self.stamp += 1;
        self.values[field as usize] = i64::from(value);
        self.stamps[field as usize] = self.stamp;
    }

    fn stamp(&self, field: Field) -> u32 {
        self.stamps[field as usize]
    }

    fn is_set(&self, field: Field) -> bool {
        self.stamp(field) > 0
    }

    fn get(&self, field: Field) -> i64 {
        self.values[field as usize]
    }

    fn get_or(&self, field: Field, default: i64) -> i64 {
        if self.is_set(field) {
            self.get(field)
        } else {
            default
        }
    }

    pub(super) fn add_years(&mut self, years: i32) {
        self.values[Field::Year as usize] += i64::from(years);
    }

    /// Both must be set; then the later.
    fn joint_stamp(&self, a: Field, b: Field) -> u32 {
        match (self.stamp(a), self.stamp(b)) {
            (0, _) | (_, 0) => 0,
            (a, b) => a.max(b),
        }
    }

    /// Milliseconds since 1970 on the wall. Numbers that are too large wrap around, as in Java.
    pub(super) fn local_millis(&self, weeks: Weeks) -> i64 {
        let mut millis = self.hours() * HOUR_MILLIS;
        millis += self.get(Field::Minute) * 60_000;
        millis += self.get(Field::Second) * 1000;
        millis += self.get(Field::Millis);
        let is_week_date =
            self.is_set(Field::WeekYear) && self.stamp(Field::WeekYear) > self.stamp(Field::Year);
        let carried = millis.div_euclid(DAY_MILLIS);
        let named_day = self.day_number(carried, weeks);
        let day = if is_week_date {
            // The era is that of the date that the other fields name.
            let is_before_christ = Civil::of(named_day.wrapping_mul(DAY_MILLIS)).year <= 0;
            self.day_of_week_date(weeks, is_before_christ)
        } else {
            named_day - carried
        };
        day.wrapping_mul(DAY_MILLIS).wrapping_add(millis)
    }

    fn hours(&self) -> i64 {
        let hour = self.stamp(Field::Hour);
        let joint = self.joint_stamp(Field::Hour12, Field::Half);
        let mut best = hour.max(joint);
        if best == 0 {
            best = self.stamp(Field::Hour12).max(self.stamp(Field::Half));
        }
        if best == hour {
            self.get(Field::Hour)
        } else {
            self.get(Field::Hour12) + 12 * self.get(Field::Half)
        }
    }

    /// The day of a year that is counted in weeks.
    fn day_of_week_date(&self, weeks: Weeks, is_before_christ: bool) -> i64 {
        let year = self.get(Field::WeekYear);
        let year = if is_before_christ { 1 - year } else { year };
        let mut week = self.get_or(Field::WeekOfYear, 1);
        let mut weekday = self.get_or(Field::Weekday, weeks.first_day);
        if !(1..=7).contains(&weekday) {
            if weekday >= 8 {
                weekday -= 1;
                week += weekday / 7;
                weekday = weekday % 7 + 1;
            } else {
                week += (weekday - 1).div_euclid(7);
                weekday = (weekday - 1).rem_euclid(7) + 1;
            }
            weekday = weekday % 7 + 1;
        }
        let start = weeks.first_week(first_day_of_year(year));
        start + (weekday - weeks.first_day).rem_euclid(7) + 7 * (week - 1)
    }

    /// The day that the fields name, `carried` days later.
    fn day_number(&self, carried: i64, weeks: Weeks) -> i64 {
        let mut year = self.get_or(Field::Year, 1970);
        if self.is_set(Field::Era) && self.get(Field::Era) == 0 {
            year = 1 - year;
        }
        let choice = self.choose_day();
        let gregorian = || carried + self.day_in(year, choice, weeks, gregorian_day);
        let julian = || carried + self.day_in(year, choice, weeks, julian_day);
        let (in_gregorian, in_julian) = if year > CUTOVER_YEAR {
            let day = gregorian();
            if day >= CUTOVER_DAY {
                return day;
            }
            (day, julian())
        } else if year < CUTOVER_YEAR {
            let day = julian();
            if day < CUTOVER_DAY {
                return day;
            }
            (day, day)
        } else {
            (gregorian(), julian())
        };
        let counts_from_new_year =
            matches!(choice, DayChoice::DayOfYear | DayChoice::WeekOfYear { .. });
        if !counts_from_new_year && in_gregorian >= CUTOVER_DAY {
            in_gregorian
        } else {
            in_julian
        }
    }

    /// Which of the fields that can name a day do so: those set last.
    fn choose_day(&self) -> DayChoice {
        let weekday = self.stamp(Field::Weekday);
        let day = self.stamp(Field::Day);
        let day_of_year = self.stamp(Field::DayOfYear);
        let mut week_of_month = self.joint_stamp(Field::WeekOfMonth, Field::Weekday);
        let mut weekday_in_month = self.joint_stamp(Field::WeekdayInMonth, Field::Weekday);
        let mut week_of_year = self.joint_stamp(Field::WeekOfYear, Field::Weekday);
        let mut best = day
            .max(week_of_month)
            .max(weekday_in_month)
            .max(day_of_year)
            .max(week_of_year);
        let mut by_day = best == day;
        if best == 0 {
            week_of_month = self.stamp(Field::WeekOfMonth);
            weekday_in_month = self.stamp(Field::WeekdayInMonth).max(weekday);
            week_of_year = self.stamp(Field::WeekOfYear);
            best = week_of_month.max(weekday_in_month).max(week_of_year);
            by_day = best == 0;
        }
        let has_weekday = weekday > 0;
        if by_day {
            return DayChoice::Day;
        }
        let own_week_of_year = self.stamp(Field::WeekOfYear);
        let in_month = (best == week_of_month
            && self.stamp(Field::WeekOfMonth) >= own_week_of_year)
            || (best == weekday_in_month && self.stamp(Field::WeekdayInMonth) >= own_week_of_year);
        if in_month {
            let by_week = if week_of_month == weekday_in_month {
                self.stamp(Field::WeekOfMonth) >= self.stamp(Field::WeekdayInMonth)
            } else {
                best == week_of_month
            };
            if by_week {
                DayChoice::WeekOfMonth { has_weekday }
            } else {
                DayChoice::WeekdayInMonth { has_weekday }
            }
        } else if best == day_of_year {
            DayChoice::DayOfYear
        } else {
            DayChoice::WeekOfYear { has_weekday }
        }
    }

    fn day_in(
        &self,
        year: i64,
        choice: DayChoice,
        weeks: Weeks,
        first_of_month: fn(i64, i64) -> i64,
    ) -> i64 {
        let in_month = !matches!(choice, DayChoice::DayOfYear | DayChoice::WeekOfYear { .. });
        let month = if in_month { self.get(Field::Month) } else { 0 };
        let start = first_of_month(year, month);
        let weekday = self.get(Field::Weekday);
        let in_week = |first: i64, has_weekday: bool, week: i64| {
            let day = if has_weekday {
                weekday_on_or_before(first + 6, weekday)
            } else {
                first
            };
            day + 7 * (week - 1)
        };
        match choice {
            DayChoice::Day => start + self.get_or(Field::Day, 1) - 1,
            DayChoice::DayOfYear => start + self.get(Field::DayOfYear) - 1,
            DayChoice::WeekOfMonth { has_weekday } => in_week(
                weeks.first_week(start),
                has_weekday,
                self.get(Field::WeekOfMonth),
            ),
            DayChoice::WeekOfYear { has_weekday } => in_week(
                weeks.first_week(start),
                has_weekday,
                self.get(Field::WeekOfYear),
            ),
            DayChoice::WeekdayInMonth { has_weekday } => {
                let weekday = if has_weekday {
                    weekday
                } else {
                    weeks.first_day
                };
                let count = self.get_or(Field::WeekdayInMonth, 1);
                if count >= 0 {
                    weekday_on_or_before(start + 7 * count - 1, weekday)
                } else {
                    let length = first_of_month(year, month + 1) - start;
                    weekday_on_or_before(start + length + 7 * (count + 1) - 1, weekday)
                }
            }
        }
    }
}

/// By which fields a day is named.
#[derive(Clone, Copy)]
enum DayChoice {
    Day,
    WeekOfMonth { has_weekday: bool },
    WeekdayInMonth { has_weekday: bool },
    DayOfYear,
    WeekOfYear { has_weekday: bool },
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
        assert_eq!(sunday.week_of_year(AMERICAN), (2, 2021));
        assert_eq!(sunday.week_of_year(ISO), (53, 2020));
    }

    #[test]
    fn fields_out_of_range_carry_over() {
        let mut fields = Fields::default();
        fields.set(Field::Year, 2022);
        fields.set(Field::Month, 13);
        fields.set(Field::Day, 32);
        fields.set(Field::Hour, 25);
        let civil = Civil::of(fields.local_millis(AMERICAN));
        assert_eq!(
            (civil.year, civil.month, civil.day, civil.hour),
            (2023, 2, 5, 1)
        );
    }
}
