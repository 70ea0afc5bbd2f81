//! Two connections that talk to each other, and small helpers.

use super::super::*;

pub(super) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Everything that `connection` sends now.
pub(super) fn frames(connection: &mut Connection) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut out = Vec::new();
    while connection.poll_transmit(&mut out) {
        assert!(!out.is_empty() && out.len() <= 16_384, "{}", out.len());
        frames.push(out.clone());
    }
    frames
}

/// Everything that `connection` tells now.
pub(super) fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

/// A client and a server with what each was told.
pub(super) struct Pair {
    pub(super) client: Connection,
    pub(super) server: Connection,
    pub(super) client_told: Vec<Event>,
    pub(super) server_told: Vec<Event>,
}

impl Pair {
    pub(super) fn new(config: Config) -> Self {
        Self {
            client: Connection::new(config.clone()),
            server: Connection::new(config),
            client_told: Vec::new(),
            server_told: Vec::new(),
        }
    }

    /// Carries frames both ways until neither end has anything to send. `answer` sees each event
    /// of the server.
    pub(super) fn drive(&mut self, mut answer: impl FnMut(&mut Connection, &Event)) {
        let mut frame = Vec::new();
        loop {
            let mut moved = false;
            while self.client.poll_transmit(&mut frame) {
                self.server.handle_ws_message(&frame).unwrap();
                moved = true;
                for event in events(&mut self.server) {
                    answer(&mut self.server, &event);
                    self.server_told.push(event);
                }
            }
            for event in events(&mut self.server) {
                answer(&mut self.server, &event);
                self.server_told.push(event);
            }
            while self.server.poll_transmit(&mut frame) {
                self.client.handle_ws_message(&frame).unwrap();
                moved = true;
                for event in events(&mut self.server) {
                    answer(&mut self.server, &event);
                    self.server_told.push(event);
                }
            }
            self.client_told.extend(events(&mut self.client));
            if !moved {
                return;
            }
        }
    }
}

/// A frame made by hand: header, payload as it is, right or wrong checksum.
pub(super) fn raw_frame(number: u64, flags: u8, payload: &[u8], sum: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    varint::write(number, &mut frame);
    frame.push(flags);
    frame.extend(payload);
    frame.extend(sum.to_be_bytes());
    frame
}

/// Makes uncompressed and compressed frames with right checksums, and any contents.
pub(super) struct Forger {
    sum: crc32fast::Hasher,
    deflater: flate2::Compress,
}

impl Forger {
    pub(super) fn new() -> Self {
        Self {
            sum: crc32fast::Hasher::new(),
            deflater: flate2::Compress::new(flate2::Compression::new(6), false),
        }
    }

    pub(super) fn plain(&mut self, number: u64, flags: u8, contents: &[u8]) -> Vec<u8> {
        self.sum.update(contents);
        raw_frame(number, flags, contents, self.sum.clone().finalize())
    }

    pub(super) fn deflated(&mut self, number: u64, flags: u8, contents: &[u8]) -> Vec<u8> {
        self.sum.update(contents);
        let mut out = Vec::with_capacity(contents.len() + 1_000);
        self.deflater
            .compress_vec(contents, &mut out, flate2::FlushCompress::Sync)
            .unwrap();
        assert!(out.ends_with(&[0, 0, 0xff, 0xff]));
        out.truncate(out.len() - 4);
        raw_frame(number, flags | 8, &out, self.sum.clone().finalize())
    }
}
