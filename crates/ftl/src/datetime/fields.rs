//! Dates put together from fields, leniently, as `java.util.Calendar` does it.

use super::calendar::{
    CUTOVER_DAY, CUTOVER_YEAR, Civil, DAY_MILLIS, HOUR_MILLIS, Weeks, first_day_of_year,
    gregorian_day, julian_day, weekday_on_or_before,
};

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
        let in_week = |first: i64, has_weekday: bool, weeks_later: i64| {
            let day = if has_weekday {
                weekday_on_or_before(first + 6, weekday)
            } else {
                first
            };
            day + weeks_later
        };
        // Java counts the weeks of a month in 32 bits, which may overflow.
        let days_in_32_bits = |weeks: i64| i64::from((weeks as i32).wrapping_mul(7));
        match choice {
            DayChoice::Day => start + self.get_or(Field::Day, 1) - 1,
            DayChoice::DayOfYear => start + self.get(Field::DayOfYear) - 1,
            DayChoice::WeekOfMonth { has_weekday } => in_week(
                weeks.first_week(start),
                has_weekday,
                days_in_32_bits(self.get(Field::WeekOfMonth) - 1),
            ),
            DayChoice::WeekOfYear { has_weekday } => in_week(
                weeks.first_week(start),
                has_weekday,
                7 * (self.get(Field::WeekOfYear) - 1),
            ),
            DayChoice::WeekdayInMonth { has_weekday } => {
                let weekday = if has_weekday {
                    weekday
                } else {
                    weeks.first_day
                };
                let count = self.get_or(Field::WeekdayInMonth, 1);
                if count >= 0 {
                    weekday_on_or_before(start + days_in_32_bits(count) - 1, weekday)
                } else {
                    let length = first_of_month(year, month + 1) - start;
                    weekday_on_or_before(start + length + days_in_32_bits(count + 1) - 1, weekday)
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
