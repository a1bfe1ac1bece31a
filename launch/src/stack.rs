//! The robot's side of a run: what runs on a robot, given samples and the mission's file alone. Both wirings
//! (lock-step and ROS 2) are made of these parts.

mod control;
mod findings;
mod inspector;
mod navigator;
mod story;
mod surroundings;

pub(crate) use control::Control;
#[cfg(feature = "ros")]
pub(crate) use control::ModeRefused;
pub(crate) use findings::{markers, place_of};
pub use inspector::Findings;
pub(crate) use inspector::{Inspector, View};
pub(crate) use navigator::{Body, Guide, Navigator};
pub(crate) use story::{Story, ending, is_ending};
#[cfg(feature = "ros")]
pub(crate) use surroundings::Perceived;
pub(crate) use surroundings::Surroundings;
