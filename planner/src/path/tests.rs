use robot_interface::fixtures::go2;
use robot_interface::time::Stamp;

use super::*;

/// 8 x 8 m, free but for what `blocked` says of a point `[x, y]`.
fn grid(blocked: impl Fn(f64, f64) -> bool) -> TerrainGrid {
    let size = 160;
    let mut grid = TerrainGrid {
        stamp: Stamp::ZERO,
        origin_m: [-4.0, -4.0],
        resolution_m: 0.05,
        size,
        elevation_m: vec![0.0; size * size],
        traversability: vec![1.0; size * size],
    };
    for i in 0..size * size {
        let [x, y] = grid.centre_of(i);
        if blocked(x, y) {
            grid.traversability[i] = 0.0;
        }
    }
    grid
}

/// A wall across the way with a gap of `width` at y = 1.
fn gap(width: f64) -> TerrainGrid {
    grid(move |x, y| (0.9..1.1).contains(&x) && (y - 1.0).abs() > width / 2.0)
}

#[test]
fn a_free_way_is_straight() {
    let path = PathPlanner::new(&go2()).plan(&grid(|_, _| false), [-1.0, 0.0], [2.0, 0.3]).expect("free");
    assert_eq!(path, [[-1.0, 0.0], [2.0, 0.3]]);
}

#[test]
fn it_goes_round_what_stands_in_the_way() {
    let mut planner = PathPlanner::new(&go2());
    let grid = grid(|x, y| (0.4..0.7).contains(&x) && (-0.2..0.15).contains(&y));
    let path = planner.plan(&grid, [-1.0, 0.0], [2.5, 0.0]).expect("round it");
    for pair in path.windows(2) {
        for k in 0..=100 {
            let t = f64::from(k) / 100.0;
            let p = [0, 1].map(|i| pair[0][i] + t * (pair[1][i] - pair[0][i]));
            let outside = [(0.4 - p[0]).max(p[0] - 0.7).max(0.0), (-0.2 - p[1]).max(p[1] - 0.15).max(0.0)];
            let clearance = outside[0].hypot(outside[1]);
            assert!(clearance > planner.radius_m - 0.06, "{clearance} m at {p:?}");
        }
    }
    assert_eq!(path, planner.plan(&grid, [-1.0, 0.0], [2.5, 0.0]).expect("again"), "always the same");
}

#[test]
fn a_gap_is_taken_only_if_the_robot_fits() {
    let mut planner = PathPlanner::new(&go2());
    let path = planner.plan(&gap(0.7), [0.0, 0.0], [2.5, 0.0]).expect("0.7 m is enough");
    assert!(path.iter().any(|p| (p[1] - 1.0).abs() < 0.3));
    assert_eq!(planner.plan(&gap(0.45), [0.0, 0.0], [2.5, 0.0]), Err(NoPath::Closed));
}

#[test]
fn blocked_ends_are_moved_or_named() {
    let mut planner = PathPlanner::new(&go2());
    let rock = grid(|x, y| (x - 2.0).hypot(y) < 0.3);
    let path = planner.plan(&rock, [0.0, 0.0], [2.0, 0.0]).expect("beside the rock");
    let end = path.last().expect("not empty");
    assert!(((end[0] - 2.0).hypot(end[1]) - 0.3 - planner.radius_m).abs() < 0.1, "{end:?}");
    let all = grid(|x, _| x > 1.0);
    assert_eq!(planner.plan(&all, [0.0, 0.0], [3.5, 0.0]), Err(NoPath::GoalBlocked));
    assert_eq!(planner.plan(&grid(|_, _| true), [0.0, 0.0], [1.0, 0.0]), Err(NoPath::StartBlocked));
    assert_eq!(planner.plan(&all, [f64::NAN, 0.0], [1.0, 0.0]), Err(NoPath::OffMap));
}

