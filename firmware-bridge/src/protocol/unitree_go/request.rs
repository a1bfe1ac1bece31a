//! `unitree_api::msg::dds_::Request_` and `Response_`: how the vendor's services (sport mode, the motion switcher) are asked.

use adit_cdr::CdrReadError;
use serde::{Deserialize, Serialize};

/// Numbers of what the services do (`identity.api_id`).
pub mod api {
    /// Motion switcher: which service moves the robot; the answer's `name` is empty if none does.
    pub const CHECK_MODE: i64 = 1001;
    /// Motion switcher: a service gets the motors; the parameter is `{"name":"NAME"}`.
    pub const SELECT_MODE: i64 = 1002;
    /// Motion switcher: the service lets go of the motors.
    pub const RELEASE_MODE: i64 = 1003;
    /// Sport: damps all joints.
    pub const DAMP: i64 = 1001;
    /// Sport: stands and balances.
    pub const BALANCE_STAND: i64 = 1002;
    /// Sport: stops where it is.
    pub const STOP_MOVE: i64 = 1003;
    /// Sport: stands up.
    pub const STAND_UP: i64 = 1004;
    /// Sport: lies down.
    pub const STAND_DOWN: i64 = 1005;
    /// Sport: gets up after a fall.
    pub const RECOVERY_STAND: i64 = 1006;
    /// Sport: walks; the parameter is `{"x":m/s,"y":m/s,"z":rad/s}`, and there is no answer.
    pub const MOVE: i64 = 1008;
}

/// Which request it is, and what it asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestIdentity {
    /// Number that its answer carries again.
    pub id: i64,
    /// What is asked for, see [`api`].
    pub api_id: i64,
}

/// How a request is to be treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPolicy {
    /// Priority.
    pub priority: i32,
    /// True if no answer is wanted.
    pub noreply: bool,
}

/// The head of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestHeader {
    /// Which it is.
    pub identity: RequestIdentity,
    /// Number of the lease under which it is made, 0 without one.
    pub lease_id: i64,
    /// How it is to be treated.
    pub policy: RequestPolicy,
}

/// A request to one of the vendor's services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<'a> {
    /// Which, and how.
    pub header: RequestHeader,
    /// What goes with it, as JSON.
    pub parameter: &'a str,
    /// Bytes that go with it.
    pub binary: Vec<u8>,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHeader {
    /// Of the request.
    pub identity: RequestIdentity,
    /// 0 if it was done, else the vendor's number of what went wrong.
    pub code: i32,
}

/// The answer of one of the vendor's services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response<'a> {
    /// To what, and how it went.
    pub header: ResponseHeader,
    /// What comes with it, as JSON.
    pub data: &'a str,
    /// Bytes that come with it.
    pub binary: Vec<u8>,
}

impl<'a> Request<'a> {
    /// The sample.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The request in a sample.
    ///
    /// # Errors
    /// [`CdrReadError`] if it is too short, is not little-endian plain CDR, or its text is none.
    pub fn decode(sample: &'a [u8]) -> Result<Self, CdrReadError> {
        adit_cdr::deserialize(sample)
    }
}

impl<'a> Response<'a> {
    /// The sample.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// The answer in a sample.
    ///
    /// # Errors
    /// [`CdrReadError`] if it is too short, is not little-endian plain CDR, or its text is none.
    pub fn decode(sample: &'a [u8]) -> Result<Self, CdrReadError> {
        adit_cdr::deserialize(sample)
    }
}

pub(super) fn encode(message: &impl Serialize) -> Vec<u8> {
    let mut sample = Vec::new();
    // Numbers, texts and bytes all have a CDR form.
    let written = adit_cdr::serialize_into(&mut sample, message);
    debug_assert!(written.is_ok(), "{written:?}");
    sample
}
