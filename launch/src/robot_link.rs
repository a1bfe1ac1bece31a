//! Ways to whole robots over a network, on threads of their own, for the control loop and for virtual robots.
//!
//! ```text
//! control loop --SamplePort--> publisher's thread --> DDS rt/lowcmd       LowState: DDS --> subscription's thread --SamplePort--> loop
//! control loop --UdpPort-----> datagrams
//! ServiceClient <-> rt/api/SERVICE/request, response
//! SecondMaster  <-- rt/lowcmd of anybody else
//! ```

mod acquire;
mod error;
mod network_port;
mod sample_port;
mod second_master;
mod service_client;
mod topics;

pub(crate) use acquire::{RobotHold, VendorService, acquire};
pub(crate) use error::LinkError;
pub(crate) use network_port::{NetworkPort, RobotNetwork, check_alive, chosen_interface, robot_end};
pub(crate) use sample_port::{SampleCounts, SampleLink, SampleSnapshot};
pub(crate) use topics::{Topic, request_topic, response_topic};
