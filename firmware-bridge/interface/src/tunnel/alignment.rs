//! A tunnel's axis: straights and circular arcs in plan, each with a grade.

use super::error::DesignError;

/// Tightest curve, m. Half of the widest section is less.
pub(super) const MIN_RADIUS_M: f64 = 8.0;
/// Flattest curve, m: over any tunnel it leaves a straight by less than what can be measured.
const MAX_RADIUS_M: f64 = 1e6;
/// Shortest stretch, m.
const MIN_LENGTH_M: f64 = 0.01;
/// Longest axis, m: half as long again as the longest tunnel there is.
const MAX_LENGTH_M: f64 = 200_000.0;

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
    /// When there is none, or one is as long, curves or climbs as no tunnel does.
    pub fn new(segments: Vec<Segment>) -> Result<Self, DesignError> {
        if segments.is_empty() {
            return Err(DesignError::NoSegments);
        }
        let start = AxisPose { x_m: 0.0, y_m: 0.0, z_m: 0.0, heading_rad: 0.0, grade: segments[0].grade };
        let mut knots = vec![(0.0, start)];
        let (mut s, mut pose) = (0.0, start);
        for (stretch, segment) in segments.iter().enumerate() {
            let radius_m = 1.0 / segment.curvature_per_m.abs();
            if segment.curvature_per_m != 0.0 && !(MIN_RADIUS_M..=MAX_RADIUS_M).contains(&radius_m) {
                return Err(DesignError::Radius { stretch, value_m: radius_m });
            }
            // Within the last bits of a grade that was given in percent.
            if segment.grade.is_nan() || segment.grade.abs() > 0.2 + 1e-12 {
                return Err(DesignError::Grade { stretch, value: segment.grade * 100.0 });
            }
            pose = advance(pose, segment, segment.length_m);
            s += segment.length_m;
            if !(MIN_LENGTH_M..=MAX_LENGTH_M).contains(&segment.length_m) || s > MAX_LENGTH_M {
                return Err(DesignError::Length { stretch, value_m: segment.length_m });
            }
            knots.push((s, pose));
        }
        Ok(Self { segments, knots })
    }

    /// Length, m.
    pub fn length_m(&self) -> f64 {
        self.knots[self.segments.len()].0
    }

    /// Place of the stretch that a chainage lies in, from 0; the nearest one beyond the ends.
    pub(super) fn stretch_at(&self, chainage_m: f64) -> usize {
        self.knots.partition_point(|(s, _)| *s <= chainage_m).clamp(1, self.segments.len()) - 1
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
        let i = self.stretch_at(chainage_m);
        advance(self.knots[i].1, &self.segments[i], chainage_m - self.knots[i].0)
    }

    /// Chainage and distance to the left of the nearest point of the axis, m.
    pub fn closest(&self, x_m: f64, y_m: f64) -> (f64, f64) {
        let last = self.segments.len() - 1;
        let (mut best, mut least) = ((0.0, f64::INFINITY), f64::INFINITY);
        for (i, segment) in self.segments.iter().enumerate() {
            let (s0, pose) = self.knots[i];
            let (mut along, left) = local(pose, segment.curvature_per_m, x_m, y_m);
            along = past_half_a_turn(along, segment);
            // Only the ends of the whole axis go on beyond themselves, straight. What lies beyond an end is as far away
            // as that end, so that the line that goes on never takes places from another stretch that it meets.
            let (mut candidate, mut beyond) = (left, 0.0);
            if along < 0.0 {
                (along, candidate) = local(pose, 0.0, x_m, y_m);
                if i > 0 && along < -1e-9 {
                    continue;
                }
                beyond = -along;
            } else if along > segment.length_m {
                let (over, left) = local(self.knots[i + 1].1, 0.0, x_m, y_m);
                if i < last && over > 1e-9 {
                    continue;
                }
                (along, candidate, beyond) = (segment.length_m + over, left, over);
            }
            let distance = if beyond > 1e-9 { candidate.hypot(beyond) } else { candidate.abs() };
            if distance < least {
                (best, least) = ((s0 + along, candidate), distance);
            }
        }
        best
    }
}

/// Arc length of a point on a curve of more than half a turn: [`local`] counts it from minus half a turn.
fn past_half_a_turn(along: f64, segment: &Segment) -> f64 {
    let turn_m = std::f64::consts::TAU / segment.curvature_per_m.abs();
    let is_long = segment.length_m > turn_m / 2.0;
    // Of the gap between its end and its start, the half next to the end lies beyond the end.
    if is_long && along < 0.0 && along + turn_m - segment.length_m < -along { along + turn_m } else { along }
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