#[test]
fn unseen_ground_is_walked_only_if_it_saves_much() {
    let mut planner = PathPlanner::new(&go2());
    let mut half_seen = grid(|_, _| false);
    for i in 0..half_seen.traversability.len() {
        let [x, y] = half_seen.centre_of(i);
        if (0.0..1.0).contains(&x) && y < 0.4 {
            half_seen.traversability[i] = f32::NAN;
        }
    }
    let path = planner.plan(&half_seen, [-1.0, 0.2], [2.0, 0.2]).expect("free");
    assert!(path.iter().any(|p| p[1] > 0.38), "round the unseen: {path:?}");
}

/// Two ways round a box are equally good; noise in the map once made the robot change its mind ten times a
/// second, and so walk straight at the box.
#[test]
fn it_does_not_change_its_mind_for_little() {
    let mut planner = PathPlanner::new(&go2());
    let boxed = |shift: f64| grid(move |x, y| (0.4..0.7).contains(&x) && (y - shift).abs() < 0.4);
    let side = |path: Vec<[f64; 2]>| {
        path.iter().map(|p| p[1]).fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a })
    };
    let first = side(planner.plan(&boxed(-0.03), [-1.0, 0.0], [2.5, 0.0]).expect("round it"));
    assert!(first > 0.6, "{first}");
    for k in 1..10 {
        let shift = if k % 2 == 0 { -0.03 } else { 0.03 };
        let x = -1.0 + 0.06 * f64::from(k);
        let path = planner.plan(&boxed(shift), [x, 0.0], [2.5, 0.0]).expect("round it");
        assert!(side(path) > 0.6, "flipped at replan {k}");
        let fresh = PathPlanner::new(&go2()).plan(&boxed(shift), [x, 0.0], [2.5, 0.0]).expect("round it");
        assert_eq!(side(fresh) > 0.0, k % 2 == 0, "the noise is enough to flip one without memory");
    }
    let path = planner.plan(&boxed(0.6), [-0.5, 0.0], [2.5, 0.0]).expect("round it");
    assert!(side(path) < 0.1, "a clearly better way is taken");
    let home = planner.plan(&boxed(0.0), [-0.5, 0.0], [-2.5, 0.0]).expect("free");
    assert_eq!(home, [[-0.5, 0.0], [-2.5, 0.0]], "the way home is not led by the way out");
}

#[test]
fn a_goal_shut_in_is_approached() {
    let mut planner = PathPlanner::new(&go2());
    let shut = grid(|x, y| {
        let r = (x - 2.0).hypot(y);
        (0.45..0.6).contains(&r)
    });
    let path = planner.plan(&shut, [-1.0, 0.0], [2.0, 0.0]).expect("up to its wall");
    let end = path.last().expect("not empty");
    assert!(((end[0] - 2.0).hypot(end[1]) - 0.6 - planner.radius_m).abs() < 0.1, "{end:?}");
}

#[test]
fn a_start_amid_something_is_left_by_the_nearest_way() {
    let mut planner = PathPlanner::new(&go2());
    let grid = grid(|x, y| (x + 1.0).hypot(y - 0.25) < 0.1);
    let path = planner.plan(&grid, [-1.0, 0.0], [2.0, 0.0]).expect("out of it");
    let clear = path.iter().all(|p| (p[0] + 1.0).hypot(p[1] - 0.25) > 0.1 + planner.radius_m - 0.06);
    assert!(clear && path[0][1] < 0.0, "{path:?}");
}

#[test]
fn it_keeps_to_the_middle_of_a_corridor() {
    let mut planner = PathPlanner::new(&go2());
    let path = planner.plan(&grid(|_, y| !(-0.6..1.4).contains(&y)), [-3.0, -0.2], [3.0, 0.4]).expect("free");
    let middle = path.windows(2).find_map(|pair| {
        let t = -pair[0][0] / (pair[1][0] - pair[0][0]);
        (0.0..=1.0).contains(&t).then(|| pair[0][1] + t * (pair[1][1] - pair[0][1]))
    });
    assert!(middle.is_some_and(|y| (y - 0.4).abs() < 0.2), "{path:?}");
}

