//! Inputs that several tests share.

use robot_interface::tunnel::{Alignment, Section, SectionShape, Segment, TunnelDesign};
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
    let segment = Segment { length_m: 10.0, curvature_per_m: 0.0, grade: 0.0 };
    Mission {
        name: "short".to_owned(),
        robot: "go2".to_owned(),
        design: TunnelDesign {
            alignment: Alignment::new(vec![segment]).expect("a line"),
            section: Section::new(SectionShape::Box { width_m: 2.6, height_m: 2.2 }).expect("a box"),
        },
        inspection: tables.inspection,
        limits: tables.limits,
    }
}
