//! Inputs that several tests share.

use nalgebra::{Matrix3, Vector3};
use robot_interface::fixtures::straight_tunnel;
use robot_interface::frames::Transform;
use robot_interface::state::RobotState;
use robot_interface::time::Stamp;
use robot_interface::tunnel::SectionShape;
use serde::Deserialize;

use crate::config::{Inspection, Limits, Mission};

#[derive(Deserialize)]
struct Tables {
    inspection: Inspection,
    limits: Limits,
}

/// Returns a mission of ten metres in a straight box.
pub(crate) fn short_mission() -> Mission {
    let tables: Tables = toml::from_str(
        "[inspection]\nstart_m = 1.0\nend_m = 4.0\nstation_every_m = 3.0\npicture_every_m = 2.0\ndwell_s = 0.2\n\
         speed_m_s = 0.7\nreturn_speed_m_s = 0.9\nhot_joint_above_c = 45.0\n\
         [limits]\ntimeout_s = 60.0\nstuck_after_s = 15.0\n",
    )
    .expect("good tables");
    Mission {
        name: "short".to_owned(),
        robot: "go2".to_owned(),
        design: straight_tunnel(SectionShape::Box { width_m: 2.6, height_m: 2.2 }, 10.0),
        inspection: tables.inspection,
        limits: tables.limits,
        model: None,
    }
}

/// Returns the estimate of a robot on the tunnel's axis, its trunk at standing height.
pub(crate) fn standing_at(stamp: Stamp, x_m: f64) -> RobotState {
    RobotState {
        stamp,
        map_from_base: Transform::from_xyz_rpy([x_m, 0.0, 0.31], [0.0; 3]),
        velocity_m_s: Vector3::zeros(),
        angular_velocity_rad_s: Vector3::zeros(),
        contacts: [true; 4],
        position_covariance_m2: Matrix3::zeros(),
        yaw_sigma_rad: 0.0,
    }
}
