//! Date functions (query spec §7.7): ISO 8601 strings and milliseconds since 1970.

mod calendar;
mod format;
mod parse;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::query::value::Value;

use super::{EvalContext, EvalError};
use calendar::{Part, add, difference, in_range};
use format::Format;
use parse::{Parsed, parse_date, parse_date_or_time};

type Answer<'a> = Result<Value<'a>, EvalError>;

/// STR_TO_MILLIS(s): an integer, or null.
pub(super) fn str_to_millis<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let millis = text(args, 0)
        .and_then(parse_date)
        .and_then(|date| instant(&date, context.time_zone()));
    Ok(millis.map_or(Value::Null, Value::Integer))
}

/// STR_TO_UTC(s [, fmt]): a string, or null.
pub(super) fn str_to_utc<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let millis = text(args, 0)
        .and_then(parse_date_or_time)
        .and_then(|date| instant(&date, context.time_zone()));
    Ok(or_null(
        millis.and_then(|millis| format_of(args, 1).print(millis, 0)),
    ))
}

/// STR_TO_TZ(s, minutes [, fmt]): a string at that offset, or null.
pub(super) fn str_to_tz<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let millis = text(args, 0)
        .and_then(parse_date_or_time)
        .and_then(|date| instant(&date, context.time_zone()));
    Ok(or_null(millis.zip(offset(args, 1)).and_then(
        |(millis, offset)| format_of(args, 2).print(millis, offset),
    )))
}

/// MILLIS_TO_STR(n [, fmt]): a string in local time, or null.
pub(super) fn millis_to_str<'a>(context: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(or_null(number(args, 0).and_then(|millis| {
        let offset = local_offset(millis, context.time_zone())?;
        format_of(args, 1).print(millis, offset)
    })))
}

/// MILLIS_TO_UTC(n [, fmt]): a string, or null.
pub(super) fn millis_to_utc<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(or_null(
        number(args, 0).and_then(|millis| format_of(args, 1).print(millis, 0)),
    ))
}

/// MILLIS_TO_TZ(n, minutes [, fmt]): a string at that offset, or null.
pub(super) fn millis_to_tz<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    Ok(or_null(number(args, 0).zip(offset(args, 1)).and_then(
        |(millis, offset)| format_of(args, 2).print(millis, offset),
    )))
}

/// DATE_ADD_STR(s, n, part [, fmt]): a string at the offset of s, UTC when it has none; MISSING
/// for bad input.
pub(super) fn date_add_str<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let sum = || {
        let date = text(args, 0).and_then(parse_date_or_time)?;
        let local = add(date.local_millis, number(args, 1)?, part(args, 2)?)?;
        let offset = date.offset.unwrap_or(0);
        format_of(args, 3).print(local - millis_of(offset), offset)
    };
    Ok(sum().map_or(Value::Missing, Value::string))
}

/// DATE_ADD_MILLIS(n, k, part): an integer; MISSING for bad input.
pub(super) fn date_add_millis<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let sum = || add(number(args, 0)?, number(args, 1)?, part(args, 2)?);
    Ok(sum().map_or(Value::Missing, Value::Integer))
}

/// DATE_DIFF_STR(a, b, part): a − b in whole units of UTC; MISSING for bad input.
pub(super) fn date_diff_str<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let utc = |index| {
        let date = text(args, index).and_then(parse_date_or_time)?;
        Some(date.local_millis - millis_of(date.offset.unwrap_or(0)))
    };
    let gap = || Some(difference(utc(0)?, utc(1)?, part(args, 2)?));
    Ok(gap().map_or(Value::Missing, Value::Integer))
}

/// DATE_DIFF_MILLIS(a, b, part): as DATE_DIFF_STR.
pub(super) fn date_diff_millis<'a>(_: &mut EvalContext, args: &[Value<'a>]) -> Answer<'a> {
    let gap = || {
        Some(difference(
            number(args, 0)?,
            number(args, 1)?,
            part(args, 2)?,
        ))
    };
    Ok(gap().map_or(Value::Missing, Value::Integer))
}

fn or_null<'a>(text: Option<String>) -> Value<'a> {
    text.map_or(Value::Null, Value::string)
}

fn text<'v>(args: &'v [Value<'_>], index: usize) -> Option<&'v str> {
    match args.get(index)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// A number cut to an integer, within the years that are supported.
fn number(args: &[Value<'_>], index: usize) -> Option<i64> {
    let millis = match args.get(index)? {
        Value::Integer(value) => *value,
        Value::Double(value) if value.is_finite() => *value as i64,
        _ => return None,
    };
    in_range(millis).then_some(millis)
}

/// Minutes to an offset in seconds; below 100 hours, which is what can be printed.
fn offset(args: &[Value<'_>], index: usize) -> Option<i32> {
    let minutes = number(args, index)?;
    (minutes.abs() < 6000).then(|| minutes as i32 * 60)
}

fn part(args: &[Value<'_>], index: usize) -> Option<Part> {
    Part::parse(text(args, index)?)
}

fn format_of(args: &[Value<'_>], index: usize) -> Format {
    text(args, index)
        .and_then(Format::parse)
        .unwrap_or_default()
}

fn millis_of(offset: i32) -> i64 {
    i64::from(offset) * 1000
}

/// The instant of a date; without an offset of its own it is local time.
fn instant(date: &Parsed, local: &TimeZone) -> Option<i64> {
    if let Some(offset) = date.offset {
        return Some(date.local_millis - millis_of(offset));
    }
    let wall: DateTime =
        Offset::UTC.to_datetime(Timestamp::from_millisecond(date.local_millis).ok()?);
    let instant = local.to_ambiguous_timestamp(wall).compatible().ok()?;
    Some(instant.as_millisecond())
}

/// Offset of local time at an instant, in seconds.
fn local_offset(millis: i64, local: &TimeZone) -> Option<i32> {
    let instant = Timestamp::from_millisecond(millis).ok()?;
    Some(local.to_offset(instant).seconds())
}
