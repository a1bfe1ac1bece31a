//! A tunnel's axis: straights and circular arcs in plan, each with a grade.

use super::error::DesignError;

/// One stretch of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Horizontal length, m.
    pub length_m: f64,
    /// Curvature in plan, 1/m: 0 straight, positive to the left.
    pub curvature_per_m: f64,
    /// Rise over run.
    pub grade: f64,
}

/// A place on the axis, at floor level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisPose {
    /// x in `map`, m.
    pub x_m: f64,
    /// y in `map`, m.
    pub y_m: f64,
    /// Height of the design floor in `map`, m.
    pub z_m: f64,
    /// Direction of the axis in plan, rad, counter-clockwise from x.
    pub heading_rad: f64,
    /// Rise over run.
    pub grade: f64,
}

/// The whole axis. It starts at the origin of `map` along x; beyond its ends it goes on straight.
#[derive(Clone, Debug, PartialEq)]
pub struct Alignment {
    segments: Vec<Segment>,
    /// Chainage and pose at the start of each segment, and at the end of the last: `segments.len() + 1`.
    knots: Vec<(f64, AxisPose)>,
}

impl Alignment {
    /// An axis of these stretches, in order from the portal.
    ///
    /// # Errors
    /// When there is none, or one curves or climbs more than a tunnel does.
    pub fn new(segments: Vec<Segment>) -> Result<Self, DesignError> {
        if segments.is_empty() {
            return Err(DesignError::NoSegments);
        }
        let start = AxisPose { x_m: 0.0, y_m: 0.0, z_m: 0.0, heading_rad: 0.0, grade: segments[0].grade };
        let mut knots = vec![(0.0, start)];
        let (mut s, mut pose) = (0.0, start);
        for segment in &segments {
            if segment.curvature_per_m.abs() > 1.0 / 8.0 {
                return Err(DesignError::Radius(1.0 / segment.curvature_per_m.abs()));
            }
            if segment.grade.abs() > 0.2 {
                return Err(DesignError::Grade(segment.grade * 100.0));
            }
            pose = advance(pose, segment, segment.length_m);
            s += segment.length_m;
            knots.push((s, pose));
        }
        Ok(Self { segments, knots })
    }

    /// Length, m.
    pub fn length_m(&self) -> f64 {
        self.knots[self.segments.len()].0
    }

    /// Pose of the axis at a chainage in metres.
    pub fn pose_at(&self, chainage_m: f64) -> AxisPose {
        let last = self.segments.len();
        if chainage_m <= 0.0 {
            return advance(self.knots[0].1, &straight(self.segments[0].grade), chainage_m);
        }
        if chainage_m >= self.length_m() {
            let over = chainage_m - self.length_m();
            return advance(self.knots[last].1, &straight(self.segments[last - 1].grade), over);
        }
        let i = self.knots.partition_point(|(s, _)| *s <= chainage_m) - 1;
        advance(self.knots[i].1, &self.segments[i], chainage_m - self.knots[i].0)
    }

    /// Chainage and distance to the left of the nearest point of the axis, m.
    pub fn closest(&self, x_m: f64, y_m: f64) -> (f64, f64) {
        let last = self.segments.len() - 1;
        let mut best = (0.0, f64::INFINITY);
        for (i, segment) in self.segments.iter().enumerate() {
            let (s0, pose) = self.knots[i];
            let (mut along, left) = local(pose, segment.curvature_per_m, x_m, y_m);
            // Only the ends of the whole axis go on beyond themselves, straight.
            let mut candidate = left;
            if along < 0.0 {
                (along, candidate) = local(pose, 0.0, x_m, y_m);
                if i > 0 && along < -1e-9 {
                    continue;
                }
            } else if along > segment.length_m {
                let (over, left) = local(self.knots[i + 1].1, 0.0, x_m, y_m);
                if i < last && over > 1e-9 {
                    continue;
                }
                (along, candidate) = (segment.length_m + over, left);
            }
            if candidate.abs() < best.1.abs() {
                best = (s0 + along, candidate);
            }
        }
        best
    }
}

fn straight(grade: f64) -> Segment {
    Segment { length_m: 0.0, curvature_per_m: 0.0, grade }
}

fn advance(from: AxisPose, segment: &Segment, length_m: f64) -> AxisPose {
    let turn = segment.curvature_per_m * length_m;
    // Chord of an arc; sinc keeps it exact for straights.
    let sinc = if turn.abs() < 1e-9 { 1.0 } else { (turn / 2.0).sin() / (turn / 2.0) };
    let chord = length_m * sinc;
    let direction = from.heading_rad + turn / 2.0;
    AxisPose {
        x_m: from.x_m + chord * direction.cos(),
        y_m: from.y_m + chord * direction.sin(),
        z_m: from.z_m + segment.grade * length_m,
        heading_rad: from.heading_rad + turn,
        grade: segment.grade,
    }
}

/// Arc length and left offset of a point relative to a curve that starts at `pose`.
fn local(pose: AxisPose, curvature: f64, x_m: f64, y_m: f64) -> (f64, f64) {
    let (sin, cos) = pose.heading_rad.sin_cos();
    let (dx, dy) = (x_m - pose.x_m, y_m - pose.y_m);
    let (ahead, left) = (cos * dx + sin * dy, -sin * dx + cos * dy);
    if curvature.abs() < 1e-9 {
        return (ahead, left);
    }
    // The centre lies 1/curvature to the left; mirror a right-hand curve onto a left-hand one.
    let (radius, mirror) = (1.0 / curvature.abs(), curvature.signum());
    let from_centre = (ahead, mirror * left - radius);
    let turned = from_centre.0.atan2(-from_centre.1);
    (turned * radius, mirror * (radius - from_centre.0.hypot(from_centre.1)))
}
