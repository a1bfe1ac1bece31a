//! A path through a tunnel with blocks on its floor, and the walk that the follower makes of it, drawn as text:
//!
//! `cargo run -p planner --example plan_path [X Y]...`
//!
//! Each pair is the middle of a block of 0.4 m, in metres; the tunnel runs from -4 to 4 along x and is 2.2 m wide.

#![allow(clippy::print_stdout, reason = "the drawing is what it is for")]

use nalgebra::{Matrix3, Vector3};
use planner::follow::Follower;
use planner::path::PathPlanner;
use robot_interface::fixtures::go2;
use robot_interface::frames::Transform;
use robot_interface::state::RobotState;
use robot_interface::terrain::TerrainGrid;
use robot_interface::time::Stamp;

const SIZE: usize = 160;
const RESOLUTION_M: f64 = 0.05;
const HALF_WIDTH_M: f64 = 1.1;
const HALF_BLOCK_M: f64 = 0.2;
const START_M: [f64; 2] = [-3.0, 0.0];
const GOAL_M: [f64; 2] = [3.0, 0.0];
const SPEED_M_S: f64 = 0.6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<Vec<f64>, _>>()?;
    let blocks = if numbers.is_empty() { vec![-1.2, 0.3, 0.6, -0.4] } else { numbers };
    if !blocks.len().is_multiple_of(2) {
        return Err("give pairs of X and Y".into());
    }
    let grid = ground(&blocks);
    let robot = go2();
    let path = PathPlanner::new(&robot).plan(&grid, START_M, GOAL_M)?;
    let mut follower = Follower::new(&robot);
    follower.set_path(&path);
    let track = walk(&mut follower);

    let mut drawing: Vec<char> =
        grid.traversability.iter().map(|t| if *t < 0.5 { '#' } else { ' ' }).collect();
    for (points, sign) in [(&track, '.'), (&path, 'o')] {
        for [x, y] in points {
            if let Some(cell) = grid.index_of(*x, *y) {
                drawing[cell] = sign;
            }
        }
    }
    println!("# blocked  o corners of the path  . the robot's way\n");
    // Every second cell across and every fourth up, as characters are twice as high as wide.
    for row in drawing.chunks(SIZE).skip(52).take(57).rev().step_by(2) {
        println!("{}", row.iter().collect::<String>());
    }
    let length: f64 = path.windows(2).map(|p| (p[1][0] - p[0][0]).hypot(p[1][1] - p[0][1])).sum();
    println!("\n{length:.2} m, {:.1} s", track.len() as f64 * 0.02);
    Ok(())
}

/// The floor of a tunnel with blocks at `[x, y, x, y, ...]`, m.
fn ground(blocks: &[f64]) -> TerrainGrid {
    let mut grid = TerrainGrid {
        stamp: Stamp::ZERO,
        origin_m: [-4.0, -4.0],
        resolution_m: RESOLUTION_M,
        size: SIZE,
        elevation_m: vec![0.0; SIZE * SIZE],
        traversability: vec![1.0; SIZE * SIZE],
    };
    for cell in 0..SIZE * SIZE {
        let [x, y] = grid.centre_of(cell);
        let on = |block: &[f64]| (x - block[0]).abs() < HALF_BLOCK_M && (y - block[1]).abs() < HALF_BLOCK_M;
        if y.abs() > HALF_WIDTH_M || blocks.chunks_exact(2).any(on) {
            grid.traversability[cell] = 0.0;
        }
    }
    grid
}

/// Walks a body that does exactly as it is told, at 50 Hz and for a minute at most.
fn walk(follower: &mut Follower) -> Vec<[f64; 2]> {
    let [mut x, mut y] = START_M;
    let (mut yaw, mut track) = (0.0f64, Vec::new());
    for step in 0..3000 {
        let state = RobotState {
            stamp: Stamp::from_nanos(step * 20_000_000),
            map_from_base: Transform::from_xyz_rpy([x, y, 0.31], [0.0, 0.0, yaw]),
            velocity_m_s: Vector3::zeros(),
            angular_velocity_rad_s: Vector3::zeros(),
            contacts: [true; 4],
            position_covariance_m2: Matrix3::zeros(),
            yaw_sigma_rad: 0.0,
        };
        if follower.arrived(&state) {
            break;
        }
        let command = follower.command(&state, SPEED_M_S);
        let (sin, cos) = yaw.sin_cos();
        x += 0.02 * (cos * command.vx_m_s - sin * command.vy_m_s);
        y += 0.02 * (sin * command.vx_m_s + cos * command.vy_m_s);
        yaw += 0.02 * command.wz_rad_s;
        track.push([x, y]);
    }
    track
}
