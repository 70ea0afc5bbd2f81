//! What a URL endpoint listener asks JavaScript: about passwords, certificates and replications.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::identities;
use super::questions::{self, Unanswered};
use super::runtime::Runtime;
use super::tokens::Token;
use crate::listener::{
    Admission, Authenticator, CertificateAuthenticator, Credentials, ReplicationRequest,
    RequestAuthorizer,
};
use crate::replicator::Direction;
use crate::tls::verified_depth;

/// How long a person may take to allow a replication.
const PERSON_LIMIT: Duration = Duration::from_secs(60);

/// Asks the callback of a token.
#[derive(Clone)]
pub(super) struct Asking {
    runtime: &'static Runtime,
    token: Arc<Token>,
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Asking").field(&self.token.name()).finish()
    }
}

impl Asking {
    pub(super) fn new(runtime: &'static Runtime, token: Arc<Token>) -> Self {
        Self { runtime, token }
    }

    /// `about`: what the question is about, for the log; nothing secret.
    async fn ask(&self, about: &str, limit: Duration, data: Value) -> Admission {
        let put = |question: &str| {
            let asked = json!({"token": self.token.name(), "question": question, "data": data});
            self.token.send(&asked.to_string());
        };
        let questions = &self.runtime.questions;
        match questions.ask(limit, self.token.ended(), put).await {
            Ok(Value::Bool(true)) => Admission::Admitted,
            Ok(_) => Admission::Denied,
            Err(reason) => {
                tracing::warn!(target: "listener", %reason, about, "no answer");
                match reason {
                    Unanswered::TooMany => Admission::Overloaded,
                    Unanswered::Failed | Unanswered::Gone | Unanswered::TimedOut => {
                        Admission::Denied
                    }
                }
            }
        }
    }
}

impl Authenticator for Asking {
    /// `{username, password}`.
    fn judge(&self, credentials: Credentials) -> BoxFuture<'_, Admission> {
        let (username, password) = credentials.into_text();
        let data = json!({"username": username, "password": password});
        self.ask("a password", questions::LIMIT, data).boxed()
    }
}

impl CertificateAuthenticator for Asking {
    /// `{certificates: [facts], verifiedDepth}`.
    fn judge<'a>(&'a self, chain: &'a [Vec<u8>]) -> BoxFuture<'a, Admission> {
        async move {
            let Ok(certificates) = identities::certificates(chain) else {
                return Admission::Denied;
            };
            let depth = verified_depth(chain);
            let data = json!({"certificates": certificates, "verifiedDepth": depth});
            self.ask("a certificate", questions::LIMIT, data).await
        }
        .boxed()
    }
}

impl RequestAuthorizer for Asking {
    /// `{request: {connectionId, principal, address, collections, direction}}`.
    fn authorize(&self, request: ReplicationRequest) -> BoxFuture<'static, bool> {
        let collections: Vec<_> = request
            .collections
            .iter()
            .map(|spec| json!({"scopeName": spec.scope(), "name": spec.name()}))
            .collect();
        let direction = match request.direction {
            Direction::Push => "push",
            Direction::Pull => "pull",
        };
        let data = json!({"request": {
            "connectionId": request.connection,
            "principal": request.principal.to_string(),
            "address": request.address,
            "collections": collections,
            "direction": direction,
        }});
        let asking = self.clone();
        async move { asking.ask("a replication", PERSON_LIMIT, data).await == Admission::Admitted }
            .boxed()
    }
}
