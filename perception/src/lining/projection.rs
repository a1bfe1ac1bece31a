//! Projection of pictures onto the designed lining, by raycasting from the estimated pose.

use nalgebra::{Point3, Vector3};
use robot_interface::frames::{Camera, Map, Point, Transform};
use robot_interface::sensors::Intrinsics;
use robot_interface::tunnel::{LiningPoint, TunnelDesign};

/// Pixels between two rays of the projection; between them it is interpolated.
const RAY_STEP: u32 = 16;
/// Furthest lining that a picture is used for, m.
const REACH_M: f64 = 6.0;

/// Projection of a picture's pixels onto the lining: rays on a grid, interpolated between.
pub(super) struct Projection {
    columns: u32,
    /// `[chainage, arc]`, m, at pixel `RAY_STEP * [i, j]`; `None` where the ray leaves the tunnel.
    nodes: Vec<Option<Node>>,
}

#[derive(Clone, Copy)]
struct Node {
    place: [f64; 2],
    /// Size of a pixel across the line of sight and along the lining, geometric mean, mm.
    mm: f64,
}

impl Projection {
    /// `None` when nothing of the lining is in view.
    pub(super) fn new(
        design: &TunnelDesign,
        lens: &Intrinsics,
        map_from_camera: &Transform<Map, Camera>,
    ) -> Option<Self> {
        let columns = lens.width.div_ceil(RAY_STEP) + 1;
        let rows = lens.height.div_ceil(RAY_STEP) + 1;
        let eye = Point::from_coords(map_from_camera.origin());
        let rotation = map_from_camera.rotation();
        let mut nodes = Vec::with_capacity((columns * rows) as usize);
        for j in 0..rows {
            for i in 0..columns {
                let ahead = lens.ray(f64::from(i * RAY_STEP), f64::from(j * RAY_STEP));
                nodes.push(cast(design, lens, eye, rotation * ahead));
            }
        }
        nodes.iter().any(Option::is_some).then_some(Self { columns, nodes })
    }

    /// Chainages between which all of it lies, m.
    pub(super) fn chainages_m(&self) -> Option<[f64; 2]> {
        let each = self.nodes.iter().flatten().map(|node| [node.place[0]; 2]);
        each.reduce(|a, b| [a[0].min(b[0]), a[1].max(b[1])])
    }

    /// Place and pixel size (mm) at the middle of a pixel.
    pub(super) fn at(&self, u: u32, v: u32) -> Option<([f64; 2], f64)> {
        let (i, j) = (u / RAY_STEP, v / RAY_STEP);
        let at = (j * self.columns + i) as usize;
        let next = at + self.columns as usize;
        let [a, b] = [self.nodes[at]?, self.nodes[at + 1]?];
        let [c, d] = [self.nodes[next]?, self.nodes[next + 1]?];
        let part = |p: u32| (f64::from(p % RAY_STEP) + 0.5) / f64::from(RAY_STEP);
        let (s, t) = (part(u), part(v));
        let blend = |a: f64, b: f64, c: f64, d: f64| {
            (1.0 - t) * ((1.0 - s) * a + s * b) + t * ((1.0 - s) * c + s * d)
        };
        let axis = |k: usize| blend(a.place[k], b.place[k], c.place[k], d.place[k]);
        Some(([axis(0), axis(1)], blend(a.mm, b.mm, c.mm, d.mm)))
    }
}

/// Point and pixel size at which a line of sight meets the lining; `None` on the floor and beyond [`REACH_M`].
fn cast(design: &TunnelDesign, lens: &Intrinsics, eye: Point<Map>, ahead: Vector3<f64>) -> Option<Node> {
    let direction = ahead.normalize();
    let distance_m = design.raycast(eye, direction, REACH_M)?;
    let hit = Point::from_coords(Point3::from(eye.coords.coords + direction * distance_m));
    let tunnel = design.to_tunnel(hit);
    let angle = design.section.angle_of(tunnel.left_m, tunnel.up_m);
    // Below the lining's foot is floor.
    if angle.abs() > design.section.floor_angle_rad() {
        return None;
    }
    let place = design.to_lining(tunnel);
    let [left, up] = design.section.inward_normal_at(angle);
    let (sin, cos) = design.alignment.pose_at(tunnel.chainage_m).heading_rad.sin_cos();
    let normal = Vector3::new(-sin * left, cos * left, up);
    let cosine = direction.dot(&normal).abs().max(0.05);
    let mm = 1e3 * distance_m / lens.focal_px / cosine.sqrt();
    Some(Node { place: [place.chainage_m, place.arc_m], mm })
}

/// Returns the point of the lining along a line of sight, for something that is seen as a single spot.
pub(crate) fn raycast_lining(
    design: &TunnelDesign,
    eye: Point<Map>,
    ahead: Vector3<f64>,
) -> Option<LiningPoint> {
    let distance_m = design.raycast(eye, ahead.normalize(), REACH_M)?;
    let hit = Point::from_coords(Point3::from(eye.coords.coords + ahead.normalize() * distance_m));
    Some(design.to_lining(design.to_tunnel(hit)))
}
