//! The file sink: one series of files a level.

use std::fs;
use std::io;

use super::log_file::LogFile;
use super::{FileLogConfig, LogLevel};
use crate::error::{Error, Result};

/// The open log files. A message goes to the series of its own level only, as in Couchbase Lite.
#[derive(Debug)]
pub(super) struct FileSink {
    config: FileLogConfig,
    series: Vec<(LogLevel, LogFile)>,
}

impl FileSink {
    /// Makes the folder if need be and begins one file for each level from the configured one on.
    pub(super) fn open(config: &FileLogConfig) -> Result<Self> {
        let open = || -> io::Result<Self> {
            fs::create_dir_all(&config.directory)?;
            let levels = LogLevel::OF_MESSAGES.into_iter();
            let series = levels
                .filter(|level| *level >= config.level)
                .map(|level| Ok((level, LogFile::open(config, level)?)))
                .collect::<io::Result<_>>()?;
            Ok(Self {
                config: config.clone(),
                series,
            })
        };
        open().map_err(|error| match Error::from(error) {
            Error::Posix { errno, message } => Error::Posix {
                errno,
                message: format!("log directory {}: {message}", config.directory.display()),
            },
            other => other,
        })
    }

    pub(super) fn config(&self) -> &FileLogConfig {
        &self.config
    }

    pub(super) fn write(&mut self, level: LogLevel, line: &[u8]) {
        let series = self.series.iter_mut().find(|(of, _)| *of == level);
        if let Some((_, file)) = series {
            file.write(line);
        }
    }
}