#[test]
fn nonsense_is_named() {
    let mut planner = PathPlanner::new(&go2());
    let free = grid(|_, _| false);
    assert_eq!(planner.plan(&free, [0.0, 0.0], [f64::NAN, 0.0]), Err(NoPath::NoGoal));
    let short = TerrainGrid { traversability: vec![1.0; 7], ..free.clone() };
    assert_eq!(planner.plan(&short, [0.0, 0.0], [1.0, 0.0]), Err(NoPath::BadMap));
    let flat = TerrainGrid { resolution_m: 0.0, ..free };
    assert_eq!(planner.plan(&flat, [0.0, 0.0], [1.0, 0.0]), Err(NoPath::BadMap));
    let empty = TerrainGrid { size: 0, traversability: vec![], ..flat };
    assert_eq!(planner.plan(&empty, [0.0, 0.0], [1.0, 0.0]), Err(NoPath::BadMap));
}

/// A diagonal step past the corner of something blocked counted as infinitely dear when corners were left out, and
/// then so did the whole way behind it: any straight line was no dearer, and the path led through the stone.
#[test]
fn a_step_past_a_corner_does_not_straighten_the_way_through_a_stone() {
    let stones = [(0.0, 0.635_357_510_270_651_2, 0.239_996_598_293_337_9), (0.470_792, 1.656_326, 0.245_407)];
    let near =
        |x: f64, y: f64| stones.iter().map(move |(sx, sy, r): &(f64, f64, f64)| (x - sx).hypot(y - sy) - r);
    let ground = grid(|x, y| near(x, y).any(|clear| clear < 0.0) && x.hypot(y) > 0.4);
    let mut planner = PathPlanner::new(&go2());
    let path = planner.plan(&ground, [0.0, 0.0], [0.346_463, 1.219_150]).expect("round it");
    for pair in path.windows(2) {
        for k in 0..=100 {
            let t = f64::from(k) / 100.0;
            let [x, y] = [0, 1].map(|i| pair[0][i] + t * (pair[1][i] - pair[0][i]));
            assert!(near(x, y).all(|clear| clear > planner.radius_m - 0.13), "through a stone: {path:?}");
        }
    }
}

proptest::proptest! {
    /// Whatever the ground: a path ends where it should, and no part of it comes nearer a stone than its clearance
    /// less what the grid rounds off: half a cell's diagonal for the stone, the line and the ends, and the
    /// chamfer distance's 8 %.
    #[test]
    fn a_path_is_clear_of_blocks(
        stones in proptest::collection::vec((-3.5f64..3.5, -3.5f64..3.5, 0.1f64..0.4), 0..12),
        goal in (-3.0f64..3.0, -3.0f64..3.0),
    ) {
        let mut planner = PathPlanner::new(&go2());
        let near = |x: f64, y: f64| stones.iter().map(|(sx, sy, r)| (x - sx).hypot(y - sy) - r).fold(9.0, f64::min);
        let ground = grid(|x, y| near(x, y) < 0.0 && x.hypot(y) > 0.4);
        if let Ok(path) = planner.plan(&ground, [0.0, 0.0], [goal.0, goal.1]) {
            let end = path[path.len() - 1];
            proptest::prop_assert!((end[0] - goal.0).hypot(end[1] - goal.1) <= GOAL_REACH_M + 0.05);
            for pair in path.windows(2) {
                for k in 0..=40 {
                    let t = f64::from(k) / 40.0;
                    let p = [0, 1].map(|i| pair[0][i] + t * (pair[1][i] - pair[0][i]));
                    let clear = p[0].hypot(p[1]) < 0.8 || near(p[0], p[1]) > planner.radius_m - 0.13;
                    proptest::prop_assert!(clear, "{} m at {p:?}", near(p[0], p[1]));
                }
            }
        }
    }
}
