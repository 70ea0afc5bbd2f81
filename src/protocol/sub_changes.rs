//! `subChanges` (wire §3.5).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::lenient::{bool_property, is_nothing, start, text_property};
use crate::blip::Message;
use crate::error::{Error, Result};

/// Rows of a `changes` list when the puller does not say.
pub const DEFAULT_BATCH: u32 = 200;
/// The filter that goes with `channels`.
pub const BY_CHANNEL: &str = "sync_gateway/bychannel";

/// Properties that are not parameters of a filter.
const KNOWN: [&str; 15] = [
    "Profile",
    "collection",
    "since",
    "continuous",
    "batch",
    "sendReplacementRevs",
    "versioning",
    "activeOnly",
    "revocations",
    "filter",
    "channels",
    "Content-Type",
    "future",
    "requestPlus",
    "client_sgr2",
];

/// Asks the peer to announce its changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubChanges {
    /// Which collection.
    pub collection: Option<u32>,
    /// The last sequence that is done, as the JSON token that the peer announced it by (`15`,
    /// `"12:34"` with its quotes). `None`: from the start.
    pub since: Option<String>,
    /// Whether to go on after catching up.
    pub continuous: bool,
    /// Most rows of one `changes` list. 0 is read as, and written for, [`DEFAULT_BATCH`].
    pub batch: u32,
    /// Leave tombstones out of the first catch-up.
    pub active_only: bool,
    /// Announce lost access too.
    pub revocations: bool,
    /// Send the current revision where an announced one is gone.
    pub send_replacement_revs: bool,
    /// `rev-trees` or `version-vectors`; absent means the former.
    pub versioning: Option<String>,
    /// Name of a filter of the server.
    pub filter: Option<String>,
    /// Comma-separated, with [`BY_CHANNEL`].
    pub channels: Option<String>,
    /// Parameters of a filter, in order.
    pub filter_params: Vec<(String, String)>,
    /// Only these documents.
    pub doc_ids: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct BodyIn {
    #[serde(rename = "docIDs")]
    doc_ids: Option<Vec<String>>,
}

#[derive(Serialize)]
struct BodyOut<'a> {
    #[serde(rename = "docIDs")]
    doc_ids: &'a [String],
}

impl SubChanges {
    pub(super) fn decode(collection: Option<u32>, message: &Message) -> Result<Self> {
        let doc_ids = if is_nothing(&message.body) {
            None
        } else {
            serde_json::from_slice::<BodyIn>(&message.body)
                .map_err(|_| Error::http(400, "Invalid subChanges parameters"))?
                .doc_ids
        };
        let filter = text_property(message, "filter");
        let filter_params = match &filter {
            Some(_) => (message.properties.iter())
                .filter(|(key, _)| !KNOWN.contains(key))
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
            None => Vec::new(),
        };
        let batch = message.get("batch").and_then(|text| text.parse().ok());
        Ok(Self {
            collection,
            since: text_property(message, "since").filter(|since| !since.is_empty()),
            continuous: bool_property(message, "continuous"),
            batch: batch.filter(|&rows| rows > 0).unwrap_or(DEFAULT_BATCH),
            active_only: bool_property(message, "activeOnly"),
            revocations: bool_property(message, "revocations"),
            send_replacement_revs: bool_property(message, "sendReplacementRevs"),
            versioning: text_property(message, "versioning"),
            filter,
            channels: text_property(message, "channels"),
            filter_params,
            doc_ids,
        })
    }

    pub(super) fn encode(self) -> Message {
        let mut properties = start("subChanges", self.collection, 160);
        if let Some(since) = &self.since {
            properties.push("since", since);
        }
        if self.continuous {
            properties.push("continuous", "true");
        }
        let batch = match self.batch {
            0 => DEFAULT_BATCH,
            rows => rows,
        };
        properties.push_number("batch", u64::from(batch));
        if self.send_replacement_revs {
            // LiteCore writes `1`, which Sync Gateway does not honour.
            properties.push("sendReplacementRevs", "true");
        }
        if let Some(versioning) = &self.versioning {
            properties.push("versioning", versioning);
        }
        if self.active_only {
            properties.push("activeOnly", "true");
        }
        if self.revocations {
            properties.push("revocations", "true");
        }
        if let Some(filter) = &self.filter {
            properties.push("filter", filter);
        }
        if let Some(channels) = &self.channels {
            properties.push("channels", channels);
        }
        for (key, value) in &self.filter_params {
            properties.push(key, value);
        }
        let body = match &self.doc_ids {
            // Strings always serialize.
            Some(doc_ids) => serde_json::to_vec(&BodyOut { doc_ids })
                .unwrap_or_default()
                .into(),
            None => Bytes::new(),
        };
        Message {
            properties,
            body,
            ..Message::default()
        }
    }
}
