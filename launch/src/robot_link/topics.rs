//! Topics of Unitree's `unitree_go` robots.

/// A topic and the type of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) type_name: &'static str,
}

impl Topic {
    /// State of all joints, 500 Hz.
    pub(crate) const LOW_STATE: Self =
        Self { name: "rt/lowstate", type_name: "unitree_go::msg::dds_::LowState_" };
    /// Commands of all joints.
    pub(crate) const LOW_CMD: Self = Self { name: "rt/lowcmd", type_name: "unitree_go::msg::dds_::LowCmd_" };
    /// The vendor's gait reports on it while it has the motors.
    pub(crate) const SPORT_STATE: Self =
        Self { name: "rt/sportmodestate", type_name: "unitree_go::msg::dds_::SportModeState_" };
    /// Type of a request to a service.
    pub(crate) const REQUEST_TYPE: &'static str = "unitree_api::msg::dds_::Request_";
    /// Type of a service's answer.
    pub(crate) const RESPONSE_TYPE: &'static str = "unitree_api::msg::dds_::Response_";
}

/// Name of the topic on which a service is asked.
pub(crate) fn request_topic(service: &str) -> String {
    format!("rt/api/{service}/request")
}

/// Name of the topic on which a service answers.
pub(crate) fn response_topic(service: &str) -> String {
    format!("rt/api/{service}/response")
}
