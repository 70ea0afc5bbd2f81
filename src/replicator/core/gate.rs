//! What a client of a listener may do on its connection: the listener's own rules and what the
//! application says (trust §5).
//!
//! The application is asked once a direction, when the client first wants to go that way; what
//! opens the direction waits for the answer, what presupposes it is refused.

use super::effects::{CollectionIndex, Direction};
use crate::blip::ReplyTo;
use crate::error::{Error, Result};
use crate::protocol::Request;

/// Messages that wait for one answer at most: a client opens each collection once a direction.
const MAX_HELD: usize = 256;

/// The rules of a passive side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Clients may not push.
    pub read_only: bool,
    /// The application decides about each direction.
    pub asks: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Permission {
    #[default]
    Unasked,
    Asked,
    Granted,
    Refused,
}

/// A request that waits.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) to: Option<ReplyTo>,
    pub(super) request: Request,
    pub(super) collection: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    access: Access,
    push: Permission,
    pull: Permission,
    held: Vec<Held>,
    /// Questions that the driver has not taken yet.
    questions: Vec<Direction>,
    /// Collections that the client opened, until the driver has taken them.
    opened: Option<Vec<CollectionIndex>>,
}

/// Where a message leads, and whether it is what opens that way.
fn way_of(request: &Request) -> Option<(Direction, bool)> {
    match request {
        Request::SubChanges(_) => Some((Direction::Pull, true)),
        Request::GetAttachment { .. } | Request::ProveAttachment { .. } => {
            Some((Direction::Pull, false))
        }
        Request::Changes { .. } | Request::ProposeChanges { .. } => Some((Direction::Push, true)),
        Request::Rev(_) => Some((Direction::Push, false)),
        _ => None,
    }
}

impl Gate {
    pub(super) fn set_access(&mut self, access: Access) {
        self.access = access;
    }

    /// Gives back a request that may go on; `None` when it waits.
    ///
    /// # Errors
    /// HTTP 403 for what is not allowed, 503 when too much waits.
    pub(super) fn admit(&mut self, one: Held) -> Result<Option<Held>> {
        let Some((direction, opens)) = way_of(&one.request) else {
            return Ok(Some(one));
        };
        if direction == Direction::Push && self.access.read_only {
            return Err(Error::http(403, "this listener is read-only"));
        }
        if !self.access.asks {
            return Ok(Some(one));
        }
        match (*self.permission(direction), opens) {
            (Permission::Granted, _) => Ok(Some(one)),
            (Permission::Refused, _) | (_, false) => Err(refused()),
            (_, true) if self.held.len() >= MAX_HELD => {
                Err(Error::http(503, "too many requests wait for a permission"))
            }
            (state, true) => {
                if state == Permission::Unasked {
                    *self.permission(direction) = Permission::Asked;
                    self.questions.push(direction);
                }
                self.held.push(one);
                Ok(None)
            }
        }
    }

    /// The application has decided: what waited for it, which goes on or is to be refused.
    pub(super) fn decide(&mut self, direction: Direction, granted: bool) -> Vec<Held> {
        *self.permission(direction) = if granted {
            Permission::Granted
        } else {
            Permission::Refused
        };
        let (now, later) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|held| way_of(&held.request).is_some_and(|(way, _)| way == direction));
        self.held = later;
        now
    }

    pub(super) fn note_opened(&mut self, collections: Vec<CollectionIndex>) {
        self.opened = Some(collections);
    }

    pub(super) fn take_opened(&mut self) -> Option<Vec<CollectionIndex>> {
        self.opened.take()
    }

    pub(super) fn take_question(&mut self) -> Option<Direction> {
        self.questions.pop()
    }

    fn permission(&mut self, direction: Direction) -> &mut Permission {
        match direction {
            Direction::Push => &mut self.push,
            Direction::Pull => &mut self.pull,
        }
    }
}

/// What a client is told that may not do what it asks for.
pub(super) fn refused() -> Error {
    Error::http(403, "Forbidden")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::SubChanges;

    fn request(profile: &str) -> Held {
        let request = match profile {
            "subChanges" => Request::SubChanges(SubChanges::default()),
            "changes" => Request::Changes {
                collection: None,
                rows: Vec::new(),
                no_reply: false,
            },
            _ => Request::ProposeChanges {
                collection: None,
                conflict_includes_rev: false,
                rows: Vec::new(),
                no_reply: false,
            },
        };
        Held {
            to: None,
            request,
            collection: 0,
        }
    }

    fn gate(access: Access) -> Gate {
        let mut gate = Gate::default();
        gate.set_access(access);
        gate
    }

    #[test]
    fn without_rules_everything_passes() {
        let mut gate = gate(Access::default());
        for profile in ["subChanges", "changes", "proposeChanges"] {
            assert!(gate.admit(request(profile)).unwrap().is_some(), "{profile}");
        }
        assert_eq!(gate.take_question(), None);
    }

    #[test]
    fn a_read_only_side_refuses_pushes_with_403_and_nothing_else() {
        let mut gate = gate(Access {
            read_only: true,
            asks: false,
        });
        assert!(gate.admit(request("subChanges")).unwrap().is_some());
        for profile in ["changes", "proposeChanges"] {
            let error = gate.admit(request(profile)).unwrap_err();
            assert_eq!(error.code(), 10_403, "{profile}");
        }
    }

    #[test]
    fn each_direction_is_asked_about_once_and_waits() {
        let mut gate = gate(Access {
            read_only: false,
            asks: true,
        });
        assert!(gate.admit(request("subChanges")).unwrap().is_none());
        assert!(gate.admit(request("subChanges")).unwrap().is_none());
        assert!(gate.admit(request("changes")).unwrap().is_none());
        assert_eq!(gate.take_question(), Some(Direction::Push));
        assert_eq!(gate.take_question(), Some(Direction::Pull));
        assert_eq!(gate.take_question(), None);

        assert_eq!(gate.decide(Direction::Pull, true).len(), 2);
        assert!(gate.admit(request("subChanges")).unwrap().is_some());
        assert_eq!(gate.decide(Direction::Push, false).len(), 1);
        let error = gate.admit(request("changes")).unwrap_err();
        assert_eq!(error.code(), 10_403);
        assert_eq!(gate.take_question(), None, "asked once");
    }

    #[test]
    fn only_so_much_waits() {
        let mut gate = gate(Access {
            read_only: false,
            asks: true,
        });
        for _ in 0..MAX_HELD {
            assert!(gate.admit(request("changes")).unwrap().is_none());
        }
        let error = gate.admit(request("changes")).unwrap_err();
        assert_eq!(error.code(), 10_503);
    }
}
