//! The logging functions (API §12); process-wide, whichever database they are called on.

use std::path::PathBuf;

use serde_json::Value;

use super::args::Args;
use super::message::Outcome;
use super::shown;
use crate::error::{Error, Result};
use crate::logging::{FileLogConfig, LogDomain, LogLevel, logging};
use crate::model::file_url::path_of;

/// Most rotated files that can be asked for.
const MAX_ROTATE_COUNT_MAX: u64 = 100_000;

/// Largest size of a file that can be asked for, bytes.
const MAX_SIZE_MAX: u64 = 1 << 40;

/// `database_SetLogLevel {domain, logLevel}`.
pub(super) fn set_level(args: &Args<'_>) -> Result<Outcome> {
    let domains = domains(args.text("domain")?)?;
    logging().set_console(&domains, level(args, "logLevel")?);
    Ok(Outcome::Nothing)
}

/// `database_SetFileLoggingConfig {name, config}`; the database need not be open.
pub(super) fn set_files(args: &Args<'_>) -> Result<Outcome> {
    let parsed;
    let config = match args.field("config") {
        Value::String(text) => {
            parsed = serde_json::from_str(text)
                .map_err(|error| Error::invalid(format!("argument \"config\": {error}")))?;
            &parsed
        }
        config => config,
    };
    if !config.is_object() {
        return Err(Error::invalid("argument \"config\" must be an object"));
    }
    let config = Args::new(args.runtime, config);
    // There is one format; what else was asked for must still make sense.
    if !config.field("usePlaintext").is_null() {
        config.boolean("usePlaintext")?;
    }
    let directory = &*path_of(config.text("directory")?);
    if directory.is_empty() || directory.contains('\0') {
        return Err(Error::invalid(format!(
            "argument \"directory\" is {:?}, must be a path",
            shown(directory)
        )));
    }
    let max_rotate_count = match config.field("maxRotateCount") {
        Value::Null => FileLogConfig::DEFAULT_MAX_ROTATE_COUNT,
        _ => usize::try_from(config.number("maxRotateCount", MAX_ROTATE_COUNT_MAX)?)
            .unwrap_or(usize::MAX),
    };
    let max_size = match config.field("maxSize") {
        Value::Null => FileLogConfig::DEFAULT_MAX_SIZE,
        _ => config.number("maxSize", MAX_SIZE_MAX)?,
    };
    if max_size == 0 {
        return Err(Error::invalid(format!(
            "argument \"maxSize\" is 0, must be a whole number from 1 to {MAX_SIZE_MAX}"
        )));
    }
    logging().set_files(&FileLogConfig {
        level: level(&config, "level")?,
        directory: PathBuf::from(directory),
        max_rotate_count,
        max_size,
    })?;
    Ok(Outcome::Nothing)
}

fn domains(name: &str) -> Result<Vec<LogDomain>> {
    if name == "ALL" {
        return Ok(LogDomain::ALL.to_vec());
    }
    let domain = LogDomain::ALL.into_iter().find(|one| one.name() == name);
    domain.map(|domain| vec![domain]).ok_or_else(|| {
        Error::invalid(format!(
            "argument \"domain\" is {:?}, must be ALL, DATABASE, NETWORK, QUERY or REPLICATOR",
            shown(name)
        ))
    })
}

fn level(args: &Args<'_>, field: &str) -> Result<LogLevel> {
    let number = args.number(field, LogLevel::None as u64)?;
    Ok(LogLevel::from_number(number).unwrap_or(LogLevel::None))
}
