//! Numbers of pictures, and the defect that is found in them.

pub use robot_interface::defect::{Defect, Evidence};

/// Number that the caller gave a picture.
pub type FrameId = u32;
