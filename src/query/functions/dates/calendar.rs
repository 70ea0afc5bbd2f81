//! Arithmetic on the Gregorian calendar, in milliseconds since 1970.

use std::ops::Range;

pub(super) const DAY: i64 = 86_400_000;

/// Years that have four digits, with or without a minus.
const SUPPORTED: Range<i64> = days_of(-9999, 1, 1) * DAY..days_of(10_000, 1, 1) * DAY;

/// Whether an instant lies in a year that can be written.
pub(super) fn in_range(millis: i64) -> bool {
    SUPPORTED.contains(&millis)
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// So many milliseconds.
    Exact(i64),
    /// So many months.
    Months(i64),
}

/// A week, for differences are cut to days first.
const WEEK: Part = Part::Exact(7 * DAY);

impl Part {
    /// Reads the word of a unit in any letter case.
    pub(super) fn parse(word: &str) -> Option<Self> {
        const UNITS: [(&str, Part); 12] = [
            ("millisecond", Part::Exact(1)),
            ("second", Part::Exact(1000)),
            ("minute", Part::Exact(60_000)),
            ("hour", Part::Exact(3_600_000)),
            ("day", Part::Exact(DAY)),
            ("week", WEEK),
            ("month", Part::Months(1)),
            ("quarter", Part::Months(3)),
            ("year", Part::Months(12)),
            ("decade", Part::Months(120)),
            ("century", Part::Months(1200)),
            ("millennium", Part::Months(12_000)),
        ];
        UNITS
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name))
            .map(|(_, part)| *part)
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar; months are 1 to 12.
pub(super) const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last.
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year, month and day of a day counted from 1970-01-01.
pub(super) const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Adds units. Months keep the day, which rolls into the next month when there is no such day.
pub(super) fn add(millis: i64, count: i64, part: Part) -> Option<i64> {
    let sum = match part {
        Part::Exact(unit) => millis.checked_add(count.checked_mul(unit)?)?,
        Part::Months(unit) => {
            let (year, month, day) = date_of(millis.div_euclid(DAY));
            let months = count
                .checked_mul(unit)?
                .checked_add(year * 12 + month - 1)?;
            let year = months.div_euclid(12);
            if !(-9999..10_000).contains(&year) {
                return None;
            }
            let first = days_of(year, months.rem_euclid(12) + 1, 1);
            (first + day - 1) * DAY + millis.rem_euclid(DAY)
        }
    };
    in_range(sum).then_some(sum)
}

/// Boundaries of the unit between two instants: both cut down to it, then subtracted.
pub(super) fn difference(a: i64, b: i64, part: Part) -> i64 {
    match part {
        WEEK => (a.div_euclid(DAY) - b.div_euclid(DAY)) / 7,
        Part::Exact(unit) => a.div_euclid(unit) - b.div_euclid(unit),
        Part::Months(months) => {
            let (a_year, a_month, _) = date_of(a.div_euclid(DAY));
            let (b_year, b_month, _) = date_of(b.div_euclid(DAY));
            if months < 12 {
                let index = |year: i64, month: i64| (year * 12 + month - 1).div_euclid(months);
                index(a_year, a_month) - index(b_year, b_month)
            } else {
                (a_year - b_year) / (months / 12)
            }
        }
    }
}
